//! Requests that wait for their answer, and what the answer opens.

use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use super::admission::Admission;
use super::buffer::Coalesce;
use super::starts::Abandoned;
use super::{Effects, Interrupt, QueueReader, Routed, Router, SubscriptionId};
use crate::error::{CloseReason, RpcError, RpcErrorCode};
use crate::names::UNSUBSCRIBE;

/// A request, to be entered.
#[derive(Debug)]
pub(crate) struct NewCall<'a, R> {
    pub(crate) id: i64,
    /// Who gets the answer; `None` if nobody cares.
    pub(crate) reply: Option<R>,
    pub(crate) then: Then,
    /// What to send.
    pub(crate) line: &'a [u8],
    /// When it is given up, by the clock of [`Router::expire`].
    pub(crate) deadline: Option<Duration>,
}

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Call<R> {
    pub(super) reply: Option<R>,
    pub(super) then: Then,
    pub(super) deadline: Option<Duration>,
    /// What is to be sent, until it is.
    pub(super) waiting: Option<Box<[u8]>>,
}

/// What the answer to a request opens, while it is handled and before the next line is read.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    /// Nothing.
    Nothing,
    /// A turn on this thread.
    OpenTurn {
        thread_id: Box<str>,
        /// Reads the turn's id from the result.
        turn_id: ReadId,
    },
    /// Nothing; it ends a turn that nobody wants.
    Interrupted(Interrupt),
    /// Nothing; the thread is compacted, and starts wait for the end of that.
    Compacted(Box<str>),
    /// Nothing; this client gets no more events of the thread.
    Unsubscribed(Box<str>),
    /// Nothing; this client gets the events of the thread.
    Subscribed(Box<str>),
    /// A login.
    OpenLogin {
        /// Reads the login's id from the result.
        login_id: ReadId,
    },
}

impl Then {
    /// Tells whether a request counts among those under way.
    pub(super) fn takes_a_place(&self) -> bool {
        !matches!(self, Self::Interrupted(_))
    }
}

/// Reads the id of what a request opens from its result.
pub(crate) type ReadId = fn(&str) -> Option<Box<str>>;

/// The result of a request.
#[derive(Debug)]
pub(crate) struct Answered {
    /// The result, as JSON text.
    pub(crate) text: Box<str>,
    /// The id that the request's [`ReadId`] finds in it.
    pub(crate) id: Option<Box<str>>,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Outcome<E: Coalesce> {
    /// The result, and what it opened.
    Result(Box<str>, Opened<E>),
    /// The runtime's error.
    Error(RpcError),
    /// An answer that is neither; the text says why.
    Malformed(String),
    /// There was none before the deadline.
    TimedOut,
    /// The connection ended first.
    Closed(Arc<CloseReason>),
}

/// What the result of a request opened.
#[derive(Debug)]
pub(crate) enum Opened<E: Coalesce> {
    Nothing,
    Turn {
        thread_id: Box<str>,
        turn_id: Box<str>,
        subscription: SubscriptionId,
        events: QueueReader<E>,
        /// Whether the turn was running before the request.
        joined: bool,
    },
    Login {
        login_id: Box<str>,
        subscription: SubscriptionId,
        events: QueueReader<E>,
    },
}

impl<E: Routed, R> Router<E, R> {
    /// Enters a request, and says whether it is to be sent.
    ///
    /// From the moment in which it is, the queue of a turn that it opens is open.
    ///
    /// # Errors
    ///
    /// The reason why the connection ended, if it has.
    pub(crate) fn call(
        &mut self,
        call: NewCall<'_, R>,
        fx: &mut Effects<E, R>,
    ) -> Result<Admission, Arc<CloseReason>> {
        if let Some(reason) = &self.closed {
            return Err(Arc::clone(reason));
        }
        let NewCall {
            id,
            reply,
            then,
            line,
            deadline,
        } = call;
        let admission = self.admissions.enter(id, &then);
        if let (Admission::Now, Then::OpenTurn { thread_id, .. }) = (admission, &then) {
            self.open_start(id, thread_id.clone());
        }
        match &then {
            Then::OpenLogin { .. } => self.login_starts += 1,
            Then::Compacted(thread) => self.compaction_requested(thread, fx),
            _ => {}
        }
        if deadline.is_some() && !self.clock {
            self.clock = true;
            fx.clock = true;
        }
        let waiting = (admission == Admission::Later).then(|| line.into());
        let call = Call {
            reply,
            then,
            deadline,
            waiting,
        };
        self.calls.insert(id, call);
        Ok(admission)
    }

