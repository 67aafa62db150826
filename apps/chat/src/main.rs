//! A chat with Codex in the terminal.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to the user"
)]

mod app;
mod args;
mod commands;
mod demo;
mod input;
mod questions;
mod session;
mod signals;
mod state;
mod terminal;
mod view;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use openai_codex::CodexConfig;

use crate::app::App;
use crate::args::Args;
use crate::demo::Demo;
use crate::input::History;
use crate::session::{Options, Session, Which};
use crate::terminal::Screen;

/// How long the runtime may take to end.
const CLOSING: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("codex-chat: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        anyhow::bail!("it needs a terminal for its input and its output");
    }
    let is_named = args.codex_bin.is_some();
    let demo = match args.demo {
        true => Some(tokio::task::spawn_blocking(move || Demo::new(is_named)).await??),
        false => None,
    };
    let mut options = options(&args)?;
    if let Some(demo) = &demo {
        demo.change(&mut options);
    }
    let history = match &demo {
        Some(_) => History::in_memory(),
        None => History::of_user(),
    };
    let (session, events) = Session::new(options);
    let mut app = App::new(session, history, args.budget_tokens, args.approve.word());
    if demo.is_some() {
        app.greet(demo::GREETING);
    }
    let first = match args.resume_latest {
        true => Which::Latest,
        false => Which::New,
    };
    let mut screen = Screen::enter()?;
    let ran = app.run(&mut screen, events, first).await;
    drop(screen);
    for panic in terminal::panics() {
        eprintln!("{panic}");
    }
    let closed = tokio::time::timeout(CLOSING, app.close()).await;
    ran?;
    // One that ended by itself was told already.
    if let Ok(Err(error)) = closed
        && !error.is_closed()
    {
        return Err(error.into());
    }
    Ok(())
}

fn options(args: &Args) -> anyhow::Result<Options> {
    let mut config = CodexConfig::new().client_info("codex_chat", env!("CARGO_PKG_VERSION"));
    if let Some(program) = &args.codex_bin {
        config = config.codex_bin(program);
    }
    let folder = match &args.cwd {
        Some(folder) => std::path::absolute(folder)?,
        None => std::env::current_dir()?,
    };
    Ok(Options {
        config: config.cwd(&folder),
        approval: args.approve.into(),
        folder: Some(folder),
        model: args.model.clone(),
        sandbox: args.sandbox,
    })
}
