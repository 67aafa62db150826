//! Retries: how often, and after which delay.

use std::future::Future;
use std::time::Duration;

use crate::error::Result;
use crate::random;

/// How often and how soon to repeat what failed for lack of capacity.
///
/// The default makes 3 attempts, waiting 0.25 s doubled up to 2 s, each wait shortened or
/// lengthened by up to a fifth but never beyond the longest one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetryPolicy {
    max_attempts: u32,
    initial_delay: Duration,
    max_delay: Duration,
    jitter: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            initial_delay: Duration::from_millis(250),
            max_delay: Duration::from_secs(2),
            jitter: 0.2,
        }
    }
}

impl RetryPolicy {
    /// Makes the default policy.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a policy that never repeats.
    pub fn none() -> Self {
        Self::default().max_attempts(1)
    }

    /// Sets how often to try in all; at least once.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// Sets the first wait.
    #[must_use]
    pub fn initial_delay(mut self, delay: Duration) -> Self {
        self.initial_delay = delay;
        self
    }

    /// Sets the longest wait.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Sets by which share of itself a wait may vary, from 0 to 1.
    #[must_use]
    pub fn jitter(mut self, share: f64) -> Self {
        self.jitter = if share.is_finite() {
            share.clamp(0.0, 1.0)
        } else {
            0.0
        };
        self
    }

    /// Returns the wait after failed attempt number `attempt` (from 1), or `None` when that was
    /// the last one.
    pub(crate) fn delay_after(&self, attempt: u32) -> Option<Duration> {
        self.delay_with(attempt, random::share())
    }

    fn delay_with(&self, attempt: u32, random: f64) -> Option<Duration> {
        if attempt >= self.max_attempts {
            return None;
        }
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let delay = self
            .initial_delay
            .saturating_mul(doubled)
            .min(self.max_delay);
        let factor = 1.0 + self.jitter * (2.0 * random - 1.0);
        let varied = Duration::try_from_secs_f64(delay.as_secs_f64() * factor);
        Some(varied.unwrap_or(delay).min(self.max_delay))
    }
}

/// Runs `op` again while it fails for lack of capacity, and returns its last outcome.
///
/// What counts is [`Error::is_retryable`](crate::Error::is_retryable): an overloaded runtime, or
/// a turn that failed because of overload, a rate limit or a lost connection.
///
/// A turn that failed is in the thread's history, input and all: running it again says the input
/// again. Repeat turns whose repetition does no harm.
///
/// ```no_run
/// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
/// use openai_codex::{RetryPolicy, retry_on_overload};
///
/// let run = || thread.run("Describe this project.");
/// let result = retry_on_overload(&RetryPolicy::default(), run).await?;
/// println!("{}", result.text());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The error of the last attempt, unchanged.
pub async fn retry_on_overload<T, F, Fut>(policy: &RetryPolicy, mut op: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T>>,
{
    let mut attempt = 1;
    loop {
        let outcome = op().await;
        match &outcome {
            Err(error) if error.is_retryable() => match policy.delay_after(attempt) {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return outcome,
            },
            _ => return outcome,
        }
        attempt += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, RpcError};

    /// The waits of the default policy.
    #[test]
    fn waits_double_and_are_capped_after_the_jitter() {
        let policy = RetryPolicy::new().max_attempts(10);
        let wait = |attempt, random| policy.delay_with(attempt, random).unwrap().as_secs_f64();
        assert_eq!(wait(1, 0.5), 0.25);
        assert_eq!(wait(2, 0.5), 0.5);
        assert_eq!(wait(1, 0.0), 0.2);
        assert_eq!(wait(1, 1.0), 0.3);
        assert_eq!(wait(9, 1.0), 2.0);
        assert_eq!(policy.delay_with(10, 0.5), None);
        assert_eq!(RetryPolicy::none().delay_after(1), None);
    }

    fn busy() -> Error {
        Error::Rpc {
            method: "x".into(),
            source: RpcError::new(-32001, "Server overloaded; retry later."),
        }
    }

    /// Other errors are returned as they are.
    #[tokio::test(start_paused = true)]
    async fn only_retryable_errors_are_retried() {
        let mut calls = 0;
        let outcome: Result<()> = retry_on_overload(&RetryPolicy::default(), || {
            calls += 1;
            async { Err(busy()) }
        })
        .await;
        assert!(matches!(outcome, Err(Error::Rpc { .. })));
        assert_eq!(calls, 3);

        let mut calls = 0;
        let outcome: Result<()> = retry_on_overload(&RetryPolicy::default(), || {
            calls += 1;
            async { Err(Error::InvalidInput("x".into())) }
        })
        .await;
        assert!(outcome.is_err());
        assert_eq!(calls, 1);
    }
}
