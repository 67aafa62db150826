//! Requests that time out, and turns whose completion does not come.

use std::time::Duration;

use super::{Effects, Failure, Routed, Router};

impl<E: Routed, R> Router<E, R> {
    /// Ends what is overdue: requests without an answer, turns without a completion, and waits for
    /// compactions that do not begin; returns the next deadline, when this is to be called again.
    ///
    /// Once it has returned none, [`Effects::arm_timer`] says when there is one.
    pub(crate) fn expire(&mut self, fx: &mut Effects<E, R>) -> Option<Duration> {
        let now = fx.now;
        let calls = self.live.calls.iter();
        let overdue = calls.filter(|(_, call)| call.deadline.is_some_and(|due| due <= now));
        // Requests that wait go first, so that none of them is sent in place of another.
        let mut overdue: Vec<(bool, i64)> =
            overdue.map(|(id, call)| (call.is_sent(), *id)).collect();
        overdue.sort_unstable();
        for (_, id) in overdue {
            if let Some(reply) = self.cancel(id, fx) {
                fx.replies.push((reply, Err(Failure::TimedOut)));
            }
        }
        let lanes = self.live.lanes.iter();
        let due = lanes.filter(|(_, lane)| lane.deadline().is_some_and(|due| due <= now));
        let due: Vec<Box<str>> = due.map(|(thread, _)| thread.clone()).collect();
        for thread in due {
            for turn in self.lane(&thread).expire(fx) {
                self.recent.add(&turn);
                self.live.inbound.turn_ended(&turn, &mut fx.stops);
            }
            self.settle(&thread, fx);
        }
        let calls = self.live.calls.values().filter_map(|call| call.deadline);
        let lanes = self.live.lanes.values().filter_map(|lane| lane.deadline());
        let next = calls.chain(lanes).min();
        self.live.timer_armed = next.is_some();
        next
    }
}
