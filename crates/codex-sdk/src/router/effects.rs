//! What a change of the router leads to.

use std::task::Waker;
use std::time::Duration;

use tokio::sync::watch;

use super::{OpenedIds, Outcome, Routed};

/// The effects of a change of the router, which its owner applies without the lock.
#[derive(Debug)]
pub(crate) struct Effects<E: Routed, R> {
    /// The time of the change, since the connection began.
    pub(crate) now: Duration,
    /// Consumers that have something to read; each at most once.
    pub(crate) wakers: Vec<Waker>,
    /// Lines to write, before those of any later change.
    pub(crate) lines: Vec<u8>,
    /// Whether there is a new deadline: [`Router::expire`](super::Router::expire) is to be called, and says when again.
    pub(crate) arm_timer: bool,
    /// Callers whose request has ended.
    pub(crate) replies: Vec<(R, Outcome<OpenedIds<E>>)>,
    /// Handlers to stop, by dropping these.
    pub(crate) stops: Vec<watch::Sender<()>>,
}

impl<E: Routed, R> Effects<E, R> {
    /// Makes the effects of a change at this time, measured from when the connection began.
    pub(crate) fn at(now: Duration) -> Self {
        Self {
            now,
            wakers: Vec::new(),
            lines: Vec::new(),
            arm_timer: false,
            replies: Vec::new(),
            stops: Vec::new(),
        }
    }

    pub(super) fn wake(&mut self, waker: Option<Waker>) {
        self.wakers.extend(waker);
    }
}
