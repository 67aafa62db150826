//! The outbox of lines for the runtime, and the task that writes them.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Lines on their way to the runtime.
///
/// Anyone may add a line without waiting, also from `Drop`. Requests are bounded by the cap on
/// requests in flight, answers by what the runtime asks, so the lines are too.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<u8>,
    closed: bool,
    waker: Option<Waker>,
}

impl Outbox {
    /// Adds lines, unless the outbox is closed.
    pub(crate) fn push(&self, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.lines.extend_from_slice(lines);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Drops what is there: the connection that it was for is lost.
    #[cfg(feature = "remote")]
    pub(crate) fn clear(&self) {
        self.lock().lines.clear();
    }

    /// Lets the writer end once it has written what is there.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits for lines and exchanges them with `taken`, which is empty; `false` means that no
    /// more come.
    ///
    /// It lets other tasks run before it takes them: those that an answer has just woken add
    /// their next request to the batch, and one write sends them all.
    pub(crate) async fn take(&self, taken: &mut Vec<u8>) -> bool {
        let mut stepped_aside = false;
        poll_fn(|cx| {
            let mut state = self.lock();
            if !state.lines.is_empty() {
                if !std::mem::replace(&mut stepped_aside, true) {
                    drop(state);
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                std::mem::swap(&mut state.lines, taken);
                Poll::Ready(true)
            } else if state.closed {
                Poll::Ready(false)
            } else {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        })
        .await
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what comes into the outbox until it is closed or writing fails; then closes the pipe.
pub(crate) async fn write(
    outbox: Arc<Outbox>,
    mut pipe: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    /// The memory that is kept between batches.
    const KEEP: usize = 64 * 1024;

    let mut batch = Vec::new();
    while outbox.take(&mut batch).await {
        pipe.write_all(&batch).await?;
        pipe.flush().await?;
        batch.clear();
        batch.shrink_to(KEEP);
    }
    pipe.shutdown().await
}
