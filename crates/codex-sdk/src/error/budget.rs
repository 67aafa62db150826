//! Turns that have used more than their budget.

use std::fmt;

use crate::budget::Amount;
use crate::result::TurnResult;

/// What a turn used too much of, and what there is of the turn.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BudgetExceeded {
    /// The limit.
    pub limit: Amount,
    /// What the turn had used when it was interrupted.
    pub used: Amount,
    /// What there is of the turn. Its status is `Completed` where the turn ended by itself with the
    /// request that used too much.
    pub result: TurnResult,
}

impl fmt::Display for BudgetExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            limit,
            used,
            result,
        } = self;
        let turn = &result.id;
        write!(
            f,
            "turn {turn} has used {used}, more than its budget of {limit}"
        )
    }
}

impl std::error::Error for BudgetExceeded {}
