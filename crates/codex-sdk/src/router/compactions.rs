//! Compactions of threads, which no other turn can join.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::{Effects, Routed, Router};

/// How long a compaction may take to begin, before starts no longer wait for it.
const BEGIN: Duration = Duration::from_secs(10);

/// A compaction that was asked for and is not over.
#[derive(Debug)]
pub(super) struct Compaction {
    /// The turn that it runs as, once that has begun.
    turn: Option<Box<str>>,
    /// Until when it must have begun; set by the next call of [`Router::expire`].
    deadline: Option<Duration>,
    waiters: Vec<Waker>,
}

impl Compaction {
    /// Wakes the starts that wait for it.
    pub(super) fn wake<E: Routed, R>(self, fx: &mut Effects<E, R>) {
        fx.wakers.extend(self.waiters);
    }
}

impl<E: Routed, R> Router<E, R> {
    /// Notes that a compaction is asked for.
    pub(super) fn compaction_requested(&mut self, thread: &str, fx: &mut Effects<E, R>) {
        let compaction = Compaction {
            turn: None,
            deadline: None,
            waiters: Vec::new(),
        };
        self.compactions.entry(thread.into()).or_insert(compaction);
        fx.clock = true;
    }

    /// Takes the turn that begins on a thread for its compaction, while no start of this client
    /// may have led to it.
    pub(super) fn compaction_began(&mut self, thread: &str, turn: &str) {
        if let Some(compaction) = self.compactions.get_mut(thread)
            && compaction.turn.is_none()
            && !self.starts.contains_key(thread)
        {
            compaction.turn = Some(turn.into());
        }
    }

    /// Notes that a turn of a thread ended, or with `None` that no compaction of it goes on.
    pub(super) fn compaction_ended(
        &mut self,
        thread: &str,
        turn: Option<&str>,
        fx: &mut Effects<E, R>,
    ) {
        let ended = self.compactions.get(thread).is_some_and(|compaction| {
            turn.is_none_or(|turn| compaction.turn.as_deref() == Some(turn))
        });
        if ended && let Some(compaction) = self.compactions.remove(thread) {
            compaction.wake(fx);
        }
    }

    /// Waits until no compaction of a thread goes on that this client has asked for.
    pub(crate) fn poll_compacted(&mut self, thread: &str, cx: &mut Context<'_>) -> Poll<()> {
        let Some(compaction) = self.compactions.get_mut(thread) else {
            return Poll::Ready(());
        };
        let waiters = &mut compaction.waiters;
        if !waiters.iter().any(|old| old.will_wake(cx.waker())) {
            waiters.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Gives up the compactions that have not begun in time; returns when the next one is.
    pub(super) fn expire_compactions(
        &mut self,
        now: Duration,
        fx: &mut Effects<E, R>,
    ) -> Option<Duration> {
        for compaction in self.compactions.values_mut() {
            compaction.deadline.get_or_insert(now + BEGIN);
        }
        let waits =
            |compaction: &Compaction| compaction.deadline.filter(|_| compaction.turn.is_none());
        let overdue = self
            .compactions
            .extract_if(|_, compaction| waits(compaction).is_some_and(|deadline| deadline <= now));
        for (_, compaction) in overdue {
            compaction.wake(fx);
        }
        self.compactions.values().filter_map(waits).min()
    }
}
