//! The runtime, the client and its user, and what each of them must see.

use std::collections::BTreeMap;

mod calls;

use super::super::*;
use super::Step;

/// A `turn/start` as the runtime and the client see it.
pub(super) struct StartCall {
    id: i64,
    thread: usize,
    /// Whether it was sent, and does not wait for that.
    sent: bool,
    /// The turn it led to, once the runtime has taken it.
    turn: Option<usize>,
    /// The turn that the client knew of when it sent it.
    running: Option<usize>,
    cancelled: bool,
    /// Events of the thread's turns while it was pending: turn, event, whether somebody got it.
    seen: Vec<(usize, Event, bool)>,
}

pub(super) struct Handle {
    pub(super) turn: usize,
    pub(super) id: SubscriptionId,
    reader: QueueReader<Event>,
    owner: bool,
    expected: Vec<Event>,
    read: Vec<Event>,
    /// Whether it was told that the connection ended.
    closed: bool,
}

#[derive(Default)]
pub(super) struct Turn {
    pub(super) thread: usize,
    started: bool,
    owned: bool,
    abandoned: bool,
    completed: bool,
    interrupted: bool,
}

pub(super) struct World {
    most: usize,
    pub(super) router: TestRouter,
    pub(super) calls: Vec<StartCall>,
    pub(super) handles: Vec<Handle>,
    pub(super) turns: BTreeMap<usize, Turn>,
    /// The turn that each thread's client knows to run.
    known: BTreeMap<usize, usize>,
    /// The turn that runs on each thread.
    running: BTreeMap<usize, usize>,
    next: u32,
    next_call: i64,
    next_turn: usize,
    pub(super) published: Vec<Event>,
    closed: bool,
}

pub(super) fn thread_name(thread: usize) -> String {
    format!("thread-{thread}")
}

pub(super) fn turn_name(turn: usize) -> String {
    format!("turn-{turn}")
}

