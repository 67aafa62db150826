//! The checks after each step of the model.

use super::*;

impl World {
    /// Checks what is sent and who is answered.
    pub(in super::super) fn check(&mut self, fx: TestEffects) {
        let expected = std::mem::take(&mut self.expected);
        let lines = std::str::from_utf8(&fx.lines).unwrap().lines();
        let lines = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let starts = lines.filter(|line| line["method"] == "start");
        let sent: Vec<i64> = starts.map(|line| line["id"].as_i64().unwrap()).collect();
        assert_eq!(sent, expected.sent);

        let mut busy = Vec::new();
        for (_, outcome) in &fx.replies {
            match outcome {
                Err(Failure::Busy(turn)) => busy.push(turn.to_string()),
                Err(Failure::Closed(_)) => assert!(self.closed),
                other => panic!("{other:?}"),
            }
        }
        let turns = expected.busy.iter().map(|(_, turn)| turn_name(*turn));
        assert_eq!(busy, turns.collect::<Vec<_>>());

        self.check_interrupts(&fx, expected.interrupted_again);
        drop(fx);
        for request in &mut self.requests {
            let stopped = request.entered.stopped.has_changed().is_err();
            assert!(!stopped);
        }
    }

    /// Compares the interrupts with those that are due.
    fn check_interrupts(&mut self, fx: &TestEffects, again: Option<usize>) {
        let mut due: Vec<usize> = again.into_iter().collect();
        if !self.closed {
            let in_flight = |call: &&StartCall| call.sent && !call.canceled;
            let starting: Vec<usize> = self
                .calls
                .iter()
                .filter(in_flight)
                .map(|call| call.thread)
                .collect();
            for (name, turn) in &mut self.turns {
                let read = self.handles.iter().any(|handle| handle.turn == *name);
                let unwanted = turn.abandoned && !read && !starting.contains(&turn.thread);
                if turn.started && !turn.completed && (turn.stopped || unwanted) {
                    turn.abandoned = false;
                    turn.stopped = false;
                    due.push(*name);
                }
            }
        }
        let sent = interrupts(fx);
        let names: Vec<String> = sent.iter().map(|(_, turn)| turn.clone()).collect();
        assert_eq!(
            names,
            due.iter().copied().map(turn_name).collect::<Vec<_>>()
        );
        let sent = sent.into_iter().zip(due);
        self.interrupts
            .extend(sent.map(|((id, _), turn)| (id, turn)));
    }

    /// Reads a handle to its end.
    pub(in super::super) fn finish(&mut self, mut handle: Handle) {
        handle.drain();
        assert_eq!(handle.read, handle.expected);
        let last = handle.expected.last();
        let end = if last.is_some_and(|event| event.what == What::Completed) {
            End::Completed
        } else if self.closed {
            End::Closed
        } else {
            assert!(self.turns[&handle.turn].lost);
            End::Lost
        };
        assert_eq!(handle.end, Some(end));
    }
}
