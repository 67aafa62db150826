//! Starts a client, runs one turn, and shuts down.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Outcome, Stage, words};
use openai_codex::Codex;

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([words("Hello! I am a scripted model.")])?;
    let codex = Codex::start_with(stage.config()).await?;
    println!("Server: {}", codex.server_info().user_agent);

    let thread = codex.thread_start().await?;
    let result = thread.run("Say hello in one sentence.").await?;
    println!("Items: {}", result.items.len());
    println!("Text: {}", result.text());

    codex.close().await?;
    Ok(())
}
