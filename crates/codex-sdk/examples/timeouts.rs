//! A turn that may take only so long: dropping what waits for it interrupts it, and a budget keeps what it
//! came to.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use std::time::Duration;

use common::{Answer, Outcome, Stage, words};
use openai_codex::{Budget, Codex, Error};
use tokio::time::timeout;

#[tokio::main]
async fn main() -> Outcome {
    let hour = Duration::from_secs(3600);
    let stage = Stage::new([
        Answer::pause(hour).and(words("Sorry that it took so long.")),
        words("This was quick."),
        words("Half of it.").and(Answer::pause(hour)),
    ])?;
    // How long the runtime may take to answer a request; a turn is not a request.
    let config = stage
        .config()
        .request_timeout(Some(Duration::from_secs(20)));
    let codex = Codex::start_with(config).await?;
    let thread = codex.thread_start().await?;

    match timeout(Duration::from_millis(500), thread.run("Take your time.")).await {
        Ok(result) => println!("in time: {}", result?.text()),
        // The turn is interrupted, so that it does not go on spending.
        Err(_) => println!("too late: interrupted"),
    }
    println!("next: {}", thread.run("And now be quick.").await?.text());

    let budget = Budget::new()
        .time(Duration::from_millis(500))
        .tokens(100_000);
    let turn = thread.turn("Take your time again.").budget(budget);
    let result = match turn.run().await {
        Err(Error::BudgetExceeded(exceeded)) => {
            println!("too much: {}", exceeded.used);
            exceeded.result
        }
        result => result?,
    };
    println!("result: {}, {} items", result.status, result.items.len());

    codex.close().await?;
    Ok(())
}
