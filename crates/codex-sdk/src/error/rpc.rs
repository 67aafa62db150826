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
mod tests {
    use super::*;
    use serde_json::json;

    /// ERR-01, ERR-02, ERR-03, ERR-04, D-33: what codes and texts mean.
    #[test]
    fn the_kind_follows_code_and_text() {
        use RpcErrorKind::*;
        let table = [
            (-32700, "x", Parse),
            (-32601, "x", MethodNotFound),
            (-32602, "too large", InvalidParams),
            (-32603, "failed to submit turn input: EmptyInput", Internal),
            (-32001, "Server overloaded; retry later.", ServerBusy),
            (-32050, "retry limit reached", RetryLimitExceeded),
            (-32050, "too many failed attempts", RetryLimitExceeded),
            (-32050, "whatever", Other),
            (-1, "x", Other),
            (1000, "x", Other),
            (-32600, "Not initialized", NotInitialized),
            (
                -32600,
                "`thread/search` requires experimentalApi capability",
                ExperimentalRequired,
            ),
            (-32600, "thread not found: 1", ThreadNotFound),
            (-32600, "thread not loaded: 1", ThreadNotFound),
            (-32600, "no rollout found for thread id 1", ThreadNotFound),
            (
                -32600,
                "no archived rollout found for thread id 1",
                ThreadNotFound,
            ),
            (-32600, "no active turn to steer", NoActiveTurn),
            (-32600, "no active turn to interrupt", NoActiveTurn),
            (
                -32600,
                "expected active turn id `a` but found `b`",
                TurnMismatch,
            ),
            (
                -32600,
                "expected active turn id a but found b",
                TurnMismatch,
            ),
            (
                -32600,
                "Invalid request: missing field `threadId`",
                InvalidParams,
            ),
            (
                -32600,
                "Invalid request: unknown variant `a`, expected one of `b`, `c`",
                InvalidParams,
            ),
            (
                -32600,
                "Server is draining; retry after reconnecting",
                ShuttingDown,
            ),
            (
                -32603,
                "Server is draining; retry the turn after reconnecting",
                ShuttingDown,
            ),
            (
                -32603,
                "in-process app-server runtime is shutting down",
                ShuttingDown,
            ),
            (
                -32600,
                "thread 1 already has an active writer",
                ActiveWriter,
            ),
            (-32600, "cannot steer a compact turn", NotSteerable),
            (-32600, "cannot steer a review turn", NotSteerable),
            (
                -32603,
                "failed to submit turn input: ActiveTurnNotSteerable { turn_kind: Compact }",
                NotSteerable,
            ),
        ];
        for (code, message, kind) in table {
            assert_eq!(
                RpcError::new(code, message).kind(),
                kind,
                "{code} {message}"
            );
        }
        let methods = "`some/method`, ".repeat(100);
        let message = format!("Invalid request: unknown variant `nope`, expected one of {methods}");
        assert_eq!(RpcError::new(-32600, message).kind(), MethodNotFound);
    }

    /// ERR-06: in either spelling.
    #[test]
    fn an_overload_is_found_at_any_depth_of_the_data() {
        for data in [
            json!("server_overloaded"),
            json!({"codexErrorInfo": "serverOverloaded"}),
            json!({"a": [{"errorInfo": {"serverOverloaded": {}}}]}),
        ] {
            let mut error = RpcError::new(-32010, "busy");
            error.data = Some(data);
            assert_eq!(error.kind(), RpcErrorKind::ServerBusy);
        }
    }

    /// In case the text changes.
    #[test]
    fn a_turn_that_takes_no_input_is_found_in_the_data() {
        let mut error = RpcError::new(-32600, "not now");
        let info = json!({"activeTurnNotSteerable": {"turnKind": "review"}});
        error.data = Some(json!({"message": "not now", "codexErrorInfo": info}));
        assert_eq!(error.kind(), RpcErrorKind::NotSteerable);
        error.data = Some(json!({"codexErrorInfo": "serverShuttingDown"}));
        assert_eq!(error.kind(), RpcErrorKind::ShuttingDown);
    }

    #[test]
    fn debug_and_display_hold_no_data() {
        let mut error = RpcError::new(-32600, "m".repeat(1000));
        error.data = Some(json!({"key": "sk-secret"}));
        assert!(!format!("{error:?}").contains("sk-secret"));
        assert!(error.to_string().len() < 500);
        assert!(error.to_string().ends_with("… (code -32600)"));
    }
}
