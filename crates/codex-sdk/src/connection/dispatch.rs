//! Decodes the lines of a chunk, and routes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::effects::RouterEffects;
use super::serve::Job;
use super::{Routing, Shared};
use crate::event::{self, Notification};
use crate::message::{Incoming, Refusal, split_answer, split_notification};
use crate::reader::{Sink, Woken};
use crate::router::{Answered, Entering};

/// Decodes the lines of a chunk outside the lock, and routes them under one.
#[derive(Debug)]
pub(super) struct Dispatch {
    shared: Arc<Shared>,
    batch: Vec<Item>,
}

/// A decoded line.
#[derive(Debug)]
enum Item {
    Event(Notification),
    Answer(i64, Result<Answered, Refusal>),
    Request(Job),
}

impl Dispatch {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            batch: Vec::new(),
        }
    }

    fn text(&mut self, line: &str) {
        if let Some((method, params)) = split_notification(line) {
            let event = Notification::decode(method, params);
            if !matches!(event, Notification::Unknown(_)) {
                return self.batch.push(Item::Event(event));
            }
            // Either the line is no notification after all, or one to read with care.
        } else if let Some((id, result)) = split_answer(line) {
            return self.batch.push(Item::Answer(id, Ok(answered(result))));
        }
        let item = match Incoming::parse(line) {
            Incoming::Notification { method, params } => {
                let event = Notification::decode(&method, params);
                self.note_unknown(&event);
                Item::Event(event)
            }
            Incoming::Request { id, method, params } => {
                Item::Request(self.job(id, &method, params))
            }
            Incoming::Answer { id, answer } => Item::Answer(id, answer.map(answered)),
            Incoming::Unusable(reason) => return self.skip(reason, line.len()),
        };
        self.batch.push(item);
    }

    fn job(&self, id: &str, method: &str, params: &str) -> Job {
        let handler = self.shared.handler(method, params);
        let is_handled =
            handler.is_some() || event::is_approval(method) && self.shared.has_approver();
        Job {
            id: id.into(),
            method: method.into(),
            params: params.into(),
            handler,
            ids: (is_handled || self.shared.is_remote())
                .then(|| event::ids_of_request(method, params)),
            is_handled,
            entered: None,
            changes: None,
        }
    }

    /// Reads the ids of what results open, outside the lock.
    fn read_ids(&mut self) {
        let results = self.batch.iter().enumerate();
        let results = results.filter_map(|(at, item)| match item {
            Item::Answer(id, Ok(_)) => Some((at, *id)),
            _ => None,
        });
        let mut opening = Vec::new();
        let mut routing = None;
        for (at, id) in results {
            let routing = routing.get_or_insert_with(|| self.shared.routing());
            opening.extend(routing.router.opens(id).map(|opens| (at, opens)));
        }
        drop(routing);
        for (at, opens) in opening {
            if let Some(Item::Answer(_, Ok(answered))) = self.batch.get_mut(at) {
                answered.opened_id = event::opened_id(opens, &answered.text);
            }
        }
    }

    fn skip(&self, reason: &str, bytes: usize) {
        count(&self.shared.counters.unusable_lines);
        tracing::warn!(reason, bytes, "skipping a line that is no message");
    }

    fn note_unknown(&self, event: &Notification) {
        let Notification::Unknown(unknown) = event else {
            return;
        };
        let counters = &self.shared.counters;
        if unknown.error.is_none() {
            count(&counters.unknown_notifications);
            tracing::debug!(method = unknown.method, "unknown notification");
        } else {
            // The error may quote the payload, so it is not logged.
            count(&counters.undecodable_notifications);
            tracing::warn!(method = unknown.method, "undecodable notification");
        }
    }
}

impl Sink for Dispatch {
    fn line(&mut self, line: &[u8]) {
        let line = trim(line);
        if line.is_empty() {
            return;
        }
        match std::str::from_utf8(line) {
            Ok(text) => self.text(text),
            Err(_) => self.skip("not UTF-8", line.len()),
        }
    }

    fn flush(&mut self) -> Woken {
        if self.batch.is_empty() {
            return Woken::None;
        }
        self.read_ids();
        let mut jobs = Vec::new();
        self.shared.route(|routing, fx| {
            for item in self.batch.drain(..) {
                match item {
                    Item::Event(event) => self.shared.event(routing, event, fx),
                    Item::Answer(id, answer) => routing.router.answer(id, answer, fx),
                    Item::Request(job) => jobs.extend(routing.enter(job, fx)),
                }
            }
        });
        let woken = if jobs.is_empty() {
            Woken::Waiting
        } else {
            Woken::Handler
        };
        for job in jobs {
            self.shared.serve(job);
        }
        woken
    }
}

impl Shared {
    /// Routes an event that has come.
    fn event(&self, routing: &mut Routing, event: Notification, fx: &mut RouterEffects) {
        #[cfg(feature = "remote")]
        if let Some(sharing) = &mut routing.sharing {
            let mut events = Vec::new();
            sharing.ledger.pass(event, &mut events);
            for event in events {
                self.deliver(routing, event, fx);
            }
            return;
        }
        self.deliver(routing, event, fx);
    }

    /// Hands an event to all that look at it.
    pub(super) fn deliver(
        &self,
        routing: &mut Routing,
        event: Notification,
        fx: &mut RouterEffects,
    ) {
        #[cfg(feature = "tools")]
        self.tools.observe(&event);
        #[cfg(feature = "remote")]
        if let Some(sharing) = &mut routing.sharing {
            sharing.observe(&event);
        }
        routing.totals.observe(&event);
        routing.changes.observe(&event);
        routing.charge(&event, fx);
        routing.router.event(event, fx);
    }
}

impl Routing {
    /// Enters a request that has a handler; `None` if nothing is to be done about it. Nothing is
    /// decided about a turn that is over, so that one is answered without its handler.
    pub(super) fn enter(&mut self, mut job: Job, fx: &mut RouterEffects) -> Option<Job> {
        #[cfg(feature = "remote")]
        if !self.answers(&job) {
            return self.leave(job);
        }
        if let Some(ids) = job.ids.as_ref().filter(|_| job.is_handled) {
            if let (Some(turn), Some(item)) = (&ids.turn, &ids.item) {
                job.changes = self.changes.of(turn, item);
            }
            let question = self.keeps_questions().then_some(&*job.params);
            let (id, turn) = (job.id.clone(), ids.turn.clone());
            job.entered = match self.router.enter_request(id, turn, question, fx) {
                Entering::New(entered) => Some(entered),
                Entering::Known => return None,
                Entering::Over => None,
            };
        }
        Some(job)
    }

    /// Tells whether requests are recognized when they come again, over another connection.
    fn keeps_questions(&self) -> bool {
        #[cfg(feature = "remote")]
        return self.sharing.is_some();
        #[cfg(not(feature = "remote"))]
        false
    }
}

fn answered(result: &str) -> Answered {
    Answered {
        text: result.into(),
        opened_id: None,
    }
}

/// Removes what may stand around a message: white space, and byte order marks, which programs
/// that wrap a runtime write at the start of their output or of every line.
fn trim(mut line: &[u8]) -> &[u8] {
    const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
    loop {
        line = line.trim_ascii();
        let unmarked = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        let unmarked = unmarked.strip_suffix(BYTE_ORDER_MARK).unwrap_or(unmarked);
        if unmarked.len() == line.len() {
            return line;
        }
        line = unmarked;
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
