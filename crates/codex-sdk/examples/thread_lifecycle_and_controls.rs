//! A thread's whole life: turns, a name, lists, a fork, the archive, a summary.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Outcome, Stage, words};
use futures_util::TryStreamExt;
use openai_codex::{Codex, Notification};

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([
        words("One idea: a changelog."),
        words("Another one: a license."),
        words("From the fork: a logo."),
        words("And now: a release."),
        words("The user asked for ideas; changelog, license and release came up."),
    ])?;
    let codex = Codex::start_with(stage.config()).await?;

    let thread = codex.thread_start().await?;
    thread.run("What could this project need?").await?;
    thread.run("And what else?").await?;
    thread.set_name("Ideas").await?;
    let read = thread.read().await?.thread;
    println!("name: {}", read.name.unwrap_or_default());
    let turns: Vec<_> = thread.turns().try_collect().await?;
    println!("turns: {}", turns.len());

    let fork = codex.thread_fork(thread.id()).await?;
    println!("fork: {}", fork.run("And another idea?").await?.text());

    codex.thread_archive(thread.id()).await?;
    let active: Vec<_> = codex.thread_list().stream().try_collect().await?;
    let archived = codex.thread_list().archived(true).await?;
    println!(
        "active: {}, archived: {}",
        active.len(),
        archived.data.len()
    );

    // Usable at once: it is resumed before its first turn.
    let thread = codex.thread_unarchive(thread.id()).await?;
    println!("again: {}", thread.run("And now?").await?.text());

    // Compaction runs as a turn of its own, which no handle follows.
    let mut notifications = codex.notifications();
    thread.compact().await?;
    while let Some(notification) = notifications.next().await {
        if let Notification::TurnCompleted(completed) = notification? {
            println!("compaction: {}", completed.turn.status);
            break;
        }
    }

    println!("Lifecycle OK: {}", thread.id());
    codex.close().await?;
    Ok(())
}
