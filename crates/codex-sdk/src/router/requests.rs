//! Requests: entered, sent as soon as few enough are in flight, answered, canceled.

use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use super::buffer::Coalesce;
use super::{Effects, Joining, QueueReader, Routed, Router, SubscriptionId};
use crate::error::CloseReason;
use crate::message::{Again, Refusal, Request};
use crate::names::UNSUBSCRIBE;

/// A request without an answer.
#[derive(Debug)]
pub(super) struct Pending<R> {
    /// Leads back to the caller.
    pub(super) reply: R,
    pub(super) on_answer: OnAnswer,
    /// When it times out; `None` while a start waits for its thread, and if it may take forever.
    pub(super) deadline: Option<Duration>,
    pub(super) sending: Sending,
    pub(super) again: Again,
}

/// Where a request is.
#[derive(Debug)]
pub(super) enum Sending {
    /// It waits, with its line.
    Waits(Box<[u8]>),
    /// It is in flight, with its line where that may be needed again.
    Sent(Option<Box<[u8]>>),
    /// The connection was lost while it was in flight, and what became of it is asked.
    Lost(Box<[u8]>),
}

impl<R> Pending<R> {
    pub(super) fn is_sent(&self) -> bool {
        matches!(self.sending, Sending::Sent(_))
    }

    /// Returns the message by which it is found in the history, if it is.
    fn message(&self) -> Option<&str> {
        match &self.again {
            Again::Unless { message, .. } => Some(message),
            _ => None,
        }
    }
}

/// The change that the answer to a request makes, before the next line is read.
#[derive(Clone, Debug)]
pub(crate) enum OnAnswer {
    /// Nothing.
    Nothing,
    /// It opens a turn on this thread, on which starts take turns.
    OpenTurn {
        thread_id: Box<str>,
        joining: Joining,
    },
    /// It opens a login.
    OpenLogin,
    /// The thread is compacted, and starts wait for the end of that.
    Compacted(Box<str>),
    /// This client gets no more events of the thread.
    Unsubscribed(Box<str>),
    /// This client gets the events of the thread.
    Subscribed(Box<str>),
}

/// The kind of thing that a result opens; its id is in the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opens {
    Turn,
    Login,
}

/// The result of a request.
#[derive(Debug)]
pub(crate) struct Answered {
    /// The result, as JSON text.
    pub(crate) text: Box<str>,
    /// The id of what it opens, if [`Router::opens`] says that it opens something.
    pub(crate) opened_id: Option<Box<str>>,
}

/// How a request ended: its result as JSON text, and what that opened.
pub(crate) type Outcome<O> = Result<(Box<str>, O), Failure>;

/// Why a request has no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The runtime answered without one.
    Refused(Refusal),
    /// This turn runs on the thread, and the start may not join it. Nothing was sent.
    Busy(Box<str>),
    /// There was no answer before the deadline.
    TimedOut,
    /// The connection was lost before the answer, and is made again.
    Lost,
    /// The connection ended first.
    Closed(Arc<CloseReason>),
}

/// What a result opened, for the caller to make a handle of.
#[derive(Debug)]
pub(crate) enum OpenedIds<E: Coalesce> {
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
    /// Enters a request, and returns its id. It is sent as soon as it may be.
    ///
    /// From the moment in which it is, the queue of a turn that it opens is open.
    ///
    /// # Errors
    ///
    /// The reason why the connection ended, if it has.
    pub(crate) fn call(
        &mut self,
        request: &mut Request,
        on_answer: OnAnswer,
        reply: R,
        fx: &mut Effects<E, R>,
    ) -> Result<i64, Arc<CloseReason>> {
        if let Some(reason) = &self.closed {
            return Err(Arc::clone(reason));
        }
        let id = self.next_request();
        let thread = match &on_answer {
            OnAnswer::OpenTurn { thread_id, .. } => Some(thread_id.clone()),
            OnAnswer::Compacted(thread) => {
                self.lane(thread).compact(fx);
                None
            }
            OnAnswer::OpenLogin => {
                self.live.login_starts += 1;
                None
            }
            _ => None,
        };
        let call = Pending {
            reply,
            on_answer,
            deadline: None,
            sending: Sending::Waits(request.line(id).into()),
            again: request.again.clone(),
        };
        self.live.calls.insert(id, call);
        match thread {
            None => self.send_or_queue(id, fx),
            Some(thread) => {
                self.lane(&thread).waiting.push_back(id);
                self.settle(&thread, fx);
            }
        }
        Ok(id)
    }

