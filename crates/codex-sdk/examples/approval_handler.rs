//! The user decides what the agent may do beyond its sandbox.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use std::io::IsTerminal;

use common::{Answer, Outcome, Stage, words};
use openai_codex::types::{
    ApprovalsReviewer, AskForApproval, CommandExecutionApprovalDecision as Decision,
    CommandExecutionApprovalKind, CommandExecutionRequestApprovalParams,
    CommandExecutionRequestApprovalResponse, SandboxMode, ThreadItem, ThreadStartParams,
};
use openai_codex::{Codex, ResponseError, Thread};

/// What may be done without asking anybody.
///
/// What the runtime asks for is a line for a shell, such as `/bin/bash -lc 'git status'`. Only whole
/// scripts are compared: a script that begins with or contains something harmless may go on with
/// anything. These are harmless in any folder; for others, compare `cwd` too.
fn is_harmless(request: &CommandExecutionRequestApprovalParams) -> bool {
    let line = request.command.as_deref().unwrap_or_default();
    let Some((shell, script)) = line.split_once(" -lc ") else {
        return false;
    };
    let known_shell = [
        "/bin/bash",
        "/bin/sh",
        "/bin/zsh",
        "/usr/bin/bash",
        "/usr/bin/zsh",
    ];
    let known_script = ["'git status'", "'echo harmless'"];
    request.kind == CommandExecutionApprovalKind::Command
        && known_shell.contains(&shell)
        && known_script.contains(&script)
}

/// Asks the user at the terminal; without one the answer is no.
async fn ask_user(question: String) -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    println!("{question} [y/N]");
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    });
    matches!(answer.await, Ok(Ok(line)) if line.trim().eq_ignore_ascii_case("y"))
}

/// Decides about one command. It runs on a task of its own and may take its time; if it panics or
/// fails, the command is declined.
async fn decide(
    request: CommandExecutionRequestApprovalParams,
) -> Result<CommandExecutionRequestApprovalResponse, ResponseError> {
    let harmless = is_harmless(&request);
    let command = request.command.unwrap_or_default();
    let reason = request.reason.unwrap_or_default();
    let folder = request.cwd.as_deref().unwrap_or("an unknown folder");
    println!("approval.request: {command} in {folder} ({reason})");
    let accepted = harmless || ask_user(format!("Run {command} in {folder}?")).await;
    let decision = if accepted {
        Decision::Accept
    } else {
        Decision::Decline
    };
    println!(
        "approval.decision: {}",
        if accepted { "accept" } else { "decline" }
    );
    Ok(CommandExecutionRequestApprovalResponse::new(decision))
}

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([
        Answer::exec_command("echo harmless").escalated("May I say something?"),
        Answer::exec_command("echo strange > strange.txt").escalated("May I write something?"),
        words("One command was allowed; the other one is for you to decide."),
    ])?;
    let codex = Codex::start_with(stage.config().on_request(decide)).await?;

    // No builder offers this: the reviewer of the other examples is a model, here it is you.
    let params = ThreadStartParams::default()
        .approval_policy(AskForApproval::OnRequest)
        .approvals_reviewer(ApprovalsReviewer::User)
        .sandbox(SandboxMode::ReadOnly);
    let thread = Thread::attach(&codex, codex.request(params).await?);

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
