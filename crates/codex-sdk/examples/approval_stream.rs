//! A person decides: each question is kept, shown, and answered when there is an answer.
//!
//! ```text
//! cargo run --example approval_stream
//! ```

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use std::io::{IsTerminal as _, stdin};
use std::time::Duration;

use common::{Answer, Outcome, Stage, words};
use openai_codex::approval::{Approvals, Decision, Subject};
use openai_codex::{ApprovalMode, Codex, Sandbox};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// What the user types. A thread reads it, which holds up neither the async threads nor the end of the program.
fn typed() -> UnboundedReceiver<String> {
    let (lines, typed) = unbounded_channel();
    std::thread::spawn(move || {
        for line in stdin().lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
    });
    typed
}

/// Asks at the terminal, until the client ends. What nobody answers in time is declined.
async fn ask(mut approvals: Approvals) {
    let mut typed = typed();
    while let Some(pending) = approvals.next().await {
        let Subject::Command(command) = &pending.approval().subject else {
            continue; // dropped, and so declined
        };
        // What was typed before the question is no answer to it.
        while stdin().is_terminal() && typed.try_recv().is_ok() {}
        println!(
            "May it run {}? [y]es, for the [s]ession, [n]o, [x] stop",
            command.line()
        );
        let line = tokio::select! {
            line = timeout(Duration::from_secs(30), typed.recv()) => line.ok().flatten(),
            // Another client has answered, or the turn is over.
            () = pending.resolved() => continue,
        };
        let decision = match line.as_deref().map(str::trim) {
            Some("y") => Decision::Accept,
            Some("s") => Decision::AcceptForSession,
            Some("x") => Decision::Cancel,
            _ => Decision::Decline,
        };
        println!("approval.decision: {decision:?}");
        let _ = pending.answer(decision).await; // too late, where it fails
    }
}

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([
        Answer::exec_command("echo one").escalated("May I say something?"),
        Answer::exec_command("echo two > two.txt").escalated("May I write something?"),
        words("That is what you have decided."),
    ])?;
    let codex = Codex::start_with(stage.config()).await?;
    tokio::spawn(ask(codex.approvals()?));

    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::UserReview)
        .sandbox(Sandbox::ReadOnly)
        .await?;
    let result = thread.run("Say something, then write something.").await?;
    println!("Text: {}", result.text());

    codex.close().await?;
    Ok(())
}
