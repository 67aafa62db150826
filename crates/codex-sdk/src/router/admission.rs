//! Which requests may be sent, which wait for that, and until when.

use std::collections::VecDeque;
use std::time::Duration;

use super::calls::{Call, Then};
use super::{Effects, Outcome, Routed, Router};

/// Whether a request is to be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is under way from here on.
    Now,
    /// As many as may be are under way. Its line comes with the effects of what ends one of them.
    Later,
}

/// The requests under way, which a runtime has room for only so many of, and those that wait.
///
/// Interrupts of abandoned turns are not counted: they are bounded by themselves, and nobody must
/// have to wait for the end of a turn that nobody wants.
#[derive(Debug)]
pub(super) struct Admissions {
    most: usize,
    under_way: usize,
    /// First come, first served.
    waiting: VecDeque<i64>,
}

impl Admissions {
    /// Lets so many requests be under way.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            under_way: 0,
            waiting: VecDeque::new(),
        }
    }

    /// Enters a request.
    pub(super) fn enter(&mut self, id: i64, then: &Then) -> Admission {
        if !then.takes_a_place() {
            return Admission::Now;
        }
        if self.under_way < self.most {
            self.under_way += 1;
            return Admission::Now;
        }
        self.waiting.push_back(id);
        Admission::Later
    }

    /// Takes a request that has not been sent out of the queue.
    pub(super) fn withdraw(&mut self, id: i64) {
        self.waiting.retain(|waiting| *waiting != id);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.under_way = 0;
        self.waiting.clear();
    }

    /// Tells whether no request is under way or waits.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.under_way == 0 && self.waiting.is_empty()
    }
}

impl<E: Routed, R> Router<E, R> {
    /// Gives the place of a request that is no longer under way to the one that waits longest.
    pub(super) fn make_room(&mut self, fx: &mut Effects<E, R>) {
        while let Some(id) = self.admissions.waiting.pop_front() {
            let Some(call) = self.calls.get_mut(&id) else {
                continue;
            };
            if let Some(line) = call.waiting.take() {
                fx.lines.extend_from_slice(&line);
            }
            if let Then::OpenTurn { thread_id, .. } = &call.then {
                let thread_id = thread_id.clone();
                self.open_start(id, thread_id);
            }
            return;
        }
        self.admissions.under_way -= 1;
    }

    /// Gives up the requests whose deadline has come, and ends the turns whose completion has not
    /// come in time; returns the first deadline of the others, when this is to be called again.
    ///
    /// Once it has returned none, [`Effects::clock`] says when there is one.
    pub(crate) fn expire(&mut self, now: Duration, fx: &mut Effects<E, R>) -> Option<Duration> {
        let overdue = |call: &Call<R>| call.deadline.is_some_and(|deadline| deadline <= now);
        let mut ids: Vec<i64> = Vec::new();
        ids.extend(
            self.calls
                .iter()
                .filter_map(|(id, call)| overdue(call).then_some(*id)),
        );
        // Those that wait go first, so that none of them is sent in place of another.
        ids.sort_unstable_by_key(|id| (self.calls[id].waiting.is_none(), *id));
        for id in ids {
            if let Some(reply) = self.give_up(id, fx) {
                fx.replies.push((reply, Outcome::TimedOut));
            }
        }
        let next = [
            self.calls.values().filter_map(|call| call.deadline).min(),
            self.end_overdue(now, fx),
            self.expire_compactions(now, fx),
        ];
        let next = next.into_iter().flatten().min();
        self.clock = next.is_some();
        next
    }
}
