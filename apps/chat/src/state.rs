//! What the screen shows, without any terminal: the transcript, the questions that wait, and the numbers.

mod block;
mod history;
mod patch;
mod picker;
mod text;
mod tokens;
mod transcript;

use std::collections::VecDeque;
use std::time::Instant;

use openai_codex::Notification;
use openai_codex::approval::{Approval, Decision};
use openai_codex::types::RateLimitSnapshot;
use tokio::sync::oneshot;

pub(crate) use self::block::{Block, PlanMark, Progress};
pub(crate) use self::patch::{FileDiff, LineKind, split_files};
pub(crate) use self::picker::{Choice, Picker};
pub(crate) use self::text::{clean, input_text, visible};
pub(crate) use self::tokens::{Tokens, grouped};
pub(crate) use self::transcript::Transcript;

/// What the program is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The runtime starts, or a thread is opened.
    Opening,
    /// The user's turn.
    Idle,
    /// The agent's turn.
    Running {
        /// Since when.
        since: Instant,
        /// The turn only summarizes the thread.
        compacting: bool,
        /// An interrupt was sent.
        interrupting: bool,
    },
    /// There is no runtime any more.
    Ended,
}

/// What holds for the next turn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) model: String,
    pub(crate) effort: Option<String>,
    pub(crate) sandbox: String,
    pub(crate) folder: String,
    pub(crate) thread_id: String,
    pub(crate) thread_name: Option<String>,
}

/// A question of the agent that waits for a key.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) approval: Approval,
    pub(crate) answer: oneshot::Sender<Decision>,
    /// When it was first on the screen.
    pub(crate) shown: Option<Instant>,
}

/// Everything that is shown.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    pub(crate) settings: Settings,
    pub(crate) transcript: Transcript,
    /// Messages that were sent and that the agent has not taken yet.
    pub(crate) pending: Vec<String>,
    pub(crate) asks: VecDeque<Ask>,
    pub(crate) tokens: Tokens,
    pub(crate) rate_limits: Option<RateLimitSnapshot>,
    /// The last turn's changes of files, as one unified diff.
    pub(crate) diff: Option<String>,
    pub(crate) picker: Option<Picker>,
    /// A short message beside the status, until the next key.
    pub(crate) notice: Option<String>,
}

impl State {
    pub(crate) fn new(budget: Option<u64>) -> Self {
        Self {
            phase: Phase::Opening,
            settings: Settings::default(),
            transcript: Transcript::default(),
            pending: Vec::new(),
            asks: VecDeque::new(),
            tokens: Tokens::new(budget),
            rate_limits: None,
            diff: None,
            picker: None,
            notice: None,
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running { .. })
    }

    /// Begins a turn.
    pub(crate) fn turn_began(&mut self, compacting: bool) {
        self.phase = Phase::Running {
            since: Instant::now(),
            compacting,
            interrupting: false,
        };
        if !compacting {
            self.diff = None;
        }
        self.tokens.turn_began();
    }

    /// Ends a turn; returns the messages that the agent has not taken.
    pub(crate) fn turn_ended(&mut self, used: Option<i64>) -> Vec<String> {
        if self.is_running() {
            self.phase = Phase::Idle;
        }
        self.asks.clear();
        self.tokens.turn_ended(used);
        self.transcript.turn_ended();
        std::mem::take(&mut self.pending)
    }

    /// Takes in what the runtime tells.
    pub(crate) fn apply(&mut self, notification: &Notification) {
        match notification {
            Notification::TurnDiffUpdated(updated) => self.diff = Some(updated.diff.clone()),
            Notification::ThreadTokenUsageUpdated(updated) => {
                self.tokens.update(&updated.token_usage);
            }
            Notification::AccountRateLimitsUpdated(updated) => {
                self.rate_limits = Some(updated.rate_limits.clone());
            }
            Notification::ThreadNameUpdated(updated) => {
                self.settings.thread_name.clone_from(&updated.thread_name);
            }
            other => {
                if let Some(text) = self.transcript.apply(other) {
                    self.taken(&text);
                }
                // A question can come before the item that it is about.
                for ask in &self.asks {
                    let (turn, item) = (&ask.approval.turn_id, &ask.approval.item_id);
                    self.transcript.asked(turn, item, true);
                }
            }
        }
    }

    /// Strikes a message off those that wait, now that it stands in the transcript.
    fn taken(&mut self, text: &str) {
        if let Some(index) = self.pending.iter().position(|waiting| waiting == text) {
            self.pending.remove(index);
        }
    }

    /// Returns the changes of files of the last turn: as the runtime told them, else those of its items.
    pub(crate) fn last_diff(&self) -> Option<Vec<FileDiff>> {
        let told = self.diff.as_deref().filter(|diff| !diff.trim().is_empty());
        let files = match told {
            Some(diff) => split_files(diff),
            None => self.transcript.last_changes(),
        };
        (!files.is_empty()).then_some(files)
    }
}