impl World {
    /// Makes a world whose client lets so many requests be under way.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            router: TestRouter::new(most),
            calls: Vec::new(),
            handles: Vec::new(),
            turns: BTreeMap::new(),
            known: BTreeMap::new(),
            running: BTreeMap::new(),
            next: 0,
            next_call: 0,
            next_turn: 0,
            published: Vec::new(),
            closed: false,
        }
    }

    fn event(&mut self, turn: usize, what: What) -> Event {
        let thread = self.turns[&turn].thread;
        Event::new(&thread_name(thread), &turn_name(turn), what)
    }

    /// Sends an event and says who must get it.
    fn send(&mut self, turn: usize, event: Event, fx: &mut TestEffects) {
        if !self.closed {
            let thread = self.turns[&turn].thread;
            let mut owned = false;
            for handle in self.handles.iter_mut().filter(|handle| handle.turn == turn) {
                handle.expected.push(event.clone());
                owned = true;
            }
            let mut kept = false;
            for call in &mut self.calls {
                if call.thread == thread && call.sent && !call.cancelled {
                    call.seen.push((turn, event.clone(), owned));
                    kept = true;
                }
            }
            if !owned && !kept {
                self.published.push(event.clone());
            }
        }
        self.router.event(event, fx);
    }

    /// What a start kept for itself and turns out not to own goes to everybody.
    fn release(&mut self, seen: Vec<(usize, Event, bool)>, except: Option<usize>) {
        for (turn, event, owned) in seen {
            if !owned && Some(turn) != except {
                self.published.push(event);
            }
        }
    }

    fn pending(&self, thread: usize) -> bool {
        self.calls
            .iter()
            .any(|call| call.thread == thread && call.sent && !call.cancelled)
    }

    pub(super) fn step(&mut self, step: &Step) -> TestEffects {
        let mut fx = TestEffects::default();
        match *step {
            Step::Start { thread } => self.start(thread % 2),
            Step::Take { call } => {
                let count = self.calls.len();
                let free = |call: &StartCall| call.sent && call.turn.is_none();
                if count > 0 && free(&self.calls[call % count]) {
                    let thread = self.calls[call % count].thread;
                    let turn = *self.running.entry(thread).or_insert_with(|| {
                        self.next_turn += 1;
                        let turn = Turn {
                            thread,
                            ..Turn::default()
                        };
                        self.turns.insert(self.next_turn, turn);
                        self.next_turn
                    });
                    self.calls[call % count].turn = Some(turn);
                }
            }
            Step::Answer { call } => {
                let taken = |call: &&StartCall| call.turn.is_some();
                let id = self
                    .calls
                    .iter()
                    .filter(taken)
                    .nth(call % 4)
                    .map(|call| call.id);
                if let Some(id) = id {
                    self.answer(id, &mut fx);
                }
            }
            Step::Refuse { call } => {
                let free = |call: &&StartCall| call.sent && call.turn.is_none();
                let id = self
                    .calls
                    .iter()
                    .filter(free)
                    .nth(call % 4)
                    .map(|call| call.id);
                if let Some(id) = id {
                    self.refuse(id, &mut fx);
                }
            }
            Step::Cancel { call } => {
                let count = self.calls.len();
                if count > 0 && !self.calls[call % count].cancelled {
                    let call = &mut self.calls[call % count];
                    call.cancelled = true;
                    let (id, seen) = (call.id, std::mem::take(&mut call.seen));
                    if !self.closed {
                        self.release(seen, None);
                    }
                    assert_eq!(self.router.give_up(id, &mut fx), Some(id));
                    self.calls.retain(|call| call.id != id || call.sent);
                    self.admit(&fx);
                }
            }
            Step::Run { thread } => {
                if let Some(turn) = self.running.get(&(thread % 2)).copied() {
                    let event = self.event(turn, What::Started);
                    if !self.closed {
                        self.known.insert(thread % 2, turn);
                    }
                    self.turns.get_mut(&turn).unwrap().started = true;
                    self.send(turn, event, &mut fx);
                }
            }
            Step::Item { thread } => {
                if let Some(turn) = self.running.get(&(thread % 2)).copied() {
                    self.next += 1;
                    let event = self.event(turn, What::Item(self.next));
                    self.send(turn, event, &mut fx);
                }
            }
            Step::Stray => {
                // An event of a turn that is over.
                let over = self.turns.iter().find(|(_, turn)| turn.completed);
                if let Some(turn) = over.map(|(turn, _)| *turn) {
                    self.next += 1;
                    let event = self.event(turn, What::Item(self.next));
                    self.stray(turn, event, &mut fx);
                }
            }
            Step::Complete { thread } => self.complete(thread % 2, &mut fx),
            Step::Join { thread } => {
                if let Some(turn) = self.running.get(&(thread % 2)).copied() {
                    let (id, reader) = self.router.join(&thread_name(thread % 2), &turn_name(turn));
                    self.add(turn, id, reader, false, Vec::new());
                }
            }
            Step::Drop { handle } => self.drop_handle(handle, &mut fx),
            Step::Detach { handle } => {
                let count = self.handles.len();
                if count > 0 {
                    let handle = self.handles.swap_remove(handle % count);
                    let turn = self.turns.get_mut(&handle.turn).unwrap();
                    turn.abandoned = false;
                    let thread = thread_name(turn.thread);
                    self.router
                        .detach(&thread, &turn_name(handle.turn), handle.id);
                }
            }
            Step::Read { handle } => {
                let count = self.handles.len();
                if count > 0 {
                    let handle = &mut self.handles[handle % count];
                    let (events, _, closed) = drain(&mut handle.reader);
                    handle.read.extend(events);
                    handle.closed |= closed;
                    assert_eq!(handle.read, handle.expected);
                }
            }
            Step::Close => {
                if !self.closed {
                    for call in std::mem::take(&mut self.calls) {
                        self.release(call.seen, None);
                    }
                    self.closed = true;
                    self.known.clear();
                }
                self.router.close(Arc::new(CloseReason::Requested), &mut fx);
            }
        }
        fx
    }

    fn add(
        &mut self,
        turn: usize,
        id: SubscriptionId,
        reader: QueueReader<Event>,
        owner: bool,
        expected: Vec<Event>,
    ) {
        self.handles.push(Handle {
            turn,
            id,
            reader,
            owner,
            expected,
            read: Vec::new(),
            closed: false,
        });
    }

    fn complete(&mut self, thread: usize, fx: &mut TestEffects) {
        let Some(turn) = self.running.remove(&thread) else {
            return;
        };
        let event = self.event(turn, What::Completed);
        let state = self.turns.get_mut(&turn).unwrap();
        state.completed = true;
        state.abandoned = false;
        if self.known.get(&thread) == Some(&turn) {
            self.known.remove(&thread);
        }
        self.send(turn, event, fx);
        // Handles of a turn that is over get nothing more; what they have stays theirs.
        let (over, rest) = std::mem::take(&mut self.handles)
            .into_iter()
            .partition(|handle| handle.turn == turn);
        self.handles = rest;
        for handle in over {
            self.finish(handle);
        }
    }

    fn stray(&mut self, turn: usize, event: Event, fx: &mut TestEffects) {
        // Handles that were opened with the completion already there do not get it.
        let (of, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.handles)
            .into_iter()
            .partition(|handle| handle.turn == turn);
        self.handles = others;
        self.send(turn, event, fx);
        self.handles.extend(of);
    }

    fn drop_handle(&mut self, handle: usize, fx: &mut TestEffects) {
        let count = self.handles.len();
        if count == 0 {
            return;
        }
        let handle = self.handles.swap_remove(handle % count);
        let turn = self.turns.get_mut(&handle.turn).unwrap();
        turn.abandoned |= handle.owner && !turn.completed;
        let thread = thread_name(turn.thread);
        self.router
            .unsubscribe(&thread, &turn_name(handle.turn), handle.id, fx);
    }

    /// Reads a handle to its end.
    pub(super) fn finish(&mut self, mut handle: Handle) {
        let (events, ended, closed) = drain(&mut handle.reader);
        handle.read.extend(events);
        assert_eq!(handle.read, handle.expected);
        assert!(ended);
        assert!(!(closed && handle.closed), "it is said twice");
        assert_eq!(closed || handle.closed, self.closed && !handle.completed());
    }

    /// Compares the interrupts with those that are due.
    pub(super) fn interrupts(&mut self, fx: &TestEffects) {
        let mut due = Vec::new();
        if !self.closed {
            for (name, turn) in &self.turns {
                let read = self.handles.iter().any(|handle| handle.turn == *name);
                let pending = self.pending(turn.thread);
                if turn.abandoned && turn.started && !turn.completed && !read && !pending {
                    due.push(*name);
                }
            }
        }
        let names: Vec<String> = due.iter().map(|turn| turn_name(*turn)).collect();
        let asked: Vec<&str> = fx
            .interrupts
            .iter()
            .map(|interrupt| &*interrupt.turn_id)
            .collect();
        assert_eq!(asked, names);
        for turn in due {
            let turn = self.turns.get_mut(&turn).unwrap();
            turn.abandoned = false;
            turn.interrupted = true;
        }
    }
}

impl Handle {
    fn completed(&self) -> bool {
        self.expected
            .last()
            .is_some_and(|event| event.what == What::Completed)
    }
}
