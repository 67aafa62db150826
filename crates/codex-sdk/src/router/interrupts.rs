//! Interrupts of turns that are not wanted any more.

use std::collections::{HashMap, VecDeque};

use super::{Effects, Routed, Router};
use crate::error::RpcErrorCode;
use crate::message::Refusal;

/// How many interrupts may be in flight, so that dropping many turns at once does not overload
/// the runtime, whose queue takes 128 requests.
const MOST_IN_FLIGHT: usize = 32;

/// A turn to interrupt.
#[derive(Debug)]
struct Interrupt {
    thread_id: Box<str>,
    turn_id: Box<str>,
}

/// The interrupts that are due and those in flight.
///
/// They are not counted among the requests in flight, so that canceling never waits for a slot.
#[derive(Debug, Default)]
pub(super) struct Interrupts {
    due: VecDeque<Interrupt>,
    in_flight: HashMap<i64, Interrupt>,
}

impl Interrupts {
    /// Makes those in flight due again: their connection is lost.
    pub(super) fn lost(&mut self) {
        self.due
            .extend(self.in_flight.drain().map(|(_, interrupt)| interrupt));
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty() && self.in_flight.is_empty()
    }
}

impl<E: Routed, R> Router<E, R> {
    /// Interrupts a turn as soon as few enough interrupts are in flight.
    pub(crate) fn interrupt(&mut self, thread: &str, turn: Box<str>, fx: &mut Effects<E, R>) {
        self.live.interrupts.due.push_back(Interrupt {
            thread_id: thread.into(),
            turn_id: turn,
        });
        self.send_interrupts(fx);
    }

    /// Interrupts a turn as soon as it runs, whoever reads it.
    pub(crate) fn stop_turn(&mut self, thread: &str, turn: &str, fx: &mut Effects<E, R>) {
        if let Some(lane) = self.live.lanes.get_mut(thread) {
            lane.stop(turn);
            self.settle(thread, fx);
        }
    }

    pub(super) fn send_interrupts(&mut self, fx: &mut Effects<E, R>) {
        while self.online
            && self.live.interrupts.in_flight.len() < MOST_IN_FLIGHT
            && let Some(interrupt) = self.live.interrupts.due.pop_front()
        {
            if let Some(mut request) = E::interrupt(&interrupt.thread_id, &interrupt.turn_id) {
                let id = self.next_request();
                fx.lines.extend_from_slice(request.line(id));
                self.live.interrupts.in_flight.insert(id, interrupt);
            }
        }
    }

    /// Handles the answer to an interrupt; `None` if the request was none.
    ///
    /// One that the runtime was too busy to take is sent again after the others, while its turn
    /// runs.
    pub(super) fn interrupt_answered(
        &mut self,
        id: i64,
        refusal: Option<&Refusal>,
        fx: &mut Effects<E, R>,
    ) -> Option<()> {
        let interrupt = self.live.interrupts.in_flight.remove(&id)?;
        let busy = matches!(
            refusal,
            Some(Refusal::Rpc(error)) if error.code == RpcErrorCode::OVERLOADED
        );
        let lane = self.live.lanes.get(&interrupt.thread_id);
        if busy && lane.is_some_and(|lane| lane.runs(&interrupt.turn_id)) {
            self.live.interrupts.due.push_back(interrupt);
        }
        self.send_interrupts(fx);
        Some(())
    }
}
