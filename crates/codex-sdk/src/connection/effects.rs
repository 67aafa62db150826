//! Applies the router's effects outside its lock.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{LoginEvents, Shared, TurnEvents};
use crate::event::Notification;
use crate::router::{Effects, OpenedIds, Outcome};

/// The effects of a change of a connection's router.
pub(super) type RouterEffects = Effects<Notification, oneshot::Sender<Outcome<Opened>>>;

/// What a result opened; it closes itself when it is dropped, also on the way to the caller.
#[derive(Debug)]
pub(crate) enum Opened {
    Nothing,
    Turn(TurnEvents),
    Login(LoginEvents),
}

impl Shared {
    /// Wakes consumers, answers callers and stops handlers. Must not be called under the lock.
    pub(super) fn apply(self: &Arc<Self>, fx: RouterEffects) {
        if fx.arm_timer {
            self.timer.notify_one();
        }
        for (reply, outcome) in fx.replies {
            let outcome = outcome.map(|(text, ids)| (text, self.opened(ids)));
            // A caller that is gone drops what it would have got, and that cleans up.
            let _ = reply.send(outcome);
        }
        drop(fx.stops);
        for waker in fx.wakers {
            waker.wake();
        }
    }

    fn opened(self: &Arc<Self>, ids: OpenedIds<Notification>) -> Opened {
        let shared = Arc::clone(self);
        match ids {
            OpenedIds::Nothing => Opened::Nothing,
            OpenedIds::Turn {
                thread_id,
                turn_id,
                subscription,
                events,
                joined,
            } => Opened::Turn(TurnEvents::new(
                shared,
                thread_id,
                turn_id,
                subscription,
                events,
                joined,
            )),
            OpenedIds::Login {
                login_id,
                subscription,
                events,
            } => Opened::Login(LoginEvents::new(shared, login_id, subscription, events)),
        }
    }
}
