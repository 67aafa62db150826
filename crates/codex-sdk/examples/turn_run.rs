//! Every field of a turn's result, and what the runtime has stored of it.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Outcome, Stage, words};
use openai_codex::Codex;

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([words("A borrow is a loan: the owner gets the value back.")])?;
    let codex = Codex::start_with(stage.config()).await?;
    let thread = codex.thread_start().await?;
    let turn = thread.turn("Explain borrowing in one sentence.").await?;
    println!("thread_id: {}", turn.thread_id());
    println!("turn_id: {}", turn.id());

    let result = turn.run().await?;
    println!("status: {}", result.status);
    println!("error: {:?}", result.error.map(|error| error.message));
    println!("started_at: {:?}", result.started_at);
    println!("completed_at: {:?}", result.completed_at);
    println!("duration_ms: {:?}", result.duration_ms);
    println!("final_response: {:?}", result.final_response);
    println!("items.count: {}", result.items.len());
    if let Some(usage) = result.usage {
        println!("usage.total_tokens: {}", usage.total.total_tokens);
    }

    let stored = thread.read_with_turns().await?.thread;
    let items = stored.turns.iter().map(|turn| turn.items.len());
    println!("stored.items.count: {}", items.sum::<usize>());

    codex.close().await?;
    Ok(())
}
