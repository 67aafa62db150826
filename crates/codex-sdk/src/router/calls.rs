//! Requests that wait for their answer, and what the answer opens.

use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use super::admission::Admission;
use super::buffer::{Buffer, Coalesce};
use super::queue::Queue;
use super::{Effects, Interrupt, Kind, QueueReader, Routed, Router, SubscriptionId};
use crate::error::{CloseReason, RpcError, RpcErrorCode};

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
        turn_id: fn(&str) -> Option<String>,
    },
    /// Nothing; it ends a turn that nobody wants.
    Interrupted(Interrupt),
    /// A login.
    OpenLogin {
        /// Reads the login's id from the result.
        login_id: fn(&str) -> Option<String>,
    },
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

/// A `turn/start` that was sent and is not answered.
#[derive(Debug)]
pub(super) struct Start<E: Routed> {
    call: i64,
    /// The turn that ran when it was sent.
    running: Option<Box<str>>,
    /// Turn events of its thread since it was sent.
    early: Buffer<Early<E>>,
}

/// An event that arrived while a start was pending.
#[derive(Debug)]
struct Early<E> {
    event: E,
    /// Whether subscribers of its turn have got it already.
    owned: bool,
}

impl<E: Coalesce> Coalesce for Early<E> {
    type Key = (bool, E::Key);

    fn key(&self) -> Option<Self::Key> {
        self.event.key().map(|key| (self.owned, key))
    }

    fn absorb(&mut self, later: Self) {
        self.event.absorb(later.event);
    }
}

impl<E: Routed> Start<E> {
    /// Returns the events that nobody has got, in order.
    pub(super) fn into_unowned(self) -> impl Iterator<Item = E> {
        let events = self.early.into_events().into_iter();
        events.filter(|early| !early.owned).map(|early| early.event)
    }
}

/// A start that was sent and whose caller has given up.
#[derive(Debug)]
pub(super) struct Abandoned {
    thread: Box<str>,
    running: Option<Box<str>>,
    /// Turns of the thread that completed since it was sent.
    completed: Vec<Box<str>>,
    turn_id: fn(&str) -> Option<String>,
}

