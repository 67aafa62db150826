//! Starts: entered, sent, taken, answered, refused, canceled.

use super::*;

impl World {
    pub(super) fn start(&mut self, thread: usize, joining: Joining, fx: &mut TestEffects) {
        let on_answer = OnAnswer::OpenTurn {
            thread_id: thread_name(thread).as_str().into(),
            joining,
        };
        let mut request = Request::new("start".into(), &thread).unwrap();
        let entered = self.router.call(&mut request, on_answer, 0, fx);
        assert_eq!(entered.is_err(), self.closed);
        if let Ok(id) = entered {
            self.calls.push(StartCall {
                id,
                thread,
                joining,
                sent: false,
                turn: None,
                running: None,
                canceled: false,
                seen: Vec::new(),
            });
            self.proceed();
        }
    }

    /// Sends the starts that may be sent, as long as there are slots: those that are ready, and
    /// then the first of each thread.
    fn proceed(&mut self) {
        loop {
            self.send_ready();
            let mut grew = false;
            for thread in [0, 1] {
                grew |= self.make_ready(thread);
            }
            if !grew {
                return;
            }
        }
    }

    /// Makes the first start of a thread ready, if it is not yet.
    fn make_ready(&mut self, thread: usize) -> bool {
        let of_thread = |call: &&StartCall| call.thread == thread && !call.canceled;
        let Some(call) = self.calls.iter().find(of_thread) else {
            return false;
        };
        if self.first.get(&thread) == Some(&call.id) {
            return false;
        }
        self.first.insert(thread, call.id);
        self.ready.push_back(call.id);
        true
    }

    fn send_ready(&mut self) {
        let in_flight = |call: &&StartCall| call.sent && !call.canceled;
        while self.calls.iter().filter(in_flight).count() < self.most
            && let Some(id) = self.ready.pop_front()
        {
            let at = self.calls.iter().position(|call| call.id == id).unwrap();
            let call = &mut self.calls[at];
            let thread = call.thread;
            call.running = self.known.get(&thread).copied();
            match (call.joining, call.running) {
                (Joining::Refused, Some(turn)) => {
                    self.expected.busy.push((id, turn));
                    self.calls.remove(at);
                    self.make_ready(thread);
                }
                _ => {
                    call.sent = true;
                    self.expected.sent.push(id);
                }
            }
        }
    }

    /// Publishes the events that a start kept for itself, and that no handle read.
    pub(super) fn publish(&mut self, seen: Vec<Seen>) {
        let unread = seen.into_iter().filter(|seen| !seen.delivered);
        self.published.extend(unread.map(|seen| seen.event));
    }

    /// Returns the request of a call of this kind.
    pub(super) fn nth_call(&self, n: usize, which: impl Fn(&StartCall) -> bool) -> Option<i64> {
        let calls: Vec<i64> = self
            .calls
            .iter()
            .filter(|call| which(call))
            .map(|call| call.id)
            .collect();
        (!calls.is_empty()).then(|| calls[n % calls.len()])
    }

    fn take_call(&mut self, id: i64) -> StartCall {
        let at = self.calls.iter().position(|call| call.id == id).unwrap();
        self.calls.remove(at)
    }

    /// Lets the runtime take a start: it joins the turn that runs, or begins one.
    pub(super) fn take(&mut self, n: usize) {
        let Some(id) = self.nth_call(n, |call| call.sent && call.turn.is_none()) else {
            return;
        };
        let call = self.calls.iter_mut().find(|call| call.id == id).unwrap();
        let thread = call.thread;
        let turn = *self.running.entry(thread).or_insert_with(|| {
            self.next_turn += 1;
            let turn = Turn {
                thread,
                ..Turn::default()
            };
            self.turns.insert(self.next_turn, turn);
            self.next_turn
        });
        call.turn = Some(turn);
    }

    pub(super) fn answer(&mut self, id: i64, fx: &mut TestEffects) {
        let call = self.take_call(id);
        let turn = call.turn.unwrap();
        self.router.answer(id, result(&turn_name(turn)), fx);
        let completed = self.turns[&turn].completed;
        let known = self.known.get(&call.thread) == Some(&turn);
        let joined = call.running == Some(turn) || (known && self.turns[&turn].claimed);
        if !joined && !completed {
            self.turns.get_mut(&turn).unwrap().claimed = true;
            self.known.insert(call.thread, turn);
        }
        if call.canceled {
            assert!(fx.replies.is_empty());
            if !joined && !completed {
                self.turns.get_mut(&turn).unwrap().abandoned = true;
            }
            return;
        }
        if !completed {
            self.known.insert(call.thread, turn);
        }
        self.proceed();
        let Some((
            _,
            Ok((
                _,
                OpenedIds::Turn {
                    subscription,
                    events,
                    joined: said,
                    ..
                },
            )),
        )) = fx.replies.pop()
        else {
            panic!("the start opened nothing");
        };
        assert_eq!(said, joined);
        let mut early: Vec<Event> = Vec::new();
        let mut rest = Vec::new();
        for seen in call.seen {
            let last = early.last();
            let over = last.is_some_and(|event| event.what == What::Completed);
            if seen.turn == turn && !over {
                early.push(seen.event);
            } else {
                rest.push(seen);
            }
        }
        self.publish(rest);
        let starter = !joined && !completed;
        self.add(turn, subscription, events, starter, early);
    }

    pub(super) fn refuse(&mut self, id: i64, fx: &mut TestEffects) {
        let call = self.take_call(id);
        self.router.answer(id, refusal(-32600), fx);
        if !call.canceled {
            let refused = fx.replies.pop();
            assert!(matches!(refused, Some((_, Err(Failure::Refused(_))))));
            self.publish(call.seen);
            self.proceed();
        }
    }

    pub(super) fn cancel(&mut self, id: i64, fx: &mut TestEffects) {
        assert!(self.router.cancel(id, fx).is_some());
        let call = self.calls.iter_mut().find(|call| call.id == id).unwrap();
        call.canceled = true;
        let seen = std::mem::take(&mut call.seen);
        self.publish(seen);
        self.calls.retain(|call| call.id != id || call.sent);
        self.ready.retain(|ready| *ready != id);
        self.proceed();
    }
}
