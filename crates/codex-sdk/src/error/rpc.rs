//! Errors that the runtime answered with.

use std::fmt;

use codex_types::raw;
use serde_json::Value;

/// An error that the runtime answered a request with.
///
/// ```
/// use openai_codex::{RpcError, RpcErrorCode, RpcErrorKind};
///
/// let error = RpcError::new(RpcErrorCode::OVERLOADED, "Server overloaded; retry later.");
/// assert_eq!(error.kind(), RpcErrorKind::ServerBusy);
/// ```
#[derive(Clone, PartialEq)]
pub struct RpcError {
    /// The JSON-RPC error code.
    pub code: RpcErrorCode,
    /// What the runtime says went wrong.
    pub message: String,
    /// What the runtime added to the message, if anything.
    pub data: Option<Value>,
}

/// The code of an [`RpcError`]: an open set, with names for the codes in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RpcErrorCode(i64);

/// What an [`RpcError`] means, read from its code, its text and its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RpcErrorKind {
    /// The runtime could not read the message.
    Parse,
    /// The runtime refused the request for a reason without a kind of its own.
    InvalidRequest,
    /// The runtime does not know the method.
    MethodNotFound,
    /// A parameter is missing, of the wrong shape, or too large.
    InvalidParams,
    /// The runtime failed while it handled the request.
    Internal,
    /// The runtime is overloaded; the same request may succeed later.
    ServerBusy,
    /// The runtime has used up its own retries.
    RetryLimitExceeded,
    /// The connection has not been initialized.
    NotInitialized,
    /// The method, field or value needs `CodexConfig::experimental_api`.
    ExperimentalRequired,
    /// The thread does not exist, or is not loaded.
    ThreadNotFound,
    /// The thread has no turn that could be steered or interrupted.
    NoActiveTurn,
    /// Another turn than the named one is active.
    TurnMismatch,
    /// Another process has the thread open; it can be read and forked, but not resumed.
    ActiveWriter,
    /// The turn that runs takes no further input: the thread is being compacted, or reviewed.
    NotSteerable,
    /// The runtime is about to end and takes no more work; another one does.
    ShuttingDown,
    /// None of the other kinds.
    Other,
}

impl RpcErrorCode {
    /// The message is not JSON.
    pub const PARSE_ERROR: Self = Self(-32700);
    /// The request is refused; the text says why.
    pub const INVALID_REQUEST: Self = Self(-32600);
    /// The method does not exist.
    pub const METHOD_NOT_FOUND: Self = Self(-32601);
    /// The params do not fit the method.
    pub const INVALID_PARAMS: Self = Self(-32602);
    /// The runtime failed internally.
    pub const INTERNAL_ERROR: Self = Self(-32603);
    /// The runtime's queue is full.
    pub const OVERLOADED: Self = Self(-32001);

    /// Whether the code is in the range that servers define for themselves.
    fn is_server_defined(self) -> bool {
        (-32099..=-32000).contains(&self.0)
    }
}

impl From<i64> for RpcErrorCode {
    fn from(code: i64) -> Self {
        Self(code)
    }
}

impl From<RpcErrorCode> for i64 {
    fn from(code: RpcErrorCode) -> Self {
        code.0
    }
}

