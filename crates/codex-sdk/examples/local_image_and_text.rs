//! A picture in a file beside a question; the runtime reads it.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Outcome, PNG, Stage, words};
use openai_codex::{Codex, InputItem};

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([words("It is a single dot.")])?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("dot.png");
    std::fs::write(&path, PNG)?;
    let codex = Codex::start_with(stage.config()).await?;
    let thread = codex.thread_start().await?;

    let input = [
        InputItem::text("What is in this picture?"),
        InputItem::local_image(path),
    ];
    let result = thread.run(input).await?;
    println!("Status: {}", result.status);
    println!("Text: {}", result.text());

    codex.close().await?;
    Ok(())
}
