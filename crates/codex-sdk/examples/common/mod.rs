//! Shared by the examples: the runtime, and a model to talk to.
//!
//! Without arguments an example talks to a scripted model on this machine: no login, no network,
//! no cost. With `--live` it uses your own login and configuration of Codex.

// Each example is a program of its own and uses what it needs.
#![allow(dead_code, unused_imports, reason = "no example uses all of it")]
#![allow(clippy::print_stdout, reason = "examples print their output")]

use std::error::Error;
use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

pub(crate) use codex_testkit::{Answer, ListeningRuntime, Proxy, Usage};
use codex_testkit::{Home, HomeBuilder, MockModel, Request};
use openai_codex::CodexConfig;

/// The result of an example's `main`.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Whom an example talks to.
pub(crate) struct Stage {
    script: Option<(MockModel, Home)>,
}

impl Stage {
    /// Installs the pinned runtime if it is missing, and prepares the scripted model, which gives
    /// these answers in order, unless the program runs with `--live`.
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Outcome<Self> {
        Self::with_home(answers, |home| home)
    }

    /// As [`Stage::new`], with changes to the scripted configuration.
    pub(crate) fn with_home(
        answers: impl IntoIterator<Item = Answer>,
        change: impl FnOnce(HomeBuilder) -> HomeBuilder,
    ) -> Outcome<Self> {
        codex_runtime::install()?;
        if std::env::args().any(|argument| argument == "--live") {
            println!("The model is the one of your own Codex login and configuration.\n");
            return Ok(Self { script: None });
        }
        println!("The model is scripted (no login, no network); `-- --live` uses your own.\n");
        let model = MockModel::start_blocking()?;
        model.extend(answers);
        model.default_answer(words("The script has nothing more to say."));
        let home = Home::builder(&model).file("README.md", "# Demo\n\nA tiny project.\n");
        let home = change(home).build()?;
        Ok(Self {
            script: Some((model, home)),
        })
    }

    /// Tells whether the model is a real one.
    pub(crate) fn is_live(&self) -> bool {
        self.script.is_none()
    }

    /// Returns the configuration of a client.
    pub(crate) fn config(&self) -> CodexConfig {
        let config = CodexConfig::new();
        match &self.script {
            Some((_, home)) => config.isolated(home),
            None => config,
        }
    }

    /// Starts a runtime of its own that listens on loopback, for clients that have the token; returns the file with
    /// the token too.
    pub(crate) fn listen(&self) -> Outcome<(ListeningRuntime, PathBuf)> {
        let program = codex_runtime::install()?.program().to_owned();
        let (mut command, folder) = match &self.script {
            Some((_, home)) => (home.command(program), home.root().to_owned()),
            None => (Command::new(program), tempfile::tempdir()?.keep()),
        };
        let token = folder.join("token");
        // A token of every start; `RandomState` has random keys.
        std::fs::write(&token, format!("{:x}", RandomState::new().hash_one(&token)))?;
        command.args([
            "app-server",
            "--listen",
            "ws://127.0.0.1:0",
            "--ws-auth",
            "capability-token",
        ]);
        command.arg("--ws-token-file").arg(&token);
        Ok((ListeningRuntime::start(command)?, token))
    }

    /// Returns what the scripted model was asked so far; nothing of a real one.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let script = self.script.as_ref();
        script.map_or_else(Vec::new, |(model, _)| model.responses_requests())
    }

    /// Scripts the answer to this question, whenever it is asked.
    pub(crate) fn answer(&self, question: &'static str, answer: Answer) {
        if let Some((model, _)) = &self.script {
            let asked = model.when(move |request| request.last_user_text() == Some(question));
            asked.always(answer);
        }
    }
}

/// An answer that is written word by word, as a model does.
pub(crate) fn words(text: &str) -> Answer {
    Answer::deltas(text.split_inclusive(' ')).delta_delay(Duration::from_millis(15))
}

/// A picture of one red dot.
pub(crate) const PNG: &[u8] = include_bytes!("dot.png");
