//! Notifications of no turn: warnings, and changes of threads and accounts.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Outcome, Stage, words};
use openai_codex::{Codex, Error};

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([words("Hello.")])?;
    let codex = Codex::start_with(stage.config()).await?;

    let mut notifications = codex.notifications();
    let listener = tokio::spawn(async move {
        let mut count = 0;
        while let Some(notification) = notifications.next().await {
            match notification {
                Ok(notification) => {
                    count += 1;
                    println!("notification: {}", notification.method());
                }
                // This listener was too slow; it goes on with what is there.
                Err(Error::Lagged(missed)) => println!("missed: {missed}"),
                Err(error) => println!("end: {error}"),
            }
        }
        count
    });

    let thread = codex.thread_start().await?;
    thread.run("Say hello.").await?;
    thread.set_name("Greeting").await?;

    codex.close().await?;
    println!("notifications.count: {}", listener.await?);
    Ok(())
}
