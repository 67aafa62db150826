//! The runtime, the client and its user, and what each of them must see.

use std::collections::{BTreeMap, VecDeque};

mod calls;
mod checks;

use super::super::*;
use super::Step;

/// A `turn/start` as the runtime and the client see it.
pub(super) struct StartCall {
    id: i64,
    thread: usize,
    joining: Joining,
    /// Whether it was sent, and does not wait for that.
    sent: bool,
    /// The turn it led to, once the runtime has taken it.
    turn: Option<usize>,
    /// The turn that the client knew of when it was sent.
    running: Option<usize>,
    canceled: bool,
    /// Events of the thread's turns while it was in flight.
    seen: Vec<Seen>,
}

struct Seen {
    turn: usize,
    event: Event,
    /// Whether a handle read it.
    delivered: bool,
}

pub(super) struct Handle {
    pub(super) turn: usize,
    pub(super) id: SubscriptionId,
    reader: QueueReader<Event>,
    starter: bool,
    expected: Vec<Event>,
    read: Vec<Event>,
    end: Option<End>,
}

/// How a reader ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Completed,
    Lost,
    Closed,
}

#[derive(Default)]
pub(super) struct Turn {
    pub(super) thread: usize,
    started: bool,
    /// Whether the start that led to it is known.
    claimed: bool,
    abandoned: bool,
    stopped: bool,
    completed: bool,
    /// Its thread ended before it completed.
    lost: bool,
}

/// A server request whose handler is running.
pub(super) struct ServerRequest {
    pub(super) entered: Entered,
    id: String,
    turn: usize,
}

pub(super) struct World {
    most: usize,
    now: u64,
    pub(super) router: TestRouter,
    /// Starts that have not been answered, in the order in which they were entered.
    pub(super) calls: Vec<StartCall>,
    /// The first start of each thread that is not over.
    first: BTreeMap<usize, i64>,
    /// Those of them that wait for a slot.
    ready: VecDeque<i64>,
    pub(super) handles: Vec<Handle>,
    pub(super) turns: BTreeMap<usize, Turn>,
    pub(super) requests: Vec<ServerRequest>,
    /// Interrupts that the runtime has not answered: request, turn.
    interrupts: Vec<(i64, usize)>,
    /// The turn that each thread's client knows to run.
    known: BTreeMap<usize, usize>,
    /// The turn that runs on each thread.
    running: BTreeMap<usize, usize>,
    next: u32,
    next_turn: usize,
    pub(super) published: Vec<Event>,
    closed: bool,
    expected: Expected,
}

/// What a step must have led to.
#[derive(Default)]
struct Expected {
    /// Starts that were sent.
    sent: Vec<i64>,
    /// Starts that were refused, and the turn that runs.
    busy: Vec<(i64, usize)>,
    /// The turn whose interrupt is sent again.
    interrupted_again: Option<usize>,
}

pub(super) fn thread_name(thread: usize) -> String {
    format!("thread-{thread}")
}

pub(super) fn turn_name(turn: usize) -> String {
    format!("turn-{turn}")
}

