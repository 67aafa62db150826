//! Where agents work: a folder for each attempt of a job.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use crate::error::Cause;
use crate::task::Task;

mod git;

pub use git::GitCheckout;

/// A future of a [`Workspace`].
pub type WorkspaceFuture<'a, T> =
    Pin<Box<dyn Future<Output = Result<T, Box<dyn std::error::Error + Send + Sync>>> + Send + 'a>>;

/// Makes the folders that agents work in.
///
/// [`GitCheckout`] is one. What it does runs outside of the agent's sandbox, in a folder that the agent may write to.
pub trait Workspace: Send + Sync + 'static {
    /// Makes a folder for one attempt of a task, with what [`Workspace::save`] returned of an earlier one.
    fn prepare<'a>(
        &'a self,
        task: &'a Task,
        attempt: u32,
        saved: Option<&'a [u8]>,
    ) -> WorkspaceFuture<'a, PathBuf>;

    /// Returns what the agent has changed, for another machine that goes on; `None` to leave it here.
    fn save<'a>(&'a self, folder: &'a Path) -> WorkspaceFuture<'a, Option<Vec<u8>>>;

    /// Removes the folder when the attempt is over.
    fn release<'a>(&'a self, folder: &'a Path) -> WorkspaceFuture<'a, ()>;
}

/// Removes a folder; none is as good.
async fn remove(folder: &Path) -> Result<(), Cause> {
    match tokio::fs::remove_dir_all(folder).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
