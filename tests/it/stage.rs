//! A client of the real runtime, in a home of its own, with a scripted model.

use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use codex_runtime::Version;
pub(crate) use codex_testkit::within;
use codex_testkit::{Answer, Home, HomeBuilder, MockModel, Request};
use openai_codex::types::{
    ApprovalsReviewer, AskForApproval, ThreadId, ThreadStartParams, TurnStartParams,
};
use openai_codex::{Codex, CodexConfig, Error, InputItem, Notification, Result, Thread};

/// How long a test waits for anything at most.
const LIMIT: Duration = Duration::from_secs(60);

/// The fields are dropped in this order: the runtime ends before its home goes.
pub(crate) struct Stage {
    pub(crate) codex: Codex,
    pub(crate) home: Home,
    pub(crate) model: MockModel,
}

impl Stage {
    /// Sets up with the presets of [`Home`] and the default client.
    pub(crate) async fn new() -> Self {
        Self::with_home(|home| home).await
    }

    pub(crate) async fn with_home(change: impl FnOnce(HomeBuilder) -> HomeBuilder) -> Self {
        Self::with(change, |config| config).await
    }

    pub(crate) async fn with_config(change: impl FnOnce(CodexConfig) -> CodexConfig) -> Self {
        Self::with(|home| home, change).await
    }

    pub(crate) async fn with(
        home: impl FnOnce(HomeBuilder) -> HomeBuilder,
        client: impl FnOnce(CodexConfig) -> CodexConfig,
    ) -> Self {
        let model = MockModel::start().await.unwrap();
        let home = home(Home::builder(&model)).build().unwrap();
        let codex = ok(Codex::start_with(client(config(&home, &model)))).await;
        Self { codex, home, model }
    }

    /// Ends the runtime and starts another one in the same home.
    pub(crate) async fn restart(&mut self) {
        ok(self.codex.close()).await;
        self.codex = ok(Codex::start_with(config(&self.home, &self.model))).await;
    }

    /// Starts a thread with the defaults.
    pub(crate) async fn thread(&self) -> Thread {
        ok(self.codex.thread_start()).await
    }

    /// Ends the runtime in the middle of a test, as it cannot do the rest.
    pub(crate) async fn leave(self) {
        ok(self.codex.close()).await;
        assert_eq!(hosts_asked(&self.model), [""; 0]);
    }

    /// Ends the runtime. Every answer must have been asked for and every request answered, and
    /// no other host than the model may have been asked.
    pub(crate) async fn finish(self) {
        ok(self.codex.close()).await;
        self.model.assert_exhausted();
        assert_eq!(hosts_asked(&self.model), [""; 0]);
    }
}

/// Configures a client whose runtime lives in `home` and can reach no other host than `model`:
/// whatever it asks of one comes to the model's port as a request to a proxy, and is seen.
pub(crate) fn config(home: &Home, model: &MockModel) -> CodexConfig {
    let config = CodexConfig::new().codex_bin(program()).isolated(home);
    config.envs(model.proxy_env())
}

/// Lists the other hosts that the runtime has tried to reach.
pub(crate) fn hosts_asked(model: &MockModel) -> Vec<String> {
    let foreign = model.foreign_requests().into_iter();
    foreign.map(|request| request.summary()).collect()
}

/// The runtime that `cargo xtask test-with` names, else the pinned one; the first test to ask installs it,
/// if it must.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        let named = std::env::var_os("OPENAI_CODEX_TEST_RUNTIME");
        named.map_or_else(
            || codex_runtime::install().unwrap().program().to_owned(),
            PathBuf::from,
        )
    });
    &PROGRAM
}

/// The version of the runtime that is tested.
pub(crate) fn version() -> &'static Version {
    static VERSION: LazyLock<Version> =
        LazyLock::new(|| codex_runtime::probe_version(program()).unwrap().unwrap());
    &VERSION
}

