//! The token totals of each thread, from which the usage of one turn is computed.

use std::collections::HashMap;

use codex_types::{TokenUsageBreakdown, TurnId};

use crate::event::Notification;

/// How many threads are remembered at least; twice as many at most.
const REMEMBERED: usize = 512;

/// What a thread had used before a turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum UsedBefore {
    /// This client has not seen it.
    #[default]
    Unknown,
    /// Nothing: it is new.
    Nothing,
    /// This total.
    Total(TokenUsageBreakdown),
}

/// The totals that the runtime told last, by thread.
///
/// The first total of a turn does not tell what the thread had used before it: the runtime repeats
/// the last one before it compacts a thread, when a request fails, and after an answer without
/// usage. So the total before a turn is kept from the time before the turn.
#[derive(Debug, Default)]
pub(super) struct Totals {
    recent: HashMap<Box<str>, Thread>,
    /// Threads that nothing was told about since `recent` was last full.
    older: HashMap<Box<str>, Thread>,
}

#[derive(Debug)]
struct Thread {
    /// The turn of the last total.
    turn: TurnId,
    before: UsedBefore,
    now: UsedBefore,
}

impl Totals {
    /// Notes what an event tells about the tokens of a thread.
    pub(super) fn observe(&mut self, event: &Notification) {
        match event {
            Notification::ThreadTokenUsageUpdated(updated) => {
                let now = UsedBefore::Total(updated.token_usage.total.clone());
                let turn = updated.turn_id.clone();
                let before = match self.take(&updated.thread_id) {
                    Some(thread) if thread.turn == turn => thread.before,
                    Some(thread) => thread.now,
                    None => UsedBefore::Unknown,
                };
                self.put(&updated.thread_id, Thread { turn, before, now });
            }
            // A fork begins with the tokens of the thread that it was made of.
            Notification::ThreadStarted(started) if started.thread.forked_from_id.is_none() => {
                let thread = Thread {
                    turn: TurnId::default(),
                    before: UsedBefore::Unknown,
                    now: UsedBefore::Nothing,
                };
                self.put(&started.thread.id, thread);
            }
            Notification::ThreadClosed(closed) => drop(self.take(&closed.thread_id)),
            _ => {}
        }
    }

    /// Returns what a thread had used before a turn that is running or about to.
    pub(super) fn before(&self, thread: &str, turn: &str) -> UsedBefore {
        let known = self.recent.get(thread).or_else(|| self.older.get(thread));
        match known {
            Some(thread) if thread.turn == *turn => thread.before.clone(),
            Some(thread) => thread.now.clone(),
            None => UsedBefore::Unknown,
        }
    }

    fn take(&mut self, thread: &str) -> Option<Thread> {
        let recent = self.recent.remove(thread);
        recent.or_else(|| self.older.remove(thread))
    }

    fn put(&mut self, id: &str, thread: Thread) {
        self.take(id);
        if self.recent.len() >= REMEMBERED {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(id.into(), thread);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event(method: &str, params: Value) -> Notification {
        Notification::decode(method, &params.to_string())
    }

    fn total(thread: &str, turn: &str, tokens: i64) -> Notification {
        let count = json!({
            "cachedInputTokens": 0, "inputTokens": tokens, "outputTokens": 0,
            "reasoningOutputTokens": 0, "totalTokens": tokens,
        });
        let usage = json!({"last": count, "total": count});
        let params = json!({"threadId": thread, "turnId": turn, "tokenUsage": usage});
        event("thread/tokenUsage/updated", params)
    }

    fn tokens(before: UsedBefore) -> Option<i64> {
        match before {
            UsedBefore::Unknown => None,
            UsedBefore::Nothing => Some(0),
            UsedBefore::Total(total) => Some(total.total_tokens),
        }
    }

    #[test]
    fn the_total_before_a_turn_is_the_last_one_of_another_turn() {
        let mut totals = Totals::default();
        assert_eq!(tokens(totals.before("t", "a")), None);
        totals.observe(&total("t", "a", 10));
        assert_eq!(tokens(totals.before("t", "a")), None);
        assert_eq!(tokens(totals.before("t", "b")), Some(10));
        totals.observe(&total("t", "b", 10));
        totals.observe(&total("t", "b", 25));
        assert_eq!(tokens(totals.before("t", "b")), Some(10));
        assert_eq!(tokens(totals.before("t", "c")), Some(25));
        assert_eq!(tokens(totals.before("u", "c")), None);
        totals.observe(&event("thread/closed", json!({"threadId": "t"})));
        assert_eq!(tokens(totals.before("t", "c")), None);
    }

    #[test]
    fn the_threads_that_are_remembered_are_bounded() {
        let mut totals = Totals::default();
        for n in 0..10 * REMEMBERED {
            totals.observe(&total("kept", "a", 10));
            totals.observe(&total(&n.to_string(), "a", 10));
        }
        assert!(totals.recent.len() + totals.older.len() <= 2 * REMEMBERED);
        assert_eq!(tokens(totals.before("kept", "b")), Some(10));
        assert_eq!(tokens(totals.before("0", "b")), None);
    }
}
