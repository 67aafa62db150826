//! The log that a scripted process writes for the test.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One line of a scripted process's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogLine {
    /// Which start of the executable wrote it, from 1 up.
    pub run: usize,
    /// What happened.
    #[serde(flatten)]
    pub event: LogEvent,
}

/// What happened in a scripted process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LogEvent {
    /// The process started.
    Started(Start),
    /// The client sent a message; a line that is not JSON is a string.
    Received {
        /// The message.
        message: Value,
    },
    /// The script waits at a gate.
    Holding {
        /// The gate's name.
        gate: String,
    },
    /// The script was played to its end; the process lives on.
    Finished,
    /// The client closed the input.
    Closed,
    /// A termination signal came.
    Signaled {
        /// Its name.
        signal: String,
    },
    /// A child was left that holds the outputs open.
    LeftChild {
        /// Its process id.
        pid: u32,
    },
    /// The client or the script did what the script does not allow.
    Failed {
        /// What it was.
        text: String,
    },
    /// The process ends.
    Exited {
        /// The exit code.
        code: i32,
    },
}

/// How a scripted process was started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Start {
    /// The arguments, without the program.
    pub args: Vec<String>,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// The working folder.
    pub cwd: PathBuf,
    /// The process id.
    pub pid: u32,
}
