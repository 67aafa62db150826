//! The reason why a connection ended.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why a connection ended: every current and later call gets the same reason.
#[non_exhaustive]
pub enum CloseReason {
    /// The client was closed or dropped by its owner.
    Requested,
    /// The runtime ended, or closed its output.
    #[non_exhaustive]
    Exited {
        /// The program that was started as the runtime.
        program: PathBuf,
        /// Whether that was before it had answered the handshake: then it may be no runtime, or its configuration
        /// cannot be used, and the next start may end the same way.
        at_start: bool,
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

/// The text, as a `main` that returns an error prints the `Debug` form.
impl fmt::Debug for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested => f.write_str("the client was closed"),
            Self::Exited {
                program,
                at_start,
                status,
                stderr_tail,
            } => {
                match status {
                    Some(status) => write!(f, "the runtime ended with {status}")?,
                    None => f.write_str("the runtime closed its output")?,
                }
                let program = program.display();
                if *at_start {
                    write!(
                        f,
                        " before it was ready; its program is {program}: name a Codex runtime with codex_bin or \
                         CODEX_BIN if that is none, else correct its configuration"
                    )?;
                } else {
                    write!(
                        f,
                        "; its program is {program}; start a new client, and resume the threads with it"
                    )?;
                }
                if stderr_tail.is_empty() {
                    f.write_str("; it wrote no error output")
                } else {
                    write!(f, "; its last error output:\n{stderr_tail}")
                }
            }
            Self::Lost(error) => write!(
                f,
                "the connection to the runtime was lost and could not be made again in time: {error}; start a new \
                 client once the runtime can be reached"
            ),
            Self::Io(error) => write!(
                f,
                "the connection to the runtime failed: {error}; start a new client"
            ),
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
