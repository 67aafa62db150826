//! The parts that a transcript is made of.

use openai_codex::types::{ItemId, TurnId};

use super::patch::FileDiff;

/// How far a command, a change or a tool call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Running,
    /// It waits for the user's decision.
    Asked,
    Done,
    Failed,
    Declined,
    /// The turn ended before it did.
    Left,
}

/// One part of a transcript.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Block {
    /// What the user said.
    User(String),
    /// What the agent said, in Markdown.
    Agent(String),
    /// What the agent thinks, in Markdown.
    Reasoning(String),
    Command {
        line: String,
        output: String,
        progress: Progress,
        exit_code: Option<i32>,
        duration_ms: Option<i64>,
    },
    Change {
        files: Vec<FileDiff>,
        progress: Progress,
    },
    /// The agent's plan, a step a line.
    Plan(Vec<(PlanMark, String)>),
    /// Any other tool.
    Tool {
        title: String,
        detail: String,
        progress: Progress,
    },
    /// A diff that was asked for.
    Diff(Vec<FileDiff>),
    /// Something that this program says, in Markdown.
    Note(String),
    /// Something that went wrong.
    Error(String),
}

/// How far a step of a plan has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlanMark {
    Pending,
    Current,
    Done,
}

/// A part of a transcript, with the item that it shows.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) item: Option<(TurnId, ItemId)>,
    pub(crate) block: Block,
    /// Counts the changes, so that what was drawn can be kept.
    pub(crate) version: u64,
}

impl Block {
    /// Tells whether it is a command, a change or a tool call that runs.
    pub(crate) fn progress_mut(&mut self) -> Option<&mut Progress> {
        match self {
            Self::Command { progress, .. }
            | Self::Change { progress, .. }
            | Self::Tool { progress, .. } => Some(progress),
            _ => None,
        }
    }
}
