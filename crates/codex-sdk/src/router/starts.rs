//! Starts of turns: the events before their answer, and starts that were canceled.

use std::sync::Arc;

use super::buffer::{Buffer, Coalesce};
use super::queue::Queue;
use super::{Effects, Kind, OpenedIds, QueueReader, Routed, Router};

/// Whether a start may join the turn that runs on its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joining {
    /// It joins the turn.
    Allowed,
    /// It fails as busy, and nothing is sent.
    Refused,
}

/// A `turn/start` that is in flight, or the next to be sent on its thread.
#[derive(Debug)]
pub(super) struct Start<E: Routed> {
    pub(super) call: i64,
    /// `None` until it is sent.
    sent: Option<Sent<E>>,
}

#[derive(Debug)]
struct Sent<E: Routed> {
    /// The turn that ran when it was sent.
    ran_before: Option<Box<str>>,
    /// Turn events of its thread since it was sent.
    early: Buffer<Early<E>>,
}

/// An event that arrived while a start was in flight.
#[derive(Debug)]
struct Early<E> {
    event: E,
    /// Whether it was delivered to readers of its turn already.
    delivered: bool,
}

impl<E: Coalesce> Coalesce for Early<E> {
    type Key = (bool, E::Key);

    fn key(&self) -> Option<Self::Key> {
        self.event.key().map(|key| (self.delivered, key))
    }

    fn absorb(&mut self, later: Self) {
        self.event.absorb(later.event);
    }
}

impl<E: Routed> Start<E> {
    pub(super) fn new(call: i64) -> Self {
        Self { call, sent: None }
    }

    pub(super) fn is_sent(&self) -> bool {
        self.sent.is_some()
    }

    /// Keeps the events of the thread's turns from here on.
    pub(super) fn send(&mut self, running: Option<Box<str>>) {
        self.sent = Some(Sent {
            ran_before: running,
            early: Buffer::default(),
        });
    }

    pub(super) fn keep(&mut self, event: E, delivered: bool) {
        if let Some(sent) = &mut self.sent {
            sent.early.push(Early { event, delivered });
        }
    }

    /// Takes it for not sent; returns the events that were not delivered, in order.
    pub(super) fn unsend(&mut self) -> impl Iterator<Item = E> + use<E> {
        self.sent
            .take()
            .into_iter()
            .flat_map(Sent::into_undelivered)
    }

    /// Tells whether a turn ran when it was sent.
    pub(super) fn ran_before_it(&self, turn: &str) -> bool {
        let sent = self.sent.as_ref();
        sent.is_some_and(|sent| sent.ran_before.as_deref() == Some(turn))
    }

    /// Returns the events that were not delivered, in order.
    pub(super) fn into_undelivered(self) -> impl Iterator<Item = E> {
        self.sent.into_iter().flat_map(Sent::into_undelivered)
    }
}

impl<E: Routed> Sent<E> {
    fn into_undelivered(self) -> impl Iterator<Item = E> {
        let early = self.early.into_events().into_iter();
        early
            .filter(|early| !early.delivered)
            .map(|early| early.event)
    }
}

/// A start that was sent and then canceled: the turn that it may lead to is interrupted.
#[derive(Debug)]
pub(super) struct CanceledStart {
    pub(super) call: i64,
    /// The message by which it is found in the history, if it is.
    pub(super) message: Option<Box<str>>,
    ran_before: Option<Box<str>>,
    /// Turns of the thread that completed since it was sent.
    completed: Vec<Box<str>>,
}

impl CanceledStart {
    fn of<E: Routed>(call: i64, message: Option<Box<str>>, sent: &Sent<E>) -> Self {
        let events = sent.early.iter().map(|early| &early.event);
        let completed = events.filter(|event| event.kind() == Kind::TurnCompleted);
        Self {
            call,
            message,
            ran_before: sent.ran_before.clone(),
            completed: completed
                .filter_map(|event| event.turn_id().map(Box::from))
                .collect(),
        }
    }

