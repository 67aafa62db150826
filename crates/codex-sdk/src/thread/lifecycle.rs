//! How threads come into a program: started, resumed, forked, unarchived.

use std::future::{IntoFuture, poll_fn};
use std::pin::Pin;

use codex_types::{
    ThreadArchiveParams, ThreadLoadedListParams, ThreadResumeParams, ThreadResumeResponse,
    ThreadUnarchiveParams,
};
use futures_core::Stream;

use super::options::{self, Asked, Overrides};
use super::{Thread, ThreadInfo};
use crate::builder::{Pages, Pending, ThreadFork, ThreadResume, ThreadStart};
use crate::client::Codex;
use crate::error::{Error, Result};

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

    /// Resumes a thread that is stored, or runs already, `thread/resume`.
    ///
    /// ```no_run
    /// # async fn example(codex: openai_codex::Codex, id: String) -> openai_codex::Result<()> {
    /// let thread = codex.thread_resume(id).await?;
    /// println!("{}", thread.run("Where were we?").await?.text());
    /// # Ok(())
    /// # }
    /// ```
    pub fn thread_resume(&self, id: impl Into<String>) -> ThreadResume {
        ThreadResume::new(self.clone(), id.into())
    }

    /// Makes a new thread from what this one has so far, `thread/fork`.
    pub fn thread_fork(&self, id: impl Into<String>) -> ThreadFork {
        ThreadFork::new(self.clone(), id.into())
    }

    /// Puts a thread away, `thread/archive`; [`Codex::thread_unarchive`] brings it back.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`].
    pub async fn thread_archive(&self, id: &str) -> Result<()> {
        self.request(ThreadArchiveParams::new(id)).await?;
        Ok(())
    }

    /// Brings an archived thread back, `thread/unarchive`.
    ///
    /// The thread can be used at once; it is resumed before its first turn.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`].
    pub async fn thread_unarchive(&self, id: &str) -> Result<Thread> {
        let response = self.request(ThreadUnarchiveParams::new(id)).await?;
        Ok(Thread::unloaded(
            self.clone(),
            ThreadInfo::unarchived(response),
        ))
    }
}

impl Thread {
    /// Makes the handle of a thread that [`Codex::request`] has started, resumed or forked, with
    /// options that no builder offers.
    ///
    /// What was asked for is not compared with the answer, as awaiting the builders does; see
    /// [`ThreadResume`].
    ///
    /// ```no_run
    /// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
    /// use openai_codex::{Thread, types};
    ///
    /// // The user decides, by the handlers of the client.
    /// let params = types::ThreadStartParams::default()
    ///     .approval_policy(types::AskForApproval::OnRequest)
    ///     .approvals_reviewer(types::ApprovalsReviewer::User);
    /// let thread = Thread::attach(&codex, codex.request(params).await?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn attach(codex: &Codex, answer: impl Into<ThreadInfo>) -> Self {
        Self::loaded(codex.clone(), answer.into(), Overrides::default(), None)
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
        let hidden = options::hidden(&params);
        if !hidden.is_empty() && self.has_loaded(&params.thread_id).await? {
            return Err(Error::NotApplied { fields: hidden });
        }
        self.request(params).await
    }

    /// Tells whether the runtime has a thread in memory, `thread/loaded/list`.
    async fn has_loaded(&self, id: &str) -> Result<bool> {
        let mut loaded = Pages::new(self.clone(), ThreadLoadedListParams::default());
        while let Some(next) = poll_fn(|cx| Pin::new(&mut loaded).poll_next(cx)).await {
            if next? == id {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Thread {
    /// Makes the handle of a thread from the answer to what was asked.
    fn answered(codex: Codex, asked: Asked, answer: impl Into<ThreadInfo>) -> Result<Self> {
        let mut info = answer.into();
        let (overrides, instructions) = asked.compare(&mut info)?;
        Ok(Self::loaded(codex, info, overrides, instructions))
    }
}

impl IntoFuture for ThreadStart {
    type Output = Result<Thread>;
    type IntoFuture = Pending<Thread>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let codex = self.client.clone();
            let chosen = self.has_approval_mode();
            let params = self.into_params()?;
            let mut asked = Asked::from(&params);
            if !chosen {
                asked.keep_approval();
            }
            let answer = codex.request(params).await?;
            Thread::answered(codex, asked, answer)
        })
    }
}

impl IntoFuture for ThreadResume {
    type Output = Result<Thread>;
    type IntoFuture = Pending<Thread>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let codex = self.client.clone();
            let params = self.into_params(&codex)?;
            let asked = Asked::from(&params);
            let answer = codex.resume(params).await?;
            Thread::answered(codex, asked, answer)
        })
    }
}

impl IntoFuture for ThreadFork {
    type Output = Result<Thread>;
    type IntoFuture = Pending<Thread>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let codex = self.client.clone();
            let params = self.into_params(&codex)?;
            let asked = Asked::from(&params);
            let answer = codex.request(params).await?;
            Thread::answered(codex, asked, answer)
        })
    }
}
