//! Tasks that end with their owner.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A task that ends with its owner.
#[derive(Debug)]
pub(super) struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Task<T> {
    pub(super) fn spawn(future: impl Future<Output = T> + Send + 'static) -> Self
    where
        T: Send + 'static,
    {
        #[expect(clippy::disallowed_methods, reason = "tasks of ARCHITECTURE.md")]
        Self(tokio::spawn(future))
    }

    /// Polls for the end; `None` if the task was aborted or has panicked.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.0).poll(cx).map(Result::ok)
    }

    /// Ends the task at its next wait, and waits until it has let go of everything.
    pub(super) async fn stop(&mut self) {
        self.0.abort();
        if !self.0.is_finished() {
            let _ = (&mut self.0).await;
        }
    }

    /// Waits for the end for a limited time.
    pub(super) async fn end_within(&mut self, time: Duration) {
        // A task that has ended may have been polled to its end, which must not be done twice.
        if !self.0.is_finished() {
            let _ = timeout(time, &mut self.0).await;
        }
    }
}
