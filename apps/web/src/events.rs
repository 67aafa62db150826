//! Typed events of a thread, as the page receives them.

mod ask;
mod read;
mod text;

use serde::Serialize;

#[cfg(test)]
pub(crate) use self::ask::Action;
pub(crate) use self::ask::{Ask, Choice};

/// An event of a thread; `type` names it in JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A turn runs.
    TurnStarted { turn_id: String },
    /// More text of a message of the agent.
    TextDelta { item_id: String, delta: String },
    /// More text of the agent's reasoning.
    ReasoningDelta { item_id: String, delta: String },
    /// More output of a command.
    CommandOutput { item_id: String, delta: String },
    /// An item begins; deltas add to it.
    ItemStarted { item: Item },
    /// An item is complete; it replaces what came before.
    ItemCompleted { item: Item },
    /// The files that an item changes have become different.
    FileChange {
        item_id: String,
        changes: Vec<Change>,
    },
    /// The agent asks whether it may do something.
    ApprovalAsked { approval: Ask },
    /// A question is not open any more.
    ApprovalResolved { key: String, outcome: Outcome },
    /// The tokens that the thread has used so far.
    Usage(Usage),
    /// A turn is over; `message` says how, unless it was completed.
    TurnCompleted {
        turn_id: String,
        status: String,
        message: Option<String>,
    },
    /// Something failed; the runtime tries again where it says so.
    Error { message: String, will_retry: bool },
    /// Something that the user should know.
    Notice { message: String },
}

/// A part of the conversation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Item {
    /// The id, unique in the thread.
    pub(crate) id: String,
    /// What it is.
    #[serde(flatten)]
    pub(crate) body: Body,
}

/// What an item is; `kind` names it in JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Body {
    /// A message of the user.
    User { text: String },
    /// A message of the agent.
    Message { text: String },
    /// The agent's reasoning, summed up.
    Reasoning { text: String },
    /// A command that the agent runs.
    Command(Command),
    /// Files that the agent changes.
    FileChange {
        status: String,
        changes: Vec<Change>,
    },
    /// A tool that the agent uses.
    Tool { name: String, status: String },
    /// Anything else, by its name in the protocol.
    Other { name: String },
    /// A remark of the server: an error, or the end of a turn that was not completed.
    Notice { text: String },
}

/// A command that the agent runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Command {
    /// The command line.
    pub(crate) command: String,
    /// The folder that it runs in.
    pub(crate) cwd: String,
    /// Where it stands: `inProgress`, `completed`, `failed` or `declined`.
    pub(crate) status: String,
    /// The output so far, the end of it where it is long.
    pub(crate) output: String,
    /// Whether the beginning of the output is left out.
    pub(crate) cut: bool,
    /// The exit code, once it has ended.
    pub(crate) exit_code: Option<i32>,
}

/// The change of one file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Change {
    /// The path.
    pub(crate) path: String,
    /// The new path of a file that is moved.
    pub(crate) moved_to: Option<String>,
    /// `add`, `delete` or `update`.
    pub(crate) action: String,
    /// The diff; of a file that is added or deleted, its content.
    pub(crate) diff: String,
    /// Whether the end of the diff is left out.
    pub(crate) cut: bool,
}

/// Token counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Usage {
    /// Tokens of the whole thread.
    pub(crate) total_tokens: i64,
    /// Tokens that the last request to the model has taken of its context.
    pub(crate) context_tokens: i64,
    /// The size of the model's context, if it is known.
    pub(crate) context_window: Option<i64>,
}

/// How a question ended: the answer that was given, or `over`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Accepted once.
    Accept,
    /// Accepted for the session.
    Session,
    /// Accepted, and the proposed rule is stored.
    Remember,
    /// Declined.
    Decline,
    /// Declined, and the turn is interrupted.
    Cancel,
    /// Its turn ended before an answer came, which declines.
    Over,
}

impl Command {
    /// Adds output, and keeps the end of it where it is long.
    pub(crate) fn add_output(&mut self, more: &str) {
        self.output.push_str(more);
        self.cut |= text::keep_end(&mut self.output);
    }
}

impl Body {
    /// Estimates the memory that it takes.
    pub(crate) fn size(&self) -> usize {
        const BASE: usize = 100;
        BASE + match self {
            Self::User { text }
            | Self::Message { text }
            | Self::Reasoning { text }
            | Self::Notice { text } => text.len(),
            Self::Command(command) => command.command.len() + command.output.len(),
            Self::FileChange { changes, .. } => changes
                .iter()
                .map(|change| BASE + change.path.len() + change.diff.len())
                .sum(),
            Self::Tool { .. } | Self::Other { .. } => 0,
        }
    }
}
