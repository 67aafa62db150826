//! Steers one turn, and interrupts another.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Outcome, Stage, words};
use openai_codex::{Codex, Notification};

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([])?;
    let long = "I am going to think about this for quite a while, step by step, before I answer.";
    stage.answer("Is this a good design?", words(long));
    stage.answer("Please be brief.", words("Short: yes."));
    stage.answer("Count to a million.", words(long));
    stage.answer("Are you still there?", words("Of course."));
    let codex = Codex::start_with(stage.config()).await?;
    let thread = codex.thread_start().await?;

    let mut turn = thread.turn("Is this a good design?").await?;
    // The agent is at work when the first words come.
    while let Some(event) = turn.next().await {
        if matches!(event?, Notification::ItemAgentMessageDelta(_)) {
            break;
        }
    }
    let steered = turn.steer("Please be brief.").await;
    println!(
        "steer.result: {}",
        if steered.is_ok() { "sent" } else { "too late" }
    );
    let result = turn.run().await?;
    println!("steer.final.status: {}", result.status);
    println!("steer.final.text: {}", result.text());

    let turn = thread.turn("Count to a million.").await?;
    // Right after the start is fine: it takes hold as soon as the turn runs.
    let control = turn.control();
    let stopper = tokio::spawn(async move { control.interrupt().await });
    let result = turn.run().await?;
    stopper.await??;
    println!("interrupt.result: sent");
    println!("interrupt.final.status: {}", result.status);

    println!(
        "after: {}",
        thread.run("Are you still there?").await?.text()
    );
    codex.close().await?;
    Ok(())
}
