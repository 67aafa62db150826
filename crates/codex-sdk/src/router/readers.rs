//! The readers of one turn.

use std::sync::Arc;

use super::queue::Queue;
use super::{Effects, Lost, Routed, SubscriptionId};
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
