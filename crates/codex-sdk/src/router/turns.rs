//! Who reads which turn.

use std::sync::Arc;

use super::queue::Queue;
use super::{Effects, Lost, QueueReader, Routed, Router, SubscriptionId};
use crate::error::CloseReason;

/// The subscriptions of one turn; never empty while it is in the router.
#[derive(Debug)]
pub(super) struct Subscribers<E: Routed> {
    thread: Box<str>,
    entries: Vec<Subscriber<E>>,
}

#[derive(Debug)]
struct Subscriber<E: Routed> {
    id: SubscriptionId,
    queue: Arc<Queue<E>>,
    /// Whether this one started the turn, so that its end abandons the turn.
    owner: bool,
}

impl<E: Routed> Subscribers<E> {
    pub(super) fn push<R>(&self, event: E, fx: &mut Effects<E, R>) {
        let Some((last, others)) = self.entries.split_last() else {
            return;
        };
        for other in others {
            fx.wake(other.queue.push(event.clone()));
        }
        fx.wake(last.queue.push(event));
    }

    pub(super) fn finish<R>(self, event: E, fx: &mut Effects<E, R>) {
        self.push(event, fx);
        for entry in self.entries {
            fx.wake(entry.queue.finish());
        }
    }

    pub(super) fn lose<R>(self, lost: Lost, fx: &mut Effects<E, R>) {
        for entry in self.entries {
            fx.wake(entry.queue.lose(lost));
        }
    }

    pub(super) fn close<R>(self, reason: &Arc<CloseReason>, fx: &mut Effects<E, R>) {
        for entry in self.entries {
            fx.wake(entry.queue.close(reason));
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
        if let Some(reason) = &self.closed {
            let _ = queue.close(reason);
            return (self.subscription_id(), reader);
        }
        (self.subscribe(thread, turn, queue, false), reader)
    }

    pub(super) fn subscribe(
        &mut self,
        thread: &str,
        turn: &str,
        queue: Arc<Queue<E>>,
        owner: bool,
    ) -> SubscriptionId {
        let id = self.subscription_id();
        let subscribers = self
            .turns
            .entry(turn.into())
            .or_insert_with(|| Subscribers {
                thread: thread.into(),
                entries: Vec::with_capacity(1),
            });
        subscribers.entries.push(Subscriber { id, queue, owner });
        id
    }

    /// Tells whether a turn is known to run, and not to end soon.
    pub(crate) fn is_running(&self, thread: &str, turn: &str) -> bool {
        let active = self.active.get(thread);
        active.is_some_and(|active| *active.turn == *turn)
    }

    /// Lists the turns of a thread that somebody subscribes to.
    pub(super) fn turns_read_on<'a>(&'a self, thread: &'a str) -> impl Iterator<Item = &'a str> {
        let turns = self.turns.iter();
        let of = turns.filter(move |(_, subscribers)| *subscribers.thread == *thread);
        of.map(|(turn, _)| &**turn)
    }

    /// Ends a subscription: its reader is gone.
    ///
    /// A turn whose starter goes this way is abandoned: it is interrupted as soon as it runs and
    /// nobody else reads it.
    pub(crate) fn unsubscribe(
        &mut self,
        thread: &str,
        turn: &str,
        id: SubscriptionId,
        fx: &mut Effects<E, R>,
    ) {
        if let Some(true) = self.remove_subscriber(turn, id) {
            self.abandon(thread, turn);
        }
        self.settle(thread, fx);
    }

    /// Ends a subscription and lets the turn go on, whoever started it.
    pub(crate) fn detach(&mut self, thread: &str, turn: &str, id: SubscriptionId) {
        if self.remove_subscriber(turn, id).is_some()
            && let Some(active) = self.active.get_mut(thread)
            && *active.turn == *turn
        {
            active.abandoned = false;
        }
    }

    pub(super) fn abandon(&mut self, thread: &str, turn: &str) {
        if let Some(active) = self.active.get_mut(thread)
            && *active.turn == *turn
        {
            active.abandoned = true;
        }
    }

    /// Removes a subscription; returns whether it was the starter's.
    fn remove_subscriber(&mut self, turn: &str, id: SubscriptionId) -> Option<bool> {
        let subscribers = self.turns.get_mut(turn)?;
        let at = subscribers
            .entries
            .iter()
            .position(|entry| entry.id == id)?;
        let entry = subscribers.entries.swap_remove(at);
        if subscribers.entries.is_empty() {
            self.turns.remove(turn);
        }
        Some(entry.owner)
    }
}
