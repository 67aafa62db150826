//! Two threads of one client at work at the same time.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Outcome, Stage, words};
use openai_codex::{Codex, Result};

async fn ask(codex: &Codex, question: &str) -> Result<()> {
    let thread = codex.thread_start().await?;
    println!("Thread: {}", thread.id());
    let result = thread.run(question).await?;
    println!("Turn: {} {}: {}", result.id, result.status, result.text());
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([])?;
    stage.answer("Name a data type.", words("A tuple."));
    stage.answer("Name another data type.", words("A slice."));
    let codex = Codex::start_with(stage.config()).await?;
    tokio::try_join!(
        ask(&codex, "Name a data type."),
        ask(&codex, "Name another data type."),
    )?;
    codex.close().await?;
    Ok(())
}
