//! The thread that drives a connection, and how other threads wait for it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::thread;

use futures_core::Stream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::connection::ConnectionEnd;
use crate::error::Result;

/// A thread that runs an async runtime.
///
/// Everything that came from a client holds it, and drops it last. Dropping it neither blocks nor
/// ends the thread at once: that goes on until the connection has ended in good order.
#[derive(Debug)]
pub(super) struct Driver {
    handle: Handle,
    /// What the thread waits for once this is dropped.
    ended: OnceLock<ConnectionEnd>,
    stop: Option<oneshot::Sender<Option<ConnectionEnd>>>,
}

impl Driver {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// [`SetUp`](codex_runtime::Error::SetUp) if the system grants no thread, or no files for the
    /// event loop.
    pub(super) fn start() -> Result<Arc<Self>> {
        let failed = |what| move |source| codex_runtime::Error::SetUp { what, source };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed("the event loop of the blocking client"))?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<Option<ConnectionEnd>>();
        let drive = move || {
            runtime.block_on(async {
                if let Ok(Some(ended)) = stopped.await {
                    ended.wait().await;
                }
            });
        };
        #[expect(clippy::disallowed_methods, reason = "a thread of ARCHITECTURE.md")]
        let driver = thread::Builder::new()
            .name("codex-blocking".into())
            .spawn(drive);
        driver.map_err(failed("the thread that drives the blocking client"))?;
        Ok(Arc::new(Self {
            handle,
            ended: OnceLock::new(),
            stop: Some(stop),
        }))
    }

    /// Makes the thread wait for the end of this connection before it ends.
    pub(super) fn wait_on_drop(&self, ended: ConnectionEnd) {
        // Only the first connection counts; there is one.
        let _ = self.ended.set(ended);
    }

    /// Returns the async runtime.
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Waits for a future on this thread, while the driver serves the connection.
    ///
    /// # Panics
    ///
    /// In async code.
    #[track_caller]
    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.handle.block_on(future)
    }

    /// Waits for the next item of a stream.
    ///
    /// # Panics
    ///
    /// In async code.
    #[track_caller]
    pub(super) fn next<S: Stream + Unpin>(&self, stream: &mut S) -> Option<S::Item> {
        self.block_on(poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // A thread that is gone needs not be stopped.
            let _ = stop.send(self.ended.take());
        }
    }
}
