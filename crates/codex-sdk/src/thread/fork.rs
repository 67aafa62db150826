//! Forking a thread, `thread/fork`.

use std::future::IntoFuture;
use std::path::PathBuf;

use codex_types::{ThreadForkParams, ThreadId, ThreadSource};

use super::Thread;
use super::applied::Asked;
use super::options::{self, thread_options};
use super::tools::Tools;
use crate::client::Codex;
use crate::door::Door;
use crate::error::Result;
use crate::pages::Pending;

/// Makes a new thread from what another one has so far, `thread/fork`; made by
/// [`Codex::thread_fork`].
///
/// The new thread has what the other one has, unless it is set here.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// let fork = codex
///     .thread_fork("0199a213-81c0-7800-8aa1-bbab2a035a53")
///     .model("gpt-5")
///     .await?;
/// println!("{:?} was forked to {}", fork.info().forked_from_id, fork.id());
/// # Ok(())
/// # }
/// ```
///
/// Developer instructions are told to the model with the first turn of the new thread, as a message
/// of its history (`thread/inject_items`). What the answer does not show of the other options goes
/// with its turns, as for [`ThreadResume`](crate::request::ThreadResume).
///
/// # Errors
///
/// Awaiting it fails with [`Error::InvalidInput`](crate::Error::InvalidInput) for a folder that is
/// empty or not Unicode, with
/// [`Error::UnsupportedRuntime`](crate::Error::UnsupportedRuntime) for an option that the runtime is too
/// old for, with [`Error::NotApplied`](crate::Error::NotApplied) for one that the answer shows
/// otherwise and no turn can set; else as [`Codex::request`].
#[derive(Clone, Debug)]
#[must_use = "a thread is forked when this is awaited or sent"]
pub struct ThreadFork<C = Codex> {
    pub(crate) client: C,
    params: ThreadForkParams,
    cwd: Option<PathBuf>,
    door: Door<ThreadForkParams>,
    pub(super) tools: Tools,
}

thread_options!(ThreadFork, ThreadForkParams);

impl<C> ThreadFork<C> {
    pub(crate) fn new(client: C, id: ThreadId) -> Self {
        Self {
            client,
            params: ThreadForkParams::new(id),
            cwd: None,
            door: Door::default(),
            tools: Tools::default(),
        }
    }

    /// Keeps the new thread in memory only; it ends with the runtime.
    pub fn ephemeral(mut self, on: bool) -> Self {
        self.params.ephemeral = Some(on);
        self
    }

    /// Sets whether the thread's turns so far are in the answer, and so in
    /// [`ThreadInfo::thread`](crate::ThreadInfo::thread).
    ///
    /// Needs a runtime of version 0.151.0 or newer.
    pub fn include_turns(mut self, include: bool) -> Self {
        self.params.exclude_turns = Some(!include);
        self
    }

    /// Sets the last turn that the new thread has; later ones are left out.
    pub fn last_turn_id(mut self, id: impl Into<String>) -> Self {
        self.params.last_turn_id = Some(id.into());
        self
    }

    /// Sets what the thread is from, for analytics.
    pub fn thread_source(mut self, source: ThreadSource) -> Self {
        self.params.thread_source = Some(source);
        self
    }

    /// Returns what is sent.
    pub(crate) fn into_params(self) -> Result<ThreadForkParams> {
        let mut params = self.params;
        params.cwd = options::path(self.cwd)?;
        self.door.apply(&mut params);
        Ok(params)
    }
}

impl IntoFuture for ThreadFork {
    type Output = Result<Thread>;
    type IntoFuture = Pending<Thread>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let codex = self.client.clone();
            codex.check_open()?;
            let tools = self.tools.clone();
            tools.check(&codex)?;
            let params = self.into_params()?;
            codex.check_support(&params)?;
            codex.check_reviewer(params.approvals_reviewer.as_ref())?;
            codex.check_folder(params.cwd.as_deref())?;
            let asked = Asked::from(&params);
            let answer = codex.request(params).await?;
            tools.bring(&codex, &answer.thread.id).keep();
            Thread::answered(codex, asked, answer)
        })
    }
}

impl Codex {
    /// Makes a new thread from what this one has so far, `thread/fork`.
    pub fn thread_fork(&self, id: impl Into<ThreadId>) -> ThreadFork {
        ThreadFork::new(self.clone(), id.into())
    }
}
