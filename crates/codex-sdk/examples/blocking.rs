//! The client without async. Needs the feature `blocking`.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use std::io::Write;

use common::{Outcome, Stage, words};
use openai_codex::{Notification, Sandbox, blocking::Codex};

fn main() -> Outcome {
    let stage = Stage::new([
        words("No runtime of yours is needed for this."),
        words("And a stream is an iterator."),
    ])?;
    let codex = Codex::start_with(stage.config())?;
    let thread = codex.thread_start().sandbox(Sandbox::ReadOnly).send()?;

    let result = thread.run("Do I need async?")?;
    println!("assistant> {}", result.text());

    print!("assistant> ");
    for event in thread.turn("And how do I stream?").send()? {
        if let Notification::ItemAgentMessageDelta(delta) = event? {
            print!("{}", delta.delta);
            std::io::stdout().flush()?;
        }
    }
    println!();
    codex.close()?;
    Ok(())
}
