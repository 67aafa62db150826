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

    /// As [`Connection::check_open`](crate::connection::Connection::check_open).
    pub(crate) fn check_open(&self) -> Result<()> {
        self.connection().check_open()
    }

    /// As [`Connection::closed_or`](crate::connection::Connection::closed_or).
    pub(crate) fn closed_or(&self, refusal: Error) -> Error {
        self.connection().closed_or(refusal)
    }
}
