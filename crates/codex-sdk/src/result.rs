//! What a turn came to.

use std::fmt;

use codex_types::{CodexErrorInfo, ThreadItem, ThreadTokenUsage, TurnError, TurnStatus};
use serde::de::DeserializeOwned;

use crate::error::{Error, OutputError, Result};

/// What a turn came to: its status, its items and what it cost.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TurnResult {
    /// The id of the turn.
    pub id: String,
    /// How the turn ended.
    pub status: TurnStatus,
    /// Why it failed, if it did.
    pub error: Option<TurnError>,
    /// When it started, in seconds since the Unix epoch.
    pub started_at: Option<i64>,
    /// When it ended, in seconds since the Unix epoch.
    pub completed_at: Option<i64>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// The last agent message of phase `final_answer`, else the last one without a phase.
    pub final_response: Option<String>,
    /// Its completed items, in order. What an interruption or a failure cut off never completes, and
    /// is only among the events. A command that outlives the turn completes after it, and is then
    /// told by [`Codex::notifications`](crate::Codex::notifications).
    /// [`TurnHandle::run`](crate::TurnHandle::run) says which are left out after a long stream.
    pub items: Vec<ThreadItem>,
    /// The tokens that the thread had used when it ended, as the runtime said last: a turn that
    /// reached no model has those of the one before, and none if it was the first.
    pub usage: Option<ThreadTokenUsage>,
}

impl TurnResult {
    /// Returns the final response, or nothing where there is none.
    pub fn text(&self) -> &str {
        self.final_response.as_deref().unwrap_or_default()
    }

    /// Decodes the final response as JSON, for a turn with an output schema.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] if there is no final response, or if it is not JSON of this shape.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        let text = self.final_response.as_deref();
        let text = text.ok_or(Error::Output(OutputError::Missing))?;
        serde_json::from_str(text).map_err(|error| Error::Output(OutputError::Malformed(error)))
    }
}

/// How a turn failed, and what it came to before that.
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

    /// Whether the model service lacked capacity, or the connection to it failed.
    pub(crate) fn is_retryable(&self) -> bool {
        use CodexErrorInfo as Info;
        matches!(
            self.error.codex_error_info,
            Some(
                Info::ServerOverloaded
                    | Info::RateLimitExceeded
                    | Info::HttpConnectionFailed(_)
                    | Info::ResponseStreamConnectionFailed(_)
                    | Info::ResponseStreamDisconnected(_)
            )
        )
    }
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
