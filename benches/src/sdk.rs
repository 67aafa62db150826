//! The whole way through the SDK, as its users have it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use openai_codex::types::ThreadLoadedListParams;
use openai_codex::{Codex, CodexConfig, Notification};
use tokio::runtime::{Builder, Runtime};

use crate::Outcome;
use crate::bare::{AT_ONCE, CALLS, rounds};
use crate::corpus::{Block, FEED, Feed};
use crate::meter::{Meter, Sample};

fn runtime(threads: usize) -> Outcome<Runtime> {
    let mut builder = match threads {
        1 => Builder::new_current_thread(),
        threads => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    Ok(builder.enable_all().build()?)
}

async fn client(feed: &str) -> Outcome<Codex> {
    let config = CodexConfig::new()
        .launch_command([std::env::current_exe()?])
        .env(FEED, feed);
    Ok(Codex::start_with(config).await?)
}

/// One turn whose events are read one by one.
pub fn stream(feed: &str, threads: usize) -> Outcome<Sample> {
    let Feed::Stream { lines, bytes } = Feed::parse(feed) else {
        return Err("not a stream".into());
    };
    let (events, expected) = {
        let block = Block::new(lines, bytes);
        (block.total_lines(), block.text * block.times)
    };
    runtime(threads)?.block_on(async {
        let codex = client(feed).await?;
        let thread = codex.thread_start().await?;
        let meter = Meter::start();
        // As the main thread of a program is not one of its workers, neither is the reader.
        let reader = tokio::spawn(async move {
            let mut turn = thread.turn("go").await?;
            let (mut received, mut text) = (0, 0);
            while let Some(event) = turn.next().await {
                received += 1;
                if let Notification::ItemAgentMessageDelta(delta) = event? {
                    text += delta.delta.len() as u64;
                }
            }
            Ok::<_, openai_codex::Error>((received, text))
        });
        let (received, text) = reader.await??;
        let sample = meter.stop(events, received, text);
        if text != expected {
            return Err(format!("{text} bytes of text instead of {expected}").into());
        }
        codex.close().await?;
        Ok(sample)
    })
}

/// Many turns at once, in rounds: nothing may be lost.
pub fn turns(feed: &str, threads: usize) -> Outcome<Sample> {
    let Feed::Turns { turns, deltas } = Feed::parse(feed) else {
        return Err("no turns".into());
    };
    let (_, rounds) = rounds(feed);
    runtime(threads)?.block_on(async {
        let codex = client(feed).await?;
        let mut handles = Vec::new();
        for _ in 0..turns {
            handles.push(codex.thread_start().await?);
        }
        let meter = Meter::start();
        let mut received = 0;
        for _ in 0..rounds {
            let tasks: Vec<_> = handles
                .iter()
                .cloned()
                .map(|thread| {
                    tokio::spawn(async move {
                        let mut turn = thread.turn("go").await?;
                        let (mut text, mut received) = (String::new(), 0);
                        while let Some(event) = turn.next().await {
                            received += 1;
                            if let Notification::ItemAgentMessageDelta(delta) = event? {
                                text += &delta.delta;
                            }
                        }
                        Ok::<_, openai_codex::Error>((text, received))
                    })
                })
                .collect();
            for task in tasks {
                let (text, events) = task.await??;
                received += events;
                let mut words = text.split_terminator("word ").skip(1);
                let all = (0..deltas).all(|n| words.next() == Some(&*format!("{n:04} ")));
                if !all || words.next().is_some() {
                    return Err("text was lost".into());
                }
            }
        }
        let events = (rounds * turns * (deltas + 3)) as u64;
        let sample = meter.stop(events, received, 0);
        codex.close().await?;
        Ok(sample)
    })
}

/// Keeps 64 requests under way from as many tasks.
pub fn round_trips(feed: &str, threads: usize) -> Outcome<Sample> {
    runtime(threads)?.block_on(async {
        let codex = client(feed).await?;
        let meter = Meter::start();
        let next = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let (codex, next) = (codex.clone(), Arc::clone(&next));
                tokio::spawn(async move {
                    while next.fetch_add(1, Ordering::Relaxed) < CALLS {
                        let answer = codex.request(ThreadLoadedListParams::default()).await?;
                        std::hint::black_box(answer);
                    }
                    Ok::<_, openai_codex::Error>(())
                })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        let sample = meter.stop(CALLS as u64, CALLS as u64, 0);
        codex.close().await?;
        Ok(sample)
    })
}
