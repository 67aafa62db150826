//! The configuration of a client.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use codex_runtime::Isolation;
use codex_types::request::ServerRequest;
use serde::Serialize;

use crate::error::ResponseError;
use crate::handler::Handlers;
use crate::question::{Approval, Decision};
use crate::retry::RetryPolicy;
use crate::secrets;

mod overrides;
mod resolve;

pub(crate) use resolve::ConnectionConfig;

/// How a client is set up; every setting has a default.
///
/// Its `Debug` form holds no values of variables and overrides, which may be secrets.
///
/// ```
/// use std::time::Duration;
/// use openai_codex::CodexConfig;
///
/// let config = CodexConfig::new()
///     .env_remove("OPENAI_API_KEY")
///     .config_override("model_reasoning_effort", "low")
///     .request_timeout(Some(Duration::from_secs(10)));
/// # let _ = config;
/// ```
#[derive(Clone)]
#[must_use]
pub struct CodexConfig {
    codex_bin: Option<PathBuf>,
    launch_command: Option<Vec<OsString>>,
    /// In call order: key, and value as TOML or why it has none.
    overrides: Vec<(String, std::result::Result<String, String>)>,
    /// The parts of the overrides that must not be logged.
    secrets: Vec<String>,
    cwd: Option<PathBuf>,
    env_clear: bool,
    /// In call order.
    env: Vec<(OsString, Option<OsString>)>,
    client_name: String,
    client_version: String,
    experimental_api: bool,
    request_timeout: Option<Duration>,
    max_in_flight: usize,
    max_line_bytes: usize,
    retry: RetryPolicy,
    opt_out: Vec<String>,
    handlers: Handlers,
}

impl Default for CodexConfig {
    fn default() -> Self {
        Self {
            codex_bin: None,
            launch_command: None,
            overrides: Vec::new(),
            secrets: Vec::new(),
            cwd: None,
            env_clear: false,
            env: Vec::new(),
            client_name: "codex_rust_sdk".into(),
            client_version: crate::VERSION.into(),
            experimental_api: false,
            request_timeout: Some(Duration::from_secs(60)),
            max_in_flight: 64,
            max_line_bytes: 256 * 1024 * 1024,
            retry: RetryPolicy::default(),
            opt_out: Vec::new(),
            handlers: Handlers::default(),
        }
    }
}

impl CodexConfig {
    /// Makes the default configuration.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs exactly this executable.
    pub fn codex_bin(mut self, path: impl Into<PathBuf>) -> Self {
        self.codex_bin = Some(path.into());
        self
    }

    /// Runs this command line, the program and all of its arguments, instead of a runtime that
    /// is looked for. Config overrides are not added to it.
    ///
    /// On Unix its standard input is a socket, which a shell script notices in two ways: it cannot
    /// open `/dev/stdin`, and `bash -c` reads `~/.bashrc` where no other shell is around it
    /// (`bash --norc -c` does not).
    pub fn launch_command<I, S>(mut self, argv: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<OsString>,
    {
        self.launch_command = Some(argv.into_iter().map(Into::into).collect());
        self
    }

    /// Overrides a setting of the runtime's configuration, `--config key=<toml value>`.
    ///
    /// A key that the runtime does not know is no error: it is ignored, with a warning among
    /// [`Codex::notifications`](crate::Codex::notifications).
    ///
    /// A value that TOML cannot say, such as a number that is not finite, is an
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) when the client starts.
    pub fn config_override(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        let key = key.into();
        if let Ok(value) = serde_json::to_value(&value) {
            secrets::secrets_of(&key, &value, &mut self.secrets);
        }
        self.overrides.push((key, overrides::to_toml(&value)));
        self
    }

