//! Turns that end without their completion, and compactions that turns wait for.

use std::time::Duration;

use super::Lane;
use crate::router::{Effects, Routed};

/// How long a completion may take that is not expected to come.
const COMPLETION_GRACE: Duration = Duration::from_secs(2);
/// How long a compaction may take to begin, before starts no longer wait for it.
const COMPACTION_GRACE: Duration = Duration::from_secs(10);

/// A compaction that was asked for and is not over.
#[derive(Debug)]
pub(super) struct Compaction {
    /// The turn that it runs as, once that has begun.
    pub(super) turn: Option<Box<str>>,
    /// When starts no longer wait for it, unless it has begun.
    deadline: Duration,
}

/// A turn whose readers are told soon that it has ended without its completion.
///
/// A runtime can fail a turn with an `error` alone, and after the end of a thread, or of its
/// subscription, no event of its turns comes any more.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) turn: Box<str>,
    pub(super) lost: Lost,
    deadline: Duration,
}

/// Why a turn ended without its completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The runtime said that it failed, and the thread is not active.
    Failed,
    /// What this notification or request did to its thread.
    Thread(&'static str),
    /// The connection was lost meanwhile, and the runtime has nothing of the turn any more.
    Gone,
}

impl<E: Routed> Lane<E> {
    /// Ends the turns of the thread soon, because no event of them comes any more.
    pub(in crate::router) fn thread_ended<R>(&mut self, why: &'static str, fx: &mut Effects<E, R>) {
        self.active = false;
        self.compaction = None;
        let running = self.running.iter().map(|running| &running.turn);
        let turns = self.readers.iter().map(|readers| &readers.turn);
        for turn in turns.chain(running).cloned().collect::<Vec<_>>() {
            self.end_soon(turn, Lost::Thread(why), fx);
        }
    }

    /// Forgets the end of the thread's subscription: its events come again.
    pub(in crate::router) fn thread_subscribed(&mut self) {
        self.ending.retain(|ending| ending.lost == Lost::Failed);
    }

    pub(super) fn end_soon<R>(&mut self, turn: Box<str>, lost: Lost, fx: &mut Effects<E, R>) {
        if !self.ending.iter().any(|ending| ending.turn == turn) {
            let deadline = fx.now + COMPLETION_GRACE;
            self.ending.push(Ending {
                turn,
                lost,
                deadline,
            });
        }
        fx.arm_timer = true;
    }

    /// Ends the turns whose completion has not come in time; returns them.
    pub(in crate::router) fn expire<R>(&mut self, fx: &mut Effects<E, R>) -> Vec<Box<str>> {
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
    pub(in crate::router) fn deadline(&self) -> Option<Duration> {
        let compaction = self.compaction.iter();
        let compaction = compaction.filter(|compaction| compaction.turn.is_none());
        let endings = self.ending.iter().map(|ending| ending.deadline);
        endings
            .chain(compaction.map(|compaction| compaction.deadline))
            .min()
    }

    /// Makes starts wait for a compaction.
    pub(in crate::router) fn compact<R>(&mut self, fx: &mut Effects<E, R>) {
        let deadline = fx.now + COMPACTION_GRACE;
        self.compaction.get_or_insert(Compaction {
            turn: None,
            deadline,
        });
        fx.arm_timer = true;
    }

    /// Ends the wait for a compaction.
    pub(in crate::router) fn compaction_refused(&mut self) {
        self.compaction = None;
    }
}
