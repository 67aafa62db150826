//! Starting a thread, `thread/start`.

use std::future::IntoFuture;
use std::path::PathBuf;

use codex_types::{ThreadSource, ThreadStartParams, ThreadStartSource};

use super::Thread;
use super::applied::Asked;
use super::options::{self, thread_options};
use super::tools::Tools;
use crate::client::Codex;
use crate::door::Door;
use crate::error::Result;
use crate::pages::Pending;
use crate::policy::ApprovalMode;

/// Starts a thread, `thread/start`; made by [`Codex::thread_start`].
///
/// The approval mode is [`ApprovalMode::AutoReview`] unless set. What the answer does not show of
/// what was set goes with the thread's turns, as for [`ThreadResume`](crate::request::ThreadResume).
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// use openai_codex::{ApprovalMode, Sandbox};
///
/// let thread = codex
///     .thread_start()
///     .cwd("/home/me/project")
///     .approval_mode(ApprovalMode::DenyAll)
///     .sandbox(Sandbox::WorkspaceWrite)
///     .await?;
/// println!("{} works with {}", thread.id(), thread.info().model);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Awaiting it fails with [`Error::InvalidInput`](crate::Error::InvalidInput) for a folder that is
/// empty or not Unicode, with [`Error::NotApplied`](crate::Error::NotApplied) for an option that the
/// answer shows otherwise and no turn can set; else as [`Codex::request`].
#[derive(Clone, Debug)]
#[must_use = "a thread is started when this is awaited or sent"]
pub struct ThreadStart<C = Codex> {
    pub(crate) client: C,
    params: ThreadStartParams,
    cwd: Option<PathBuf>,
    door: Door<ThreadStartParams>,
    pub(super) tools: Tools,
}

thread_options!(ThreadStart, ThreadStartParams);

impl<C> ThreadStart<C> {
    pub(crate) fn new(client: C) -> Self {
        Self {
            client,
            params: ThreadStartParams::default(),
            cwd: None,
            door: Door::default(),
            tools: Tools::default(),
        }
    }

    /// Tells whether the caller has set the approval mode.
    pub(crate) fn has_approval_mode(&self) -> bool {
        self.params.approval_policy.is_some()
    }

    /// Keeps the thread in memory only; it ends with the runtime.
    pub fn ephemeral(mut self, on: bool) -> Self {
        self.params.ephemeral = Some(on);
        self
    }

    /// Sets the name of the service that the thread belongs to.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.params.service_name = Some(name.into());
        self
    }

    /// Sets whether the thread begins a session or follows one that was cleared.
    pub fn session_start_source(mut self, source: ThreadStartSource) -> Self {
        self.params.session_start_source = Some(source);
        self
    }

    /// Sets what the thread is from, for analytics.
    pub fn thread_source(mut self, source: ThreadSource) -> Self {
        self.params.thread_source = Some(source);
        self
    }

    /// Returns what is sent.
    pub(crate) fn into_params(mut self) -> Result<ThreadStartParams> {
        if !self.has_approval_mode() {
            self = self.approval_mode(ApprovalMode::default());
        }
        let mut params = self.params;
        params.cwd = options::path(self.cwd)?;
        self.door.apply(&mut params);
        Ok(params)
    }
}

impl IntoFuture for ThreadStart {
    type Output = Result<Thread>;
    type IntoFuture = Pending<Thread>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let codex = self.client.clone();
            codex.check_open()?;
            let chosen = self.has_approval_mode();
            let tools = self.tools.clone();
            tools.check(&codex)?;
            let params = self.into_params()?;
            codex.check_reviewer(params.approvals_reviewer.as_ref())?;
            codex.check_folder(params.cwd.as_deref())?;
            let mut asked = Asked::from(&params);
            if !chosen {
                asked.keep_approval();
            }
            let answer = tools.start(&codex, params).await?;
            tools.bring(&codex, &answer.thread.id).keep();
            Thread::answered(codex, asked, answer)
        })
    }
}

impl Codex {
    /// Starts a thread, `thread/start`.
    ///
    /// ```no_run
    /// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
    /// let thread = codex.thread_start().model("gpt-5").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn thread_start(&self) -> ThreadStart {
        ThreadStart::new(self.clone())
    }
}
