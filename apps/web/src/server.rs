//! The server: how it starts, and the way to its end.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use openai_codex::{CloseReason, Codex, CodexConfig, Sandbox};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::api;
use crate::desk::Desk;
use crate::guard::{Guard, Hosts, Token};
use crate::room::{Preset, Stages};
use crate::shared::Shared;

/// How long the end of turns may take when the server stops.
const PATIENCE: Duration = Duration::from_secs(5);

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// What a server is started with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether an address may be listened on that other machines reach.
    pub allow_remote: bool,
    /// Other names by which the page is reached.
    pub hosts: Vec<String>,
    /// The folder that the agent works in.
    pub cwd: Option<PathBuf>,
    /// The model.
    pub model: Option<String>,
    /// What the agent may touch without asking.
    pub sandbox: Option<Sandbox>,
    /// How long a turn goes on while nobody reads it.
    pub grace: Duration,
    /// How the runtime is started.
    pub codex: CodexConfig,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            allow_remote: false,
            hosts: Vec::new(),
            cwd: None,
            model: None,
            sandbox: None,
            grace: Duration::from_secs(30),
            codex: CodexConfig::new(),
        }
    }
}

/// A server that runs. [`stop`](Self::stop) ends it and its runtime in good order.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<std::io::Result<()>>,
    asking: JoinHandle<()>,
}

impl Server {
    /// Starts the runtime and listens.
    ///
    /// # Errors
    ///
    /// An address that other machines reach and that is not allowed, or cannot be listened on; a runtime that cannot
    /// be started.
    pub async fn start(options: Options) -> Result<Self, Fault> {
        if !options.listen.ip().is_loopback() && !options.allow_remote {
            return Err(format!(
                "{} can be reached from other machines, and whoever opens the page can run commands on this one; \
                 if that is meant, add --allow-remote",
                options.listen
            )
            .into());
        }
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;
        let address = listener.local_addr()?;
        let config = options
            .codex
            .client_info("codex-web", env!("CARGO_PKG_VERSION"));
        let codex = Codex::start_with(config).await?;
        let approvals = codex.approvals()?;
        let info = codex.server_info();
        tracing::info!(runtime = %info.runtime_version, %address, "the server runs");
        let shared = Arc::new(Shared {
            guard: Guard::new(Hosts::new(address, &options.hosts), Token::new()?),
            desk: Desk::default(),
            codex,
            preset: Preset {
                cwd: options.cwd,
                model: options.model,
                sandbox: options.sandbox,
            },
            grace: options.grace,
            stages: Stages::default(),
            rooms: Mutex::default(),
        });
        let over = shared.stages.over.clone();
        let serve = axum::serve(listener, api::router(Arc::clone(&shared)))
            .with_graceful_shutdown(over.cancelled_owned());
        Ok(Self {
            address,
            serving: tokio::spawn(serve.into_future()),
            asking: tokio::spawn(Arc::clone(&shared).ask(approvals)),
            shared,
        })
    }

    /// Returns the address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the token of this start.
    pub fn token(&self) -> &str {
        self.shared.guard.token()
    }

    /// Returns the address of the page, with the token; where the server listens on every address, that of this machine.
    pub fn url(&self) -> String {
        let mut address = self.address;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        format!("http://{address}/?token={}", self.token())
    }

    /// Returns the id of the runtime's process.
    pub fn runtime_process(&self) -> Option<u32> {
        self.shared.codex.process_id()
    }

    /// Waits until the runtime has ended by itself, without which the server is of no use; returns the reason.
    pub async fn runtime_ended(&self) -> Arc<CloseReason> {
        self.shared.codex.closed().await
    }

    /// Interrupts the turns, tells the pages how they ended, and ends the runtime and the server.
    pub async fn stop(self) {
        let Stages {
            stopping,
            over,
            tasks,
            ..
        } = &self.shared.stages;
        stopping.cancel();
        tasks.close();
        if tokio::time::timeout(PATIENCE, tasks.wait()).await.is_err() {
            tracing::warn!("turns did not end when they were interrupted");
        }
        over.cancel();
        if let Err(error) = self.shared.codex.close().await {
            tracing::warn!(%error, "the runtime was not closed in good order");
        }
        self.asking.abort();
        let mut serving = self.serving;
        match tokio::time::timeout(PATIENCE, &mut serving).await {
            Ok(Ok(Ok(()))) => tracing::info!("the server has ended"),
            Ok(end) => tracing::warn!(?end, "the server has failed"),
            // A connection that a client keeps open.
            Err(_) => serving.abort(),
        }
    }
}
