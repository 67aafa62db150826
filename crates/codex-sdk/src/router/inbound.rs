//! Server requests whose handler is running.

use std::collections::HashMap;

use tokio::sync::watch;

use super::{Effects, Kind, Routed, Router};

/// A server request whose handler may start.
#[derive(Debug)]
pub(crate) struct Entered {
    /// Names the request in [`Router::request_answered`].
    pub(crate) key: u64,
    /// Closed when the handler is to stop: its answer is not wanted any more.
    pub(crate) stopped: watch::Receiver<()>,
}

/// A server request whose handler has not answered.
#[derive(Debug)]
struct InboundRequest {
    /// The id as the runtime wrote it.
    id: Box<str>,
    turn_id: Option<Box<str>>,
    stop: watch::Sender<()>,
}

/// The server requests whose handler is running.
#[derive(Debug, Default)]
pub(super) struct Inbound {
    last: u64,
    running: HashMap<u64, InboundRequest>,
}

impl Inbound {
    /// Stops the handlers of requests that an event says are over.
    pub(super) fn observe<E: Routed>(&mut self, event: &E, stops: &mut Vec<watch::Sender<()>>) {
        if self.running.is_empty() {
            return;
        }
        if let (Kind::TurnCompleted, Some(turn)) = (event.kind(), event.turn_id()) {
            self.turn_ended(turn, stops);
        }
        if let Some(id) = event.resolved_request() {
            self.stop(|request| *request.id == *id, stops);
        }
    }

    /// Stops the handlers of a turn that has ended.
    pub(super) fn turn_ended(&mut self, turn: &str, stops: &mut Vec<watch::Sender<()>>) {
        self.stop(|request| request.turn_id.as_deref() == Some(turn), stops);
    }

    fn stop(
        &mut self,
        which: impl Fn(&InboundRequest) -> bool,
        stops: &mut Vec<watch::Sender<()>>,
    ) {
        let stopped = self.running.extract_if(|_, request| which(request));
        stops.extend(stopped.map(|(_, request)| request.stop));
    }

    pub(super) fn into_stops(self) -> impl Iterator<Item = watch::Sender<()>> {
        self.running.into_values().map(|request| request.stop)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }
}

impl<E: Routed, R> Router<E, R> {
    /// Enters a server request, before its handler starts; `None` if no handler may start,
    /// because the connection or the request's turn is over.
    pub(crate) fn enter_request(
        &mut self,
        id: Box<str>,
        turn_id: Option<Box<str>>,
    ) -> Option<Entered> {
        let over = |turn: &str| self.recent.contains(turn);
        if self.closed.is_some() || turn_id.as_deref().is_some_and(over) {
            return None;
        }
        let (stop, stopped) = watch::channel(());
        let inbound = &mut self.live.inbound;
        inbound.last += 1;
        let request = InboundRequest { id, turn_id, stop };
        inbound.running.insert(inbound.last, request);
        let key = inbound.last;
        Some(Entered { key, stopped })
    }

    /// Removes a server request that its handler has answered; tells whether the answer is still
    /// wanted.
    pub(crate) fn request_answered(&mut self, key: u64, fx: &mut Effects<E, R>) -> bool {
        match self.live.inbound.running.remove(&key) {
            Some(request) => {
                fx.stops.push(request.stop);
                true
            }
            None => false,
        }
    }
}
