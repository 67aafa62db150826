//! From nothing to a streamed answer.
//!
//! ```text
//! cargo run --example quickstart
//! cargo run --example quickstart -- --live   # with your own login
//! ```

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use std::io::Write;

use common::{Outcome, Stage, Usage, words};
use openai_codex::{ApprovalMode, Codex, Notification, Sandbox};

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([words(
        "This is a tiny demo project: a README and nothing else. \
         With a real model behind it, I would now read your files, run commands in a sandbox \
         and ask before leaving it.",
    )
    .usage(Usage::new(1862, 54))])?;

    // Starts the runtime, and shuts it down when the last handle is gone.
    let codex = Codex::start_with(stage.config()).await?;
    let thread = codex
        .thread_start()
        .sandbox(Sandbox::ReadOnly)
        .approval_mode(ApprovalMode::AutoReview) // the default
        .await?;
    let version = &codex.server_info().runtime_version;
    println!("Codex {version}, model {}\n", thread.info().model);

    let question = "Describe this project in two sentences.";
    print!("you>   {question}\ncodex> ");
    let mut turn = thread.turn(question).await?;
    while let Some(event) = turn.next().await {
        if let Notification::ItemAgentMessageDelta(delta) = event? {
            print!("{}", delta.delta);
            std::io::stdout().flush()?;
        }
    }

    // The turn is over: this returns what it came to, or why it failed.
    let result = turn.run().await?;
    let seconds = result.duration_ms.unwrap_or_default() as f64 / 1000.0;
    print!("\n\n{} in {seconds:.1} s", result.status);
    if let Some(used) = result.turn_usage() {
        print!(
            ": {} tokens in, {} out",
            used.input_tokens, used.output_tokens
        );
    }
    println!();

    codex.close().await?;
    Ok(())
}
