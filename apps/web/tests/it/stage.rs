//! A server with the real runtime in a home of its own, and a scripted model.

use std::time::Duration;

pub(crate) use codex_testkit::within;
use codex_testkit::{Answer, Home, MockModel};
use codex_web::{Options, Server};
use openai_codex::{CodexConfig, Sandbox};

use crate::client::Client;

/// The fields are dropped in this order: the runtime ends before its home goes.
pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) home: Home,
    pub(crate) model: MockModel,
}

impl Stage {
    /// Sets up a server whose agent may write in its workspace.
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let model = MockModel::start().await.unwrap();
        let home = Home::builder(&model)
            .file("README.md", "# Demo\n")
            .build()
            .unwrap();
        let program = tokio::task::spawn_blocking(openai_codex::runtime::install);
        let program = program.await.unwrap().unwrap();
        let mut options = Options::default();
        options.listen.set_port(0);
        options.sandbox = Some(Sandbox::WorkspaceWrite);
        // Whatever the runtime asks of another host comes to the model, and is seen.
        options.codex = CodexConfig::new()
            .codex_bin(program.program())
            .isolated(&home)
            .envs(model.proxy_env());
        change(&mut options);
        let server = within(Server::start(options)).await.unwrap();
        Self {
            server,
            home,
            model,
        }
    }

    /// Returns a client with the token.
    pub(crate) fn client(&self) -> Client {
        let origin = format!("http://{}", self.server.address());
        Client::new(origin, self.server.token())
    }

    /// Stops the server; every answer must have been asked for, and no other host may have been asked.
    pub(crate) async fn finish(self) {
        within(self.server.stop()).await;
        self.model.assert_exhausted();
        let foreign = self.model.foreign_requests().into_iter();
        let foreign: Vec<_> = foreign.map(|request| request.summary()).collect();
        assert_eq!(foreign, [""; 0]);
    }
}

/// A grace time that ends within a test.
pub(crate) const SHORT: Duration = Duration::from_millis(300);

/// A command that makes a file, and asks to leave the sandbox for it.
pub(crate) fn escalated() -> Answer {
    Answer::exec_command("touch made.txt").escalated("May I make a file?")
}

/// Whether the command of [`escalated`] has run.
pub(crate) fn is_made(home: &Home) -> bool {
    home.workspace().join("made.txt").exists()
}
