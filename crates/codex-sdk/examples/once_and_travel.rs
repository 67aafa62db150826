//! A turn that happens once, however often it is asked for, and a thread that goes on in another home.
//!
//! ```text
//! cargo run --example once_and_travel
//! ```

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Outcome, Stage, words};
use openai_codex::{Codex, Once, ThreadBundle};

#[tokio::main]
async fn main() -> Outcome {
    let here = Stage::new([words("It is fixed: the test was wrong.")])?;
    let codex = Codex::start_with(here.config()).await?;
    let thread = codex.thread_start().await?;

    // A step of a queue, a workflow, a cron job: whoever is killed asks again, and the prompt is sent once.
    for _ in 0..2 {
        match thread
            .once("task-81/step-2", "Fix the failing test.")
            .await?
        {
            Once::Ran(result) => println!("ran: {}", result.text()),
            Once::Joined(result) => println!("was running: {}", result.text()),
            Once::AlreadyDone(result) => println!("was done: {}", result.text()),
            other => println!("{other:?}"),
        }
    }

    // The bundle is a value that serializes: a file, a row, a message.
    let bytes = serde_json::to_vec(&thread.export().await?)?;
    println!("bundle: {} KB", bytes.len().div_ceil(1024));
    codex.close().await?;

    // Elsewhere this is another machine. Files of the workspace travel by themselves, by git for example.
    let there = Stage::new([words("You asked to fix the failing test.")])?;
    let codex = Codex::start_with(there.config()).await?;
    let bundle: ThreadBundle = serde_json::from_slice(&bytes)?;
    let thread = codex.thread_import(bundle).await?;
    println!("there: {}", thread.run("What did I ask for?").await?.text());

    codex.close().await?;
    Ok(())
}
