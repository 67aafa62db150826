//! What the examples share: the runtime, and a model to talk to.
//!
//! Without arguments an example talks to a scripted model on this machine: no login, no network,
//! no cost. With `--live` it uses your own login and configuration of Codex.

// Each example is a program of its own and uses what it needs.
#![allow(dead_code, reason = "no example uses all of it")]
#![allow(clippy::print_stdout, reason = "examples talk to whoever runs them")]

use std::error::Error;
use std::time::Duration;

use codex_testkit::{Answer, Home, MockModel};
use openai_codex::CodexConfig;

/// The result of an example's `main`.
pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// Whom an example talks to.
pub(crate) struct Stage {
    script: Option<(MockModel, Home)>,
}

impl Stage {
    /// Installs the pinned runtime if it is missing, and prepares the scripted model, which gives
    /// these answers in order, unless the program runs with `--live`.
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Result<Self, Box<dyn Error>> {
        codex_runtime::install()?;
        if std::env::args().any(|argument| argument == "--live") {
            println!("The model is the one of your own Codex login and configuration.\n");
            return Ok(Self { script: None });
        }
        println!("The model is scripted (no login, no network); `-- --live` uses your own.\n");
        let model = MockModel::start_blocking()?;
        model.extend(answers);
        let home = Home::builder(&model)
            .file("README.md", "# Demo\n\nA tiny project for the examples.\n")
            .build()?;
        Ok(Self {
            script: Some((model, home)),
        })
    }

    /// Returns the configuration of a client.
    pub(crate) fn config(&self) -> CodexConfig {
        let mut config = CodexConfig::new();
        if let Some((_, home)) = &self.script {
            config = config.cwd(home.workspace());
            for key in home.env_remove() {
                config = config.env_remove(key);
            }
            for (key, value) in home.env() {
                config = config.env(key, value);
            }
        }
        config
    }
}

/// An answer that is written word by word, as a model does.
pub(crate) fn words(text: &str) -> Answer {
    Answer::deltas(text.split_inclusive(' ')).delta_delay(Duration::from_millis(15))
}
