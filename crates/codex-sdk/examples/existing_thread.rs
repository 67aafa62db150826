//! A thread outlives its client: another one resumes it, by its id or as the one that was used last.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Outcome, Stage, words};
use openai_codex::Codex;

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([
        words("I will remember the word: walnut."),
        words("The word was walnut."),
        words("It is a nut."),
    ])?;

    let codex = Codex::start_with(stage.config()).await?;
    let thread = codex.thread_start().await?;
    println!("Created thread: {}", thread.id());
    thread.run("Remember the word walnut.").await?;
    codex.close().await?;

    let codex = Codex::start_with(stage.config()).await?;
    let resumed = codex.thread_resume(thread.id()).await?;
    println!("Resumed thread: {}", resumed.id());
    let result = resumed.run("Which word was it?").await?;
    println!("Text: {}", result.text());

    let latest = codex.thread_resume_latest().await?;
    println!("Latest thread: {}", latest.id());
    let result = latest.run("And what is that?").await?;
    println!("Text: {}", result.text());

    codex.close().await?;
    Ok(())
}
