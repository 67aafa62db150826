//! The running turn of a thread, and what can be asked about turns.

use std::task::{Context, Poll, Waker};

use super::{Routed, Router};

/// The running turn of a thread: from the response to its start or `turn/started`, whichever is
/// first, to its end.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) turn: Box<str>,
    /// Whether the runtime said that it runs; until then it cannot be interrupted.
    pub(super) started: bool,
    /// Whether the start that led to it is known, so that any other start has joined it.
    pub(super) claimed: bool,
    /// Whether its starter is gone, so that it is interrupted once it has no reader.
    pub(super) abandoned: bool,
    /// Whether it is interrupted, whoever reads it.
    pub(super) stopped: bool,
    /// Whether the runtime was asked to interrupt it because it is not wanted.
    pub(super) interrupted: bool,
    /// Tasks that wait for it to start or to end.
    pub(super) waiters: Vec<Waker>,
}

/// How far a turn is, as far as this connection knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Accepted, and not yet running.
    Accepted,
    /// Running.
    Running,
    /// Running, and asked to end because nobody wants it.
    Interrupted,
    /// Completed, or not known.
    Unknown,
}

impl Running {
    pub(super) fn new(turn: &str) -> Self {
        Self {
            turn: turn.into(),
            started: false,
            claimed: false,
            abandoned: false,
            stopped: false,
            interrupted: false,
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

impl<E: Routed, R> Router<E, R> {
    /// Returns the turn that runs on a thread or is accepted.
    pub(crate) fn running(&self, thread: &str) -> Option<&str> {
        self.live.lanes.get(thread)?.running()
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
            Some(running) if running.interrupted => Phase::Interrupted,
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
