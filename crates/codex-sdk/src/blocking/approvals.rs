//! The blocking version of approvals.

use std::sync::Arc;

use super::client::Codex;
use super::driver::Driver;
use crate::approvals;
use crate::error::Result;
use crate::question::{Approval, Decision};

/// The questions of the runtime that wait for a decision, as an iterator. The blocking version of
/// [`Approvals`](crate::approval::Approvals).
///
/// It ends when the client does. Dropping it declines what waits, and what comes later.
///
/// ```no_run
/// # fn example(codex: openai_codex::blocking::Codex) -> openai_codex::Result<()> {
/// use openai_codex::approval::Decision;
///
/// for pending in codex.approvals()? {
///     println!("{:?}", pending.approval().subject);
///     pending.answer(Decision::Decline)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "what waits for a decision is declined when this is dropped"]
pub struct Approvals {
    inner: approvals::Approvals,
    driver: Arc<Driver>,
}

/// A question that waits for its answer; dropping it declines. The blocking version of
/// [`Pending`](crate::approval::Pending).
#[derive(Debug)]
#[must_use = "a question that is dropped is declined"]
pub struct Pending {
    inner: approvals::Pending,
    driver: Arc<Driver>,
}

impl Codex {
    /// Takes the questions of the runtime that no handler decides.
    ///
    /// # Errors
    ///
    /// As [`Codex::approvals`](crate::Codex::approvals).
    pub fn approvals(&self) -> Result<Approvals> {
        Ok(Approvals {
            inner: self.inner.approvals()?,
            driver: Arc::clone(&self.driver),
        })
    }
}

impl Iterator for Approvals {
    type Item = Pending;

    fn next(&mut self) -> Option<Pending> {
        let inner = self.driver.next(&mut self.inner)?;
        let driver = Arc::clone(&self.driver);
        Some(Pending { inner, driver })
    }
}

impl Pending {
    /// Returns the question.
    pub fn approval(&self) -> &Approval {
        self.inner.approval()
    }

    /// Answers the question.
    ///
    /// # Errors
    ///
    /// As [`Pending::answer`](crate::approval::Pending::answer).
    pub fn answer(self, decision: Decision) -> Result<()> {
        self.driver.block_on(self.inner.answer(decision))
    }

    /// Waits until no answer is wanted any more.
    pub fn resolved(&self) {
        self.driver.block_on(self.inner.resolved());
    }
}
