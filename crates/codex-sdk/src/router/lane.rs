//! What is going on on one thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::queue::Queue;
use super::readers::Readers;
use super::starts::{CanceledStart, Start};
use super::{Effects, Kind, QueueReader, Routed, Router, SubscriptionId};
use crate::error::CloseReason;

/// How long a completion may take that is not expected to come.
const COMPLETION_GRACE: Duration = Duration::from_secs(2);
/// How long a compaction may take to begin, before starts no longer wait for it.
const COMPACTION_GRACE: Duration = Duration::from_secs(10);

/// What is going on on one thread.
#[derive(Debug)]
pub(super) struct Lane<E: Routed> {
    /// The turn that runs or is accepted.
    running: Option<Running>,
    /// The start that is in flight, or about to be.
    pub(super) start: Option<Start<E>>,
    /// Starts that wait for `start` and `compaction`, oldest first.
    pub(super) waiting: VecDeque<i64>,
    /// Starts that were sent and then canceled.
    pub(super) canceled: Vec<CanceledStart>,
    /// The readers of turns, by turn.
    readers: Vec<Readers<E>>,
    /// The compaction that this client has asked for, which no turn can join.
    compaction: Option<Compaction>,
    /// Whether the runtime says that the thread is active.
    active: bool,
    /// The turns that the runtime gave up and that have not completed, with what it said, for a
    /// reader that comes late.
    failed: Vec<(Box<str>, E)>,
    /// The turns that end soon without their completion.
    ending: Vec<Ending>,
}

/// The running turn of a thread: from the response to its start or `turn/started`, whichever is
/// first, to its end.
#[derive(Debug)]
struct Running {
    turn: Box<str>,
    /// Whether the runtime said that it runs; until then it cannot be interrupted.
    started: bool,
    /// Whether the start that led to it is known, so that any other start has joined it.
    claimed: bool,
    /// Whether its starter is gone, so that it is interrupted once it has no reader.
    abandoned: bool,
    /// Tasks that wait for it to start or to end.
    waiters: Vec<Waker>,
}

/// A compaction that was asked for and is not over.
#[derive(Debug)]
struct Compaction {
    /// The turn that it runs as, once that has begun.
    turn: Option<Box<str>>,
    /// When starts no longer wait for it, unless it has begun.
    deadline: Duration,
}

/// A turn whose readers are told soon that it has ended without its completion.
///
/// A runtime can fail a turn with an `error` alone, and after the end of a thread, or of its
/// subscription, no event of its turns comes any more.
#[derive(Debug)]
struct Ending {
    turn: Box<str>,
    lost: Lost,
    deadline: Duration,
}

/// Why a turn ended without its completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The runtime said that it failed, and the thread is not active.
    Failed,
    /// What this notification or request did to its thread.
    Thread(&'static str),
}

/// How far a turn is, as far as this connection knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Accepted, and not yet running.
    Accepted,
    /// Running.
    Running,
    /// Completed, or not known.
    Unknown,
}

impl<E: Routed> Default for Lane<E> {
    fn default() -> Self {
        Self {
            running: None,
            start: None,
            waiting: VecDeque::new(),
            canceled: Vec::new(),
            readers: Vec::new(),
            compaction: None,
            active: false,
            failed: Vec::new(),
            ending: Vec::new(),
        }
    }
}

impl Running {
    fn new(turn: &str) -> Self {
        Self {
            turn: turn.into(),
            started: false,
            claimed: false,
            abandoned: false,
            waiters: Vec::new(),
        }
    }

    /// Wakes the task when the turn starts or ends.
    fn wake_later(&mut self, cx: &Context<'_>) {
        if !self.waiters.iter().any(|old| old.will_wake(cx.waker())) {
            self.waiters.push(cx.waker().clone());
        }
    }
}

