//! From lines to the router: what the reader does with a chunk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::serve::Job;
use super::{Delivered, Routing, Shared};
use crate::event::{self, Notification};
use crate::message::{Answer, Incoming, split_answer, split_notification};
use crate::reader::{Sink, Woken};
use crate::router::{Answered, Effects, Kind, Outcome, PendingRequest, Routed};

/// Decodes the lines of a chunk outside the lock, and routes them under one.
#[derive(Debug)]
pub(super) struct Dispatch {
    shared: Arc<Shared>,
    batch: Vec<Item>,
}

/// What a line holds.
#[derive(Debug)]
enum Item {
    Event(Notification),
    Answer(i64, Result<Answered, Outcome<Notification>>),
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
            if event::unknown(&event).is_none() {
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
            Incoming::Request { id, method, params } => Item::Request(Job {
                id: id.into(),
                method: method.into_owned(),
                params: params.into(),
                key: None,
            }),
            Incoming::Answer { id, answer } => {
                let answer = match answer {
                    Answer::Result(result) => Ok(answered(result)),
                    Answer::Error(error) => Err(Outcome::Error(error)),
                    Answer::Malformed(reason) => Err(Outcome::Malformed(reason.into())),
                };
                Item::Answer(id, answer)
            }
            Incoming::Unusable(reason) => return self.skip(reason, line.len()),
        };
        self.batch.push(item);
    }

    /// Reads the ids of what answers open, outside the lock.
    fn read_ids(&mut self) {
        let mut readers = Vec::new();
        {
            let mut routing = None;
            for (at, item) in self.batch.iter().enumerate() {
                if let Item::Answer(id, Ok(_)) = item {
                    let routing = routing.get_or_insert_with(|| self.shared.routing());
                    let reader = routing.router.id_reader(*id);
                    readers.extend(reader.map(|reader| (at, reader)));
                }
            }
        }
        for (at, reader) in readers {
            if let Some(Item::Answer(_, Ok(answered))) = self.batch.get_mut(at) {
                answered.id = reader(&answered.text);
            }
        }
    }

    fn skip(&self, reason: &str, bytes: usize) {
        count(&self.shared.counters.unusable_lines);
        tracing::warn!(reason, bytes, "skipping a line that is no message");
    }

    fn note_unknown(&self, event: &Notification) {
        match event::unknown(event) {
            None => {}
            Some(None) => {
                count(&self.shared.counters.unknown_notifications);
                tracing::debug!(method = event.method(), "unknown notification");
            }
            Some(Some(_)) => {
                // The error may quote the payload, so it is not logged.
                count(&self.shared.counters.undecodable_notifications);
                tracing::warn!(method = event.method(), "undecodable notification");
            }
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
            return Woken::Nobody;
        }
        self.read_ids();
        let mut jobs = Vec::new();
        let mut stops = Vec::new();
        self.shared.route(|routing, fx| {
            for item in self.batch.drain(..) {
                match item {
                    Item::Event(event) => routing.event(event, &mut stops, fx),
                    Item::Answer(id, answer) => routing.router.answer(id, answer, fx),
                    Item::Request(job) => jobs.push(routing.request(job, &self.shared)),
                }
            }
        });
        for stop in stops {
            stop.abort();
        }
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

impl Routing {
    fn event(
        &mut self,
        event: Notification,
        stops: &mut Vec<AbortHandle>,
        fx: &mut Effects<Notification, oneshot::Sender<Delivered>>,
    ) {
        if !self.inbound.is_empty() {
            if let (Kind::TurnCompleted, Some(turn)) = (event.kind(), event.turn_id()) {
                stops.extend(self.inbound.turn_ended(turn));
            }
            if let Some(id) = event::resolved_request(&event) {
                stops.extend(self.inbound.resolved(&id));
            }
        }
        self.router.event(event, fx);
    }

    /// Enters a request that has a handler, and whose turn is not over; the others are answered at
    /// once.
    fn request(&mut self, mut job: Job, shared: &Shared) -> Job {
        if self.router.closed().is_some() || !shared.options.handlers.has(&job.method) {
            return job;
        }
        let turn_id = event::turn_of_request(&job.method, &job.params);
        // Nothing is decided about a turn that is over: its handlers were stopped with it.
        if !turn_id
            .as_deref()
            .is_some_and(|turn| self.router.is_over(turn))
        {
            job.key = Some(self.inbound.enter(PendingRequest {
                id: job.id.clone(),
                turn_id,
            }));
        }
        job
    }
}

fn answered(result: &str) -> Answered {
    Answered {
        text: result.into(),
        id: None,
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
