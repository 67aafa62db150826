//! The error that a request handler returns.

use std::fmt;

use super::RpcErrorCode;

/// The failure of a handler of the runtime's requests.
///
/// Where the method has a safe answer (decline, nothing granted, empty answers, a failed tool
/// call that carries the text), the runtime gets that; else it gets a JSON-RPC error with this
/// code and text.
///
/// ```
/// use openai_codex::ResponseError;
///
/// assert_eq!(ResponseError::new("no token").to_string(), "no token");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseError {
    code: RpcErrorCode,
    text: String,
}

impl ResponseError {
    /// Fails with this text, under the code for internal errors.
    pub fn new(text: impl Into<String>) -> Self {
        Self::with_code(RpcErrorCode::INTERNAL_ERROR, text)
    }

    /// Fails with this code and text.
    pub fn with_code(code: impl Into<RpcErrorCode>, text: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            text: text.into(),
        }
    }

    /// Returns the code of the JSON-RPC error.
    pub fn code(&self) -> RpcErrorCode {
        self.code
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for ResponseError {}