impl<E: Routed> Lane<E> {
    /// Updates the lane with what an event says about the thread or its turn.
    pub(super) fn observe<R>(&mut self, event: &E, fx: &mut Effects<E, R>) {
        match (event.kind(), event.turn_id()) {
            (Kind::TurnStarted, Some(turn)) => {
                self.is_active();
                // While a start is in flight, the turn may be that one's.
                if let Some(compaction) = &mut self.compaction
                    && compaction.turn.is_none()
                    && !self.start.as_ref().is_some_and(Start::is_sent)
                {
                    compaction.turn = Some(turn.into());
                }
                let running = self.activate(turn, fx);
                running.started = true;
                fx.wakers.append(&mut running.waiters);
            }
            (Kind::TurnCompleted, Some(turn)) => {
                for start in &mut self.canceled {
                    start.turn_completed(turn);
                }
                if self.runs(turn) {
                    self.active = false;
                }
                self.turn_ended(turn, fx);
            }
            (Kind::TurnFailed, Some(turn)) => {
                self.failed.push((turn.into(), event.clone()));
                if !self.active {
                    self.end_soon(turn.into(), Lost::Failed, fx);
                }
            }
            (Kind::ThreadActive, _) => self.is_active(),
            (Kind::ThreadInactive, _) => {
                self.active = false;
                for turn in self.failed.iter().map(|(turn, _)| turn.clone()).collect::<Vec<_>>() {
                    self.end_soon(turn, Lost::Failed, fx);
                }
            }
            (Kind::ThreadEnded(why), _) => {
                self.thread_ended(why, fx);
                if let Some(running) = self.running.take() {
                    fx.wakers.extend(running.waiters);
                }
            }
            _ => {}
        }
    }

    /// Hands an event to the readers of its turn, with a copy to the start in flight; returns it
    /// if neither takes it.
    pub(super) fn deliver<R>(&mut self, event: E, fx: &mut Effects<E, R>) -> Option<E> {
        let Some(turn) = event.turn_id() else {
            return Some(event);
        };
        let at = self.readers.iter().position(|readers| *readers.turn == *turn);
        if let Some(start) = self.start.as_mut().filter(|start| start.is_sent()) {
            start.keep(event.clone(), at.is_some());
            at?;
        }
        let Some(at) = at else {
            return Some(event);
        };
        if event.kind() == Kind::TurnCompleted {
            self.readers.swap_remove(at).finish(event, fx);
        } else {
            self.readers[at].push(event, fx);
        }
        None
    }

    fn is_active(&mut self) {
        self.active = true;
        self.ending.retain(|ending| ending.lost != Lost::Failed);
    }

    /// Returns the entry of the thread's running turn, which replaces any other turn.
    fn activate<R>(&mut self, turn: &str, fx: &mut Effects<E, R>) -> &mut Running {
        if let Some(other) = self.running.take_if(|running| *running.turn != *turn) {
            fx.wakers.extend(other.waiters);
        }
        self.running.get_or_insert_with(|| Running::new(turn))
    }

    /// Makes a turn the running one, and its start known unless that has joined it.
    pub(super) fn accept<R>(&mut self, turn: &str, joined: bool, fx: &mut Effects<E, R>) {
        self.activate(turn, fx).claimed |= !joined;
    }

    /// Makes a turn the running one that is to be interrupted.
    pub(super) fn accept_abandoned<R>(&mut self, turn: &str, fx: &mut Effects<E, R>) {
        let running = self.activate(turn, fx);
        running.claimed = true;
        running.abandoned = true;
    }

    /// Drops what is kept for a turn that has ended, except its readers.
    fn turn_ended<R>(&mut self, turn: &str, fx: &mut Effects<E, R>) {
        self.failed.retain(|(failed, _)| **failed != *turn);
        self.ending.retain(|ending| *ending.turn != *turn);
        let is_compaction =
            |compaction: &mut Compaction| compaction.turn.as_deref() == Some(turn);
        self.compaction.take_if(is_compaction);
        if let Some(running) = self.running.take_if(|running| *running.turn == *turn) {
            fx.wakers.extend(running.waiters);
        }
    }

    /// Ends the turns of the thread soon, because no event of them comes any more.
    pub(super) fn thread_ended<R>(&mut self, why: &'static str, fx: &mut Effects<E, R>) {
        self.active = false;
        self.compaction = None;
        let running = self.running.iter().map(|running| &running.turn);
        let turns = self.readers.iter().map(|readers| &readers.turn);
        for turn in turns.chain(running).cloned().collect::<Vec<_>>() {
            self.end_soon(turn, Lost::Thread(why), fx);
        }
    }

