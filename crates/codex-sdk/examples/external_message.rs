//! A message from a tool outside of the conversation, which the model does not take for the
//! user's word.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Outcome, Stage, words};
use openai_codex::{Codex, ExternalMessage, Sandbox};

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([
        words("I will watch the build."),
        words("The build is green, as the notification says."),
    ])?;
    let codex = Codex::start_with(stage.config()).await?;
    // What comes from outside may be anybody's words: let them do no harm.
    let thread = codex.thread_start().sandbox(Sandbox::ReadOnly).await?;

    let result = thread.run("Tell me when the build is done.").await?;
    println!("assistant> {}", result.text());

    let message = ExternalMessage::new("notifications", "Build 42 has passed.").namespace("ci");
    let result = thread.turn(message).source("notification").run().await?;
    println!("assistant> {}", result.text());

    codex.close().await?;
    Ok(())
}
