//! The state of a job, as it is stored: one entry of a bucket, changed by comparing revisions.

use openai_codex::types::ThreadId;
use serde::{Deserialize, Serialize};

use crate::result::End;

/// The state of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Tells whether another task has the same key.
    pub(crate) digest: String,
    /// The number of the message of the job, set by the first worker that takes it: another one of the same key is
    /// not run.
    #[serde(default)]
    pub(crate) message: Option<u64>,
    /// How many attempts have begun.
    #[serde(default)]
    pub(crate) attempt: u32,
    /// How many of them count for nothing, since their workers have stopped.
    #[serde(default)]
    pub(crate) given_back: u32,
    /// Who may write: the claim of the attempt that runs.
    #[serde(default)]
    pub(crate) claim: Option<Claim>,
    /// A turn may have begun: what it did may be done.
    #[serde(default)]
    pub(crate) started: bool,
    /// The thread, and the object that it is saved in.
    #[serde(default)]
    pub(crate) saved: Option<Saved>,
    /// Somebody wants it to end.
    #[serde(default)]
    pub(crate) cancel: bool,
    /// What the last attempt has failed with.
    #[serde(default)]
    pub(crate) error: Option<String>,
    #[serde(default)]
    pub(crate) end: Option<End>,
}

/// The right to write of one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    /// The name of the worker.
    pub(crate) worker: String,
    /// Different for every claim.
    pub(crate) id: String,
}

/// A thread that was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Saved {
    pub(crate) thread: ThreadId,
    pub(crate) object: String,
}

impl Record {
    pub(crate) fn new(digest: String) -> Self {
        Self {
            digest,
            message: None,
            attempt: 0,
            given_back: 0,
            claim: None,
            started: false,
            saved: None,
            cancel: false,
            error: None,
            end: None,
        }
    }
}

/// The state of a job, as [`Job::status`](crate::Job::status) tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobStatus {
    /// It waits for a worker. `error` is what the last attempt has failed with, if there was one.
    Waiting {
        /// How many attempts have begun.
        attempts: u32,
        /// What the last one has failed with.
        error: Option<String>,
    },
    /// A worker has it.
    Running {
        /// The attempt, counted from one.
        attempt: u32,
        /// The name of the worker.
        worker: String,
    },
    /// It has a result.
    Completed,
    /// It has failed.
    Failed,
    /// It was canceled.
    Canceled,
}

impl From<Record> for JobStatus {
    fn from(record: Record) -> Self {
        match (record.end, record.claim) {
            (Some(End::Completed(_) | End::CompletedAt(_)), _) => Self::Completed,
            (Some(End::Failed(_)), _) => Self::Failed,
            (Some(End::Canceled), _) => Self::Canceled,
            (None, Some(claim)) => Self::Running {
                attempt: record.attempt,
                worker: claim.worker,
            },
            (None, None) => Self::Waiting {
                attempts: record.attempt,
                error: record.error,
            },
        }
    }
}