    /// Forgets the end of the thread's subscription: its events come again.
    pub(super) fn thread_subscribed(&mut self) {
        self.ending.retain(|ending| ending.lost == Lost::Failed);
    }

    fn end_soon<R>(&mut self, turn: Box<str>, lost: Lost, fx: &mut Effects<E, R>) {
        if !self.ending.iter().any(|ending| ending.turn == turn) {
            let deadline = fx.now + COMPLETION_GRACE;
            self.ending.push(Ending { turn, lost, deadline });
        }
        fx.arm_timer = true;
    }

    /// Ends the turns whose completion has not come in time; returns them.
    pub(super) fn expire<R>(&mut self, fx: &mut Effects<E, R>) -> Vec<Box<str>> {
        let now = fx.now;
        let waits = |compaction: &mut Compaction| compaction.turn.is_none();
        self.compaction
            .take_if(|compaction| waits(compaction) && compaction.deadline <= now);
        let is_overdue = |ending: &mut Ending| ending.deadline <= now;
        let overdue: Vec<Ending> = self.ending.extract_if(.., is_overdue).collect();
        for ending in &overdue {
            self.turn_ended(&ending.turn, fx);
            if let Some(at) = self.readers_of(&ending.turn) {
                self.readers.swap_remove(at).lose(ending.lost, fx);
            }
        }
        overdue.into_iter().map(|ending| ending.turn).collect()
    }

    /// Returns when [`Lane::expire`] has something to do.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let compaction = self.compaction.iter();
        let compaction = compaction.filter(|compaction| compaction.turn.is_none());
        let endings = self.ending.iter().map(|ending| ending.deadline);
        endings.chain(compaction.map(|compaction| compaction.deadline)).min()
    }

    /// Makes starts wait for a compaction.
    pub(super) fn compact<R>(&mut self, fx: &mut Effects<E, R>) {
        let deadline = fx.now + COMPACTION_GRACE;
        self.compaction.get_or_insert(Compaction { turn: None, deadline });
        fx.arm_timer = true;
    }

    /// Ends the wait for a compaction.
    pub(super) fn compaction_refused(&mut self) {
        self.compaction = None;
    }

    /// Returns the start that may be sent next, if none is in flight.
    pub(super) fn next_start(&mut self) -> Option<i64> {
        if self.start.is_some() || self.compaction.is_some() {
            return None;
        }
        let call = self.waiting.pop_front()?;
        self.start = Some(Start::new(call));
        Some(call)
    }

    /// Tells whether a start in flight may lead to a turn that is not known yet.
    pub(super) fn is_starting(&self) -> bool {
        self.start.as_ref().is_some_and(Start::is_sent)
    }

    /// Tells whether a turn is the running one, or has readers.
    pub(super) fn knows(&self, turn: &str) -> bool {
        self.runs(turn) || self.readers_of(turn).is_some()
    }

    /// Returns the turn that runs or is accepted.
    pub(super) fn running(&self) -> Option<&str> {
        self.running.as_ref().map(|running| &*running.turn)
    }

    /// Tells whether a turn is the one that runs or is accepted.
    pub(super) fn runs(&self, turn: &str) -> bool {
        self.running() == Some(turn)
    }

    /// Tells whether a start that led to this turn has joined it: it ran before, or another start
    /// led to it.
    pub(super) fn joins(&self, turn: &str, ran_before: Option<&str>) -> bool {
        let running = self.running.as_ref();
        let claimed = running.is_some_and(|running| running.claimed && *running.turn == *turn);
        claimed || ran_before == Some(turn)
    }

    /// Returns the turn to interrupt: it runs, its starter is gone, and it has no reader and no
    /// start that may be about to join it. It is returned once.
    pub(super) fn take_unwanted(&mut self) -> Option<Box<str>> {
        let running = self.running.as_ref()?;
        if !running.started
            || !running.abandoned
            || self.start.as_ref().is_some_and(Start::is_sent)
            || self.readers_of(&running.turn).is_some()
        {
            return None;
        }
        let running = self.running.as_mut()?;
        running.abandoned = false;
        Some(running.turn.clone())
    }

    fn readers_of(&self, turn: &str) -> Option<usize> {
        self.readers.iter().position(|readers| *readers.turn == *turn)
    }

    /// Adds a reader of a turn.
    pub(super) fn subscribe(
        &mut self,
        turn: &str,
        id: SubscriptionId,
        queue: Arc<Queue<E>>,
        starter: bool,
    ) {
        let at = self.readers_of(turn).unwrap_or_else(|| {
            self.readers.push(Readers::of(turn));
            self.readers.len() - 1
        });
        self.readers[at].add(id, queue, starter);
    }

    /// Removes a reader of a turn; returns whether it has started the turn.
    fn unsubscribe(&mut self, turn: &str, id: SubscriptionId) -> Option<bool> {
        let at = self.readers_of(turn)?;
        let starter = self.readers[at].remove(id);
        if self.readers[at].is_empty() {
            self.readers.swap_remove(at);
        }
        starter
    }

    /// Takes the events that a start kept and that had no reader, when the connection ends.
    pub(super) fn take_early(&mut self) -> impl Iterator<Item = E> + use<E> {
        self.start.take().into_iter().flat_map(Start::into_undelivered)
    }

    /// Ends the readers and wakes all that wait, because the connection ended.
    pub(super) fn close<R>(self, reason: &Arc<CloseReason>, fx: &mut Effects<E, R>) {
        for readers in self.readers {
            readers.close(reason, fx);
        }
        if let Some(running) = self.running {
            fx.wakers.extend(running.waiters);
        }
    }

    /// Tells whether nothing is left to keep.
    pub(super) fn is_idle(&self) -> bool {
        // Without `..`, so that a new field cannot be forgotten.
        let Self {
            running,
            start,
            waiting,
            canceled,
            readers,
            compaction,
            active,
            failed,
            ending,
        } = self;
        running.is_none()
            && start.is_none()
            && waiting.is_empty()
            && canceled.is_empty()
            && readers.is_empty()
            && compaction.is_none()
            && !active
            && failed.is_empty()
            && ending.is_empty()
    }
}