impl fmt::Display for RpcErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl RpcError {
    /// Reads an error object, whatever its message and data hold; `None` for another shape.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let code = raw::member(text, "code")?.parse::<i64>().ok()?;
        let message = raw::value(raw::member(text, "message")?);
        let data = raw::member(text, "data").filter(|data| *data != "null");
        Some(Self {
            code: RpcErrorCode(code),
            message: message.as_str()?.to_owned(),
            data: data.map(raw::value),
        })
    }

    /// Makes an error without data, for example to test code that handles one.
    pub fn new(code: impl Into<RpcErrorCode>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            data: None,
        }
    }

    /// Tells what the error means.
    ///
    /// The runtime uses one code for nearly everything, so its text decides where the code
    /// does not.
    pub fn kind(&self) -> RpcErrorKind {
        use RpcErrorKind as Kind;
        let text = self.message.to_ascii_lowercase();
        // The runtime sends these under more than one code.
        if self.is_not_steerable(&text) {
            return Kind::NotSteerable;
        }
        if text.starts_with("server is draining")
            || text.ends_with("is shutting down")
            || self.names("serverShuttingDown")
        {
            return Kind::ShuttingDown;
        }
        match self.code {
            RpcErrorCode::PARSE_ERROR => Kind::Parse,
            RpcErrorCode::INVALID_REQUEST => self.refusal(&text),
            RpcErrorCode::METHOD_NOT_FOUND => Kind::MethodNotFound,
            RpcErrorCode::INVALID_PARAMS => Kind::InvalidParams,
            RpcErrorCode::INTERNAL_ERROR => Kind::Internal,
            code if code.is_server_defined() => {
                if text.contains("retry limit") || text.contains("too many failed attempts") {
                    Kind::RetryLimitExceeded
                } else if code == RpcErrorCode::OVERLOADED
                    || self.names("serverOverloaded")
                    || self.names("server_overloaded")
                {
                    Kind::ServerBusy
                } else {
                    Kind::Other
                }
            }
            _ => Kind::Other,
        }
    }

    /// Whether input was refused because of what the running turn does.
    fn is_not_steerable(&self, text: &str) -> bool {
        text.contains("activeturnnotsteerable")
            || (text.starts_with("cannot steer a ") && text.ends_with(" turn"))
            || self.names("activeTurnNotSteerable")
    }

    /// Whether the data has this name as a member or a text, at any depth.
    fn names(&self, name: &str) -> bool {
        self.data.as_ref().is_some_and(|data| names(data, name))
    }

    /// Tells apart what the runtime answers with "invalid request".
    fn refusal(&self, text: &str) -> RpcErrorKind {
        use RpcErrorKind as Kind;
        if text.contains("requires experimentalapi capability") {
            Kind::ExperimentalRequired
        } else if text.contains("no active turn to ") {
            Kind::NoActiveTurn
        } else if text.contains("expected active turn id ") && text.contains(" but found ") {
            Kind::TurnMismatch
        } else if text.contains("thread not found")
            || text.contains("thread not loaded")
            || text.contains("no rollout found for thread id")
            || text.contains("no archived rollout found for thread id")
        {
            Kind::ThreadNotFound
        } else if text.ends_with("already has an active writer") {
            Kind::ActiveWriter
        } else if text.starts_with("not initialized") {
            Kind::NotInitialized
        } else if let Some(reason) = text.strip_prefix("invalid request: ") {
            // The runtime reads a request as one value tagged by its method, so that an
            // unknown method and a bad param differ only in what could not be read.
            if reason.starts_with("unknown variant `") && names_methods(reason) {
                Kind::MethodNotFound
            } else {
                Kind::InvalidParams
            }
        } else {
            Kind::InvalidRequest
        }
    }
}

/// Whether the "expected one of" of a refusal lists methods, which are many and have slashes.
fn names_methods(reason: &str) -> bool {
    reason.matches('/').count() > 20
}

/// Whether a value has this name as a member or a text, at any depth.
fn names(data: &Value, name: &str) -> bool {
    match data {
        Value::String(text) => text == name,
        Value::Array(items) => items.iter().any(|item| names(item, name)),
        Value::Object(members) => members
            .iter()
            .any(|(member, value)| member == name || names(value, name)),
        _ => false,
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A refusal may list every method the runtime has; its start says it all.
        const LONGEST: usize = 400;
        match self.message.char_indices().nth(LONGEST) {
            None => write!(f, "{} (code {})", self.message, self.code),
            Some((end, _)) => write!(f, "{}… (code {})", &self.message[..end], self.code),
        }
    }
}

impl fmt::Debug for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcError")
            .field("code", &self.code.0)
            .field("message", &self.message)
            .field("data", &self.data.as_ref().map(|_| ".."))
            .finish()
    }
}

impl std::error::Error for RpcError {}

#[cfg(test)]
mod tests;
