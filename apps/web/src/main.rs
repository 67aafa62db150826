//! The program `codex-web`: Codex in a web page.

#![allow(clippy::print_stdout, reason = "the address is for the user")]

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use codex_web::{Demo, Options, Server};
use openai_codex::{CodexConfig, Sandbox};
use tracing_subscriber::EnvFilter;

/// Codex in a web page.
///
/// Whoever can open the page can have commands run on this machine, as far as the sandbox and the answers to the
/// agent's questions go. The address that is printed has a token that is new with every start.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// Allows an address that other machines reach: whoever opens the page can run commands on this one, and nothing
    /// is encrypted.
    #[arg(long)]
    allow_remote: bool,

    /// Another name by which browsers reach the page, with the port if that is another one; can be repeated.
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,

    /// The folder that the agent works in.
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,

    /// The model.
    #[arg(long)]
    model: Option<String>,

    /// What the agent may touch without asking: read-only, workspace-write or danger-full-access.
    #[arg(long, value_name = "MODE")]
    sandbox: Option<Sandbox>,

    /// How long a turn goes on while nobody has the page open.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    grace: u64,

    /// The runtime; else the one of CODEX_BIN, the pinned one or the one on PATH.
    #[arg(long, value_name = "PROGRAM")]
    codex_bin: Option<PathBuf>,

    /// Talks to a scripted model on this machine, in a folder of its own: no account, no network.
    #[arg(long, conflicts_with_all = ["cwd", "model"])]
    demo: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env();
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new("warn,codex_web=info")))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn std::error::Error + Send + Sync>> {
    let mut stop = Stop::listen()?;
    let (demo, codex) = match arguments.demo {
        true => {
            let demo = tokio::task::spawn_blocking(demo).await??;
            let config = demo.config();
            (Some(demo), config)
        }
        false => (None, CodexConfig::new()),
    };
    let mut options = Options::default();
    options.listen = arguments.listen;
    options.allow_remote = arguments.allow_remote;
    options.hosts = arguments.hosts;
    options.cwd = arguments.cwd;
    options.model = arguments.model;
    options.sandbox = arguments.sandbox;
    options.grace = Duration::from_secs(arguments.grace);
    options.codex = match arguments.codex_bin {
        Some(program) => codex.codex_bin(program),
        None => codex,
    };
    if demo.is_some() && options.sandbox.is_none() {
        options.sandbox = Some(Sandbox::WorkspaceWrite);
    }
    let server = tokio::select! {
        server = Server::start(options) => server?,
        () = stop.wait() => return Ok(ExitCode::SUCCESS),
    };
    println!("Open {}", server.url());
    let code = tokio::select! {
        () = stop.wait() => ExitCode::SUCCESS,
        reason = server.runtime_ended() => {
            tracing::error!(%reason, "the runtime has ended by itself");
            ExitCode::FAILURE
        }
    };
    server.stop().await;
    // The home of the demo goes after the runtime that lives in it.
    drop(demo);
    Ok(code)
}

/// Prepares the demo, with the pinned runtime, which is downloaded if it is missing.
fn demo() -> Result<Demo, Box<dyn std::error::Error + Send + Sync>> {
    openai_codex::runtime::install()?;
    Ok(Demo::start()?)
}

/// The signals that stop the server.
struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    /// Waits for ctrl-c or SIGTERM.
    async fn wait(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}
