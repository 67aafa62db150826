//! Resuming a thread, `thread/resume`.

use std::future::{IntoFuture, poll_fn};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use codex_types::{
    SortDirection, ThreadId, ThreadListCwdFilter, ThreadListParams, ThreadLoadedListParams,
    ThreadResumeParams, ThreadResumeResponse, ThreadSortKey,
};
use futures_core::Stream;

use super::Thread;
use super::applied::{Asked, hidden};
use super::bundle::ThreadBundle;
use super::options::{self, thread_options};
use super::tools::Tools;
use crate::client::Codex;
use crate::door::Door;
use crate::error::{Error, Result};
use crate::pages::{Pages, Pending};

/// Resumes a thread, `thread/resume`; made by [`Codex::thread_resume`].
///
/// The thread keeps what it has, unless it is set here.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// let thread = codex
///     .thread_resume("0199a213-81c0-7800-8aa1-bbab2a035a53")
///     .include_turns(false)
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// # Threads that are loaded
///
/// The runtime itself ignores every option where it has the thread loaded, and does not say so.
/// Here none is lost: approval mode, sandbox, folder, model and service tier that the answer does not
/// show go with every turn of this handle until one has started with them, and
/// [`Thread::info`](crate::Thread::info) shows them already. While a turn runs that does not have
/// them, a start fails with [`Error::ThreadBusy`](crate::Error::ThreadBusy) instead of joining it.
/// Every other option of a loaded thread is refused with
/// [`Error::NotApplied`](crate::Error::NotApplied).
///
/// Developer instructions are told to the model with the first turn of this handle, as a message of
/// the history (`thread/inject_items`): the runtime itself would keep them until it next sums the
/// history up.
///
/// # Errors
///
/// Awaiting it fails with [`Error::InvalidInput`](crate::Error::InvalidInput) for a folder that is
/// empty or not Unicode, with
/// [`Error::UnsupportedRuntime`](crate::Error::UnsupportedRuntime) for an option that the runtime is too
/// old for, with [`Error::NotApplied`](crate::Error::NotApplied) for one that it does not apply; else as
/// [`Codex::request`].
#[derive(Clone, Debug)]
#[must_use = "a thread is resumed when this is awaited or sent"]
pub struct ThreadResume<C = Codex> {
    pub(crate) client: C,
    params: ThreadResumeParams,
    is_latest: bool,
    /// What is written first.
    bundle: Option<Arc<ThreadBundle>>,
    cwd: Option<PathBuf>,
    door: Door<ThreadResumeParams>,
    pub(super) tools: Tools,
}

thread_options!(ThreadResume, ThreadResumeParams, is_latest, bundle);

impl<C> ThreadResume<C> {
    pub(crate) fn new(client: C, id: ThreadId) -> Self {
        Self {
            client,
            params: ThreadResumeParams::new(id),
            is_latest: false,
            bundle: None,
            cwd: None,
            door: Door::default(),
            tools: Tools::default(),
        }
    }

    /// Makes one for the thread that was used last, which is looked for when it is sent.
    pub(crate) fn latest(client: C) -> Self {
        Self {
            is_latest: true,
            ..Self::new(client, ThreadId::default())
        }
    }

    /// Makes one for a thread that is written first.
    pub(crate) fn import(client: C, bundle: ThreadBundle) -> Self {
        Self {
            bundle: Some(Arc::new(bundle.clone())),
            ..Self::new(client, bundle.thread_id)
        }
    }

    /// Sets whether the thread's turns so far are in the answer, and so in
    /// [`ThreadInfo::thread`](crate::ThreadInfo::thread).
    ///
    /// Needs a runtime of version 0.151.0 or newer.
    pub fn include_turns(mut self, include: bool) -> Self {
        self.params.exclude_turns = Some(!include);
        self
    }

    /// Returns what is sent.
    pub(crate) fn into_params(self) -> Result<ThreadResumeParams> {
        let mut params = self.params;
        params.cwd = options::path(self.cwd)?;
        self.door.apply(&mut params);
        Ok(params)
    }
}

