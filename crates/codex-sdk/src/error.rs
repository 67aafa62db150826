//! Every type that an [`Error`] holds.
//!
//! The ones in common use are at the root too.
//!
//! ```no_run
//! # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
//! use openai_codex::Error;
//! use openai_codex::error::{OutputError, TurnFailureKind};
//!
//! # let result = thread.run("x").await?;
//! match result.parse::<serde_json::Value>() {
//!     Ok(answer) => println!("{answer}"),
//!     Err(Error::Output(OutputError::Malformed { text, .. })) => println!("no JSON: {text}"),
//!     Err(Error::TurnFailed(failure)) if failure.kind() == TurnFailureKind::UsageLimit => {
//!         println!("no credit: {failure}");
//!     }
//!     Err(error) => return Err(error),
//! }
//! # Ok(())
//! # }
//! ```

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

mod attach;
mod budget;
mod close;
mod output;
mod response;
mod rpc;
mod turn;

pub use codex_types::{DecodeError, TurnFailureKind};

pub use crate::budget::Amount;
pub use attach::AttachError;
pub use budget::BudgetExceeded;
pub use close::CloseReason;
pub use output::OutputError;
pub use response::ResponseError;
pub use rpc::{RpcError, RpcErrorCode, RpcErrorKind};
pub use turn::TurnFailure;

use codex_types::TurnId;

/// The version of a runtime that tells none.
pub(crate) const UNKNOWN_VERSION: &str = "unknown";
/// The version that a runtime built from a checkout tells.
const CHECKOUT_VERSION: &str = "0.0.0";

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong.
///
/// Texts say what could not be done, to what, why, and what to do; the causes are in
/// [`source`](std::error::Error::source) too. Neither texts nor the `Debug` form hold payloads; only
/// [`Error::Output`] quotes the beginning of what the model said.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The runtime was not found, has the wrong version, or could not be started.
    Runtime(codex_runtime::Error),
    /// The connection has ended, for a reason that stays the same.
    Closed(Arc<CloseReason>),
    /// A runtime that runs elsewhere could not be connected to.
    Attach(Box<AttachError>),
    /// The connection to a runtime that runs elsewhere was lost before the answer came, and the request cannot be
    /// sent again without the risk of doing it twice. Whether the runtime has done it is not known.
    Unanswered {
        /// The method of the request.
        method: Cow<'static, str>,
    },
    /// The runtime did not answer in time.
    Timeout {
        /// The method of the request.
        method: Cow<'static, str>,
        /// How long the client waited.
        after: Duration,
    },
    /// The runtime answered with an error.
    Rpc {
        /// The method of the request.
        method: Cow<'static, str>,
        /// The answer.
        source: RpcError,
    },
    /// The params of a request could not be written as JSON.
    Encode {
        /// The method of the request.
        method: Cow<'static, str>,
        /// Why.
        source: serde_json::Error,
    },
    /// The runtime's answer does not have the expected shape.
    Decode {
        /// The method of the request.
        method: Cow<'static, str>,
        /// Why.
        source: serde_json::Error,
        /// What the runtime sent.
        raw: RawPayload,
    },
    /// The turn ended as failed.
    TurnFailed(Box<TurnFailure>),
    /// What the caller passed cannot be sent; nothing was sent.
    InvalidInput(String),
    /// The running version of the runtime lacks a method or a field; nothing was sent.
    #[non_exhaustive]
    UnsupportedRuntime {
        /// The method of the request.
        method: &'static str,
        /// What the version lacks: a field of the params, or `Type.field`, `Type.value` where the params
        /// hold it further in; empty if it lacks the method.
        field: Cow<'static, str>,
        /// The version that the runtime reported, or `unknown`.
        found: String,
        /// The first version that has it without asking for the experimental API, unless the client asked;
        /// of the versions that were looked at.
        minimum: String,
        /// The user agent that the version was read from.
        user_agent: String,
        /// Whether the version has it, as experimental:
        /// [`CodexConfig::experimental_api`](crate::CodexConfig::experimental_api) asks for it.
        experimental: bool,
    },
    /// The final response of a turn is not the JSON that was asked for.
    Output(OutputError),
    /// The runtime's answer can be read, and contradicts the request or itself.
    UnexpectedResponse {
        /// The method of the request, or of the notification that answers it.
        method: Cow<'static, str>,
        /// What is wrong with it.
        reason: Cow<'static, str>,
        /// What the runtime sent, where it is known.
        raw: Option<RawPayload>,
    },
    /// The runtime does not apply these options, as of a thread that it has loaded already.
    NotApplied {
        /// The options, by the names of their setters.
        fields: Vec<String>,
    },
    /// A turn runs on the thread, and the start must not join it: by
    /// [`if_idle`](crate::request::TurnStart::if_idle), by its budget, or since the thread was resumed with
    /// options that the turn does not have. Nothing was sent.
    ThreadBusy {
        /// The turn that runs.
        turn_id: TurnId,
    },
    /// The turn to be joined has ended, and the runtime keeps nothing of it that could be read.
    TurnOver {
        /// The turn that has ended.
        turn_id: TurnId,
    },
    /// The question that was to be answered is over: it was answered elsewhere, or its turn has ended. The answer was
    /// not sent.
    QuestionOver {
        /// The question, as [`Approval::key`](crate::approval::Approval::key) names it.
        key: String,
    },
    /// The turn has used more than its budget, and was interrupted.
    BudgetExceeded(Box<BudgetExceeded>),
    /// So many notifications were dropped because [`Notifications`](crate::Notifications) was
    /// not read.
    Lagged(u64),
}

