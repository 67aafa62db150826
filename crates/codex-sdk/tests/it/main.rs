//! The client against scripted runtimes: what a healthy one cannot do.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails panics, in its helpers too"
)]

#[cfg(feature = "blocking")]
mod blocking;
mod bounds;
mod builders;
mod faults;
mod logins;
mod notifications;
mod process;
mod requests;
mod server_requests;
mod stage;
mod surface;
mod surroundings;
mod threads;
mod turns;

use std::future::Future;
use std::time::Duration;

use codex_testkit::ScriptedServer;
use openai_codex::{Codex, CodexConfig, Result};

/// Longer than anything here takes; what takes longer hangs.
const LIMIT: Duration = Duration::from_secs(20);

/// Waits for what must come.
async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future)
        .await
        .expect("it takes too long")
}

/// Connects a client to a scripted server, through the handshake.
async fn connect_with(config: CodexConfig) -> (Codex, ScriptedServer) {
    let (mut server, read, write) = ScriptedServer::pipe();
    let (codex, greeted) =
        within(async { tokio::join!(Codex::connect(config, read, write), server.handshake()) })
            .await;
    greeted.unwrap();
    (codex.unwrap(), server)
}

async fn connect() -> (Codex, ScriptedServer) {
    connect_with(CodexConfig::new()).await
}

/// Waits for a request that runs on a task.
async fn joined<T>(task: tokio::task::JoinHandle<Result<T>>) -> Result<T> {
    within(task).await.expect("the task panicked")
}
