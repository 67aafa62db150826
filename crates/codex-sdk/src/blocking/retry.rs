//! The blocking version of the retry helper.

use crate::error::Result;
use crate::retry::RetryPolicy;

/// Runs `op` again while it fails for lack of capacity, and returns its last outcome. The blocking version of
/// [`retry_on_overload`](crate::retry_on_overload).
///
/// ```no_run
/// # fn example(thread: openai_codex::blocking::Thread) -> openai_codex::Result<()> {
/// use openai_codex::{RetryPolicy, blocking::retry_on_overload};
///
/// let policy = RetryPolicy::default();
/// let result = retry_on_overload(&policy, || thread.run("Describe this project."))?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The last one of `op`.
pub fn retry_on_overload<T>(policy: &RetryPolicy, mut op: impl FnMut() -> Result<T>) -> Result<T> {
    let mut attempt = 1;
    loop {
        let outcome = op();
        let delay = match &outcome {
            Err(error) if error.is_retryable() => policy.delay_after(attempt),
            _ => None,
        };
        let Some(delay) = delay else {
            return outcome;
        };
        std::thread::sleep(delay);
        attempt += 1;
    }
}
