//! The log of a thread's events: who was away for a while reads on where it stopped.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use crate::events::Event;
use crate::view::View;

/// How much a log keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The number of events.
    pub(crate) events: usize,
    /// The bytes of the events' JSON.
    pub(crate) bytes: usize,
    /// The bytes of the items of a snapshot.
    pub(crate) view: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            events: 4096,
            bytes: 2 << 20,
            view: 4 << 20,
        }
    }
}

/// One message to a reader: an event as JSON, and its id.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    /// The id, which the reader sends back to read on after it.
    pub(crate) id: u64,
    /// The JSON.
    pub(crate) json: Arc<str>,
}

/// The last events of a thread, and the state that all events have led to.
#[derive(Debug, Default)]
pub(crate) struct Log {
    limits: Limits,
    view: View,
    tail: VecDeque<Message>,
    bytes: usize,
    last: u64,
}

/// What a reader is sent that cannot read on from where it was.
#[derive(Serialize)]
#[serde(tag = "type", rename = "snapshot")]
struct Snapshot<'a, A> {
    thread: &'a A,
    #[serde(flatten)]
    view: &'a View,
}

impl Log {
    /// Makes an empty log.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Adds an event; returns its id.
    pub(crate) fn push(&mut self, event: &Event) -> u64 {
        self.view.apply(event, self.limits.view);
        let json = to_json(event);
        self.last += 1;
        self.bytes += json.len();
        self.tail.push_back(Message {
            id: self.last,
            json,
        });
        while self.tail.len() > self.limits.events || self.bytes > self.limits.bytes {
            match self.tail.pop_front() {
                Some(oldest) => self.bytes -= oldest.json.len(),
                None => break,
            }
        }
        self.last
    }

    /// Returns what a reader has missed that has read to the id `read`: the events since then, or a snapshot if there
    /// are older ones that it lacks.
    ///
    /// `about` describes the thread in the snapshot.
    pub(crate) fn after(&self, read: Option<u64>, about: &impl Serialize) -> Vec<Message> {
        let kept_after = self.last - self.tail.len() as u64;
        match read.filter(|read| (kept_after..=self.last).contains(read)) {
            Some(read) => {
                let known = (read - kept_after) as usize;
                self.tail.iter().skip(known).cloned().collect()
            }
            None => vec![self.snapshot(about)],
        }
    }

    /// Returns the state after all events.
    pub(crate) fn snapshot(&self, about: &impl Serialize) -> Message {
        Message {
            id: self.last,
            json: to_json(&Snapshot {
                thread: about,
                view: &self.view,
            }),
        }
    }
}

fn to_json(value: &impl Serialize) -> Arc<str> {
    let json = serde_json::to_string(value);
    let failed = |error: serde_json::Error| {
        let message = format!("an event cannot be written: {error}");
        json!({"type": "error", "message": message, "will_retry": false}).to_string()
    };
    json.unwrap_or_else(failed).into()
}

#[cfg(test)]
mod tests;