    /// Sends the next start of a thread, if none is in flight on it.
    pub(super) fn start_next(&mut self, thread: &str, fx: &mut Effects<E, R>) {
        while let Some(lane) = self.live.lanes.get_mut(thread)
            && let Some(call) = lane.next_start()
        {
            self.send_or_queue(call, fx);
        }
    }

    /// Sends a request now, or once fewer are in flight. Its time counts from here.
    fn send_or_queue(&mut self, id: i64, fx: &mut Effects<E, R>) {
        if let Some(call) = self.live.calls.get_mut(&id)
            && let Some(timeout) = self.request_timeout
        {
            call.deadline = fx.now.checked_add(timeout);
            // A later request has a later deadline, so a timer that is armed is early enough.
            fx.arm_timer |= !std::mem::replace(&mut self.live.timer_armed, true);
        }
        if self.online && self.live.in_flight < self.max_in_flight && self.live.queued.is_empty() {
            self.send(id, fx);
        } else {
            self.live.queued.push_back(id);
        }
    }

    /// Sends a request, unless it is a start that may not join the turn that runs.
    fn send(&mut self, id: i64, fx: &mut Effects<E, R>) {
        let Entry::Occupied(mut call) = self.live.calls.entry(id) else {
            return;
        };
        if let OnAnswer::OpenTurn { thread_id, joining } = &call.get().on_answer
            && let Some(lane) = self.live.lanes.get_mut(thread_id)
        {
            let running = lane.running().map(Box::from);
            match (running, joining) {
                (Some(turn), Joining::Refused) => {
                    lane.start = None;
                    let reply = call.remove().reply;
                    return fx.replies.push((reply, Err(Failure::Busy(turn))));
                }
                (running, _) => {
                    if let Some(start) = &mut lane.start {
                        start.send(running);
                    }
                }
            }
        }
        let call = call.get_mut();
        if let Sending::Waits(line) = std::mem::replace(&mut call.sending, Sending::Sent(None)) {
            fx.lines.extend_from_slice(&line);
            self.live.in_flight += 1;
            if call.again != Again::Never {
                call.sending = Sending::Sent(Some(line));
            }
        }
    }

    /// Gives the slot of a request that is no longer in flight to the one that waits longest.
    fn release_slot(&mut self, fx: &mut Effects<E, R>) {
        self.live.in_flight -= 1;
        self.send_queued(fx);
    }

    /// Sends requests that wait, as many as may be in flight.
    pub(super) fn send_queued(&mut self, fx: &mut Effects<E, R>) {
        while self.online
            && self.live.in_flight < self.max_in_flight
            && let Some(id) = self.live.queued.pop_front()
        {
            let thread = match self.live.calls.get(&id).map(|call| &call.on_answer) {
                Some(OnAnswer::OpenTurn { thread_id, .. }) => Some(thread_id.clone()),
                _ => None,
            };
            self.send(id, fx);
            if let Some(thread) = thread {
                // A start that was refused lets the next one of its thread go.
                self.settle(&thread, fx);
            }
        }
    }

