//! A turn that may take only so long: dropping what waits for it interrupts it, and interrupting it
//! keeps what it came to.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use std::pin::pin;
use std::time::Duration;

use common::{Answer, Outcome, Stage, words};
use openai_codex::Codex;
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

    let turn = thread.turn("Take your time again.").await?;
    let control = turn.control();
    let mut running = pin!(turn.run());
    let result = match timeout(Duration::from_millis(500), &mut running).await {
        Ok(result) => result?,
        Err(_) => {
            control.interrupt().await?;
            running.await?
        }
    };
    println!("result: {}, {} items", result.status, result.items.len());

    codex.close().await?;
    Ok(())
}
