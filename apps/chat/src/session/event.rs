//! What the session tells.

use openai_codex::approval::{Approval, Decision};
use openai_codex::types::{Model, RateLimitSnapshot, Thread as StoredThread, Turn};
use openai_codex::{Codex, Error, Notification, Result, Thread, TurnControl, TurnResult};
use tokio::sync::oneshot;

use super::Message;

/// A thing that happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// A thread is there.
    Opened(Box<Opened>),
    /// No thread could be opened.
    NotOpened(Error),
    /// The runtime is there, but no thread.
    Connected(Codex),
    /// The turn that was asked for runs.
    TurnStarted(TurnControl),
    /// The runtime told something.
    Notification(Box<Notification>),
    /// The turn that was asked for is over.
    TurnEnded(Box<TurnEnd>),
    /// The turn that was to be steered was over: the message is still to be sent.
    NotSteered(Message),
    /// The agent asks.
    Asked {
        approval: Box<Approval>,
        answer: oneshot::Sender<Decision>,
    },
    /// A question needs no answer any more.
    Resolved(String),
    Threads(Vec<StoredThread>),
    Models {
        models: Vec<Model>,
        for_efforts: bool,
    },
    RateLimits(Result<Box<RateLimitSnapshot>>),
    NotCompacted(Error),
    /// Something else did not work.
    Failed(Error),
    /// The runtime ended, for this reason.
    Closed(String),
}

/// A thread that was opened, with its runtime and its history.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) codex: Codex,
    pub(crate) thread: Thread,
    pub(crate) turns: Vec<Turn>,
}

/// How a turn ended.
#[derive(Debug)]
pub(crate) enum TurnEnd {
    /// It never ran; the message is given back.
    NotStarted(Message, Error),
    Ended(Box<TurnResult>),
    Failed(Error),
}
