//! Who gets what the runtime sends: a plain data structure, values in and values out.
//!
//! The router does no IO, spawns nothing and never waits. It sits behind one mutex; whatever has
//! to happen because of a message (waking a consumer, answering a caller, interrupting a turn)
//! is returned in [`Effects`] and done after the lock is released.
//!
//! It is generic over the event `E`, the key `R` that leads back to a waiting caller, and knows
//! of the protocol only what [`Routed`] says, so that its tests need neither types nor tasks.
//!
//! # Who owns an event
//!
//! - An event with a turn id goes to every subscription of that turn. While a start is pending
//!   on its thread, the start keeps a copy too, because the turn may turn out to be its own.
//! - The completion of a login goes to the handle of that login; while a login start is
//!   pending it is kept, because the response that names the login may still be under way.
//! - Everything else goes to the global subscriptions, and is dropped when there are none.
//!
//! # Who may send
//!
//! As many requests are under way as [`Router::new`] says; the others wait here, in order, and
//! their lines come with the effects of what makes room for them. A request that is not answered
//! by its deadline is given up when [`Router::expire`] is called with that time.
//!
//! # What is left behind
//!
//! Nothing once a turn has completed but its id, among those of the last turns that ended: its
//! entry goes as its completion is delivered. A caller
//! that gives up takes its entry with it; only a `turn/start` that was sent leaves a note, a few
//! bytes until its response, because the turn that it may have started must be interrupted.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

mod active;
mod admission;
mod buffer;
mod calls;
mod compactions;
mod endings;
mod inbound;
mod logins;
mod queue;
mod starts;
#[cfg(test)]
mod tests;
mod turns;

pub(crate) use active::Phase;
pub(crate) use admission::Admission;
pub(crate) use buffer::Coalesce;
pub(crate) use calls::{Answered, NewCall, Opened, Outcome, Then};
pub(crate) use endings::Lost;
pub(crate) use inbound::{Inbound, PendingRequest};
pub(crate) use queue::{Next, QueueReader};

use crate::error::CloseReason;
use active::Active;
use admission::Admissions;
use calls::Call;
use compactions::Compaction;
use endings::Endings;
use queue::Queue;
use starts::{Abandoned, Start};
use turns::Subscribers;

/// What the router needs to know of an event.
pub(crate) trait Routed: Coalesce + Clone {
    /// The thread it belongs to.
    fn thread_id(&self) -> Option<&str>;
    /// The turn it belongs to.
    fn turn_id(&self) -> Option<&str>;
    /// What it means for turns and logins.
    fn kind(&self) -> Kind<'_>;
}

/// What an event means for the router's own bookkeeping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    /// The turn runs from now on.
    TurnStarted,
    /// The turn is over; its last event.
    TurnCompleted,
    /// The runtime gave the turn up; its completion should follow.
    TurnFailed,
    /// The thread is active.
    ThreadActive,
    /// The thread is not active.
    ThreadInactive,
    /// The thread is gone, by the notification of this name, and with it what ran on it.
    ThreadEnded(&'static str),
    /// This login is over.
    LoginCompleted(&'a str),
    /// Nothing of that.
    Other,
}

/// What remains to be done once the router's lock is released.
#[derive(Debug)]
pub(crate) struct Effects<E: Routed, R> {
    /// Consumers that have something to read; each at most once.
    pub(crate) wakers: Vec<Waker>,
    /// What is to be sent, before anything that comes later.
    pub(crate) lines: Vec<u8>,
    /// Whether there is a deadline now: [`Router::expire`] is to be called, and says when again.
    pub(crate) clock: bool,
    /// Callers whose answer is there.
    pub(crate) replies: Vec<(R, Outcome<E>)>,
    /// Turns that nobody waits for any more.
    pub(crate) interrupts: Vec<Interrupt>,
}

/// A turn that the runtime is to be asked to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interrupt {
    pub(crate) thread_id: Box<str>,
    pub(crate) turn_id: Box<str>,
}

