//! Failed turns.

use std::fmt;

use codex_types::{CodexErrorInfo, TurnError, TurnFailureKind};
use serde_json::Value;

use crate::result::TurnResult;

/// How a turn failed, and what there is of it.
///
/// ```no_run
/// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
/// use openai_codex::Error;
/// use openai_codex::error::TurnFailureKind;
///
/// match thread.run("Fix the failing test.").await {
///     Err(Error::TurnFailed(failure)) if failure.kind() == TurnFailureKind::ContextWindow => {
///         println!("start a new thread: {failure}");
///     }
///     Err(error) => return Err(error),
///     Ok(result) => println!("{}", result.text()),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TurnFailure {
    /// The id of the turn.
    pub turn_id: String,
    /// The runtime's reason.
    pub error: TurnError,
    /// What there is of the turn.
    pub result: TurnResult,
}

impl TurnFailure {
    /// Makes the failure of a turn.
    pub fn new(turn_id: impl Into<String>, error: TurnError, result: TurnResult) -> Self {
        Self {
            turn_id: turn_id.into(),
            error,
            result,
        }
    }

    /// Tells what kind of failure it is, by the runtime's `codexErrorInfo`, and by its text where
    /// that says nothing.
    pub fn kind(&self) -> TurnFailureKind {
        match &self.error.codex_error_info {
            None | Some(CodexErrorInfo::Other) => kind_of_text(&self.error.message),
            Some(info) => info.kind(),
        }
    }

    /// Tells whether a second try may succeed: the model service lacked capacity or limited the
    /// rate, or the connection to it could not be made or broke.
    pub fn is_retryable(&self) -> bool {
        use TurnFailureKind as Kind;
        matches!(
            self.kind(),
            Kind::Overloaded | Kind::RateLimited | Kind::Connection
        )
    }
}

/// Tells the kind of a failure that the runtime gives no other name than `other`.
fn kind_of_text(message: &str) -> TurnFailureKind {
    use TurnFailureKind as Kind;
    /// How the runtime begins its texts about a lost connection to the model service.
    const LOST: [&str; 3] = [
        "stream disconnected before completion",
        "connection failed:",
        "error while reading the server response",
    ];
    let text = message.to_ascii_lowercase();
    if text.contains("reason: content_filter") {
        // The runtime takes it for a broken stream, but the service would filter again.
        Kind::Policy
    } else if LOST.iter().any(|lost| text.starts_with(lost)) {
        Kind::Connection
    } else if is_body_of_refusal(message) {
        Kind::BadRequest
    } else {
        Kind::Other
    }
}

/// Whether the text is the body of an HTTP 400, which the runtime passes on as it is.
fn is_body_of_refusal(message: &str) -> bool {
    let is_object = message.trim_start().starts_with('{');
    is_object
        && serde_json::from_str::<Value>(message)
            .is_ok_and(|body| body.get("error").is_some() || body.get("detail").is_some())
}

impl fmt::Display for TurnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.error.message.is_empty() {
            write!(
                f,
                "turn {} failed with status {}",
                self.turn_id, self.result.status
            )
        } else {
            write!(f, "turn {} failed: {}", self.turn_id, self.error.message)
        }
    }
}

impl std::error::Error for TurnFailure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_without_a_name_is_known_by_its_text() {
        use TurnFailureKind::*;
        let rows = [
            (
                "stream disconnected before completion: stream closed before response.completed",
                Connection,
            ),
            (
                "Stream disconnected before completion: idle timeout waiting for SSE",
                Connection,
            ),
            ("Connection failed: error sending request", Connection),
            (
                "Error while reading the server response: timed out, request id: r",
                Connection,
            ),
            (
                "stream disconnected before completion: Incomplete response returned, reason: \
                 content_filter",
                Policy,
            ),
            (
                "Incomplete response returned, reason: max_output_tokens",
                Other,
            ),
            (r#"{"error":{"message":"bad request"}}"#, BadRequest),
            (r#"{"detail":"unsupported"}"#, BadRequest),
            (r#"{"answer":1}"#, Other),
            ("", Other),
        ];
        for (text, kind) in rows {
            assert_eq!(kind_of_text(text), kind, "{text}");
        }
    }
}