    pub(super) fn turn_completed(&mut self, turn: &str) {
        self.completed.push(turn.into());
    }
}

/// How many canceled starts are remembered; a runtime that answers has far fewer.
const MOST_CANCELED: usize = 256;

impl<E: Routed, R> Router<E, R> {
    /// Opens the turn that a start led to, with the events that came before the answer.
    pub(super) fn open_turn(
        &mut self,
        call: i64,
        thread: Box<str>,
        turn: Option<Box<str>>,
        fx: &mut Effects<E, R>,
    ) -> OpenedIds<E> {
        let subscription = self.next_subscription();
        let lane = self.lane(&thread);
        let start = lane.start.take_if(|start| start.call == call);
        let Some(sent) = start.and_then(|start| start.sent) else {
            return OpenedIds::Nothing;
        };
        let Some(turn) = turn else {
            self.publish(sent.into_undelivered(), fx);
            self.settle(&thread, fx);
            return OpenedIds::Nothing;
        };
        let joined = lane.joins(&turn, sent.ran_before.as_deref());
        let queue = Arc::new(Queue::lossless());
        let events = QueueReader::new(Arc::clone(&queue));
        let mut completed = false;
        let mut others = Vec::new();
        for Early { event, delivered } in sent.early.into_events() {
            if !completed && event.turn_id() == Some(&*turn) {
                completed = event.kind() == Kind::TurnCompleted;
                let _ = queue.push(event);
            } else if !delivered {
                others.push(event);
            }
        }
        if completed {
            let _ = queue.finish();
        } else {
            lane.accept(&turn, joined, fx);
            lane.subscribe(&turn, subscription, queue, !joined);
            self.recent.remove(&turn);
        }
        self.publish(others, fx);
        self.settle(&thread, fx);
        OpenedIds::Turn {
            thread_id: thread,
            turn_id: turn,
            subscription,
            events,
            joined,
        }
    }

    /// Removes a start that opens nothing; one that was sent may be answered yet, so it is
    /// remembered, with its message, if it was canceled.
    pub(super) fn drop_start(
        &mut self,
        call: i64,
        thread: &str,
        canceled: Option<Option<Box<str>>>,
        fx: &mut Effects<E, R>,
    ) {
        let lane = self.lane(thread);
        lane.waiting.retain(|waiting| *waiting != call);
        if let Some(start) = lane.start.take_if(|start| start.call == call) {
            if let (Some(sent), Some(message)) = (&start.sent, canceled) {
                lane.canceled.push(CanceledStart::of(call, message, sent));
                self.live.canceled.insert(call, thread.into());
                self.bound_canceled(fx);
            }
            self.publish(start.into_undelivered(), fx);
        }
        self.settle(thread, fx);
    }

    /// Forgets the oldest canceled start if there are too many.
    fn bound_canceled(&mut self, fx: &mut Effects<E, R>) {
        if self.live.canceled.len() > MOST_CANCELED
            && let Some((call, thread)) = self.live.canceled.pop_first()
        {
            let lane = self.lane(&thread);
            lane.canceled.retain(|start| start.call != call);
            self.settle(&thread, fx);
        }
    }

    /// Interrupts the turn that a canceled start led to, unless it has joined one; `None` if the
    /// request was no such start.
    pub(super) fn canceled_start_answered(
        &mut self,
        call: i64,
        turn: Option<Box<str>>,
        fx: &mut Effects<E, R>,
    ) -> Option<()> {
        let thread = self.live.canceled.remove(&call)?;
        let lane = self.lane(&thread);
        let at = lane.canceled.iter().position(|start| start.call == call);
        let start = at.map(|at| lane.canceled.swap_remove(at));
        if let (Some(start), Some(turn)) = (start, turn)
            && !lane.joins(&turn, start.ran_before.as_deref())
            && !start.completed.contains(&turn)
        {
            lane.accept_abandoned(&turn, fx);
            self.recent.remove(&turn);
        }
        self.settle(&thread, fx);
        Some(())
    }
}