/// Names one subscription of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SubscriptionId(u64);

/// Subscriptions that are told apart by their id alone.
type Subscriptions<E> = Vec<(SubscriptionId, Arc<Queue<E>>)>;

/// The routing state of one connection.
#[derive(Debug)]
pub(crate) struct Router<E: Routed, R> {
    /// Requests that wait for their answer, or to be sent.
    calls: HashMap<i64, Call<R>>,
    admissions: Admissions,
    /// Whether somebody is going to call [`Router::expire`].
    clock: bool,
    /// Pending starts by thread: one, unless a caller bypasses the serialization.
    starts: HashMap<Box<str>, Vec<Start<E>>>,
    /// Sent starts whose caller has given up, oldest first.
    abandoned: BTreeMap<i64, Abandoned>,
    /// Turns that somebody subscribes to.
    turns: HashMap<Box<str>, Subscribers<E>>,
    /// The running turn of each thread.
    active: HashMap<Box<str>, Active>,
    /// Logins whose handle waits.
    logins: HashMap<Box<str>, Subscriptions<E>>,
    /// Completions of logins that arrived while a login start was pending.
    early_logins: Vec<E>,
    /// Pending login starts.
    login_starts: usize,
    globals: Subscriptions<E>,
    next_subscription: u64,
    /// Turns that just ended, whose waiters are to be woken.
    ended: Vec<Active>,
    /// Turns that may end without their completion.
    endings: Endings<E>,
    /// Compactions by thread, which starts wait for.
    compactions: HashMap<Box<str>, Compaction>,
    /// Turns to be interrupted, once fewer interrupts are under way.
    unwanted: VecDeque<Interrupt>,
    /// Interrupts under way.
    interrupting: usize,
    closed: Option<Arc<CloseReason>>,
    counters: Counters,
}

/// What a connection has seen that nobody asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Answers to requests that nobody waits for.
    pub(crate) late_answers: u64,
}

impl<E: Routed, R> Default for Effects<E, R> {
    fn default() -> Self {
        Self {
            wakers: Vec::new(),
            lines: Vec::new(),
            clock: false,
            replies: Vec::new(),
            interrupts: Vec::new(),
        }
    }
}

impl<E: Routed, R> Effects<E, R> {
    fn wake(&mut self, waker: Option<Waker>) {
        self.wakers.extend(waker);
    }
}

impl<E: Routed, R> Router<E, R> {
    /// Makes a router that lets so many requests be under way.
    pub(crate) fn new(most_requests: usize) -> Self {
        Self {
            calls: HashMap::new(),
            admissions: Admissions::new(most_requests),
            clock: false,
            starts: HashMap::new(),
            abandoned: BTreeMap::new(),
            turns: HashMap::new(),
            active: HashMap::new(),
            logins: HashMap::new(),
            early_logins: Vec::new(),
            login_starts: 0,
            globals: Vec::new(),
            next_subscription: 0,
            ended: Vec::new(),
            endings: Endings::default(),
            compactions: HashMap::new(),
            unwanted: VecDeque::new(),
            interrupting: 0,
            closed: None,
            counters: Counters::default(),
        }
    }

    /// Routes one event.
    pub(crate) fn event(&mut self, event: E, fx: &mut Effects<E, R>) {
        if self.closed.is_some() {
            return;
        }
        let (lifecycle, last) = match event.kind() {
            Kind::LoginCompleted(login) => {
                let login = login.to_owned();
                return self.login_event(&login, event, fx);
            }
            kind => (kind != Kind::Other, kind == Kind::TurnCompleted),
        };
        // What the event changes is noted first, and acted on after it is delivered.
        let changed = if lifecycle {
            self.note(&event, fx)
        } else {
            None
        };
        self.deliver(event, last, fx);
        if let Some(thread) = changed {
            self.settle(&thread, fx);
        }
    }

