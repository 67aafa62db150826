//! A small chat in the terminal: `/exit` ends it, Ctrl-C interrupts the answer.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use std::io::Write;

use common::{Outcome, Stage, words};
use openai_codex::{Codex, Notification, Thread};
use tokio::io::{AsyncBufReadExt, BufReader};

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([
        words("Hello! I am a scripted model, so I say this to everybody."),
        words("And that is all that my script has."),
    ])?;
    let codex = Codex::start_with(stage.config()).await?;
    let thread = codex.thread_start().await?;
    println!("Ask something; /exit ends.\n");

    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        print!("you> ");
        std::io::stdout().flush()?;
        match lines.next_line().await? {
            None => break,
            Some(line) if line.trim() == "/exit" => break,
            Some(line) if line.trim().is_empty() => {}
            Some(line) => answer(&thread, line).await?,
        }
    }
    codex.close().await?;
    Ok(())
}

async fn answer(thread: &Thread, question: String) -> Outcome {
    let mut turn = thread.turn(question).await?;
    let control = turn.control();
    print!("assistant> ");
    loop {
        // Both can be dropped and asked again without loss. The end of the turn ends the loop.
        let event = tokio::select! {
            event = turn.next() => event,
            _ = tokio::signal::ctrl_c() => {
                control.interrupt().await?;
                continue;
            }
        };
        match event {
            None => break,
            Some(event) => {
                if let Notification::ItemAgentMessageDelta(delta) = event? {
                    print!("{}", delta.delta);
                    std::io::stdout().flush()?;
                }
            }
        }
    }
    let result = turn.run().await?;
    println!("\nassistant.status> {}", result.status);
    if let Some(usage) = result.usage {
        println!("usage> {} tokens so far\n", usage.total.total_tokens);
    }
    Ok(())
}
