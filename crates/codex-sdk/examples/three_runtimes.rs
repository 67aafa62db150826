//! One program that works with three runtimes, each with a line of a dashboard. Needs the feature `remote`.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Answer, Outcome, Stage, words};
use futures_util::future::try_join_all;
use openai_codex::remote::Remote;
use openai_codex::{Codex, Notification, Result, Sandbox};

/// Runs a turn on one runtime, and returns its line of the dashboard.
async fn work(name: &str, remote: Remote) -> Result<String> {
    let codex = Codex::attach(remote).await?;
    let thread = codex.thread_start().sandbox(Sandbox::ReadOnly).await?;
    let mut turn = thread.turn("Tell your name with `echo`.").await?;
    let mut events = 0;
    while let Some(event) = turn.next().await {
        if let Notification::ItemStarted(_) = event? {
            events += 1;
            println!("{name}: working on item {events}");
        }
    }
    let result = turn.run().await?;
    let tokens = result.turn_usage().map_or(0, |usage| usage.total_tokens);
    let line = format!(
        "{name}: {} | {tokens} tokens | {}",
        result.status.as_str(),
        result.text()
    );
    codex.close().await?;
    Ok(line)
}

#[tokio::main]
async fn main() -> Outcome {
    let names = ["build-1", "build-2", "build-3"];
    let mut machines = Vec::new();
    for name in names {
        let stage = Stage::new([
            Answer::exec_command(format!("echo {name}")),
            words(&format!("I am {name}.")),
        ])?;
        // Elsewhere these are three machines, or three containers.
        let (runtime, token) = stage.listen()?;
        let remote = Remote::ws(runtime.address()).bearer_token_file(token);
        machines.push((stage, runtime, remote));
    }
    let working = names.iter().zip(&machines);
    let working = working.map(|(name, (_, _, remote))| work(name, remote.clone()));
    let dashboard = try_join_all(working).await?;
    println!("--- dashboard");
    for line in dashboard {
        println!("{line}");
    }
    // The runtimes end before their homes go.
    for (stage, runtime, _) in machines {
        drop(runtime);
        drop(stage);
    }
    Ok(())
}
