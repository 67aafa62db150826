//! The reason why a connection ended.

use std::fmt;
use std::io;
use std::process::ExitStatus;

/// Why a connection ended: every current and later call gets the same reason.
#[derive(Debug)]
#[non_exhaustive]
pub enum CloseReason {
    /// The client was closed or dropped by its owner.
    Requested,
    /// The runtime ended, or closed its output.
    Exited {
        /// How it ended; `None` while it only closed its output and still runs.
        status: Option<ExitStatus>,
        /// The last lines that it wrote to its standard error.
        stderr_tail: String,
    },
    /// Reading from or writing to the runtime failed.
    Io(io::Error),
    /// The connection to a runtime that runs elsewhere was lost, and could not be made again in time.
    Lost(Box<super::AttachError>),
    /// The runtime sent something after which the connection cannot go on.
    Protocol(String),
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested => f.write_str("the client was closed"),
            Self::Exited {
                status,
                stderr_tail,
            } => {
                match status {
                    Some(status) => write!(f, "the runtime ended with {status}")?,
                    None => f.write_str("the runtime closed its output")?,
                }
                if !stderr_tail.is_empty() {
                    write!(f, "; its last error output:\n{stderr_tail}")?;
                }
                Ok(())
            }
            Self::Lost(error) => write!(
                f,
                "it was lost and could not be made again in time: {error}"
            ),
            Self::Io(error) => write!(f, "the connection to the runtime failed: {error}"),
            Self::Protocol(reason) => write!(f, "the runtime broke the protocol: {reason}"),
        }
    }
}

impl std::error::Error for CloseReason {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}