    /// Returns how to find the id of what a request opens in its result, which is read before the
    /// result is routed, and without the lock.
    pub(crate) fn id_reader(&self, id: i64) -> Option<ReadId> {
        match self.calls.get(&id) {
            Some(call) => match call.then {
                Then::OpenTurn { turn_id, .. } => Some(turn_id),
                Then::OpenLogin { login_id } => Some(login_id),
                _ => None,
            },
            None => self.abandoned.get(&id).map(Abandoned::id_reader),
        }
    }

    /// Routes the answer to a request.
    pub(crate) fn answer(
        &mut self,
        id: i64,
        answer: Result<Answered, Outcome<E>>,
        fx: &mut Effects<E, R>,
    ) {
        let call = match self.calls.entry(id) {
            // One that was not sent has no answer.
            Entry::Occupied(call) if call.get().waiting.is_none() => call.remove(),
            _ => {
                match self.abandoned.remove(&id) {
                    Some(abandoned) => {
                        let turn = answer.ok().and_then(|result| result.id);
                        self.answer_abandoned(abandoned, turn, fx);
                    }
                    None => self.counters.late_answers += 1,
                }
                return;
            }
        };
        let outcome = match (answer, call.then) {
            (answer, Then::Interrupted(interrupt)) => {
                let refused = matches!(
                    &answer,
                    Err(Outcome::Error(error)) if error.code == RpcErrorCode::OVERLOADED
                );
                return self.interrupt_answered(interrupt, refused, fx);
            }
            (Ok(result), Then::OpenTurn { thread_id, .. }) => {
                let opened = self.open_turn(id, thread_id, result.id, fx);
                Outcome::Result(result.text, opened)
            }
            (Ok(result), Then::OpenLogin { .. }) => {
                let opened = self.open_login(result.id, fx);
                Outcome::Result(result.text, opened)
            }
            (Ok(result), then) => {
                match then {
                    Then::Unsubscribed(thread) => self.thread_ended(&thread, UNSUBSCRIBE, fx),
                    Then::Subscribed(thread) => self.thread_subscribed(&thread),
                    _ => {}
                }
                Outcome::Result(result.text, Opened::Nothing)
            }
            (Err(outcome), then) => {
                self.release(id, &then, fx);
                outcome
            }
        };
        self.make_room(fx);
        if let Some(reply) = call.reply {
            fx.replies.push((reply, outcome));
        }
    }

    /// Removes a request that is not to be waited for any longer; returns who did.
    ///
    /// If it has not been sent, it will not be.
    pub(crate) fn give_up(&mut self, id: i64, fx: &mut Effects<E, R>) -> Option<R> {
        let call = self.calls.remove(&id)?;
        let sent = call.waiting.is_none();
        if !sent {
            self.admissions.withdraw(id);
        } else if let Then::OpenTurn { thread_id, turn_id } = &call.then {
            self.abandon_start(id, thread_id, *turn_id);
        }
        self.release(id, &call.then, fx);
        if sent && call.then.takes_a_place() {
            self.make_room(fx);
        }
        call.reply
    }

    /// Lets go of what was kept for a request that opened nothing.
    fn release(&mut self, id: i64, then: &Then, fx: &mut Effects<E, R>) {
        match then {
            Then::Nothing | Then::Interrupted(_) | Then::Unsubscribed(_) | Then::Subscribed(_) => {}
            Then::Compacted(thread) => self.compaction_ended(thread, None, fx),
            Then::OpenTurn { thread_id, .. } => {
                if let Some(start) = self.take_start(thread_id, id) {
                    self.publish_all(start, fx);
                }
                self.settle(thread_id, fx);
            }
            Then::OpenLogin { .. } => {
                self.login_starts = self.login_starts.saturating_sub(1);
                self.release_logins(fx);
            }
        }
    }
}
