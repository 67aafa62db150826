//! Starts of turns: what comes before their answer, and what becomes of those given up.

use std::sync::Arc;

use super::buffer::{Buffer, Coalesce};
use super::calls::ReadId;
use super::queue::Queue;
use super::{Effects, Kind, Opened, QueueReader, Routed, Router};

/// A `turn/start` that was sent and is not answered.
#[derive(Debug)]
pub(super) struct Start<E: Routed> {
    call: i64,
    /// The turn that ran when it was sent.
    running: Option<Box<str>>,
    /// Turn events of its thread since it was sent.
    early: Buffer<Early<E>>,
}

/// An event that arrived while a start was pending.
#[derive(Debug)]
struct Early<E> {
    event: E,
    /// Whether subscribers of its turn have got it already.
    owned: bool,
}

impl<E: Coalesce> Coalesce for Early<E> {
    type Key = (bool, E::Key);

    fn key(&self) -> Option<Self::Key> {
        self.event.key().map(|key| (self.owned, key))
    }

    fn absorb(&mut self, later: Self) {
        self.event.absorb(later.event);
    }
}

impl<E: Routed> Start<E> {
    /// Returns the events that nobody has got, in order.
    pub(super) fn into_unowned(self) -> impl Iterator<Item = E> {
        let events = self.early.into_events().into_iter();
        events.filter(|early| !early.owned).map(|early| early.event)
    }
}

/// A start that was sent and whose caller has given up.
#[derive(Debug)]
pub(super) struct Abandoned {
    thread: Box<str>,
    running: Option<Box<str>>,
    /// Turns of the thread that completed since it was sent.
    completed: Vec<Box<str>>,
    turn_id: ReadId,
}

impl Abandoned {
    pub(super) fn id_reader(&self) -> ReadId {
        self.turn_id
    }
}

/// How many abandoned starts are remembered; a runtime that answers has far fewer.
const MOST_ABANDONED: usize = 256;

impl<E: Routed, R> Router<E, R> {
    /// Keeps the events of a start's turn from here on.
    pub(super) fn open_start(&mut self, call: i64, thread_id: Box<str>) {
        let running = self.active.get(&thread_id);
        let running = running.map(|active| active.turn.clone());
        self.starts.entry(thread_id).or_default().push(Start {
            call,
            running,
            early: Buffer::default(),
        });
    }

    /// Keeps a copy of a turn's event for the starts that are pending on its thread; tells
    /// whether there are any.
    pub(super) fn keep_early(&mut self, event: &E, owned: bool) -> bool {
        let mut kept = false;
        let mut keep = |starts: &mut Vec<Start<E>>| {
            for start in starts {
                // Nobody else need publish what the first start keeps.
                start.early.push(Early {
                    event: event.clone(),
                    owned: owned || kept,
                });
                kept = true;
            }
        };
        match event.thread_id() {
            Some(thread) => {
                if let Some(starts) = self.starts.get_mut(thread) {
                    keep(starts);
                }
            }
            None => self.starts.values_mut().for_each(keep),
        }
        kept
    }

    /// Opens the turn that a start led to, with the events that came before the answer.
    pub(super) fn open_turn(
        &mut self,
        call: i64,
        thread: Box<str>,
        turn: Option<Box<str>>,
        fx: &mut Effects<E, R>,
    ) -> Opened<E> {
        let Some(start) = self.take_start(&thread, call) else {
            return Opened::Nothing;
        };
        let Some(turn) = turn else {
            self.publish_all(start, fx);
            self.settle(&thread, fx);
            return Opened::Nothing;
        };
        let joined = self.joins(&thread, &turn, start.running.as_deref());
        let queue = Arc::new(Queue::lossless());
        let mut completed = false;
        for early in start.early.into_events() {
            if !completed && early.event.turn_id() == Some(&*turn) {
                completed = early.event.kind() == Kind::TurnCompleted;
                let _ = queue.push(early.event);
            } else if !early.owned {
                self.publish(early.event, fx);
            }
        }
        let events = QueueReader::new(Arc::clone(&queue));
        let subscription = if completed {
            let _ = queue.finish();
            self.subscription_id()
        } else {
            self.activate(&thread, &turn).owned |= !joined;
            self.subscribe(&thread, &turn, queue, !joined)
        };
        self.settle(&thread, fx);
        Opened::Turn {
            thread_id: thread,
            turn_id: turn,
            subscription,
            events,
            joined,
        }
    }

    /// Remembers a start that was sent and whose caller has given up.
    pub(super) fn abandon_start(&mut self, call: i64, thread: &str, turn_id: ReadId) {
        let Some(start) = self.start(thread, call) else {
            return;
        };
        let events = start.early.iter().map(|early| &early.event);
        let abandoned = Abandoned {
            thread: thread.into(),
            running: start.running.clone(),
            completed: events
                .filter(|event| event.kind() == Kind::TurnCompleted)
                .filter_map(|event| event.turn_id().map(Box::from))
                .collect(),
            turn_id,
        };
        self.abandoned.insert(call, abandoned);
        if self.abandoned.len() > MOST_ABANDONED {
            self.abandoned.pop_first();
        }
    }

    /// Remembers the completion of a turn for the abandoned starts of its thread.
    pub(super) fn note_abandoned(&mut self, thread: &str, turn: &str) {
        for abandoned in self.abandoned.values_mut() {
            if *abandoned.thread == *thread {
                abandoned.completed.push(turn.into());
            }
        }
    }

    /// Sees to it that the turn of an abandoned start is interrupted, unless it joined one.
    pub(super) fn answer_abandoned(
        &mut self,
        abandoned: Abandoned,
        turn: Option<Box<str>>,
        fx: &mut Effects<E, R>,
    ) {
        let Abandoned {
            thread,
            running,
            completed,
            ..
        } = abandoned;
        let Some(turn) = turn else {
            return;
        };
        if self.joins(&thread, &turn, running.as_deref())
            || completed.iter().any(|done| **done == *turn)
        {
            return;
        }
        let active = self.activate(&thread, &turn);
        active.owned = true;
        active.abandoned = true;
        self.settle(&thread, fx);
    }

    /// Tells whether a start that led to this turn has joined it: it ran before, or another
    /// start led to it.
    fn joins(&self, thread: &str, turn: &str, running: Option<&str>) -> bool {
        let active = self.active.get(thread);
        running == Some(turn) || active.is_some_and(|active| active.owned && *active.turn == *turn)
    }

    pub(super) fn publish_all(&mut self, start: Start<E>, fx: &mut Effects<E, R>) {
        for event in start.into_unowned() {
            self.publish(event, fx);
        }
    }

    fn start(&self, thread: &str, call: i64) -> Option<&Start<E>> {
        let starts = self.starts.get(thread)?;
        starts.iter().find(|start| start.call == call)
    }

    pub(super) fn take_start(&mut self, thread: &str, call: i64) -> Option<Start<E>> {
        let starts = self.starts.get_mut(thread)?;
        let at = starts.iter().position(|start| start.call == call)?;
        let start = starts.remove(at);
        if starts.is_empty() {
            self.starts.remove(thread);
        }
        Some(start)
    }
}
