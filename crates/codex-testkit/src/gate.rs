//! A point at which a scripted peer stops until the test lets it go on.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::error::TestkitError;
use crate::limit::{DEFAULT_LIMIT, blocking, limited};

/// Holds a scripted answer at one point until the test opens it.
///
/// With a gate a test orders things without sleeping: it awaits
/// [`reached`](Self::reached), does what must happen meanwhile, and then calls
/// [`open`](Self::open). Clones are the same gate. An open gate stays open.
///
/// A gate that is closed holds an answer for 30 seconds at most, unless
/// [`within`](Self::within) says otherwise. Then the test has forgotten it, and
/// that fails loudly: a model breaks its answer off and tells it by
/// [`MockModel::check_exhausted`](crate::MockModel::check_exhausted), a script
/// ends with [`TestkitError::TimedOut`].
///
/// ```
/// use codex_testkit::{Answer, Gate};
///
/// let gate = Gate::new();
/// let answer = Answer::deltas(["one ", "two"]).gate_after_delta(1, &gate);
/// # let _ = answer;
/// // … push the answer, start the turn, then:
/// // gate.reached().await?;
/// // … interrupt the turn while the answer is half sent, then:
/// gate.open();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Gate {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limit: Duration,
    arrivals: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

impl Gate {
    /// Makes a closed gate, which holds for 30 seconds at most.
    pub fn new() -> Self {
        Self::within(DEFAULT_LIMIT)
    }

    /// Makes a closed gate that holds for so long at most.
    pub fn within(limit: Duration) -> Self {
        Self {
            shared: Arc::new(Shared {
                limit,
                arrivals: watch::Sender::new(0),
                open: watch::Sender::new(false),
            }),
        }
    }

    /// Waits until a scripted answer stands at this gate, for 30 seconds at most.
    ///
    /// # Errors
    ///
    /// [`TestkitError::TimedOut`] if nothing arrived.
    pub async fn reached(&self) -> Result<(), TestkitError> {
        self.reached_times(1).await
    }

    /// Waits as [`reached`](Self::reached), outside of async code.
    ///
    /// # Errors
    ///
    /// [`TestkitError::TimedOut`] if nothing arrived.
    ///
    /// # Panics
    ///
    /// Inside of async code.
    pub fn reached_blocking(&self) -> Result<(), TestkitError> {
        blocking(self.reached())
    }

    /// Waits until `times` answers have arrived here, for 30 seconds at most.
    ///
    /// # Errors
    ///
    /// [`TestkitError::TimedOut`] if fewer arrived.
    pub async fn reached_times(&self, times: usize) -> Result<(), TestkitError> {
        self.reached_within(times, DEFAULT_LIMIT).await
    }

    /// Waits until `times` answers have arrived here, for `limit` at most.
    ///
    /// # Errors
    ///
    /// [`TestkitError::TimedOut`] if fewer arrived.
    pub async fn reached_within(&self, times: usize, limit: Duration) -> Result<(), TestkitError> {
        let mut arrivals = self.shared.arrivals.subscribe();
        let awaited = || format!("arrival {times} at the gate");
        // The sender lives as long as `self`, so that the wait only ends well.
        limited(limit, awaited, async {
            let _ = arrivals.wait_for(|count| *count >= times).await;
        })
        .await
    }

    /// Lets everything pass that stands here or will come.
    pub fn open(&self) {
        self.shared.open.send_replace(true);
    }

    /// Says how many answers have arrived so far.
    pub fn arrivals(&self) -> usize {
        *self.shared.arrivals.borrow()
    }

    /// Arrives at the gate and waits until it is open.
    ///
    /// # Errors
    ///
    /// [`TestkitError::TimedOut`] if nobody opened it within its limit.
    pub(crate) async fn pass(&self) -> Result<(), TestkitError> {
        let mut open = self.shared.open.subscribe();
        self.shared.arrivals.send_modify(|count| *count += 1);
        let awaited = || "the opening of a gate at which an answer stands".to_owned();
        limited(self.shared.limit, awaited, async {
            let _ = open.wait_for(|open| *open).await;
        })
        .await
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
