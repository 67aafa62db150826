//! The async runtime around a client, and what it must have.

use std::panic::catch_unwind;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::error::{Error, Result};

/// Refuses to go on where nothing could drive a connection.
///
/// # Errors
///
/// [`Error::InvalidInput`] outside of a tokio runtime, and in one without timers.
pub(super) fn check() -> Result<()> {
    if Handle::try_current().is_err() {
        return Err(refused(
            "the client must be started within a tokio runtime, and there is none; start it in \
             one, such as that of #[tokio::main], or use the blocking client",
        ));
    }
    // Tokio tells of a missing driver in no other way than a panic. Its text goes to the panic hook.
    if catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_err() {
        return Err(refused(
            "the tokio runtime has no timers; add .enable_all() to its builder",
        ));
    }
    Ok(())
}

/// Refuses to go on where no process could be driven either.
///
/// # Errors
///
/// As [`check`], and in a runtime without IO.
pub(super) fn check_for_process() -> Result<()> {
    check()?;
    // What cannot be made for another reason is met again, and told, when it is needed.
    #[cfg(unix)]
    if catch_unwind(|| drop(tokio::net::UnixStream::pair())).is_err() {
        return Err(refused(
            "the tokio runtime has no IO; add .enable_all() to its builder",
        ));
    }
    Ok(())
}

fn refused(reason: &str) -> Error {
    Error::InvalidInput(reason.to_owned())
}
