//! The errors of the test doubles, told for the author of a test.

use std::fmt;
use std::io;
use std::time::Duration;

/// Reports what a test double could not do.
///
/// The texts are written to be read in a failed test: they name what was
/// awaited and what came instead.
#[derive(Debug)]
#[non_exhaustive]
pub enum TestkitError {
    /// A file, a socket or a pipe failed.
    Io {
        /// What was being done, in lower case.
        action: String,
        /// The cause.
        source: io::Error,
    },
    /// Something awaited did not happen in time.
    TimedOut {
        /// What was awaited.
        awaited: String,
        /// The limit that ran out.
        after: Duration,
    },
    /// The client closed its side before it did something awaited.
    Closed {
        /// What was awaited.
        awaited: String,
    },
    /// Something else happened than the script or the test said.
    Unexpected {
        /// What was expected and what came.
        text: String,
    },
    /// A file is not what it should be.
    Malformed {
        /// What is wrong, with the place.
        text: String,
    },
}

impl TestkitError {
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }

    pub(crate) fn unexpected(text: impl Into<String>) -> Self {
        Self::Unexpected { text: text.into() }
    }

    pub(crate) fn malformed(text: impl Into<String>) -> Self {
        Self::Malformed { text: text.into() }
    }
}

impl fmt::Display for TestkitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, source } => write!(f, "cannot {action}: {source}"),
            Self::TimedOut { awaited, after } => {
                write!(f, "{awaited} did not happen within {after:?}")
            }
            Self::Closed { awaited } => {
                write!(f, "{awaited} did not happen before the client closed")
            }
            Self::Unexpected { text } | Self::Malformed { text } => f.write_str(text),
        }
    }
}

impl std::error::Error for TestkitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
