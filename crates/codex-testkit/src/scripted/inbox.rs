//! The messages that a scripted server has received: those to be looked at, and the log of all.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

/// The messages of the client, between the reader and the tests that await them.
#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    /// Changes with every message and at the end.
    changed: watch::Sender<()>,
    tap: Option<Tap>,
}

/// Looks at every message as it comes.
pub(super) type Tap = Box<dyn Fn(&Value) + Send + Sync>;

#[derive(Debug, Default)]
pub(super) struct State {
    /// Requests and notifications that have not been taken.
    pub(super) calls: VecDeque<Value>,
    /// Answers to the server's requests that have not been taken.
    pub(super) answers: VecDeque<Value>,
    /// Everything in the order it came; a line that is not JSON as a string.
    pub(super) log: Vec<Value>,
    /// What is answered without being taken, by method.
    pub(super) standing: Vec<(String, Value)>,
    /// Whether the client has closed its side.
    pub(super) ended: bool,
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl Inbox {
    pub(super) fn tapped(tap: Tap) -> Self {
        Self {
            tap: Some(tap),
            ..Self::default()
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Files a line; returns the standing answer that it asks for, with its id.
    pub(super) fn file(&self, line: &[u8]) -> Option<(Value, Value)> {
        let message = serde_json::from_slice(line)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(line).into_owned()));
        if let Some(tap) = &self.tap {
            tap(&message);
        }
        let mut state = self.lock();
        state.log.push(message.clone());
        let standing = standing_answer(&state, &message);
        if standing.is_none() {
            if message.get("method").is_some() {
                state.calls.push_back(message);
            } else if message.get("id").is_some() {
                state.answers.push_back(message);
            }
        }
        drop(state);
        self.changed.send_replace(());
        standing
    }

    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.changed.send_replace(());
    }

    /// Waits until `look` finds something; never, if it finds nothing ever.
    pub(super) async fn wait<T>(&self, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        loop {
            if let Some(found) = look(&mut self.lock()) {
                return found;
            }
            // The sender lives as long as `self`.
            let _ = changed.changed().await;
        }
    }
}

fn standing_answer(state: &State, message: &Value) -> Option<(Value, Value)> {
    let method = message.get("method")?.as_str()?;
    let id = message.get("id")?.clone();
    let (_, result) = state.standing.iter().rev().find(|(set, _)| set == method)?;
    Some((id, result.clone()))
}
