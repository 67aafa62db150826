//! Errors of the fleet.

use std::error::Error as StdError;
use std::fmt;

use crate::result::JobFailure;

/// The result of a call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What is not this crate's: an error of the server's client, of a workspace, of the agent.
pub(crate) type Cause = Box<dyn StdError + Send + Sync>;

/// Why a call of this crate failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The arguments do not fit. Nothing was sent.
    InvalidInput(String),
    /// The server was not reached, or refused.
    Server {
        /// What was to be done.
        doing: &'static str,
        /// What the server's client says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// What the server has stored cannot be read: another version of this crate has written it.
    Stored {
        /// What was read.
        what: &'static str,
        /// Why it does not fit.
        source: serde_json::Error,
    },
    /// The key is that of another task.
    OtherTask {
        /// The key.
        key: String,
    },
    /// There is no job of this key, or it is past its retention.
    UnknownJob {
        /// The key.
        key: String,
    },
    /// The job has failed.
    Failed(Box<JobFailure>),
    /// The job was canceled.
    Canceled {
        /// The key.
        key: String,
    },
    /// The question was answered by somebody else, or its job is over.
    Answered,
    /// A checkout could not be made.
    Workspace(Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// Wraps what the server's client says.
    pub(crate) fn server<E: Into<Cause>>(doing: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Server {
            doing,
            source: source.into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidInput(reason) => f.write_str(reason),
            Self::Server { doing, source } => write!(f, "NATS: cannot {doing}: {source}"),
            Self::Stored { what, source } => write!(
                f,
                "NATS: {what} is not what this version of codex-fleet writes: {source}; use the version that has written it"
            ),
            Self::OtherTask { key } => write!(
                f,
                "the key {key:?} is that of another task: use a key for one task only"
            ),
            Self::UnknownJob { key } => write!(
                f,
                "there is no job {key:?}: it was not submitted to this namespace, or is past its retention"
            ),
            Self::Failed(failure) => failure.fmt(f),
            Self::Canceled { key } => write!(f, "the job {key:?} was canceled, and has no result"),
            Self::Answered => {
                f.write_str(
                    "the question was answered by somebody else, or its job is over; this answer was not sent",
                )
            }
            Self::Workspace(source) => write!(f, "the workspace of the job could not be made: {source}"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Server { source, .. } | Self::Workspace(source) => Some(&**source),
            Self::Stored { source, .. } => Some(source),
            Self::Failed(failure) => Some(&**failure),
            _ => None,
        }
    }
}
