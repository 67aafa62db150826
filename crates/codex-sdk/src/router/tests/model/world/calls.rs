//! Starts: entered, sent, answered, refused.

use super::*;
use crate::error::RpcError;

impl World {
    pub(super) fn start(&mut self, thread: usize) {
        // The layers above enter one start of a thread at a time.
        let calls = || self.calls.iter().filter(|call| !call.cancelled);
        if calls().any(|call| call.thread == thread) {
            return;
        }
        let sent = calls().filter(|call| call.sent).count() < self.most;
        self.next_call += 1;
        let then = open_turn(&thread_name(thread));
        let admission = enter(&mut self.router, self.next_call, then);
        assert_eq!(admission.is_err(), self.closed);
        if let Ok(admission) = admission {
            assert_eq!(admission == Admission::Now, sent);
            self.calls.push(StartCall {
                id: self.next_call,
                thread,
                sent,
                turn: None,
                running: self.known.get(&thread).copied(),
                cancelled: false,
                seen: Vec::new(),
            });
        }
    }

    /// Notes which of the starts that waited have been sent.
    pub(super) fn admit(&mut self, fx: &TestEffects) {
        let lines = std::str::from_utf8(&fx.lines).unwrap();
        let mut waiting = self.calls.iter_mut().filter(|call| !call.sent);
        for line in lines.lines() {
            let call = waiting.next().unwrap();
            assert_eq!(line, call.id.to_string());
            call.sent = true;
            call.running = self.known.get(&call.thread).copied();
        }
        let under_way = |call: &&StartCall| call.sent && !call.cancelled;
        let under_way = self.calls.iter().filter(under_way).count();
        assert!(under_way == self.most || self.calls.iter().all(|call| call.sent));
    }

    fn take_call(&mut self, id: i64) -> StartCall {
        let at = self.calls.iter().position(|call| call.id == id).unwrap();
        self.calls.remove(at)
    }

    pub(super) fn answer(&mut self, id: i64, fx: &mut TestEffects) {
        let call = self.take_call(id);
        let turn = call.turn.unwrap();
        self.router
            .answer(id, Ok(turn_name(turn).as_str().into()), fx);
        let completed = self.turns[&turn].completed;
        let known = self.known.get(&call.thread) == Some(&turn);
        let joined = call.running == Some(turn) || (known && self.turns[&turn].owned);
        if !joined && !completed {
            self.turns.get_mut(&turn).unwrap().owned = true;
            self.known.insert(call.thread, turn);
        }
        if call.cancelled {
            assert!(fx.replies.is_empty() && fx.lines.is_empty());
            if !joined && !completed {
                self.turns.get_mut(&turn).unwrap().abandoned = true;
            }
            return;
        }
        if !completed {
            self.known.insert(call.thread, turn);
        }
        self.admit(fx);
        let Some((
            _,
            Outcome::Result(
                _,
                Opened::Turn {
                    subscription,
                    events,
                    joined: said,
                    ..
                },
            ),
        )) = fx.replies.pop()
        else {
            panic!("the start opened nothing");
        };
        assert_eq!(said, joined);
        let mut early: Vec<Event> = Vec::new();
        let mut rest = Vec::new();
        for (of, event, owned) in call.seen {
            let over = early
                .last()
                .is_some_and(|event| event.what == What::Completed);
            if of == turn && !over {
                early.push(event);
            } else if !owned {
                rest.push((of, event, owned));
            }
        }
        self.release(rest, None);
        let owner = !joined && !completed;
        self.add(turn, subscription, events, owner, early);
    }

    pub(super) fn refuse(&mut self, id: i64, fx: &mut TestEffects) {
        let call = self.take_call(id);
        let error = RpcError::new(-32600, "no");
        self.router.answer(id, Err(Outcome::Error(error)), fx);
        assert_eq!(fx.replies.len(), usize::from(!call.cancelled));
        self.release(call.seen, None);
        if !call.cancelled {
            self.admit(fx);
        }
    }
}
