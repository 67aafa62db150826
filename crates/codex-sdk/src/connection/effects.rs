//! Does what the router found to do.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{LoginEvents, Shared, TurnEvents};
use crate::error::{CloseReason, RpcError};
use crate::event::{self, Notification};
use crate::router::{Effects, Interrupt, NewCall, Opened, Outcome, Then};

/// What a caller gets: as the router's [`Outcome`], but what it opened closes itself when it is
/// dropped, also on the way.
#[derive(Debug)]
pub(crate) enum Delivered {
    Result(Box<str>, Handle),
    Error(RpcError),
    Malformed(String),
    TimedOut,
    Closed(Arc<CloseReason>),
}

/// What an answer opened.
#[derive(Debug)]
pub(crate) enum Handle {
    Nothing,
    Turn(TurnEvents),
    Login(LoginEvents),
}

impl Shared {
    /// Wakes, answers and interrupts. Must not be called under the router's lock.
    pub(super) fn apply(self: &Arc<Self>, fx: Effects<Notification, oneshot::Sender<Delivered>>) {
        if fx.clock {
            self.clock.notify_one();
        }
        for interrupt in fx.interrupts {
            self.interrupt(interrupt);
        }
        for (reply, outcome) in fx.replies {
            // A caller that is gone drops what it would have got, and that cleans up.
            let _ = reply.send(self.deliver(outcome));
        }
        for waker in fx.wakers {
            waker.wake();
        }
    }

    fn deliver(self: &Arc<Self>, outcome: Outcome<Notification>) -> Delivered {
        match outcome {
            Outcome::Result(result, opened) => Delivered::Result(result, self.handle(opened)),
            Outcome::Error(error) => Delivered::Error(error),
            Outcome::Malformed(reason) => Delivered::Malformed(reason),
            Outcome::TimedOut => Delivered::TimedOut,
            Outcome::Closed(reason) => Delivered::Closed(reason),
        }
    }

    fn handle(self: &Arc<Self>, opened: Opened<Notification>) -> Handle {
        match opened {
            Opened::Nothing => Handle::Nothing,
            Opened::Turn {
                thread_id,
                turn_id,
                subscription,
                events,
                joined,
            } => Handle::Turn(TurnEvents::new(
                Arc::clone(self),
                thread_id,
                turn_id,
                subscription,
                events,
                joined,
            )),
            Opened::Login {
                login_id,
                subscription,
                events,
            } => Handle::Login(LoginEvents::new(
                Arc::clone(self),
                login_id,
                subscription,
                events,
            )),
        }
    }

    /// Asks the runtime to interrupt a turn, without waiting for the answer.
    fn interrupt(self: &Arc<Self>, interrupt: Interrupt) {
        let Ok(mut request) = event::interrupt(&interrupt.thread_id, &interrupt.turn_id) else {
            return;
        };
        tracing::debug!(turn = &*interrupt.turn_id, "interrupting an abandoned turn");
        let id = self.next_id();
        // On a connection that has ended there is nothing to interrupt.
        let _ = self.call(NewCall {
            id,
            reply: None,
            then: Then::Interrupted(interrupt),
            line: request.line(id),
            deadline: None,
        });
    }
}
