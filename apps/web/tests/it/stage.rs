//! A server with the real runtime in a home of its own, and a scripted model.

use std::time::Duration;

pub(crate) use codex_testkit::within;
use codex_testkit::{Home, MockModel};
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
        options.codex =
            only_reaching(&model, CodexConfig::new().isolated(&home)).codex_bin(program.program());
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
        let own = format!("127.0.0.1:{}", self.model.port());
        for request in self.model.requests() {
            assert_eq!(
                request.header("host"),
                Some(own.as_str()),
                "{}",
                request.summary()
            );
        }
    }
}

/// Lets the runtime reach no other host than the model: whatever it asks of one comes to the model's port as a request
/// to a proxy, and is seen.
fn only_reaching(model: &MockModel, mut config: CodexConfig) -> CodexConfig {
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        config = config
            .env(name, model.origin())
            .env(name.to_ascii_uppercase(), model.origin());
    }
    config
        .env("no_proxy", "127.0.0.1")
        .env("NO_PROXY", "127.0.0.1")
}

/// A grace time that ends within a test.
pub(crate) const SHORT: Duration = Duration::from_millis(300);