/// The base instructions of a request: its first developer text, or in older runtimes a field of its own.
pub(crate) fn base_instructions(request: &Request) -> &str {
    let field = request.body_json["instructions"].as_str();
    let field = field.filter(|_| is_before(166));
    field.unwrap_or_else(|| request.developer_texts()[0])
}

/// Whether the runtime that is tested is older than `0.minor.0`, and so may do otherwise.
pub(crate) fn is_before(minor: u64) -> bool {
    *version() < Version::new(0, minor, 0)
}

/// Awaits `work` as [`within`], and its success.
#[track_caller]
pub(crate) fn ok<T>(work: impl IntoFuture<Output = Result<T>>) -> impl Future<Output = T> {
    let place = Location::caller();
    let work = within(work);
    async move {
        work.await
            .unwrap_or_else(|error| panic!("{place}: {error} ({error:?})"))
    }
}

/// Whether the client refused because it knows that the runtime which is tested is too old.
#[track_caller]
pub(crate) fn is_too_old(error: &Error) -> bool {
    let Error::UnsupportedRuntime { found, minimum, .. } = error else {
        return false;
    };
    assert_eq!(*found, version().to_string());
    assert!(*version() < minimum.parse().unwrap(), "{minimum}");
    true
}

/// Awaits `work` as [`ok`], or its refusal by a client that knows that the runtime which is tested is too old
/// for it.
#[track_caller]
pub(crate) fn supported<T>(
    work: impl IntoFuture<Output = Result<T>>,
) -> impl Future<Output = Option<T>> {
    let place = Location::caller();
    let work = within(work);
    async move {
        match work.await {
            Ok(done) => Some(done),
            Err(error) if is_too_old(&error) => None,
            Err(error) => panic!("{place}: {error} ({error:?})"),
        }
    }
}

/// Awaits `work` as [`within`], and its failure.
#[track_caller]
pub(crate) fn err<T>(
    work: impl IntoFuture<Output = Result<T>>,
) -> impl Future<Output = openai_codex::Error> {
    let place = Location::caller();
    let work = within(work);
    async move {
        match work.await {
            Ok(_) => panic!("{place}: no error"),
            Err(error) => error,
        }
    }
}

/// Makes a thread that has stored that the user decides about escalations.
pub(crate) async fn asking_the_user(stage: &Stage) -> Thread {
    let params = ThreadStartParams::default()
        .approval_policy(AskForApproval::OnRequest)
        .approvals_reviewer(ApprovalsReviewer::User);
    let id = ok(stage.codex.request(params)).await.thread.id;
    let thread = stored(stage, id).await;
    assert_eq!(thread.info().approval_policy, AskForApproval::OnRequest);
    assert_eq!(thread.info().approvals_reviewer, ApprovalsReviewer::User);
    thread
}

/// Takes a thread up that was started with a bare request, with all that it has.
///
/// A thread is stored with its first turn, which no handle follows here.
pub(crate) async fn stored(stage: &Stage, id: impl Into<ThreadId>) -> Thread {
    let Stage { codex, model, .. } = stage;
    let mut global = codex.notifications();
    model.push(Answer::text("ready"));
    let id = id.into();
    let params = TurnStartParams::new([InputItem::text("get ready")], &id);
    let turn = ok(codex.request(params)).await.turn.id;
    loop {
        let event = within(global.next()).await.expect("the client has ended");
        if matches!(event.unwrap(), Notification::TurnCompleted(done) if done.turn.id == turn) {
            return ok(codex.thread_resume(id)).await;
        }
    }
}

/// Runs a test that is not async for as long as a test may take.
#[track_caller]
pub(crate) fn bounded(test: impl FnOnce() + Send + 'static) {
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        let _done = done;
        test();
    });
    // The sender is dropped at the end, in a panic too; only time is an error here.
    let ended = is_done.recv_timeout(LIMIT);
    assert_ne!(
        ended,
        Err(RecvTimeoutError::Timeout),
        "not done within {LIMIT:?}"
    );
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}
