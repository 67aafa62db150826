//! The end of a client: waiting for it, and what it refuses.

use std::sync::Arc;

use super::Codex;
use crate::error::{CloseReason, Error, Result};

impl Codex {
    /// Waits for the end of the client, and returns its reason: the runtime ended, the connection to it was lost,
    /// or [`Codex::close`] was called.
    ///
    /// It returns as soon as calls fail with [`Error::Closed`], whose reason this is; at once where they do already.
    /// The process may still be on its way out then; [`Codex::close`] waits until it is gone.
    ///
    /// ```no_run
    /// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
    /// use openai_codex::CloseReason;
    ///
    /// let thread = codex.thread_start().await?;
    /// tokio::select! {
    ///     result = thread.run("Describe this project.") => println!("{}", result?.text()),
    ///     reason = codex.closed() => match &*reason {
    ///         CloseReason::Requested => println!("closed by this program"),
    ///         reason => println!("start a new client: {reason}"),
    ///     },
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A task that waits with a clone of the client keeps the client alive: the runtime does not end with the other
    /// handles then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn closed(&self) -> Arc<CloseReason> {
        self.connection().wait_closed().await
    }

    /// Refuses everything once the client has ended: before a call is looked at, so that it ends with the same
    /// reason whatever it asks for.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`].
    pub(crate) fn check_open(&self) -> Result<()> {
        match self.connection().closed() {
            Some(reason) => Err(Error::Closed(reason)),
            None => Ok(()),
        }
    }

    /// Returns the refusal of a call of which nothing was sent: that of a client that has ended goes first.
    pub(crate) fn closed_or(&self, refusal: Error) -> Error {
        self.check_open().err().unwrap_or(refusal)
    }
}
