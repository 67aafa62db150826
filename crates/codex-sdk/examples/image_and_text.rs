//! A picture in memory beside a question.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Outcome, PNG, Stage, words};
use openai_codex::{Codex, InputItem};

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([words("It is a single dot.")])?;
    let codex = Codex::start_with(stage.config()).await?;
    let thread = codex.thread_start().await?;

    // The runtime takes pictures as data URLs only; this makes one of the bytes.
    let input = [
        InputItem::text("What is in this picture?"),
        InputItem::image_bytes("image/png", PNG),
    ];
    let result = thread.run(input).await?;
    println!("Status: {}", result.status);
    println!("Text: {}", result.text());

    codex.close().await?;
    Ok(())
}
