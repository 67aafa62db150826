//! Why a runtime that runs elsewhere cannot be connected to.

use std::fmt;
use std::io;

/// Why a connection to a remote runtime could not be made.
///
/// It names the credential that was used and where it came from, never its value.
#[non_exhaustive]
pub struct AttachError {
    /// The address of the runtime: scheme, host and port, or the path of the socket.
    pub remote: String,
    /// The HTTP status that the other end answered in place of a WebSocket; 401 and 403 refuse the credential.
    pub status: Option<u16>,
    reason: String,
    source: Option<io::Error>,
}

#[cfg(feature = "remote")]
impl AttachError {
    pub(crate) fn new(remote: String, reason: impl Into<String>) -> Self {
        Self {
            remote,
            status: None,
            reason: reason.into(),
            source: None,
        }
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    pub(crate) fn with_source(mut self, source: io::Error) -> Self {
        self.source = Some(source);
        self
    }
}

/// The text, as a `main` that returns an error prints the `Debug` form.
impl fmt::Debug for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot connect to {}: {}", self.remote, self.reason)
    }
}

impl std::error::Error for AttachError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
