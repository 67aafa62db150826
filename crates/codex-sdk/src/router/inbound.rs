//! Server requests whose handler is running.

use std::collections::BTreeMap;

use tokio::sync::watch;

use super::{Effects, Kind, Routed, Router};

/// How many answers are kept to be sent again; a runtime has far fewer requests open.
const MOST_ANSWERED: usize = 256;

/// A server request whose handler may start.
#[derive(Debug)]
pub(crate) struct Entered {
    /// Names the request in [`Router::request_answered`].
    pub(crate) key: u64,
    /// Closed when the handler is to stop: its answer is not wanted any more.
    pub(crate) stopped: watch::Receiver<()>,
}

/// What becomes of a server request.
#[derive(Debug)]
pub(crate) enum Entering {
    /// Its handler may start.
    New(Entered),
    /// It has come before: its handler runs, or has answered.
    Known,
    /// No handler may start, because the connection or its turn is over.
    Over,
}

/// A server request that is not over.
#[derive(Debug)]
struct InboundRequest {
    /// The id as the runtime wrote it.
    id: Box<str>,
    turn_id: Option<Box<str>>,
    /// What is asked, where the connection may be lost: the id alone does not name it then, for a runtime that is
    /// started again counts from zero.
    question: Option<Box<str>>,
    /// Whether it came over the connection as it is now.
    current: bool,
    /// The line of the answer, kept until the runtime says that it has it.
    answer: Option<Box<[u8]>>,
    /// Stops the handler; `None` once that has answered.
    stop: Option<watch::Sender<()>>,
}

/// The server requests that are not over, oldest first.
#[derive(Debug, Default)]
pub(super) struct Inbound {
    last: u64,
    open: BTreeMap<u64, InboundRequest>,
    /// How many of them are answered.
    answered: usize,
}

impl Inbound {
    /// Stops the handlers of requests that an event says are over.
    pub(super) fn observe<E: Routed>(&mut self, event: &E, stops: &mut Vec<watch::Sender<()>>) {
        if self.open.is_empty() {
            return;
        }
        if let (Kind::TurnCompleted, Some(turn)) = (event.kind(), event.turn_id()) {
            self.turn_ended(turn, stops);
        }
        if let Some(id) = event.resolved_request() {
            self.end(|request| *request.id == *id, stops);
        }
    }

    /// Stops the handlers of a turn that has ended.
    pub(super) fn turn_ended(&mut self, turn: &str, stops: &mut Vec<watch::Sender<()>>) {
        self.end(|request| request.turn_id.as_deref() == Some(turn), stops);
    }

    fn end(&mut self, which: impl Fn(&InboundRequest) -> bool, stops: &mut Vec<watch::Sender<()>>) {
        let answered = &mut self.answered;
        self.open.retain(|_, request| {
            let is_over = which(request);
            if is_over {
                *answered -= usize::from(request.answer.is_some());
                stops.extend(request.stop.take());
            }
            !is_over
        });
    }

    /// Notes that none of them came over the connection that is made next.
    pub(super) fn lost(&mut self) {
        for request in self.open.values_mut() {
            request.current = false;
        }
    }

    /// Keeps an answer, and forgets the oldest one if there are too many.
    fn keep_answer(&mut self, key: u64, line: &[u8]) {
        if let Some(request) = self.open.get_mut(&key) {
            request.answer = Some(line.into());
            self.answered += 1;
        }
        if self.answered > MOST_ANSWERED {
            let oldest = self
                .open
                .iter()
                .find(|(_, request)| request.answer.is_some());
            if let Some(key) = oldest.map(|(key, _)| *key) {
                self.open.remove(&key);
                self.answered -= 1;
            }
        }
    }

    pub(super) fn into_stops(self) -> impl Iterator<Item = watch::Sender<()>> {
        self.open.into_values().filter_map(|request| request.stop)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

impl<E: Routed, R> Router<E, R> {
    /// Enters a server request, before its handler starts.
    ///
    /// With the text of its `question` it is kept until the runtime says that it is resolved: one that comes again,
    /// over another connection, is the same one, and gets the answer that there is.
    pub(crate) fn enter_request(
        &mut self,
        id: Box<str>,
        turn_id: Option<Box<str>>,
        question: Option<&str>,
        fx: &mut Effects<E, R>,
    ) -> Entering {
        let over = |turn: &str| self.recent.contains(turn);
        if self.closed.is_some() || turn_id.as_deref().is_some_and(over) {
            return Entering::Over;
        }
        let inbound = &mut self.live.inbound;
        if let Some(question) = question {
            let mut open = inbound.open.values_mut();
            let same =
                open.find(|known| known.id == id && known.question.as_deref() == Some(question));
            if let Some(known) = same {
                known.current = true;
                if let Some(answer) = &known.answer {
                    fx.lines.extend_from_slice(answer);
                }
                return Entering::Known;
            }
            // Another runtime has given the id anew.
            inbound.end(|known| known.id == id && !known.current, &mut fx.stops);
        }
        let (stop, stopped) = watch::channel(());
        inbound.last += 1;
        let request = InboundRequest {
            id,
            turn_id,
            question: question.map(Box::from),
            current: true,
            answer: None,
            stop: Some(stop),
        };
        inbound.open.insert(inbound.last, request);
        let key = inbound.last;
        Entering::New(Entered { key, stopped })
    }

    /// Takes the requests of a turn for open over the connection as it is now, and sends the answers that wait for it:
    /// the turn runs on, and so does the runtime that has asked. Not all runtimes send them once more.
    pub(crate) fn still_asked(&mut self, turn: &str, fx: &mut Effects<E, R>) {
        let open = self.live.inbound.open.values_mut();
        let of_turn = |request: &&mut InboundRequest| {
            !request.current && request.turn_id.as_deref() == Some(turn)
        };
        for request in open.filter(of_turn) {
            request.current = true;
            if let Some(answer) = &request.answer {
                fx.lines.extend_from_slice(answer);
            }
        }
    }

    /// Sends the answer of a handler to its server request, or keeps it until the request comes again over the
    /// connection that is made; tells whether the answer is still wanted.
    pub(crate) fn request_answered(
        &mut self,
        key: u64,
        line: &[u8],
        fx: &mut Effects<E, R>,
    ) -> bool {
        let inbound = &mut self.live.inbound;
        let Some(request) = inbound.open.get_mut(&key) else {
            return false;
        };
        let Some(stop) = request.stop.take() else {
            return false;
        };
        fx.stops.push(stop);
        if request.current {
            fx.lines.extend_from_slice(line);
        }
        if request.question.is_some() {
            inbound.keep_answer(key, line);
        } else {
            inbound.open.remove(&key);
        }
        true
    }
}
