//! Budgets: how much a turn may use before it is interrupted.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const TOKENS: &str = "tokens";
const TIME: &str = "time_ms";
const COMMANDS: &str = "commands";

/// How much a turn may use; set by [`TurnStart::budget`](crate::request::TurnStart::budget).
///
/// A turn that has used more is interrupted, and [`TurnStart::run`](crate::request::TurnStart::run) then fails
/// with [`Error::BudgetExceeded`](crate::Error::BudgetExceeded), which has what there is of the turn.
///
/// ```no_run
/// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
/// use std::time::Duration;
/// use openai_codex::{Budget, Error};
///
/// let budget = Budget::new().tokens(200_000).time(Duration::from_secs(600));
/// match thread.turn("Fix the failing test.").budget(budget).run().await {
///     Ok(result) => println!("{}", result.text()),
///     Err(Error::BudgetExceeded(exceeded)) => {
///         println!("{exceeded}; {} items so far", exceeded.result.items.len());
///     }
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Budget {
    tokens: Option<u64>,
    time: Option<Duration>,
    commands: Option<u64>,
}

/// An amount of what a [`Budget`] limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Amount {
    /// Tokens, of all requests of the turn to the model.
    Tokens(u64),
    /// Time since the runtime took the turn.
    Time(Duration),
    /// Commands that the turn has begun.
    Commands(u64),
}

impl Budget {
    /// Makes a budget without limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits the tokens that the turn alone uses, those in and out together, cached ones too.
    ///
    /// They are known after each request to the model, so a turn can use more by one request.
    pub fn tokens(mut self, limit: u64) -> Self {
        self.tokens = Some(limit);
        self
    }

    /// Limits how long the turn takes, from the moment that the runtime took it; the wait for an approval
    /// counts.
    pub fn time(mut self, limit: Duration) -> Self {
        self.time = Some(limit);
        self
    }

    /// Limits how many commands the turn begins. The one that is too many is interrupted after it has begun.
    pub fn commands(mut self, limit: u64) -> Self {
        self.commands = Some(limit);
        self
    }

    /// Tells whether commands are limited.
    pub(crate) fn counts_commands(&self) -> bool {
        self.commands.is_some()
    }

    /// Returns the limit of the time.
    pub(crate) fn longest(&self) -> Option<Duration> {
        self.time
    }

    /// Returns the limit that an amount is more than, if it is.
    pub(crate) fn exceeded_by(&self, used: Amount) -> Option<Amount> {
        match used {
            Amount::Tokens(used) => self
                .tokens
                .filter(|limit| used > *limit)
                .map(Amount::Tokens),
            Amount::Time(used) => self.time.filter(|limit| used >= *limit).map(Amount::Time),
            Amount::Commands(used) => self
                .commands
                .filter(|limit| used > *limit)
                .map(Amount::Commands),
        }
    }
}

/// A map with what is limited: `tokens`, `time_ms` in milliseconds, `commands`.
impl Serialize for Budget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let limits = [
            (TOKENS, self.tokens),
            (TIME, self.time.map(milliseconds)),
            (COMMANDS, self.commands),
        ];
        serializer.collect_map(limits.into_iter().filter(|(_, limit)| limit.is_some()))
    }
}

/// A limit that this version does not know is refused: what it limits would have none.
impl<'de> Deserialize<'de> for Budget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut budget = Self::new();
        for (name, limit) in BTreeMap::<String, Option<u64>>::deserialize(deserializer)? {
            match name.as_str() {
                TOKENS => budget.tokens = limit,
                TIME => budget.time = limit.map(Duration::from_millis),
                COMMANDS => budget.commands = limit,
                _ => return Err(D::Error::unknown_field(&name, &[TOKENS, TIME, COMMANDS])),
            }
        }
        Ok(budget)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tokens(count) => write!(f, "{count} tokens"),
            Self::Time(time) => write!(f, "{time:.1?}"),
            Self::Commands(count) => write!(f, "{count} commands"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_json() {
        let budget = Budget::new().tokens(5).time(Duration::from_millis(1500));
        let text = serde_json::to_string(&budget).unwrap();
        assert_eq!(text, r#"{"tokens":5,"time_ms":1500}"#);
        assert_eq!(serde_json::from_str::<Budget>(&text).unwrap(), budget);
        let none = serde_json::from_str::<Budget>("{}").unwrap();
        assert_eq!(none, Budget::new());
        let newer = serde_json::from_str::<Budget>(r#"{"dollars":1}"#).unwrap_err();
        assert!(newer.to_string().contains("dollars"), "{newer}");
    }
}
