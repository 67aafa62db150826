//! What the generator found that a person should look at; none of it stops it.

use std::collections::BTreeSet;
use std::fmt;

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// A row of a table that the schema does not have, or does not need.
    Stale { table: &'static str, row: String },
    /// A method without a type for its answer, which is a `Value` now.
    NoAnswer {
        method: String,
        /// The answers in the schema that no method has.
        candidates: Vec<String>,
    },
    /// An answer in the schema that no method has.
    UnusedAnswer { name: String },
    /// A request of the runtime whose safe answer nobody has chosen: it is refused.
    Refused { method: String },
    /// A field that looks like a secret and is in no table: `Debug` does not show it.
    Redacted { place: String },
    /// A field whose text speaks of null and that is in no table: absent and null stay apart.
    KeptBoth { place: String },
    /// A variant that got its name by rule, where a table has none.
    Named { place: String, table: &'static str },
    /// A shape that the generator does not know: it is a `Value`.
    Shapeless { place: String, why: String },
    /// A default that cannot be written in Rust: the field is optional.
    Default { place: String, why: String },
    /// A field that older runtimes do not send, and whose value there nobody has chosen.
    Unsent { place: String, value: String },
    /// A keyword of the schema that the generator does not know.
    Keyword { definition: String, keyword: String },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale { table, row } => write!(
                f,
                "{table} has a row that this schema does not need, remove it: {row}"
            ),
            Self::NoAnswer { method, candidates } => {
                write!(
                    f,
                    "{method} has no type for its answer, it is a Value: name it in RESPONSES"
                )?;
                match candidates.is_empty() {
                    true => Ok(()),
                    false => write!(f, "; nobody else has {}", candidates.join(", ")),
                }
            }
            Self::UnusedAnswer { name } => {
                write!(f, "no method answers with {name}: name it in RESPONSES")
            }
            Self::Refused { method } => write!(
                f,
                "{method} is a request of the runtime without a safe answer, it is refused: choose one in \
                 crates/codex-types/src/safe.rs and name the method in SAFE_ANSWERS"
            ),
            Self::Redacted { place } => write!(
                f,
                "{place} looks like a secret, Debug hides it: name it in SECRETS or NOT_SECRET"
            ),
            Self::KeptBoth { place } => write!(
                f,
                "{place} speaks of null, absent and null stay apart: name it in NULL_IS_NOT_ABSENT or \
                 NULL_IS_ABSENCE"
            ),
            Self::Named { place, table } => {
                write!(f, "{place} was named by rule: name it in {table}")
            }
            Self::Shapeless { place, why } => write!(
                f,
                "{place} {why}, it is a Value: teach it in regen/corrections.rs"
            ),
            Self::Default { place, why } => write!(
                f,
                "{place} is optional, as its default is not understood: {why}"
            ),
            Self::Unsent { place, value } => write!(
                f,
                "{place} is not sent by older runtimes, of which it reads as {value}: name what they would \
                 say in BEFORE"
            ),
            Self::Keyword {
                definition,
                keyword,
            } => write!(
                f,
                "{definition} uses the schema keyword {keyword}, which the generator ignores: teach it in \
                 regen/corrections.rs"
            ),
        }
    }
}

/// Everything that was found, sorted.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Findings(BTreeSet<Finding>);

impl Findings {
    pub fn add(&mut self, finding: Finding) {
        self.0.insert(finding);
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    /// Rows that can go: they do no harm, but the next reader takes them for needed.
    pub fn stale(&self) -> impl Iterator<Item = &Finding> {
        self.iter()
            .filter(|finding| matches!(finding, Finding::Stale { .. }))
    }

    /// Choices that the generator made on the safe side, and that a person should make.
    pub fn open(&self) -> impl Iterator<Item = &Finding> {
        self.iter()
            .filter(|finding| !matches!(finding, Finding::Stale { .. }))
    }
}
