//! A rule decides what the agent may do beyond its sandbox; `approval_stream` asks a person.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use std::path::Path;

use common::{Answer, Outcome, Stage, words};
use openai_codex::approval::{Approval, Decision, Subject};
use openai_codex::types::ThreadItem;
use openai_codex::{ApprovalMode, Codex, Sandbox};

/// What may be done without asking anybody.
///
/// `argv` is there only for one simple command. For those that are not harmless everywhere, compare `cwd()` too.
fn is_harmless(subject: &Subject) -> bool {
    let allowed = [&["git", "status"][..], &["echo", "harmless"]];
    match subject {
        Subject::Command(command) => command.argv().is_some_and(|argv| allowed.contains(&argv)),
        _ => false,
    }
}

/// Describes what the agent wants to do.
fn describe(subject: &Subject) -> String {
    match subject {
        Subject::Command(command) => {
            let folder = command.cwd().unwrap_or(Path::new("an unknown folder"));
            format!("run {} in {}", command.line(), folder.display())
        }
        Subject::FileChange(change) => {
            let files = change.changes().iter().map(|file| file.path.as_str());
            format!("change {}", files.collect::<Vec<_>>().join(", "))
        }
        Subject::Permissions(permissions) => format!("have {:?}", permissions.raw().permissions),
        _ => "do something that this program does not know".into(),
    }
}

/// Decides about one question. It runs on a task of its own and may take its time; if it panics, the
/// answer is no.
async fn decide(ask: Approval) -> Decision {
    let reason = ask.reason.as_deref().unwrap_or("no reason given");
    println!("approval.request: {} ({reason})", describe(&ask.subject));
    let decision = if is_harmless(&ask.subject) {
        Decision::Accept
    } else {
        Decision::Decline
    };
    println!("approval.decision: {decision:?}");
    decision
}

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([
        Answer::exec_command("echo harmless").escalated("May I say something?"),
        Answer::exec_command("echo strange > strange.txt").escalated("May I write something?"),
        words("One command was allowed, the other one was not."),
    ])?;
    let codex = Codex::start_with(stage.config().on_approval(decide)).await?;

    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::UserReview)
        .sandbox(Sandbox::ReadOnly)
        .await?;

    let result = thread.run("Say something, then write something.").await?;
    for item in &result.items {
        if let ThreadItem::CommandExecution(command) = item {
            println!("command.status: {} {}", command.status, command.command);
        }
    }
    println!("Text: {}", result.text());

    codex.close().await?;
    Ok(())
}