impl IntoFuture for ThreadResume {
    type Output = Result<Thread>;
    type IntoFuture = Pending<Thread>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let codex = self.client.clone();
            codex.check_open()?;
            let (is_latest, bundle) = (self.is_latest, self.bundle.clone());
            let tools = self.tools.clone();
            tools.check(&codex)?;
            let mut params = self.into_params()?;
            codex.check_support(&params)?;
            codex.check_reviewer(params.approvals_reviewer.as_ref())?;
            codex.check_folder(params.cwd.as_deref())?;
            if let Some(bundle) = &bundle {
                codex.write_bundle(bundle).await?;
            }
            if is_latest {
                params.thread_id = codex.latest_thread(params.cwd.as_deref()).await?;
            }
            let asked = Asked::from(&params);
            // A call that waits for an answer may come before that of the resume.
            let brought = tools.bring(&codex, &params.thread_id);
            let answer = codex.resume(params).await?;
            brought.keep();
            let thread = Thread::answered(codex, asked, answer)?;
            if let Some(bundle) = &bundle {
                thread.take_from(bundle).await?;
            }
            Ok(thread)
        })
    }
}

impl Codex {
    /// Resumes a thread that is stored, or runs already, `thread/resume`.
    ///
    /// ```no_run
    /// # async fn example(codex: openai_codex::Codex, id: String) -> openai_codex::Result<()> {
    /// let thread = codex.thread_resume(id).await?;
    /// println!("{}", thread.run("Where were we?").await?.text());
    /// # Ok(())
    /// # }
    /// ```
    pub fn thread_resume(&self, id: impl Into<ThreadId>) -> ThreadResume {
        ThreadResume::new(self.clone(), id.into())
    }

    /// Resumes the stored thread that was updated last, `thread/list` and `thread/resume`;
    /// [`cwd`](ThreadResume::cwd) narrows the search to the threads of a folder.
    ///
    /// ```no_run
    /// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
    /// let thread = codex.thread_resume_latest().cwd("my-project").await?;
    /// println!("{}", thread.run("Where were we?").await?.text());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Awaiting it fails with [`Error::InvalidInput`](crate::Error::InvalidInput) where there is none: threads
    /// that are archived, ephemeral or without a turn do not count, and neither do those of sub-agents and of
    /// programs that run without a user (`ThreadSourceKind` tells which are interactive).
    pub fn thread_resume_latest(&self) -> ThreadResume {
        ThreadResume::latest(self.clone())
    }

    /// Finds the thread that was updated last.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if there is none; else as [`Codex::request`].
    async fn latest_thread(&self, folder: Option<&str>) -> Result<ThreadId> {
        let mut list = ThreadListParams::default()
            .limit(1_u32)
            .sort_key(ThreadSortKey::UpdatedAt)
            .sort_direction(SortDirection::Desc)
            .model_providers([]);
        list.cwd = folder.map(ThreadListCwdFilter::from);
        let page = self.request(list).await?;
        let latest = page.data.into_iter().next().map(|thread| thread.id);
        latest.ok_or_else(|| {
            let of = folder.map(|folder| format!(" of the folder {folder:?}"));
            Error::InvalidInput(format!(
                "there is no stored thread{} to resume; start one",
                of.unwrap_or_default()
            ))
        })
    }
}

impl Codex {
    /// Resumes a thread, unless options would be ignored that no answer shows.
    ///
    /// # Errors
    ///
    /// [`Error::NotApplied`] if the thread is loaded and has such options; nothing is sent then.
    pub(super) async fn resume(&self, params: ThreadResumeParams) -> Result<ThreadResumeResponse> {
        // Another resume of the thread would load it between the question and the request.
        let _guard = self.connection().resume_guard(&params.thread_id).await;
        let hidden = hidden(&params);
        if !hidden.is_empty() && self.has_loaded(&params.thread_id).await? {
            return Err(Error::NotApplied { fields: hidden });
        }
        self.request(params).await
    }

    /// Tells whether the runtime has a thread in memory, `thread/loaded/list`.
    pub(super) async fn has_loaded(&self, id: &str) -> Result<bool> {
        let mut loaded = Pages::new(self.clone(), ThreadLoadedListParams::default());
        while let Some(next) = poll_fn(|cx| Pin::new(&mut loaded).poll_next(cx)).await {
            if next? == id {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