    /// Delivers an event to its turn, to pending starts, or to everybody.
    fn deliver(&mut self, event: E, last: bool, fx: &mut Effects<E, R>) {
        let Some(turn) = event.turn_id() else {
            return self.publish(event, fx);
        };
        if !self.starts.is_empty() {
            let owned = self.turns.contains_key(turn);
            if self.keep_early(&event, owned) && !owned {
                return;
            }
        }
        let Some(subscribers) = self.turns.get(turn) else {
            return self.publish(event, fx);
        };
        if !last {
            subscribers.push(event, fx);
        } else if let Some(subscribers) = self.turns.remove(turn) {
            subscribers.finish(event, fx);
        }
    }

    /// Hands an event that nobody owns to the global subscriptions.
    fn publish(&mut self, event: E, fx: &mut Effects<E, R>) {
        let Some(((_, last), others)) = self.globals.split_last() else {
            return;
        };
        for (_, queue) in others {
            fx.wake(queue.push(event.clone()));
        }
        fx.wake(last.push(event));
    }

    /// Opens a subscription of everything that no turn or login owns.
    ///
    /// It holds at most `capacity` events; older ones go first, and are counted.
    pub(crate) fn subscribe_globally(
        &mut self,
        capacity: usize,
    ) -> (SubscriptionId, QueueReader<E>) {
        let queue = Arc::new(Queue::lagging(capacity));
        let id = self.subscription_id();
        match &self.closed {
            Some(reason) => drop(queue.close(reason)),
            None => self.globals.push((id, Arc::clone(&queue))),
        }
        (id, QueueReader::new(queue))
    }

    /// Ends a global subscription.
    pub(crate) fn unsubscribe_globally(&mut self, id: SubscriptionId) {
        self.globals.retain(|(other, _)| *other != id);
    }

    /// Returns why the connection ended, if it has.
    pub(crate) fn closed(&self) -> Option<&Arc<CloseReason>> {
        self.closed.as_ref()
    }

    /// Returns the counters.
    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    /// Ends the connection for everybody who waits and everybody who comes; the first reason
    /// stays.
    pub(crate) fn close(&mut self, reason: Arc<CloseReason>, fx: &mut Effects<E, R>) {
        if self.closed.is_some() {
            return;
        }
        for start in std::mem::take(&mut self.starts).into_values().flatten() {
            for event in start.into_unowned() {
                self.publish(event, fx);
            }
        }
        for event in std::mem::take(&mut self.early_logins) {
            self.publish(event, fx);
        }
        for (_, call) in self.calls.drain() {
            if let Some(reply) = call.reply {
                fx.replies
                    .push((reply, Outcome::Closed(Arc::clone(&reason))));
            }
        }
        for subscribers in std::mem::take(&mut self.turns).into_values() {
            subscribers.close(&reason, fx);
        }
        let logins = std::mem::take(&mut self.logins).into_values().flatten();
        for (_, queue) in logins.chain(self.globals.drain(..)) {
            fx.wake(queue.close(&reason));
        }
        for active in std::mem::take(&mut self.active).into_values() {
            active.wake(fx);
        }
        for compaction in std::mem::take(&mut self.compactions).into_values() {
            compaction.wake(fx);
        }
        self.endings.clear();
        self.admissions.clear();
        self.abandoned.clear();
        self.unwanted.clear();
        self.interrupting = 0;
        self.login_starts = 0;
        self.closed = Some(reason);
    }

    fn subscription_id(&mut self) -> SubscriptionId {
        self.next_subscription += 1;
        SubscriptionId(self.next_subscription)
    }

    /// Tells whether nothing is waiting and nothing is left behind.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        self.calls.is_empty()
            && self.admissions.is_empty()
            && self.starts.is_empty()
            && self.abandoned.is_empty()
            && self.turns.is_empty()
            && self.active.is_empty()
            && self.logins.is_empty()
            && self.early_logins.is_empty()
            && self.login_starts == 0
            && self.endings.is_empty()
            && self.compactions.is_empty()
            && self.unwanted.is_empty()
            && self.interrupting == 0
            && self.globals.is_empty()
    }
}
