//! How threads come into a program: started, resumed, forked, unarchived.

use std::future::IntoFuture;

use codex_types::{ThreadArchiveParams, ThreadUnarchiveParams};

use super::{Thread, ThreadInfo};
use crate::builder::{Pending, ThreadFork, ThreadResume, ThreadStart};
use crate::client::Codex;
use crate::error::Result;

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
        Self::loaded(codex.clone(), answer.into())
    }
}

impl IntoFuture for ThreadStart {
    type Output = Result<Thread>;
    type IntoFuture = Pending<Thread>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let codex = self.client.clone();
            let response = codex.request(self.into_params()?).await?;
            Ok(Thread::loaded(codex, response.into()))
        })
    }
}

impl IntoFuture for ThreadResume {
    type Output = Result<Thread>;
    type IntoFuture = Pending<Thread>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let codex = self.client.clone();
            let response = codex.request(self.into_params(&codex)?).await?;
            Ok(Thread::loaded(codex, response.into()))
        })
    }
}

impl IntoFuture for ThreadFork {
    type Output = Result<Thread>;
    type IntoFuture = Pending<Thread>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let codex = self.client.clone();
            let response = codex.request(self.into_params(&codex)?).await?;
            Ok(Thread::loaded(codex, response.into()))
        })
    }
}