impl World {
    /// Makes a world whose client lets so many requests be in flight.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            now: 0,
            router: TestRouter::new(most, None),
            calls: Vec::new(),
            first: BTreeMap::new(),
            ready: VecDeque::new(),
            handles: Vec::new(),
            turns: BTreeMap::new(),
            requests: Vec::new(),
            interrupts: Vec::new(),
            known: BTreeMap::new(),
            running: BTreeMap::new(),
            next: 0,
            next_turn: 0,
            published: Vec::new(),
            closed: false,
            expected: Expected::default(),
        }
    }

    fn event(&mut self, turn: usize, what: What) -> Event {
        let thread = self.turns[&turn].thread;
        Event::new(&thread_name(thread), &turn_name(turn), what)
    }

    fn item(&mut self, turn: usize) -> Event {
        self.next += 1;
        self.event(turn, What::Item(self.next))
    }

    /// Sends an event of a turn, and records who must get it.
    fn send(&mut self, turn: usize, event: Event, fx: &mut TestEffects) {
        if !self.closed {
            let thread = self.turns[&turn].thread;
            let mut delivered = false;
            for handle in self.handles.iter_mut().filter(|handle| handle.turn == turn) {
                handle.expected.push(event.clone());
                delivered = true;
            }
            let in_flight = |call: &&mut StartCall| call.sent && !call.canceled;
            let start = self.calls.iter_mut().filter(in_flight);
            match start.into_iter().find(|call| call.thread == thread) {
                Some(call) => call.seen.push(Seen {
                    turn,
                    event: event.clone(),
                    delivered,
                }),
                None if !delivered => self.published.push(event.clone()),
                None => {}
            }
        }
        self.router.event(event, fx);
    }

    /// Sends an event of a thread.
    fn send_of_thread(&mut self, thread: usize, what: What, fx: &mut TestEffects) {
        let mut event = Event::new(&thread_name(thread), "", what);
        event.turn = None;
        if !self.closed {
            self.published.push(event.clone());
        }
        self.router.event(event, fx);
    }

    pub(super) fn step(&mut self, step: &Step) -> TestEffects {
        let mut fx = at(self.now);
        match *step {
            Step::Start { thread, joining } => self.start(thread % 2, joining, &mut fx),
            Step::Take { call } => self.take(call),
            Step::Answer { call } => {
                if let Some(id) = self.nth_call(call, |call| call.turn.is_some()) {
                    self.answer(id, &mut fx);
                }
            }
            Step::Refuse { call } => {
                if let Some(id) = self.nth_call(call, |call| call.sent && call.turn.is_none()) {
                    self.refuse(id, &mut fx);
                }
            }
            Step::Cancel { call } => {
                if let Some(id) = self.nth_call(call, |call| !call.canceled) {
                    self.cancel(id, &mut fx);
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
                    let event = self.item(turn);
                    self.send(turn, event, &mut fx);
                }
            }
            Step::Stray => {
                let completed = self.turns.iter().find(|(_, turn)| turn.completed);
                if let Some(turn) = completed.map(|(turn, _)| *turn) {
                    self.stray(turn, &mut fx);
                }
            }
            Step::Complete { thread } => self.complete(thread % 2, &mut fx),
            Step::End { thread } => self.end(thread % 2, &mut fx),
            Step::Wait => {
                self.now += 10;
                fx = at(self.now);
                self.wait(&mut fx);
            }
            Step::Join { thread } => {
                if let Some(turn) = self.running.get(&(thread % 2)).copied() {
                    let (id, reader) = self.router.join(&thread_name(thread % 2), &turn_name(turn));
                    self.add(turn, id, reader, false, Vec::new());
                }
            }
            Step::Drop { handle } => {
                if let Some(handle) = self.remove_handle(handle) {
                    let turn = self.turns.get_mut(&handle.turn).unwrap();
                    turn.abandoned |= handle.starter && !turn.completed && !turn.lost;
                    let thread = thread_name(turn.thread);
                    let name = turn_name(handle.turn);
                    self.router.unsubscribe(&thread, &name, handle.id, &mut fx);
                }
            }
            Step::Detach { handle } => {
                if let Some(handle) = self.remove_handle(handle) {
                    let turn = self.turns.get_mut(&handle.turn).unwrap();
                    turn.abandoned = false;
                    let thread = thread_name(turn.thread);
                    let name = turn_name(handle.turn);
                    self.router.detach(&thread, &name, handle.id, &mut fx);
                }
            }
            Step::Stop { thread } => {
                let thread = thread % 2;
                if let Some(turn) = self.known.get(&thread).copied() {
                    self.turns.get_mut(&turn).unwrap().stopped = true;
                    let (thread, turn) = (thread_name(thread), turn_name(turn));
                    self.router.stop_turn(&thread, &turn, &mut fx);
                }
            }
            Step::Read { handle } => {
                let count = self.handles.len();
                if count > 0 {
                    let handle = &mut self.handles[handle % count];
                    handle.drain();
                    assert_eq!(handle.read, handle.expected);
                }
            }
            Step::AnswerInterrupt { at, busy } => self.answer_interrupt(at, busy, &mut fx),
            Step::Ask { thread } => self.ask(thread % 2),
            Step::Reply { request } => {
                let count = self.requests.len();
                if count > 0 {
                    let request = self.requests.swap_remove(request % count);
                    assert!(
                        self.router
                            .request_answered(request.entered.key, b"", &mut fx)
                    );
                }
            }
            Step::Resolve { request } => {
                let count = self.requests.len();
                if count > 0 {
                    let request = self.requests.swap_remove(request % count);
                    let thread = self.turns[&request.turn].thread;
                    let what = What::Resolved(request.id.clone());
                    self.send_of_thread(thread, what, &mut fx);
                    stopped(request, &mut fx, &mut self.router);
                }
            }
            Step::Close => self.close(&mut fx),
        }
        fx
    }

    fn add(
        &mut self,
        turn: usize,
        id: SubscriptionId,
        reader: QueueReader<Event>,
        starter: bool,
        expected: Vec<Event>,
    ) {
        self.handles.push(Handle {
            turn,
            id,
            reader,
            starter,
            expected,
            read: Vec::new(),
            end: None,
        });
    }

    fn remove_handle(&mut self, at: usize) -> Option<Handle> {
        let count = self.handles.len();
        (count > 0).then(|| self.handles.swap_remove(at % count))
    }

    fn complete(&mut self, thread: usize, fx: &mut TestEffects) {
        let Some(turn) = self.running.remove(&thread) else {
            return;
        };
        let event = self.event(turn, What::Completed);
        let state = self.turns.get_mut(&turn).unwrap();
        state.completed = true;
        state.abandoned = false;
        state.stopped = false;
        if self.known.get(&thread) == Some(&turn) {
            self.known.remove(&thread);
        }
        self.send(turn, event, fx);
        self.turn_ended(turn, fx);
    }

    /// Ends a thread, unless a start of it that the runtime took is in flight.
    fn end(&mut self, thread: usize, fx: &mut TestEffects) {
        let taken = |call: &StartCall| call.thread == thread && call.turn.is_some();
        if self.calls.iter().any(taken) {
            return;
        }
        if let Some(turn) = self.running.remove(&thread) {
            let state = self.turns.get_mut(&turn).unwrap();
            state.lost = true;
            state.abandoned = false;
            state.stopped = false;
        }
        self.known.remove(&thread);
        self.send_of_thread(thread, What::Gone, fx);
    }

    /// Lets the grace of lost turns pass.
    fn wait(&mut self, fx: &mut TestEffects) {
        assert_eq!(self.router.expire(fx), None);
        if !self.closed {
            let lost = self.turns.iter().filter(|(_, turn)| turn.lost);
            for turn in lost.map(|(turn, _)| *turn).collect::<Vec<_>>() {
                self.turn_ended(turn, fx);
            }
        }
    }

    /// Ends the handles of a turn, and the handlers of its server requests.
    fn turn_ended(&mut self, turn: usize, fx: &mut TestEffects) {
        for handle in self
            .handles
            .extract_if(.., |handle| handle.turn == turn)
            .collect::<Vec<_>>()
        {
            self.finish(handle);
        }
        let of_turn = |request: &mut ServerRequest| request.turn == turn;
        for request in self.requests.extract_if(.., of_turn).collect::<Vec<_>>() {
            stopped(request, fx, &mut self.router);
        }
    }

    /// Sends an event of a turn that is over.
    fn stray(&mut self, turn: usize, fx: &mut TestEffects) {
        let event = self.item(turn);
        // Handles that were opened with the completion already there do not get it.
        let of_turn = self.handles.extract_if(.., |handle| handle.turn == turn);
        let of_turn: Vec<Handle> = of_turn.collect();
        self.send(turn, event, fx);
        self.handles.extend(of_turn);
    }

    fn answer_interrupt(&mut self, at: usize, busy: bool, fx: &mut TestEffects) {
        if self.interrupts.is_empty() {
            return;
        }
        let (id, turn) = self.interrupts.remove(at % self.interrupts.len());
        let answer = if busy { refusal(-32001) } else { result("{}") };
        self.router.answer(id, answer, fx);
        let runs = self.known.get(&self.turns[&turn].thread) == Some(&turn);
        self.expected.interrupted_again = (busy && runs).then_some(turn);
    }

    /// Asks about the turn of a thread, or about one that is over.
    fn ask(&mut self, thread: usize) {
        let of_thread = self
            .turns
            .iter()
            .rev()
            .filter(|(_, turn)| turn.thread == thread);
        let completed = of_thread
            .filter(|(_, turn)| turn.completed)
            .map(|(turn, _)| *turn)
            .next();
        let Some(turn) = self.running.get(&thread).copied().or(completed) else {
            return;
        };
        self.next += 1;
        let id = self.next.to_string();
        let name = turn_name(turn);
        let mut fx = Effects::at(Duration::ZERO);
        let turn_id = Some(name.into());
        let entered = self
            .router
            .enter_request(id.as_str().into(), turn_id, None, &mut fx);
        let over = self.closed || self.turns[&turn].completed;
        match entered {
            Entering::New(entered) => self.requests.push(ServerRequest { entered, id, turn }),
            entered => assert!(over && matches!(entered, Entering::Over)),
        }
    }

    fn close(&mut self, fx: &mut TestEffects) {
        if !self.closed {
            for call in std::mem::take(&mut self.calls) {
                self.publish(call.seen);
            }
            self.closed = true;
            self.known.clear();
            self.interrupts.clear();
            self.first.clear();
            self.ready.clear();
        }
        self.router.close(Arc::new(CloseReason::Requested), fx);
        for request in std::mem::take(&mut self.requests) {
            stopped(request, fx, &mut self.router);
        }
    }
}

impl Handle {
    fn drain(&mut self) {
        while let Some(next) = self.reader.try_next() {
            let end = match next {
                Next::Event(event) => {
                    assert_eq!(self.end, None);
                    self.read.push(event);
                    continue;
                }
                Next::Lagged(count) => panic!("lagged by {count}"),
                Next::Closed(_) => End::Closed,
                Next::Lost(_) => End::Lost,
                Next::End => {
                    self.end.get_or_insert(End::Completed);
                    return;
                }
            };
            assert_eq!(self.end.replace(end), None, "it is said twice");
        }
    }
}

/// Checks that the handler of a server request was told to stop, and that its answer is late.
fn stopped(request: ServerRequest, fx: &mut TestEffects, router: &mut TestRouter) {
    fx.stops.clear();
    let stopped = request.entered.stopped.has_changed().is_err();
    assert!(stopped);
    assert!(!router.request_answered(request.entered.key, b"", fx));
}
