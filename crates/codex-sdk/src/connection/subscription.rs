//! Subscriptions that end themselves when they are dropped.

#[cfg(test)]
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::Shared;
use crate::error::{CloseReason, Error, Result};
use crate::event::Notification;
use crate::router::{Lost, Next, QueueReader, SubscriptionId};

/// An item of a subscription: a notification, one error when the connection ends, then nothing.
pub(crate) type StreamItem = Option<Result<Notification>>;

fn stream_item(next: Next<Notification>) -> StreamItem {
    match next {
        Next::Event(event) => Some(Ok(event)),
        Next::Lagged(count) => Some(Err(Error::Lagged(count))),
        Next::Closed(reason) => Some(Err(Error::Closed(reason))),
        // Only turns are lost.
        Next::Lost(_) | Next::End => None,
    }
}

/// Why the events of a turn end without its completion.
#[derive(Debug)]
pub(crate) enum Cut {
    /// The connection ended.
    Closed(Arc<CloseReason>),
    /// The turn did.
    Lost(Lost),
}

/// The events of one turn, in wire order; its completion is the last one.
///
/// Dropping it before the completion ends the subscription. If this one started the turn, the
/// runtime is asked to interrupt it, as soon as it runs and has no other reader; nothing blocks
/// and nothing is spawned for that. [`TurnEvents::detach`] lets the turn go on.
#[derive(Debug)]
pub(crate) struct TurnEvents {
    shared: Arc<Shared>,
    thread_id: Box<str>,
    turn_id: Box<str>,
    id: SubscriptionId,
    events: QueueReader<Notification>,
    joined: bool,
    ended: bool,
}

impl TurnEvents {
    pub(super) fn new(
        shared: Arc<Shared>,
        thread_id: Box<str>,
        turn_id: Box<str>,
        id: SubscriptionId,
        events: QueueReader<Notification>,
        joined: bool,
    ) -> Self {
        Self {
            shared,
            thread_id,
            turn_id,
            id,
            events,
            joined,
            ended: false,
        }
    }

    /// Returns the id of the turn.
    pub(crate) fn turn_id(&self) -> &str {
        &self.turn_id
    }

    /// Returns the id of its thread.
    pub(crate) fn thread_id(&self) -> &str {
        &self.thread_id
    }

    /// Tells whether the turn was running before this subscription, so that its items are not
    /// all of the turn's.
    pub(crate) fn joined(&self) -> bool {
        self.joined
    }

    /// Waits for the next event. Cancel safe.
    #[cfg(test)]
    pub(crate) async fn next(&mut self) -> Option<std::result::Result<Notification, Cut>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Polls for the next event; after an error comes nothing.
    pub(crate) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Notification, Cut>>> {
        while !self.ended {
            let next = ready!(self.events.poll_next(cx));
            self.ended |= !matches!(next, Next::Event(_) | Next::Lagged(_));
            return Poll::Ready(match next {
                Next::Event(event) => Some(Ok(event)),
                // The queue of a turn keeps everything.
                Next::Lagged(_) => continue,
                Next::Closed(reason) => Some(Err(Cut::Closed(reason))),
                Next::Lost(lost) => Some(Err(Cut::Lost(lost))),
                Next::End => None,
            });
        }
        Poll::Ready(None)
    }

    /// Ends the subscription and lets the turn go on.
    pub(crate) fn detach(mut self) {
        self.end();
    }

    /// Ends the subscription: nothing comes any more, and the turn is left alone.
    pub(crate) fn end(&mut self) {
        if !std::mem::replace(&mut self.ended, true) {
            self.shared.route(|routing, fx| {
                let router = &mut routing.router;
                router.detach(&self.thread_id, &self.turn_id, self.id, fx);
            });
        }
    }
}

impl Drop for TurnEvents {
    fn drop(&mut self) {
        if !self.ended {
            self.shared.route(|routing, fx| {
                let router = &mut routing.router;
                router.unsubscribe(&self.thread_id, &self.turn_id, self.id, fx);
            });
        }
    }
}

/// The completion of one login.
#[derive(Debug)]
pub(crate) struct LoginEvents {
    shared: Arc<Shared>,
    login_id: Box<str>,
    id: SubscriptionId,
    events: QueueReader<Notification>,
}

impl LoginEvents {
    pub(super) fn new(
        shared: Arc<Shared>,
        login_id: Box<str>,
        id: SubscriptionId,
        events: QueueReader<Notification>,
    ) -> Self {
        Self {
            shared,
            login_id,
            id,
            events,
        }
    }

    /// Returns the id of the login.
    pub(crate) fn login_id(&self) -> &str {
        &self.login_id
    }

    /// Polls for the completion.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<StreamItem> {
        self.events.poll_next(cx).map(stream_item)
    }
}

impl Drop for LoginEvents {
    fn drop(&mut self) {
        let mut routing = self.shared.routing();
        routing.router.unsubscribe_login(&self.login_id, self.id);
    }
}

/// The notifications of no turn and no login.
#[derive(Debug)]
pub(crate) struct GlobalEvents {
    shared: Arc<Shared>,
    id: SubscriptionId,
    events: QueueReader<Notification>,
}

impl GlobalEvents {
    pub(super) fn new(
        shared: Arc<Shared>,
        id: SubscriptionId,
        events: QueueReader<Notification>,
    ) -> Self {
        Self { shared, id, events }
    }

    /// Polls for the next event.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<StreamItem> {
        self.events.poll_next(cx).map(stream_item)
    }
}

impl Drop for GlobalEvents {
    fn drop(&mut self) {
        self.shared.routing().router.unsubscribe_globally(self.id);
    }
}
