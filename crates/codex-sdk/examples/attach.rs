//! A client that attaches to a runtime which listens, loses the connection in the middle of a turn, and goes on. Needs
//! the feature `remote`.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Answer, Outcome, Proxy, Stage, words};
use openai_codex::remote::Remote;
use openai_codex::types::ThreadItem;
use openai_codex::{Codex, Notification, Sandbox};

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([
        Answer::exec_command("sleep 1; echo made"),
        words("It is made, and nothing of it was lost."),
    ])?;
    // On another machine: codex app-server --listen ws://… --ws-auth capability-token --ws-token-file …
    let (runtime, token) = stage.listen()?;
    println!("listening: {}", runtime.address());

    // In the place of a network, a way to the runtime that can be cut.
    let port = runtime.address().rsplit(':').next().unwrap_or_default();
    let network = Proxy::start(port.parse()?).await?;
    let url = format!("ws://127.0.0.1:{}", network.port());
    let codex = Codex::attach(Remote::ws(url).bearer_token_file(token)).await?;
    println!("attached: runtime {}", codex.server_info().runtime_version);

    let thread = codex.thread_start().sandbox(Sandbox::ReadOnly).await?;
    let mut turn = thread.turn("Run `sleep 1; echo made`.").await?;
    while let Some(event) = turn.next().await {
        match event? {
            Notification::ItemStarted(started) => {
                if let ThreadItem::CommandExecution(command) = started.item {
                    println!("command.started: {}", command.command);
                    println!("the connection is cut");
                    network.cut();
                }
            }
            Notification::ItemCompleted(completed) => {
                if let ThreadItem::CommandExecution(command) = completed.item {
                    let output = command.aggregated_output.unwrap_or_default();
                    println!("command.completed: {}", output.trim());
                }
            }
            Notification::ItemAgentMessageDelta(delta) => print!("{}", delta.delta),
            Notification::TurnCompleted(_) => println!("\nturn.completed"),
            _ => {}
        }
    }
    println!("connections: {}", network.connections());

    // The client ends; the runtime and the thread stay, for whoever attaches next.
    codex.close().await?;
    Ok(())
}