/// Reading turns.
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

    /// Tells whether a turn is known to run, or to have failed a moment ago: its end comes.
    pub(crate) fn is_running(&self, thread: &str, turn: &str) -> bool {
        let lane = self.live.lanes.get(thread);
        lane.is_some_and(|lane| {
            lane.runs(turn) || lane.failed.iter().any(|(failed, _)| **failed == *turn)
        })
    }

    /// Tells whether a turn ended not long ago.
    pub(crate) fn is_over(&self, turn: &str) -> bool {
        self.recent.contains(turn)
    }

    /// Returns how far a turn is; while it is [`Phase::Accepted`], `cx` is woken on a change.
    pub(crate) fn poll_phase(&mut self, thread: &str, turn: &str, cx: &mut Context<'_>) -> Phase {
        match self.running_mut(thread, turn) {
            Some(running) if running.started => Phase::Running,
            Some(running) => {
                running.wake_later(cx);
                Phase::Accepted
            }
            None => Phase::Unknown,
        }
    }

    /// Waits until a turn does not run any more, or is not known to.
    pub(crate) fn poll_over(&mut self, thread: &str, turn: &str, cx: &mut Context<'_>) -> Poll<()> {
        match self.running_mut(thread, turn) {
            Some(running) => {
                running.wake_later(cx);
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }

    fn running_mut(&mut self, thread: &str, turn: &str) -> Option<&mut Running> {
        let running = self.live.lanes.get_mut(thread)?.running.as_mut()?;
        (*running.turn == *turn).then_some(running)
    }
}

impl<E: Routed> Lane<E> {
    fn set_abandoned(&mut self, turn: &str, abandoned: bool) {
        if let Some(running) = &mut self.running
            && *running.turn == *turn
        {
            running.abandoned = abandoned;
        }
    }
}
