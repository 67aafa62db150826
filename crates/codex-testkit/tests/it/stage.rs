//! A model, a home for it, a runtime in the home, and a thread.

use codex_testkit::{Home, HomeBuilder, MockModel};
use serde_json::{Value, json};

use crate::runtime::Runtime;

/// The fields are dropped in this order: the runtime ends before its home goes.
pub(crate) struct Stage {
    pub(crate) runtime: Runtime,
    pub(crate) home: Home,
    pub(crate) model: MockModel,
    pub(crate) thread: String,
}

impl Stage {
    /// Sets up with the presets of [`Home`] and these params of `thread/start`.
    pub(crate) async fn new(thread: Value) -> Self {
        Self::with_home(|home| home, thread).await
    }

    pub(crate) async fn with_home(
        change: impl FnOnce(HomeBuilder) -> HomeBuilder,
        thread: Value,
    ) -> Self {
        let model = MockModel::start().await.unwrap();
        let home = change(Home::builder(&model)).build().unwrap();
        let mut runtime = Runtime::start(&home).await;
        let thread = runtime.start_thread(thread).await;
        Self {
            runtime,
            home,
            model,
            thread,
        }
    }

    /// Sets up a thread whose escalations the client decides.
    pub(crate) async fn asking_the_user() -> Self {
        Self::new(json!({"approvalPolicy": "on-request", "approvalsReviewer": "user"})).await
    }

    /// Sets up a thread whose escalations the reviewer decides.
    pub(crate) async fn asking_the_reviewer() -> Self {
        Self::new(json!({"approvalPolicy": "on-request", "approvalsReviewer": "auto_review"})).await
    }

    /// Runs a turn to its end and returns it.
    pub(crate) async fn run(&mut self, text: &str) -> Value {
        self.runtime.run(&self.thread, text).await
    }

    pub(crate) async fn start_turn(&mut self, text: &str) -> String {
        self.runtime.start_turn(&self.thread, text).await
    }
}
