//! Turns that end without their completion, and turns that are known to be over.
//!
//! A runtime can fail a turn with an `error` alone, and after the end of a thread, or of its
//! subscription, no event of its turns comes any more. Such a turn gets a grace in which its
//! completion may still come, and then its readers are told why it has ended.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use super::{Effects, Routed, Router};

/// How long a completion may take that is not expected to come.
const GRACE: Duration = Duration::from_secs(2);

/// How many completed turns are remembered, so that a late question about one is not asked.
const MOST_REMEMBERED: usize = 128;

/// Why a turn ended without its completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The runtime said that it failed, and the thread is not active.
    Failed,
    /// What this notification or request did to its thread.
    Thread(&'static str),
}

/// A turn whose readers are told soon that it has ended.
#[derive(Debug)]
struct Ending {
    thread: Box<str>,
    lost: Lost,
    /// When; set by the next call of [`Router::expire`], which knows the time.
    deadline: Option<Duration>,
}

/// What is known of turns that may end without their completion.
#[derive(Debug, Default)]
pub(super) struct Endings {
    /// The threads that the runtime said are active.
    active: HashSet<Box<str>>,
    /// The turns that the runtime said failed, with their threads, until they complete.
    failed: HashMap<Box<str>, Box<str>>,
    due: HashMap<Box<str>, Ending>,
    /// The turns that ended last.
    over: VecDeque<Box<str>>,
}

impl Endings {
    pub(super) fn thread_is_active(&mut self, thread: &str) {
        self.active.insert(thread.into());
        self.due
            .retain(|_, ending| *ending.thread != *thread || ending.lost != Lost::Failed);
    }

    /// Notes that the turn of a thread has ended, and with it what the thread did.
    pub(super) fn thread_is_idle(&mut self, thread: &str) {
        self.active.remove(thread);
    }

    /// Notes that a turn has begun.
    pub(super) fn begun(&mut self, turn: &str) {
        self.over.retain(|over| **over != *turn);
    }

    /// Remembers that a turn has ended.
    pub(super) fn ended(&mut self, turn: &str) {
        self.failed.remove(turn);
        self.due.remove(turn);
        if self.over.len() == MOST_REMEMBERED {
            self.over.pop_front();
        }
        self.over.push_back(turn.into());
    }

    /// Forgets what only matters while the connection lives.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.active.is_empty() && self.failed.is_empty() && self.due.is_empty()
    }
}

impl<E: Routed, R> Router<E, R> {
    /// Tells whether a turn ended not long ago.
    pub(crate) fn is_over(&self, turn: &str) -> bool {
        self.endings.over.iter().any(|over| **over == *turn)
    }

    /// Notes that the runtime gave a turn up.
    pub(super) fn turn_failed(&mut self, thread: &str, turn: &str, fx: &mut Effects<E, R>) {
        self.endings.failed.insert(turn.into(), thread.into());
        if !self.endings.active.contains(thread) {
            self.end_soon(thread, turn, Lost::Failed, fx);
        }
    }

    /// Notes that the runtime says that a thread is not active: its failed turns are over.
    pub(super) fn thread_is_inactive(&mut self, thread: &str, fx: &mut Effects<E, R>) {
        self.endings.active.remove(thread);
        let failed = self.endings.failed.iter();
        let failed: Vec<Box<str>> = failed
            .filter(|(_, of)| ***of == *thread)
            .map(|(turn, _)| turn.clone())
            .collect();
        for turn in failed {
            self.end_soon(thread, &turn, Lost::Failed, fx);
        }
    }

    /// Notes that no events of a thread's turns come any more.
    pub(super) fn thread_ended(&mut self, thread: &str, why: &'static str, fx: &mut Effects<E, R>) {
        self.endings.active.remove(thread);
        self.compaction_ended(thread, None, fx);
        let mut turns: Vec<Box<str>> = self.turns_read_on(thread).map(Box::from).collect();
        if let Some(active) = self.active.get(thread)
            && !turns.contains(&active.turn)
        {
            turns.push(active.turn.clone());
        }
        for turn in turns {
            self.end_soon(thread, &turn, Lost::Thread(why), fx);
        }
    }

    /// Notes that events of a thread come again, after an end of its subscription.
    pub(super) fn thread_subscribed(&mut self, thread: &str) {
        self.endings
            .due
            .retain(|_, ending| *ending.thread != *thread || ending.lost == Lost::Failed);
    }

    fn end_soon(&mut self, thread: &str, turn: &str, lost: Lost, fx: &mut Effects<E, R>) {
        self.endings
            .due
            .entry(turn.into())
            .or_insert_with(|| Ending {
                thread: thread.into(),
                lost,
                deadline: None,
            });
        fx.clock = true;
    }

    /// Ends the turns whose grace is over; returns when the next one is.
    pub(super) fn end_overdue(
        &mut self,
        now: Duration,
        fx: &mut Effects<E, R>,
    ) -> Option<Duration> {
        for ending in self.endings.due.values_mut() {
            ending.deadline.get_or_insert(now + GRACE);
        }
        let is_overdue = |ending: &Ending| ending.deadline.is_some_and(|deadline| deadline <= now);
        let overdue = self.endings.due.extract_if(|_, ending| is_overdue(ending));
        for (turn, ending) in overdue.collect::<Vec<_>>() {
            self.end_without_completion(&ending.thread, &turn, ending.lost, fx);
        }
        let deadlines = self.endings.due.values();
        deadlines.filter_map(|ending| ending.deadline).min()
    }

    fn end_without_completion(
        &mut self,
        thread: &str,
        turn: &str,
        lost: Lost,
        fx: &mut Effects<E, R>,
    ) {
        self.endings.ended(turn);
        self.compaction_ended(thread, Some(turn), fx);
        if self
            .active
            .get(thread)
            .is_some_and(|active| *active.turn == *turn)
            && let Some(active) = self.active.remove(thread)
        {
            active.wake(fx);
        }
        if let Some(subscribers) = self.turns.remove(turn) {
            subscribers.lose(lost, fx);
        }
        self.settle(thread, fx);
    }
}
