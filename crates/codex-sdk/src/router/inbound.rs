//! Requests of the runtime that the user's handlers think about.

use std::collections::HashMap;

/// A request of the runtime whose handler has not answered.
#[derive(Debug)]
pub(crate) struct PendingRequest {
    /// The id as the runtime wrote it.
    pub(crate) id: Box<str>,
    pub(crate) turn_id: Option<Box<str>>,
}

/// The runtime's requests that are with a handler, each with the means `A` to stop it.
#[derive(Debug)]
pub(crate) struct Inbound<A> {
    next: u64,
    pending: HashMap<u64, (PendingRequest, Option<A>)>,
}

impl<A> Default for Inbound<A> {
    fn default() -> Self {
        Self {
            next: 0,
            pending: HashMap::new(),
        }
    }
}

impl<A> Inbound<A> {
    /// Enters a request, before its handler starts.
    pub(crate) fn enter(&mut self, request: PendingRequest) -> u64 {
        self.next += 1;
        self.pending.insert(self.next, (request, None));
        self.next
    }

    /// Gives the means to stop the handler; they come back if the handler has ended or is to
    /// stop.
    pub(crate) fn attach(&mut self, key: u64, stop: A) -> Option<A> {
        match self.pending.get_mut(&key) {
            Some((_, slot)) => {
                *slot = Some(stop);
                None
            }
            None => Some(stop),
        }
    }

    /// Removes a request that was answered; tells whether the answer is still wanted.
    pub(crate) fn leave(&mut self, key: u64) -> bool {
        self.pending.remove(&key).is_some()
    }

    /// Removes the requests of a turn that has ended; returns how to stop their handlers.
    pub(crate) fn turn_ended(&mut self, turn_id: &str) -> Vec<A> {
        self.remove(|request| request.turn_id.as_deref() == Some(turn_id))
    }

    /// Removes the request that the runtime has settled otherwise.
    pub(crate) fn resolved(&mut self, id: &str) -> Vec<A> {
        self.remove(|request| *request.id == *id)
    }

    /// Removes all requests.
    pub(crate) fn clear(&mut self) -> Vec<A> {
        self.remove(|_| true)
    }

    /// Tells whether no handler is at work.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    fn remove(&mut self, which: impl Fn(&PendingRequest) -> bool) -> Vec<A> {
        let gone = self.pending.extract_if(|_, (request, _)| which(request));
        gone.filter_map(|(_, (_, stop))| stop).collect()
    }
}
