//! A turn as a stream of typed events.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use std::io::Write;

use common::{Outcome, Stage, words};
use openai_codex::types::ThreadItem;
use openai_codex::{Codex, Notification};

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([words(
        "Streams arrive piece by piece, in order, to the end.",
    )])?;
    let codex = Codex::start_with(stage.config()).await?;
    let thread = codex.thread_start().await?;

    let mut turn = thread.turn("What is a stream?").await?;
    let mut events = 0;
    while let Some(event) = turn.next().await {
        events += 1;
        match event? {
            Notification::ItemStarted(started) => match started.item {
                ThreadItem::AgentMessage(_) => print!("assistant> "),
                ThreadItem::CommandExecution(command) => println!("runs> {}", command.command),
                _ => {}
            },
            Notification::ItemAgentMessageDelta(delta) => {
                print!("{}", delta.delta);
                std::io::stdout().flush()?;
            }
            Notification::ItemCompleted(completed) => {
                if let ThreadItem::AgentMessage(_) = completed.item {
                    println!();
                }
            }
            Notification::TurnCompleted(completed) => {
                println!("stream.completed: {}", completed.turn.status);
            }
            // Of a newer runtime, or undecodable: nothing is lost, and nothing breaks.
            Notification::Unknown(unknown) => println!("unknown: {}", unknown.method),
            _ => {}
        }
    }
    println!("events.count: {events}");

    codex.close().await?;
    Ok(())
}
