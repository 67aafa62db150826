//! A connection that is lost and made again: what must be asked, and what the answers change.

use super::requests::{OnAnswer, Pending, Sending};
use super::{Answered, Effects, Failure, Routed, Router};
use crate::message::{Again, Request};

/// What is not known of a thread after the loss of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Doubt {
    pub(crate) thread: Box<str>,
    /// Turns that ran, or that are read: they may have gone on or ended.
    pub(crate) turns: Vec<Box<str>>,
    /// Requests without an answer, with the message that each has left in the history if the runtime took it.
    pub(crate) messages: Vec<(i64, Box<str>)>,
}

impl<E: Routed, R> Router<E, R> {
    /// Holds back what is to be sent, because the connection is lost, and sorts what was in flight: what may be sent
    /// again waits, what must be asked is in [`Router::doubts`], and the rest fails.
    pub(crate) fn lost(&mut self, fx: &mut Effects<E, R>) {
        self.online = false;
        self.live.in_flight = 0;
        let sent = self.live.calls.iter().filter(|(_, call)| call.is_sent());
        let mut sent: Vec<i64> = sent.map(|(id, _)| *id).collect();
        sent.sort_unstable();
        let mut again = Vec::new();
        for id in sent {
            let Some(call) = self.live.calls.get_mut(&id) else {
                continue;
            };
            match (
                &call.again,
                std::mem::replace(&mut call.sending, Sending::Sent(None)),
            ) {
                (Again::Always, Sending::Sent(Some(line))) => {
                    call.sending = Sending::Waits(line);
                    again.push(id);
                }
                (Again::Unless { .. }, Sending::Sent(Some(line))) => {
                    call.sending = Sending::Lost(line)
                }
                _ => self.fail_lost(id, fx),
            }
        }
        for id in again.into_iter().rev() {
            self.live.queued.push_front(id);
        }
        self.live.interrupts.lost();
        self.live.inbound.lost();
        self.forget_canceled_without_message(fx);
    }

    fn fail_lost(&mut self, id: i64, fx: &mut Effects<E, R>) {
        if let Some(call) = self.live.calls.remove(&id) {
            self.discard(id, &call, false, fx);
            fx.replies.push((call.reply, Err(Failure::Lost)));
        }
    }

    /// Forgets the starts that were canceled and that cannot be found: their answer does not come any more.
    fn forget_canceled_without_message(&mut self, fx: &mut Effects<E, R>) {
        let canceled = self.live.canceled.iter();
        let canceled: Vec<_> = canceled
            .map(|(call, thread)| (*call, thread.clone()))
            .collect();
        for (call, thread) in canceled {
            let starts = &self.lane(&thread).canceled;
            if !starts
                .iter()
                .any(|start| start.call == call && start.message.is_some())
            {
                let _ = self.canceled_start_answered(call, None, fx);
            }
        }
    }

    /// Returns what is not known, by thread.
    pub(crate) fn doubts(&self) -> Vec<Doubt> {
        let mut doubts: Vec<Doubt> = Vec::new();
        for (thread, lane) in &self.live.lanes {
            let canceled = lane.canceled.iter();
            let messages = canceled.filter_map(|start| Some((start.call, start.message.clone()?)));
            doubts.push(Doubt {
                thread: thread.clone(),
                turns: lane.live_turns().map(Box::from).collect(),
                messages: messages.collect(),
            });
        }
        for (id, call) in &self.live.calls {
            let (Again::Unless { thread, message }, Sending::Lost(_)) =
                (&call.again, &call.sending)
            else {
                continue;
            };
            let message = (*id, message.clone());
            match doubts.iter_mut().find(|doubt| doubt.thread == *thread) {
                Some(doubt) => doubt.messages.push(message),
                None => doubts.push(Doubt {
                    thread: thread.clone(),
                    turns: Vec::new(),
                    messages: vec![message],
                }),
            }
        }
        doubts
    }

    /// Sends a request at once, also while everything else waits. It fails with the connection.
    pub(crate) fn call_first(&mut self, request: &mut Request, reply: R, fx: &mut Effects<E, R>) {
        let id = self.next_request();
        fx.lines.extend_from_slice(request.line(id));
        self.live.in_flight += 1;
        let call = Pending {
            reply,
            on_answer: OnAnswer::Nothing,
            deadline: None,
            sending: Sending::Sent(None),
            again: Again::Never,
        };
        self.live.calls.insert(id, call);
    }

    /// Answers a request that the runtime took before the loss: its message is in the history of this turn.
    ///
    /// The events of the turn must have been routed.
    pub(crate) fn found(&mut self, id: i64, turn: &str, result: &str, fx: &mut Effects<E, R>) {
        if let Some(call) = self.live.calls.get_mut(&id) {
            call.sending = Sending::Sent(None);
            self.live.in_flight += 1;
            let opened_id = self.opens(id).map(|_| turn.into());
            let text = result.into();
            self.answer(id, Ok(Answered { text, opened_id }), fx);
        } else {
            let _ = self.canceled_start_answered(id, Some(turn.into()), fx);
        }
    }

    /// Sends a request again that the runtime did not take before the loss.
    pub(crate) fn not_found(&mut self, id: i64, fx: &mut Effects<E, R>) {
        let Some(call) = self.live.calls.get_mut(&id) else {
            let _ = self.canceled_start_answered(id, None, fx);
            return;
        };
        if let Sending::Lost(line) = std::mem::replace(&mut call.sending, Sending::Sent(None)) {
            call.sending = Sending::Waits(line);
        }
        let thread = match &call.on_answer {
            OnAnswer::OpenTurn { thread_id, .. } => Some(thread_id.clone()),
            _ => None,
        };
        self.live.queued.push_front(id);
        if let Some(thread) = thread {
            let early: Vec<E> = match &mut self.lane(&thread).start {
                Some(start) if start.call == id => start.unsend().collect(),
                _ => Vec::new(),
            };
            self.publish(early, fx);
        }
    }

    /// Ends a turn of which the runtime has nothing any more.
    pub(crate) fn turn_gone(&mut self, thread: &str, turn: &str, fx: &mut Effects<E, R>) {
        self.recent.add(turn);
        self.live.inbound.turn_ended(turn, &mut fx.stops);
        self.lane(thread).turn_gone(turn, fx);
        self.settle(thread, fx);
    }

    /// Tells whether requests are sent.
    pub(crate) fn is_online(&self) -> bool {
        self.online
    }

    /// Sends what has waited for the connection.
    pub(crate) fn resumed(&mut self, fx: &mut Effects<E, R>) {
        self.online = true;
        self.send_queued(fx);
        self.send_interrupts(fx);
    }

    /// Tells whether this client answers the runtime's requests about a turn: it has started the turn, or may have.
    pub(crate) fn has_started(&self, thread: Option<&str>, turn: &str) -> bool {
        match thread {
            Some(thread) => {
                let lane = self.live.lanes.get(thread);
                lane.is_some_and(|lane| lane.has_started(turn))
            }
            None => self.live.lanes.values().any(|lane| lane.has_started(turn)),
        }
    }
}