/// How many abandoned starts are remembered; a runtime that answers has far fewer.
const MOST_ABANDONED: usize = 256;

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
        if let Then::OpenLogin { .. } = then {
            self.login_starts += 1;
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

    /// Keeps the events of a start's turn from here on.
    pub(super) fn open_start(&mut self, call: i64, thread_id: Box<str>) {
        let running = self.active.get(&thread_id);
        let running = running.map(|active| active.turn.clone());
        self.starts.entry(thread_id).or_default().push(Start {
            call,
            running,
            early: Buffer::default(),
        });
    }

    /// Routes the answer to a request.
    pub(crate) fn answer(
        &mut self,
        id: i64,
        answer: Result<Box<str>, Outcome<E>>,
        fx: &mut Effects<E, R>,
    ) {
        let call = match self.calls.entry(id) {
            // One that was not sent has no answer.
            Entry::Occupied(call) if call.get().waiting.is_none() => call.remove(),
            _ => {
                match self.abandoned.remove(&id) {
                    Some(abandoned) => self.answer_abandoned(abandoned, answer.ok(), fx),
                    None => self.counters.late_answers += 1,
                }
                return;
            }
        };
        let outcome = match (answer, call.then) {
            (Ok(result), Then::Nothing) => Outcome::Result(result, Opened::Nothing),
            (answer, Then::Interrupted(interrupt)) => {
                let refused = matches!(
                    &answer,
                    Err(Outcome::Error(error)) if error.code == RpcErrorCode::OVERLOADED
                );
                return self.interrupt_answered(interrupt, refused, fx);
            }
            (Ok(result), Then::OpenTurn { thread_id, turn_id }) => {
                let opened = self.open_turn(id, thread_id, turn_id(&result), fx);
                Outcome::Result(result, opened)
            }
            (Ok(result), Then::OpenLogin { login_id }) => {
                let opened = self.open_login(login_id(&result), fx);
                Outcome::Result(result, opened)
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
        if self.calls.get(&id)?.waiting.is_some() {
            let call = self.withdraw(id)?;
            self.release(id, &call.then, fx);
            return call.reply;
        }
        let call = self.calls.remove(&id)?;
        if let Then::OpenTurn { thread_id, turn_id } = &call.then
            && let Some(start) = self.start(thread_id, id)
        {
            let events = start.early.iter().map(|early| &early.event);
            let abandoned = Abandoned {
                thread: thread_id.clone(),
                running: start.running.clone(),
                completed: events
                    .filter(|event| event.kind() == Kind::TurnCompleted)
                    .filter_map(|event| event.turn_id().map(Box::from))
                    .collect(),
                turn_id: *turn_id,
            };
            self.abandoned.insert(id, abandoned);
            if self.abandoned.len() > MOST_ABANDONED {
                self.abandoned.pop_first();
            }
        }
        self.release(id, &call.then, fx);
        if !matches!(call.then, Then::Interrupted(_)) {
            self.make_room(fx);
        }
        call.reply
    }

    /// Keeps a copy of a turn's event for the starts that are pending on its thread; tells
    /// whether there are any.
    pub(super) fn keep_early(&mut self, event: &E, owned: bool) -> bool {
        let mut kept = false;
        let mut keep = |starts: &mut Vec<Start<E>>| {
            for start in starts {
                // Nobody else need publish what the first start keeps.
                start.early.push(Early {
                    event: event.clone(),
                    owned: owned || kept,
                });
                kept = true;
            }
        };
        match event.thread_id() {
            Some(thread) => {
                if let Some(starts) = self.starts.get_mut(thread) {
                    keep(starts);
                }
            }
            None => self.starts.values_mut().for_each(keep),
        }
        kept
    }

    /// Remembers the completion of a turn for the abandoned starts of its thread.
    pub(super) fn note_abandoned(&mut self, thread: &str, turn: &str) {
        for abandoned in self.abandoned.values_mut() {
            if *abandoned.thread == *thread {
                abandoned.completed.push(turn.into());
            }
        }
    }

    /// Opens the turn that a start led to, with the events that came before the answer.
    fn open_turn(
        &mut self,
        call: i64,
        thread: Box<str>,
        turn: Option<String>,
        fx: &mut Effects<E, R>,
    ) -> Opened<E> {
        let Some(start) = self.take_start(&thread, call) else {
            return Opened::Nothing;
        };
        let Some(turn) = turn else {
            self.publish_all(start, fx);
            self.settle(&thread, fx);
            return Opened::Nothing;
        };
        let joined = self.joins(&thread, &turn, start.running.as_deref());
        let queue = Arc::new(Queue::lossless());
        let mut completed = false;
        for early in start.early.into_events() {
            if !completed && early.event.turn_id() == Some(&*turn) {
                completed = early.event.kind() == Kind::TurnCompleted;
                let _ = queue.push(early.event);
            } else if !early.owned {
                self.publish(early.event, fx);
            }
        }
        let events = QueueReader::new(Arc::clone(&queue));
        let subscription = if completed {
            let _ = queue.finish();
            self.subscription_id()
        } else {
            self.activate(&thread, &turn).owned |= !joined;
            self.subscribe(&turn, queue, !joined)
        };
        self.settle(&thread, fx);
        Opened::Turn {
            thread_id: thread,
            turn_id: turn.into(),
            subscription,
            events,
            joined,
        }
    }

    /// Sees to it that the turn of an abandoned start is interrupted, unless it joined one.
    fn answer_abandoned(
        &mut self,
        abandoned: Abandoned,
        result: Option<Box<str>>,
        fx: &mut Effects<E, R>,
    ) {
        let Abandoned {
            thread,
            running,
            completed,
            turn_id,
        } = abandoned;
        let Some(turn) = result.and_then(|result| turn_id(&result)) else {
            return;
        };
        if self.joins(&thread, &turn, running.as_deref())
            || completed.iter().any(|done| **done == *turn)
        {
            return;
        }
        let active = self.activate(&thread, &turn);
        active.owned = true;
        active.abandoned = true;
        self.settle(&thread, fx);
    }

    /// Tells whether a start that led to this turn has joined it: it ran before, or another
    /// start led to it.
    fn joins(&self, thread: &str, turn: &str, running: Option<&str>) -> bool {
        let active = self.active.get(thread);
        running == Some(turn) || active.is_some_and(|active| active.owned && *active.turn == *turn)
    }

    /// Lets go of what was kept for a request that opened nothing.
    fn release(&mut self, id: i64, then: &Then, fx: &mut Effects<E, R>) {
        match then {
            Then::Nothing | Then::Interrupted(_) => {}
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

    fn publish_all(&mut self, start: Start<E>, fx: &mut Effects<E, R>) {
        for event in start.into_unowned() {
            self.publish(event, fx);
        }
    }

    fn start(&self, thread: &str, call: i64) -> Option<&Start<E>> {
        let starts = self.starts.get(thread)?;
        starts.iter().find(|start| start.call == call)
    }

    fn take_start(&mut self, thread: &str, call: i64) -> Option<Start<E>> {
        let starts = self.starts.get_mut(thread)?;
        let at = starts.iter().position(|start| start.call == call)?;
        let start = starts.remove(at);
        if starts.is_empty() {
            self.starts.remove(thread);
        }
        Some(start)
    }
}
