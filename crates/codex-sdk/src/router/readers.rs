//! The readers of a turn: joining it, leaving it, and handing out its events.

use std::sync::Arc;

use super::queue::Queue;
use super::{Effects, Lost, QueueReader, Routed, Router, SubscriptionId};
use crate::error::CloseReason;

/// The readers of one turn; never empty while they are in a lane.
#[derive(Debug)]
pub(super) struct Readers<E: Routed> {
    pub(super) turn: Box<str>,
    readers: Vec<Reader<E>>,
}

#[derive(Debug)]
struct Reader<E: Routed> {
    id: SubscriptionId,
    queue: Arc<Queue<E>>,
    /// Whether this one started the turn, so that its end abandons the turn.
    starter: bool,
}

impl<E: Routed> Readers<E> {
    pub(super) fn of(turn: &str) -> Self {
        Self {
            turn: turn.into(),
            readers: Vec::with_capacity(1),
        }
    }

    pub(super) fn add(&mut self, id: SubscriptionId, queue: Arc<Queue<E>>, starter: bool) {
        self.readers.push(Reader { id, queue, starter });
    }

    /// Removes a reader; returns whether it has started the turn.
    pub(super) fn remove(&mut self, id: SubscriptionId) -> Option<bool> {
        let at = self.readers.iter().position(|reader| reader.id == id)?;
        Some(self.readers.swap_remove(at).starter)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.readers.is_empty()
    }

    pub(super) fn push<R>(&self, event: E, fx: &mut Effects<E, R>) {
        let Some((last, others)) = self.readers.split_last() else {
            return;
        };
        for other in others {
            fx.wake(other.queue.push(event.clone()));
        }
        fx.wake(last.queue.push(event));
    }

    /// Ends the readers with the completion of their turn.
    pub(super) fn finish<R>(self, completion: E, fx: &mut Effects<E, R>) {
        self.push(completion, fx);
        for reader in self.readers {
            fx.wake(reader.queue.finish());
        }
    }

    /// Ends the readers of a turn that ended without its completion.
    pub(super) fn lose<R>(self, lost: Lost, fx: &mut Effects<E, R>) {
        for reader in self.readers {
            fx.wake(reader.queue.lose(lost));
        }
    }

    pub(super) fn close<R>(self, reason: &Arc<CloseReason>, fx: &mut Effects<E, R>) {
        for reader in self.readers {
            fx.wake(reader.queue.close(reason));
        }
    }
}

impl<E: Routed, R> Router<E, R> {
    /// Opens a subscription of a turn that runs, from its next event on.
    ///
    /// A turn that is over has no next event: [`Router::is_running`] tells whether it is known to
    /// run.
    pub(crate) fn join(&mut self, thread: &str, turn: &str) -> (SubscriptionId, QueueReader<E>) {
        let queue = Arc::new(Queue::lossless());
        let reader = QueueReader::new(Arc::clone(&queue));
        let id = self.next_subscription();
        if let Some(reason) = &self.closed {
            let _ = queue.close(reason);
            return (id, reader);
        }
        let lane = self.lane(thread);
        // The runtime says it once, and perhaps before its turn can be joined.
        if let Some((_, failure)) = lane.failed.iter().find(|(failed, _)| **failed == *turn) {
            let _ = queue.push(failure.clone());
        }
        lane.subscribe(turn, id, queue, false);
        (id, reader)
    }

    /// Ends a subscription: its reader is gone.
    ///
    /// A turn whose starter goes this way is abandoned: it is interrupted as soon as it runs and
    /// has no other reader.
    pub(crate) fn unsubscribe(
        &mut self,
        thread: &str,
        turn: &str,
        id: SubscriptionId,
        fx: &mut Effects<E, R>,
    ) {
        if let Some(lane) = self.live.lanes.get_mut(thread) {
            if lane.unsubscribe(turn, id) == Some(true) {
                lane.set_abandoned(turn, true);
            }
            self.settle(thread, fx);
        }
    }

    /// Ends a subscription and lets the turn go on, also if this reader has started it.
    pub(crate) fn detach(
        &mut self,
        thread: &str,
        turn: &str,
        id: SubscriptionId,
        fx: &mut Effects<E, R>,
    ) {
        if let Some(lane) = self.live.lanes.get_mut(thread) {
            if lane.unsubscribe(turn, id).is_some() {
                lane.set_abandoned(turn, false);
            }
            self.settle(thread, fx);
        }
    }
}
