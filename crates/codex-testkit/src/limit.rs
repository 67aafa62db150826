//! Bounds of awaits, so that a test fails instead of hanging.

use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::time::Duration;

use crate::error::TestkitError;

/// How long an await of this crate lasts at most, unless told otherwise.
pub(crate) const DEFAULT_LIMIT: Duration = Duration::from_secs(30);

/// How long [`within`] waits.
const TEST_LIMIT: Duration = Duration::from_secs(60);

/// Awaits `work`, and fails the test that calls it if that takes longer than 60 seconds.
///
/// ```
/// # async fn example() {
/// let (sender, receiver) = tokio::sync::oneshot::channel();
/// sender.send(1).unwrap();
/// assert_eq!(codex_testkit::within(receiver).await, Ok(1));
/// # }
/// ```
///
/// # Panics
///
/// The future panics with the place of the call once the time is over.
#[track_caller]
#[allow(clippy::panic, reason = "this is how a test fails")]
pub fn within<F: IntoFuture>(work: F) -> impl Future<Output = F::Output> {
    let place = Location::caller();
    let work = work.into_future();
    async move {
        match tokio::time::timeout(TEST_LIMIT, work).await {
            Ok(output) => output,
            Err(_) => panic!("{place}: not done within {TEST_LIMIT:?}"),
        }
    }
}

/// Awaits `work` for at most `limit`; `awaited` says what for.
pub(crate) async fn limited<T>(
    limit: Duration,
    awaited: impl FnOnce() -> String,
    work: impl Future<Output = T>,
) -> Result<T, TestkitError> {
    tokio::time::timeout(limit, work)
        .await
        .map_err(|_| TestkitError::TimedOut {
            awaited: awaited(),
            after: limit,
        })
}

/// Awaits `work` on this thread, outside of async code.
pub(crate) fn blocking<T>(
    work: impl Future<Output = Result<T, TestkitError>>,
) -> Result<T, TestkitError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(TestkitError::io("wait outside of async code"))?
        .block_on(work)
}
