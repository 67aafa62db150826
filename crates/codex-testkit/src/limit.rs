//! The bound that every await of this crate has.

use std::time::Duration;

use crate::error::TestkitError;

/// How long an await of this crate lasts at most, unless told otherwise.
pub(crate) const DEFAULT_LIMIT: Duration = Duration::from_secs(30);

/// Awaits `work` for at most `limit`; `awaited` says what for.
pub(crate) async fn within<T>(
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
