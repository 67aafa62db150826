//! The lane of a thread: its running turn, its starts, and the readers of its turns.

use std::collections::VecDeque;
use std::sync::Arc;

mod endings;

use super::queue::Queue;
use super::readers::Readers;
use super::running::Running;
use super::starts::{CanceledStart, Start};
use super::{Effects, Kind, Routed, SubscriptionId};
use crate::error::CloseReason;
pub(crate) use endings::Lost;
use endings::{Compaction, Ending};

/// All that concerns one thread.
#[derive(Debug)]
pub(super) struct Lane<E: Routed> {
    /// The turn that runs or is accepted.
    pub(super) running: Option<Running>,
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
    pub(super) failed: Vec<(Box<str>, E)>,
    /// The turns that end soon without their completion.
    ending: Vec<Ending>,
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
                for turn in self
                    .failed
                    .iter()
                    .map(|(turn, _)| turn.clone())
                    .collect::<Vec<_>>()
                {
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
        let at = self
            .readers
            .iter()
            .position(|readers| *readers.turn == *turn);
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
        let is_compaction = |compaction: &mut Compaction| compaction.turn.as_deref() == Some(turn);
        self.compaction.take_if(is_compaction);
        if let Some(running) = self.running.take_if(|running| *running.turn == *turn) {
            fx.wakers.extend(running.waiters);
        }
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

    /// Returns the turn to interrupt: it runs, and it is stopped, or its starter is gone, and it has no
    /// reader and no start that may be about to join it. It is returned once.
    pub(super) fn take_unwanted(&mut self) -> Option<Box<str>> {
        let running = self.running.as_ref()?;
        let is_abandoned =
            running.abandoned && !self.is_starting() && self.readers_of(&running.turn).is_none();
        if !running.started || !(running.stopped || is_abandoned) {
            return None;
        }
        let running = self.running.as_mut()?;
        running.abandoned = false;
        running.stopped = false;
        running.interrupted = true;
        Some(running.turn.clone())
    }

    /// Marks a turn, if it is the running one, as one that is interrupted whoever reads it.
    pub(super) fn stop(&mut self, turn: &str) {
        if let Some(running) = self
            .running
            .as_mut()
            .filter(|running| *running.turn == *turn)
        {
            running.stopped = true;
        }
    }

    /// Marks the running turn as one whose starter is gone, or is not.
    pub(super) fn set_abandoned(&mut self, turn: &str, abandoned: bool) {
        if let Some(running) = &mut self.running
            && *running.turn == *turn
        {
            running.abandoned = abandoned;
        }
    }

    fn readers_of(&self, turn: &str) -> Option<usize> {
        self.readers
            .iter()
            .position(|readers| *readers.turn == *turn)
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
    pub(super) fn unsubscribe(&mut self, turn: &str, id: SubscriptionId) -> Option<bool> {
        let at = self.readers_of(turn)?;
        let starter = self.readers[at].remove(id);
        if self.readers[at].is_empty() {
            self.readers.swap_remove(at);
        }
        starter
    }

    /// Takes the events that a start kept and that had no reader, when the connection ends.
    pub(super) fn take_early(&mut self) -> impl Iterator<Item = E> + use<E> {
        self.start
            .take()
            .into_iter()
            .flat_map(Start::into_undelivered)
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

    /// Ends a turn of which the runtime has nothing any more.
    pub(super) fn turn_gone<R>(&mut self, turn: &str, fx: &mut Effects<E, R>) {
        self.active = false;
        self.turn_ended(turn, fx);
        if let Some(at) = self.readers_of(turn) {
            self.readers.swap_remove(at).lose(Lost::Gone, fx);
        }
    }

    /// Returns the turns that run, or whose events somebody reads.
    pub(super) fn live_turns(&self) -> impl Iterator<Item = &str> {
        let readers = self.readers.iter().map(|readers| &*readers.turn);
        let running = self.running().into_iter();
        running
            .filter(|turn| self.readers_of(turn).is_none())
            .chain(readers)
    }

    /// Tells whether a start of this client has led to a turn, or may have.
    pub(super) fn has_started(&self, turn: &str) -> bool {
        match &self.running {
            Some(running) if *running.turn == *turn && running.claimed => true,
            _ => self
                .start
                .as_ref()
                .is_some_and(|start| start.is_sent() && !start.ran_before_it(turn)),
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