    /// Returns what the result of a request opens, whose id is read before the result is routed,
    /// and without the lock.
    pub(crate) fn opens(&self, id: i64) -> Option<Opens> {
        match self.live.calls.get(&id).map(|call| &call.on_answer) {
            Some(OnAnswer::OpenTurn { .. }) => Some(Opens::Turn),
            Some(OnAnswer::OpenLogin) => Some(Opens::Login),
            Some(_) => None,
            None => self.live.canceled.get(&id).map(|_| Opens::Turn),
        }
    }

    /// Routes the answer to a request.
    pub(crate) fn answer(
        &mut self,
        id: i64,
        answer: Result<Answered, Refusal>,
        fx: &mut Effects<E, R>,
    ) {
        let call = match self.live.calls.entry(id) {
            // A request that was not sent has no answer.
            Entry::Occupied(call) if call.get().is_sent() => call.remove(),
            _ => return self.answer_without_call(id, answer, fx),
        };
        // First, so that a start that waits for this one can be sent before its turn is looked at.
        self.release_slot(fx);
        let outcome = match answer {
            Ok(Answered { text, opened_id }) => {
                let opened = match call.on_answer {
                    OnAnswer::OpenTurn { thread_id, .. } => {
                        self.open_turn(id, thread_id, opened_id, fx)
                    }
                    OnAnswer::OpenLogin => self.open_login(opened_id, fx),
                    OnAnswer::Unsubscribed(thread) => {
                        self.lane(&thread).thread_ended(UNSUBSCRIBE, fx);
                        self.settle(&thread, fx);
                        OpenedIds::Nothing
                    }
                    OnAnswer::Subscribed(thread) => {
                        self.lane(&thread).thread_subscribed();
                        self.settle(&thread, fx);
                        OpenedIds::Nothing
                    }
                    OnAnswer::Compacted(_) | OnAnswer::Nothing => OpenedIds::Nothing,
                };
                Ok((text, opened))
            }
            Err(refusal) => {
                self.discard(id, &call, false, fx);
                Err(Failure::Refused(refusal))
            }
        };
        fx.replies.push((call.reply, outcome));
    }

    fn answer_without_call(
        &mut self,
        id: i64,
        answer: Result<Answered, Refusal>,
        fx: &mut Effects<E, R>,
    ) {
        if self
            .interrupt_answered(id, answer.as_ref().err(), fx)
            .is_some()
        {
            return;
        }
        let turn = answer.ok().and_then(|answered| answered.opened_id);
        if self.canceled_start_answered(id, turn, fx).is_none() {
            self.late_answers += 1;
        }
    }

    /// Removes a request whose caller does not wait any longer; returns the key of the caller.
    ///
    /// If it has not been sent, it will not be.
    pub(crate) fn cancel(&mut self, id: i64, fx: &mut Effects<E, R>) -> Option<R> {
        let call = self.live.calls.remove(&id)?;
        if call.is_sent() {
            self.release_slot(fx);
        } else {
            self.live.queued.retain(|queued| *queued != id);
        }
        self.discard(id, &call, true, fx);
        Some(call.reply)
    }

    /// Drops what is kept for a request that opens nothing.
    pub(super) fn discard(
        &mut self,
        id: i64,
        call: &Pending<R>,
        canceled: bool,
        fx: &mut Effects<E, R>,
    ) {
        match &call.on_answer {
            OnAnswer::Nothing | OnAnswer::Unsubscribed(_) | OnAnswer::Subscribed(_) => {}
            OnAnswer::Compacted(thread) => {
                self.lane(thread).compaction_refused();
                self.settle(thread, fx);
            }
            OnAnswer::OpenTurn { thread_id, .. } => {
                let message = call.message().map(Box::from);
                self.drop_start(id, thread_id, canceled.then_some(message), fx);
            }
            OnAnswer::OpenLogin => self.login_start_ended(fx),
        }
    }

    /// Returns the id of the next request.
    pub(super) fn next_request(&mut self) -> i64 {
        let id = self.next_request;
        self.next_request += 1;
        id
    }
}
