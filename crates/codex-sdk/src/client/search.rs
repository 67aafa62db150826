//! The search for a runtime, on a thread of its own.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use codex_runtime::{Error, Runtime};
use tokio::sync::oneshot;

use crate::error::Result;

/// Runs a search, which may wait for programs, and returns what it found.
///
/// The thread is not one of tokio's, which panics where the system grants no more threads. It ends
/// with the search, also if the future is dropped.
pub(super) async fn find(
    search: impl FnOnce() -> Result<Runtime, Error> + Send + 'static,
) -> Result<Runtime> {
    let (done, found) = oneshot::channel();
    let search = move || {
        // The future that waits for it may have been dropped.
        let _ = done.send(catch_unwind(AssertUnwindSafe(search)));
    };
    #[expect(clippy::disallowed_methods, reason = "a thread of ARCHITECTURE.md")]
    let thread = thread::Builder::new()
        .name("codex-search".into())
        .spawn(search);
    thread.map_err(|source| Error::SetUp {
        what: "the thread that looks for the Codex runtime",
        source,
    })?;
    match found.await {
        Ok(Ok(found)) => Ok(found?),
        Ok(Err(panic)) => Err(panicked(message(&*panic))),
        Err(_) => Err(panicked("the thread ended without a result")),
    }
}

fn panicked(message: &str) -> crate::Error {
    let message = message.to_owned();
    Error::SearchPanicked { message }.into()
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it said nothing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_search_that_panics_has_an_error_of_its_own() {
        type Search = fn() -> Result<Runtime, Error>;
        let plain: Search = || panic!("plain");
        let formatted: Search = || panic!("number {}", 7);
        let silent: Search = || std::panic::panic_any(7);
        for (search, expected) in [
            (plain, "plain"),
            (formatted, "number 7"),
            (silent, "it said nothing"),
        ] {
            match find(search).await {
                Err(crate::Error::Runtime(Error::SearchPanicked { message })) => {
                    assert_eq!(message, expected);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
