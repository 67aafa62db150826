//! Archiving threads, `thread/archive` and `thread/unarchive`.

use codex_types::{ThreadArchiveParams, ThreadUnarchiveParams};

use super::Thread;
use crate::client::Codex;
use crate::error::Result;

impl Codex {
    /// Puts a thread away, `thread/archive`; [`Codex::thread_unarchive`] brings it back.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`].
    pub async fn thread_archive(&self, id: &str) -> Result<()> {
        self.request(ThreadArchiveParams::new(id)).await?;
        Ok(())
    }

    /// Brings an archived thread back, `thread/unarchive`, and resumes it, `thread/resume`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave a thread that is unarchived and not resumed;
    /// [`Codex::thread_resume`] does the rest.
    pub async fn thread_unarchive(&self, id: &str) -> Result<Thread> {
        self.request(ThreadUnarchiveParams::new(id)).await?;
        self.thread_resume(id).await
    }
}
