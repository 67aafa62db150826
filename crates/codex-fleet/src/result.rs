//! How jobs end.

use std::error::Error as StdError;
use std::fmt;

use openai_codex::TurnResult;
use openai_codex::types::{ThreadId, ThreadItem, TokenUsageBreakdown};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The result of a job that is complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JobResult {
    /// The key of the task.
    pub key: String,
    /// The attempt that completed it, counted from one.
    pub attempt: u32,
    /// The name of the worker that completed it.
    pub worker: String,
    /// The thread, which [`Job::thread`](crate::Job::thread) has.
    pub thread_id: Option<ThreadId>,
    /// The last agent message.
    pub final_response: Option<String>,
    /// The completed items of the last turn: after a move, those of the attempt that completed it.
    pub items: Vec<ThreadItem>,
    /// The tokens of the last turn.
    pub usage: Option<TokenUsageBreakdown>,
    /// How long the last turn took, in milliseconds.
    pub duration_ms: Option<i64>,
}

/// The failure of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JobFailure {
    /// The key of the task.
    pub key: String,
    /// How many attempts there were.
    pub attempts: u32,
    /// What the last one failed with.
    pub error: String,
}

/// How a job has ended, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum End {
    Completed(Box<JobResult>),
    /// As above, in the store of this name.
    CompletedAt(String),
    Failed(JobFailure),
    Canceled,
}

impl JobResult {
    pub(crate) fn text_only(key: &str, attempt: u32, worker: &str, text: String) -> Self {
        Self {
            key: key.to_owned(),
            attempt,
            worker: worker.to_owned(),
            thread_id: None,
            final_response: Some(text),
            items: Vec::new(),
            usage: None,
            duration_ms: None,
        }
    }

    pub(crate) fn of_turn(
        key: &str,
        attempt: u32,
        worker: &str,
        thread: &ThreadId,
        turn: TurnResult,
    ) -> Self {
        Self {
            key: key.to_owned(),
            attempt,
            worker: worker.to_owned(),
            thread_id: Some(thread.clone()),
            usage: turn.turn_usage(),
            final_response: turn.final_response,
            items: turn.items,
            duration_ms: turn.duration_ms,
        }
    }

    /// Returns the final response, or nothing where there is none.
    pub fn text(&self) -> &str {
        self.final_response.as_deref().unwrap_or_default()
    }

    /// Reads the final response as JSON, for a task with an
    /// [`output_schema`](crate::Task::output_schema).
    ///
    /// # Errors
    ///
    /// Those of serde_json, for a response that does not fit.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.text())
    }
}

impl fmt::Display for JobFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key,
            attempts,
            error,
        } = self;
        let times = if *attempts == 1 {
            "attempt"
        } else {
            "attempts"
        };
        write!(
            f,
            "the job {key:?} has failed after {attempts} {times}: {error}"
        )
    }
}

impl StdError for JobFailure {}
