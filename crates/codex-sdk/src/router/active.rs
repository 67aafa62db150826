//! Which turn runs on which thread, and whether anybody still wants it.

use std::task::{Context, Poll, Waker};

use super::{Effects, Interrupt, Kind, Routed, Router};

/// How many interrupts may be under way, so that dropping many turns at once does not overload
/// the runtime, whose queue takes 128 requests.
const MOST_INTERRUPTS: usize = 32;

/// The running turn of a thread: from its start's response or `turn/started`, whichever is
/// first, to its completion.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) turn: Box<str>,
    /// Whether the runtime said that it runs; until then it cannot be interrupted.
    pub(super) started: bool,
    /// Whether the start that led to it is known, so that any other start joins it.
    pub(super) owned: bool,
    /// Whether the caller who started it is gone, so that it is to be interrupted once nobody
    /// else reads it.
    pub(super) abandoned: bool,
    /// Who waits for it to start or to end.
    waiters: Vec<Waker>,
}

/// How far a turn is, as far as this connection knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Accepted, and not yet running.
    Accepted,
    /// Running.
    Running,
    /// Completed, or never heard of.
    Unknown,
}

impl Active {
    fn new(turn: &str) -> Self {
        Self {
            turn: turn.into(),
            started: false,
            owned: false,
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

    pub(super) fn wake<E: Routed, R>(self, fx: &mut Effects<E, R>) {
        fx.wakers.extend(self.waiters);
    }
}

impl<E: Routed, R> Router<E, R> {
    /// Returns the turn of a thread that runs or is accepted.
    pub(crate) fn running_turn(&self, thread: &str) -> Option<&str> {
        self.active.get(thread).map(|active| &*active.turn)
    }

    /// Returns how far a turn is; while it is [`Phase::Accepted`], `cx` is woken on a change.
    pub(crate) fn poll_phase(&mut self, thread: &str, turn: &str, cx: &mut Context<'_>) -> Phase {
        match self.active.get_mut(thread) {
            Some(active) if *active.turn == *turn => {
                if active.started {
                    return Phase::Running;
                }
                active.wake_later(cx);
                Phase::Accepted
            }
            _ => Phase::Unknown,
        }
    }

    /// Waits until a turn does not run any more, or is not known to.
    pub(crate) fn poll_over(&mut self, thread: &str, turn: &str, cx: &mut Context<'_>) -> Poll<()> {
        match self.active.get_mut(thread) {
            Some(active) if *active.turn == *turn => {
                active.wake_later(cx);
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    /// Notes what an event says about the turn of its thread; returns the thread if that may
    /// free a turn to be interrupted.
    pub(super) fn note(&mut self, event: &E, fx: &mut Effects<E, R>) -> Option<Box<str>> {
        let kind = event.kind();
        if let (Kind::TurnCompleted, Some(turn)) = (kind, event.turn_id()) {
            self.endings.ended(turn);
        }
        let thread: Box<str> = match (event.thread_id(), event.turn_id()) {
            (Some(thread), _) => thread.into(),
            (None, Some(turn)) => self.thread_of(turn)?,
            (None, None) => return None,
        };
        match (kind, event.turn_id()) {
            (Kind::TurnStarted, Some(turn)) => {
                self.endings.thread_is_active(&thread);
                self.compaction_began(&thread, turn);
                self.activate(&thread, turn).started = true;
                Some(thread)
            }
            (Kind::TurnCompleted, Some(turn)) => {
                self.compaction_ended(&thread, Some(turn), fx);
                self.note_abandoned(&thread, turn);
                let active = self.active.remove(&thread)?;
                if *active.turn == *turn {
                    self.endings.thread_is_idle(&thread);
                    // Waiters are woken by `settle`, once the completion is delivered.
                    self.ended.push(active);
                    Some(thread)
                } else {
                    self.active.insert(thread, active);
                    None
                }
            }
            (Kind::TurnFailed, Some(turn)) => {
                self.turn_failed(&thread, turn, event, fx);
                None
            }
            (Kind::ThreadActive, _) => {
                self.endings.thread_is_active(&thread);
                None
            }
            (Kind::ThreadInactive, _) => {
                self.thread_is_inactive(&thread, fx);
                None
            }
            (Kind::ThreadEnded(why), _) => {
                self.thread_ended(&thread, why, fx);
                self.ended.extend(self.active.remove(&thread));
                Some(thread)
            }
            _ => None,
        }
    }

    /// Returns the entry of a thread's running turn, replacing that of another turn.
    pub(super) fn activate(&mut self, thread: &str, turn: &str) -> &mut Active {
        self.endings.begun(turn);
        let active = self
            .active
            .entry(thread.into())
            .or_insert_with(|| Active::new(turn));
        if *active.turn != *turn {
            let other = std::mem::replace(active, Active::new(turn));
            self.ended.push(other);
        }
        active
    }

    /// Asks for the interrupt of a thread's turn if it runs, its caller is gone, and nobody
    /// reads it or may be about to join it.
    pub(super) fn settle(&mut self, thread: &str, fx: &mut Effects<E, R>) {
        for ended in self.ended.drain(..) {
            ended.wake(fx);
        }
        let Some(active) = self.active.get_mut(thread) else {
            return;
        };
        if active.started {
            fx.wakers.append(&mut active.waiters);
            if active.abandoned
                && !self.turns.contains_key(&active.turn)
                && !self.starts.contains_key(thread)
            {
                active.abandoned = false;
                self.unwanted.push_back(Interrupt {
                    thread_id: thread.into(),
                    turn_id: active.turn.clone(),
                });
                self.next_interrupts(fx);
            }
        }
    }

    /// Asks for interrupts, as many as may be under way.
    fn next_interrupts(&mut self, fx: &mut Effects<E, R>) {
        while self.interrupting < MOST_INTERRUPTS
            && let Some(interrupt) = self.unwanted.pop_front()
        {
            self.interrupting += 1;
            fx.interrupts.push(interrupt);
        }
    }

    /// Notes that an interrupt was answered; one that the runtime was too busy to take is asked
    /// for again, after the others.
    pub(super) fn interrupt_answered(
        &mut self,
        interrupt: Interrupt,
        refused: bool,
        fx: &mut Effects<E, R>,
    ) {
        self.interrupting = self.interrupting.saturating_sub(1);
        let active = self.active.get(&interrupt.thread_id);
        if refused && active.is_some_and(|active| active.turn == interrupt.turn_id) {
            self.unwanted.push_back(interrupt);
        }
        self.next_interrupts(fx);
    }

    /// Finds the thread of a turn whose event does not name it.
    fn thread_of(&self, turn: &str) -> Option<Box<str>> {
        let mut threads = self.active.iter();
        let found = threads.find(|(_, active)| *active.turn == *turn);
        found.map(|(thread, _)| thread.clone())
    }
}