/// What the runtime sent instead of the expected answer.
///
/// Its `Debug` form is its size, because answers can hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct RawPayload(Box<str>);

impl Error {
    /// Tells whether the same call may succeed later: the runtime or the model service lacked
    /// capacity, or the turn had or lost no connection to the service
    /// ([`TurnFailure::is_retryable`]).
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Rpc { source, .. } => source.kind() == RpcErrorKind::ServerBusy,
            Self::TurnFailed(failure) => failure.is_retryable(),
            _ => false,
        }
    }

    /// Tells whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }

    /// Returns what the runtime answered, if it answered with an error.
    pub fn rpc(&self) -> Option<&RpcError> {
        match self {
            Self::Rpc { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl RawPayload {
    pub(crate) fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the JSON text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RawPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} bytes>", self.0.len())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runtime(error) => error.fmt(f),
            Self::Closed(reason) => write!(f, "the connection is closed: {reason}"),
            Self::Attach(error) => error.fmt(f),
            Self::Unanswered { method } => write!(
                f,
                "the connection was lost before the answer to {method}; whether the runtime has done it is not \
                 known: look before you send it again"
            ),
            Self::Timeout { method, after } => {
                write!(
                    f,
                    "the runtime did not answer {method} within {after:?}; try again, give it more time with \
                     `CodexConfig::request_timeout`, or start a new client if it answers nothing"
                )
            }
            Self::Rpc { method, source } => write!(f, "the runtime refused {method}: {source}"),
            Self::Encode { method, source } => write!(
                f,
                "cannot encode the params of {method}: {source}; nothing was sent"
            ),
            Self::Decode { method, source, .. } => write!(
                f,
                "cannot decode the response to {method}: {source}; this SDK knows the runtime {}, compare yours",
                crate::RUNTIME_VERSION
            ),
            Self::TurnFailed(failure) => failure.fmt(f),
            Self::InvalidInput(reason) => write!(f, "invalid input: {reason}"),
            Self::UnsupportedRuntime {
                method,
                field,
                found,
                minimum,
                user_agent,
                experimental,
            } => {
                let of = if field.is_empty() { "" } else { "." };
                write!(
                    f,
                    "{method}{of}{field} needs a Codex runtime of version {minimum} or newer, the \
                     reported version is '{found}'"
                )?;
                match found.as_str() {
                    _ if *experimental => f.write_str(
                        ", which has it as experimental; update the runtime, or set \
                         `CodexConfig::experimental_api(true)`",
                    ),
                    UNKNOWN_VERSION => write!(
                        f,
                        ": there is none in the runtime's user agent {user_agent:?}; use a \
                         runtime that tells its version, or do without the option"
                    ),
                    CHECKOUT_VERSION => f.write_str(
                        ", that of a build from a checkout, which does not tell what it has; use \
                         a released runtime, or do without the option",
                    ),
                    _ => f.write_str("; update the runtime"),
                }
            }
            Self::Output(error) => error.fmt(f),
            Self::UnexpectedResponse { method, reason, .. } => {
                write!(
                    f,
                    "the response to {method} is not the expected one: {reason}"
                )
            }
            Self::NotApplied { fields } => write!(
                f,
                "the runtime has not applied {}: it ignores them for a thread that it has loaded already; fork the \
                 thread, or resume it in a new client",
                fields.join(", ")
            ),
            Self::ThreadBusy { turn_id } => write!(
                f,
                "turn {turn_id} runs on the thread, and this start cannot join it; wait for its end"
            ),
            Self::TurnOver { turn_id } => write!(
                f,
                "turn {turn_id} has ended and the runtime has nothing of it to read; start a new \
                 turn"
            ),
            Self::QuestionOver { key } => write!(
                f,
                "the question {key} is over, and this answer was not sent: it was answered elsewhere, or its turn \
                 has ended"
            ),
            Self::BudgetExceeded(exceeded) => exceeded.fmt(f),
            Self::Lagged(count) => write!(
                f,
                "{count} notifications were dropped because they were not read in time; read them on a task of \
                 their own"
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // A variant whose text is that of its cause passes on the cause of the cause.
        match self {
            Self::Runtime(error) => error.source(),
            Self::Closed(reason) => reason.source(),
            Self::Attach(error) => error.source(),
            Self::Rpc { source, .. } => Some(source),
            Self::Encode { source, .. } | Self::Decode { source, .. } => Some(source),
            Self::Output(error) => error.source(),
            _ => None,
        }
    }
}

impl From<codex_runtime::Error> for Error {
    fn from(error: codex_runtime::Error) -> Self {
        Self::Runtime(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsupported(found: &str) -> Error {
        Error::UnsupportedRuntime {
            method: "turn/start",
            field: "source".into(),
            found: found.into(),
            minimum: "0.151.0".into(),
            user_agent: "odd".into(),
            experimental: false,
        }
    }

    #[test]
    fn texts_name_the_thing_the_value_and_the_remedy() {
        let rows = [
            (
                Error::UnexpectedResponse {
                    method: "thread/list".into(),
                    reason: "a cursor came twice".into(),
                    raw: Some(RawPayload::new("secret")),
                },
                "the response to thread/list is not the expected one: a cursor came twice",
            ),
            (
                Error::NotApplied {
                    fields: vec!["config".into(), "base_instructions".into()],
                },
                "the runtime has not applied config, base_instructions: it ignores them for a thread that it has \
                 loaded already; fork the thread, or resume it in a new client",
            ),
            (
                unsupported("0.150.0"),
                "turn/start.source needs a Codex runtime of version 0.151.0 or newer, the \
                 reported version is '0.150.0'; update the runtime",
            ),
            (
                unsupported(UNKNOWN_VERSION),
                "turn/start.source needs a Codex runtime of version 0.151.0 or newer, the \
                 reported version is 'unknown': there is none in the runtime's user agent \
                 \"odd\"; use a runtime that tells its version, or do without the option",
            ),
            (
                unsupported(CHECKOUT_VERSION),
                "turn/start.source needs a Codex runtime of version 0.151.0 or newer, the \
                 reported version is '0.0.0', that of a build from a checkout, which does not \
                 tell what it has; use a released runtime, or do without the option",
            ),
            (
                Error::ThreadBusy {
                    turn_id: "u1".into(),
                },
                "turn u1 runs on the thread, and this start cannot join it; wait for its end",
            ),
            (
                Error::TurnOver {
                    turn_id: "u1".into(),
                },
                "turn u1 has ended and the runtime has nothing of it to read; start a new turn",
            ),
        ];
        for (error, text) in rows {
            assert_eq!(error.to_string(), text);
            assert!(!format!("{error:?}").contains("secret"));
            assert!(std::error::Error::source(&error).is_none());
            assert!(!error.is_retryable() && !error.is_closed());
        }
    }
}
