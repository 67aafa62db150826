//! A person decides: each question is kept, shown, and answered when there is an answer.
//!
//! ```text
//! cargo run --example approval_stream
//! ```

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Answer, Outcome, Stage, words};
use openai_codex::approval::{Approvals, Decision, Subject};
use openai_codex::{ApprovalMode, Codex, Sandbox};
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};

/// Asks at the terminal, until the client ends. What nobody answers is declined.
async fn ask(mut approvals: Approvals) -> std::io::Result<()> {
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(pending) = approvals.next().await {
        let Subject::Command(command) = &pending.approval().subject else {
            continue; // dropped, and so declined
        };
        println!(
            "May it run {}? [y]es, for the [s]ession, [n]o, [x] stop",
            command.line()
        );
        let decision = tokio::select! {
            line = lines.next_line() => match line?.as_deref().map(str::trim) {
                Some("y") => Decision::Accept,
                Some("s") => Decision::AcceptForSession,
                Some("x") => Decision::Cancel,
                _ => Decision::Decline,
            },
            // Another client has answered, or the turn is over.
            () = pending.resolved() => continue,
        };
        println!("approval.decision: {decision:?}");
        if pending.answer(decision).await.is_err() {
            break;
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([
        Answer::exec_command("echo one").escalated("May I say something?"),
        Answer::exec_command("echo two > two.txt").escalated("May I write something?"),
        words("That is what you have decided."),
    ])?;
    let codex = Codex::start_with(stage.config()).await?;
    let asking = tokio::spawn(ask(codex.approvals()?));

    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::UserReview)
        .sandbox(Sandbox::ReadOnly)
        .await?;
    let result = thread.run("Say something, then write something.").await?;
    println!("Text: {}", result.text());

    codex.close().await?;
    asking.abort();
    Ok(())
}
