//! Answering for a thread of a remote runtime.

use super::Thread;
use crate::client::Codex;
use crate::error::Result;

impl Codex {
    /// Makes this client the one that answers for a thread: its handlers are asked about the turns of other clients
    /// too, and about what was asked before.
    ///
    /// All clients that have the thread get its questions, and the first answer counts. It ends when the last handle
    /// of the thread is dropped. On a runtime that this client has started it changes nothing.
    ///
    /// ```no_run
    /// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
    /// let thread = codex.thread_resume("th_1").await?;
    /// codex.take_over(&thread).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Closed`](crate::Error::Closed).
    #[cfg_attr(docsrs, doc(cfg(feature = "remote")))]
    pub async fn take_over(&self, thread: &Thread) -> Result<()> {
        self.check_open()?;
        self.connection().take_over(thread.id());
        Ok(())
    }
}
