//! The pinned runtime with a scripted model.

use std::sync::LazyLock;

use codex_testkit::{Answer, Home, HomeBuilder, MockModel};
use openai_codex::{Codex, CodexConfig, Thread};

use crate::within;

/// The pinned runtime; the first test to ask installs it, if it must.
static RUNTIME: LazyLock<codex_runtime::Runtime> =
    LazyLock::new(|| codex_runtime::install().unwrap());

/// A model and a home that a runtime can be started in.
pub(crate) struct Stage {
    pub(crate) model: MockModel,
    pub(crate) home: Home,
}

impl Stage {
    /// Sets the stage for a model that gives these answers.
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::with(answers, |home| home)
    }

    /// As [`Stage::new`], with a home that `set_up` changes.
    pub(crate) fn with(
        answers: impl IntoIterator<Item = Answer>,
        set_up: impl FnOnce(HomeBuilder) -> HomeBuilder,
    ) -> Self {
        let model = MockModel::start_blocking().unwrap();
        model.extend(answers);
        let home = set_up(Home::builder(&model)).build().unwrap();
        Self { model, home }
    }

    /// Returns the configuration of a client in this home.
    pub(crate) fn config(&self) -> CodexConfig {
        let mut config = CodexConfig::new()
            .codex_bin(RUNTIME.program())
            .cwd(self.home.workspace());
        for key in self.home.env_remove() {
            config = config.env_remove(key);
        }
        for (key, value) in self.home.env() {
            config = config.env(key, value);
        }
        config
    }

    /// Starts a client.
    pub(crate) async fn codex(&self) -> Codex {
        within(Codex::start_with(self.config())).await.unwrap()
    }

    /// Starts a client and a thread.
    pub(crate) async fn thread(&self) -> (Codex, Thread) {
        let codex = self.codex().await;
        let thread = within(codex.thread_start().into_future()).await.unwrap();
        (codex, thread)
    }
}