    /// Runs the runtime in this folder instead of the current one, against which a relative one is
    /// made absolute.
    ///
    /// One that does not exist is an [`Error::InvalidInput`](crate::Error::InvalidInput) when the
    /// client starts.
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cwd = Some(dir.into());
        self
    }

    /// Sets an environment variable for the runtime, which inherits those of this process.
    ///
    /// What it does not inherit are the variables that a Codex sets for the processes that it starts:
    /// `CODEX_INTERNAL_ORIGINATOR_OVERRIDE`, `CODEX_SANDBOX` and those that begin so,
    /// `CODEX_THREAD_ID` and other ids, `CODEX_CI` and the like. A program that an agent runs has
    /// them, and they tell of that agent's runtime. Set here they do reach the runtime.
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((key.into(), Some(value.into())));
        self
    }

    /// Sets environment variables for the runtime, as [`env`](Self::env) does for one.
    pub fn envs(
        mut self,
        vars: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
    ) -> Self {
        let vars = vars.into_iter();
        self.env
            .extend(vars.map(|(key, value)| (key.into(), Some(value.into()))));
        self
    }

    /// Keeps an environment variable from the runtime.
    pub fn env_remove(mut self, key: impl Into<OsString>) -> Self {
        self.env.push((key.into(), None));
        self
    }

    /// Gives the runtime none of this process's variables, only those set with
    /// [`env`](Self::env), before or after.
    pub fn env_clear(mut self) -> Self {
        self.env_clear = true;
        self
    }

    /// Runs the runtime in the folder and with the environment of this isolation, such as a `Home`
    /// of `codex-testkit`: [`cwd`](Self::cwd), [`env`](Self::env) and
    /// [`env_remove`](Self::env_remove) in one call.
    pub fn isolated(mut self, home: &impl Isolation) -> Self {
        self.cwd = Some(home.cwd());
        let removed = home.env_remove().into_iter().map(|key| (key, None));
        let set = home
            .env()
            .into_iter()
            .map(|(key, value)| (key, Some(value)));
        self.env.extend(removed.chain(set));
        self
    }

    /// Names the client to the runtime; the default is `codex_rust_sdk` and this crate's version.
    ///
    /// The name goes into HTTP headers, so it must be printable ASCII. The variable
    /// `CODEX_INTERNAL_ORIGINATOR_OVERRIDE` would take its place there; it reaches the runtime only if
    /// it is set with [`env`](Self::env).
    pub fn client_info(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.client_name = name.into();
        self.client_version = version.into();
        self
    }

    /// Opts into the runtime's experimental API; the default is not to.
    pub fn experimental_api(mut self, on: bool) -> Self {
        self.experimental_api = on;
        self
    }

    /// Sets how long to wait for the answer to a request; the default is 60 s, and `None` waits
    /// for ever. How long a turn takes is another matter: its request is answered at once.
    pub fn request_timeout(mut self, after: Option<Duration>) -> Self {
        self.request_timeout = after;
        self
    }

    /// Sets how many requests may wait for their answer at a time; the default is 64, with which
    /// the runtime is never overloaded.
    pub fn max_in_flight(mut self, n: usize) -> Self {
        self.max_in_flight = n;
        self
    }

    /// Sets how long a line of the runtime may be; the default is 256 MiB.
    ///
    /// A longer one ends the connection with [`CloseReason::Protocol`](crate::CloseReason), so
    /// that output without an end does not fill the memory.
    pub fn max_line_bytes(mut self, n: usize) -> Self {
        self.max_line_bytes = n;
        self
    }

    /// Sets how requests are repeated that an overloaded runtime has refused to take.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Asks the runtime not to send this notification.
    ///
    /// One that turns or logins need is an [`Error::InvalidInput`](crate::Error::InvalidInput) when
    /// the client starts.
    pub fn opt_out_notification(mut self, method: impl Into<String>) -> Self {
        self.opt_out.push(method.into());
        self
    }

    /// Sets the handler that decides approvals: commands, changes of files and permissions of threads
    /// with [`ApprovalMode::UserReview`](crate::ApprovalMode::UserReview).
    ///
    /// It runs on a task of its own for each question, and is stopped when the question is answered
    /// elsewhere or its turn is over. A panic declines. An [`on_request`](Self::on_request) handler for the
    /// same method goes first. See [`approval`](crate::approval).
    ///
    /// The handler and the stream of the turn are separate channels, without an order between them: it may be asked
    /// before the `item/started` of the command is read.
    pub fn on_approval<F, Fut>(mut self, decide: F) -> Self
    where
        F: Fn(Approval) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Decision> + Send + 'static,
    {
        self.handlers.set_approver(decide);
        self
    }

    /// Answers a request of the runtime, the one whose params are `P`.
    ///
    /// The handler runs on a task of its own, as many at a time as the runtime asks; it is
    /// stopped when its turn ends. If it panics or fails, the runtime gets the answer that grants
    /// nothing. Without a handler that is always the answer. A second handler for the same params
    /// replaces the first.
    ///
    /// A thread asks a handler about commands and patches only if its approvals go to the user, as
    /// [`ApprovalMode`](crate::ApprovalMode) shows; by default a reviewer model decides. The handler
    /// is one for all threads of the client; `thread_id` and `turn_id` say whose request it is.
    ///
    /// The `command` of such a request is a line for a shell, quoted as the shell wants it
    /// (`/bin/bash -lc 'git status'`): decide by the whole line, because a part of it says nothing of
    /// the rest, by `cwd`, the folder that it runs in, and by `kind`, which is another for input to
    /// a command that runs already.
    ///
    /// ```no_run
    /// use openai_codex::{CodexConfig, types};
    ///
    /// use types::{CommandExecutionApprovalDecision as Decision, CommandExecutionRequestApprovalParams};
    ///
    /// let config = CodexConfig::new().on_request(|ask: CommandExecutionRequestApprovalParams| async move {
    ///     // Harmless in any folder; else `ask.cwd` would have to be compared too.
    ///     let known = ask.kind == types::CommandExecutionApprovalKind::Command
    ///         && ask.command.as_deref() == Some("/bin/bash -lc 'git status'");
    ///     let decision = if known { Decision::Accept } else { Decision::Decline };
    ///     Ok(types::CommandExecutionRequestApprovalResponse::new(decision))
    /// });
    /// ```
    pub fn on_request<P, F, Fut>(mut self, handler: F) -> Self
    where
        P: ServerRequest,
        F: Fn(P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = std::result::Result<P::Response, ResponseError>> + Send + 'static,
    {
        self.handlers.set(handler);
        self
    }
}

impl fmt::Debug for CodexConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let env: BTreeMap<_, _> = self
            .env
            .iter()
            .map(|(key, value)| (key, if value.is_some() { "set" } else { "removed" }))
            .collect();
        let overrides: Vec<_> = self.overrides.iter().map(|(key, _)| key).collect();
        // Arguments may be secrets too.
        let program = self.launch_command.as_ref().map(|argv| argv.first());
        f.debug_struct("CodexConfig")
            .field("codex_bin", &self.codex_bin)
            .field("launch_command", &program)
            .field("config_overrides", &overrides)
            .field("cwd", &self.cwd)
            .field("env_clear", &self.env_clear)
            .field("env", &env)
            .field("client_name", &self.client_name)
            .field("client_version", &self.client_version)
            .field("experimental_api", &self.experimental_api)
            .field("request_timeout", &self.request_timeout)
            .field("max_in_flight", &self.max_in_flight)
            .field("max_line_bytes", &self.max_line_bytes)
            .field("retry", &self.retry)
            .field("opt_out_notifications", &self.opt_out)
            .field("on_request", &self.handlers)
            .finish()
    }
}
