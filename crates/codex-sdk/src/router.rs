//! The routing state of one connection: a plain data structure, values in and values out.
//!
//! The router does no IO, spawns nothing and never waits. It sits behind one mutex; whatever has
//! to happen because of a message (waking a consumer, answering a caller, writing a line) is
//! returned in [`Effects`] and done after the lock is released.
//!
//! It is generic over the event `E` and the key `R` that leads back to a waiting caller, and
//! knows of the protocol only what [`Routed`] says, so that its tests need neither types nor
//! tasks.
//!
//! # Who gets an event
//!
//! - An event with a turn id goes to every reader of that turn. While a start is in flight on its
//!   thread, the start keeps a copy too, because the turn may turn out to be its own.
//! - The completion of a login goes to the handle of that login; while the start of a login is in
//!   flight it is kept, because the response that names the login may be the next line.
//! - Everything else goes to the global subscriptions, and is dropped when there are none.
//!
//! # Lanes
//!
//! All that concerns one thread is in its [`Lane`]: the turn that runs, the start that is in
//! flight, the starts that wait, the starts that were canceled, and the readers. A lane in which
//! nothing is left is removed, so a completed turn leaves only its id, among those of the last
//! turns that ended.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::SeedableRandomState;

mod buffer;
mod deadlines;
mod effects;
mod inbound;
mod interrupts;
mod lane;
mod logins;
mod loss;
mod queue;
mod readers;
mod recent;
mod requests;
mod running;
mod starts;
#[cfg(test)]
mod tests;

pub(crate) use buffer::Coalesce;
pub(crate) use effects::Effects;
pub(crate) use inbound::{Entered, Entering};
pub(crate) use lane::Lost;
#[cfg(feature = "remote")]
pub(crate) use loss::Doubt;
pub(crate) use queue::{Next, QueueReader};
pub(crate) use recent::RecentTurns;
pub(crate) use requests::{Answered, Failure, OnAnswer, OpenedIds, Opens, Outcome};
pub(crate) use running::Phase;
pub(crate) use starts::Joining;

use crate::error::CloseReason;
use crate::message::Request;
use inbound::Inbound;
use interrupts::Interrupts;
use lane::Lane;
use queue::Queue;
use requests::Pending;

/// The properties of an event, and of the protocol, that the router reads.
pub(crate) trait Routed: Coalesce + Clone {
    /// The thread it belongs to.
    fn thread_id(&self) -> Option<&str>;
    /// The turn it belongs to.
    fn turn_id(&self) -> Option<&str>;
    /// What it means for turns and logins.
    fn kind(&self) -> Kind<'_>;
    /// The id, as JSON text, of the server request that it says is resolved.
    fn resolved_request(&self) -> Option<Cow<'_, str>>;
    /// The request that interrupts a turn.
    fn interrupt(thread_id: &str, turn_id: &str) -> Option<Request>;
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
    /// None of these.
    Other,
}

/// Names one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SubscriptionId(u64);

/// Subscriptions that are told apart by their id alone.
type Subscriptions<E> = Vec<(SubscriptionId, Arc<Queue<E>>)>;

/// The routing state of one connection.
#[derive(Debug)]
pub(crate) struct Router<E: Routed, R> {
    /// How many requests may be in flight.
    max_in_flight: usize,
    /// How long a request may take.
    request_timeout: Option<Duration>,
    live: Live<E, R>,
    /// Whether requests are sent; they wait while a lost connection is made again.
    online: bool,
    recent: RecentTurns,
    closed: Option<Arc<CloseReason>>,
    next_request: i64,
    last_subscription: u64,
    /// Responses to requests that are not waited for.
    late_answers: u64,
}

/// The state that only matters while the connection is open.
#[derive(Debug)]
struct Live<E: Routed, R> {
    /// Requests that have no answer yet, sent or not.
    calls: HashMap<i64, Pending<R>>,
    /// How many of them are in flight.
    in_flight: usize,
    /// Those that may be sent as soon as fewer are in flight, oldest first.
    queued: VecDeque<i64>,
    /// Whether [`Router::expire`] is going to be called.
    timer_armed: bool,
    /// The lanes, by thread. Its state has the seeds by reference: a program that is made of several libraries, such as a
    /// notebook, has the statics of this crate more than once.
    lanes: HashMap<Box<str>, Lane<E>, SeedableRandomState>,
    /// The threads of canceled starts, by request.
    canceled: BTreeMap<i64, Box<str>>,
    interrupts: Interrupts,
    /// Logins that a handle waits for.
    logins: HashMap<Box<str>, Subscriptions<E>>,
    /// Completions of logins that arrived while the start of a login was in flight.
    early_logins: Vec<E>,
    login_starts: usize,
    inbound: Inbound,
    globals: Subscriptions<E>,
}

impl<E: Routed, R> Default for Live<E, R> {
    fn default() -> Self {
        Self {
            calls: HashMap::new(),
            in_flight: 0,
            queued: VecDeque::new(),
            timer_armed: false,
            lanes: HashMap::default(),
            canceled: BTreeMap::new(),
            interrupts: Interrupts::default(),
            logins: HashMap::new(),
            early_logins: Vec::new(),
            login_starts: 0,
            inbound: Inbound::default(),
            globals: Vec::new(),
        }
    }
}

impl<E: Routed, R> Router<E, R> {
    /// Makes a router that lets so many requests be in flight, each for so long.
    pub(crate) fn new(max_in_flight: usize, request_timeout: Option<Duration>) -> Self {
        Self {
            max_in_flight: max_in_flight.max(1),
            request_timeout,
            live: Live::default(),
            online: true,
            recent: RecentTurns::default(),
            closed: None,
            next_request: 0,
            last_subscription: 0,
            late_answers: 0,
        }
    }

    /// Routes one event.
    pub(crate) fn event(&mut self, event: E, fx: &mut Effects<E, R>) {
        if self.closed.is_some() {
            return;
        }
        self.live.inbound.observe(&event, &mut fx.stops);
        match event.kind() {
            Kind::Other => {
                let lane = match (event.thread_id(), event.turn_id()) {
                    (Some(thread), Some(_)) => self.live.lanes.get_mut(thread),
                    (None, Some(turn)) => match self.thread_of(turn) {
                        Some(thread) => self.live.lanes.get_mut(&thread),
                        None => None,
                    },
                    (_, None) => None,
                };
                let unread = match lane {
                    Some(lane) => lane.deliver(event, fx),
                    None => Some(event),
                };
                self.publish(unread, fx);
            }
            Kind::LoginCompleted(login) => {
                let login = login.to_owned();
                self.login_event(&login, event, fx);
            }
            _ => self.lifecycle_event(event, fx),
        }
    }

    /// Routes an event that changes what is going on on its thread.
    fn lifecycle_event(&mut self, event: E, fx: &mut Effects<E, R>) {
        let thread = match (event.thread_id(), event.turn_id()) {
            (Some(thread), _) => Some(Box::from(thread)),
            (None, Some(turn)) => self.thread_of(turn),
            (None, None) => None,
        };
        let Some(thread) = thread else {
            return self.publish(Some(event), fx);
        };
        match (event.kind(), event.turn_id()) {
            (Kind::TurnStarted, Some(turn)) => self.recent.remove(turn),
            (Kind::TurnCompleted, Some(turn)) => self.recent.add(turn),
            _ => {}
        }
        let lane = self.lane(&thread);
        lane.observe(&event, fx);
        let unread = lane.deliver(event, fx);
        self.publish(unread, fx);
        self.settle(&thread, fx);
    }

    /// Returns what goes on on a thread, to change it; [`Router::settle`] must follow.
    fn lane(&mut self, thread: &str) -> &mut Lane<E> {
        self.live.lanes.entry(thread.into()).or_default()
    }

    /// Finds the thread of a turn whose event does not name it: the one that runs the turn, or one
    /// whose start may have led to it.
    fn thread_of(&self, turn: &str) -> Option<Box<str>> {
        let mut lanes = self.live.lanes.iter();
        let found = lanes.clone().find(|(_, lane)| lane.knows(turn));
        let found = found.or_else(|| lanes.find(|(_, lane)| lane.is_starting()));
        found.map(|(thread, _)| thread.clone())
    }

    /// Does what is due after a change of a lane: the next start, an interrupt, its removal.
    fn settle(&mut self, thread: &str, fx: &mut Effects<E, R>) {
        self.start_next(thread, fx);
        let Some(lane) = self.live.lanes.get_mut(thread) else {
            return;
        };
        if let Some(turn) = lane.take_unwanted() {
            self.interrupt(thread, turn, fx);
        } else if lane.is_idle() {
            self.live.lanes.remove(thread);
        }
    }

    /// Hands events that no turn and no login takes to the global subscriptions.
    fn publish(&mut self, events: impl IntoIterator<Item = E>, fx: &mut Effects<E, R>) {
        let Some(((_, last), others)) = self.live.globals.split_last() else {
            return;
        };
        for event in events {
            for (_, queue) in others {
                fx.wake(queue.push(event.clone()));
            }
            fx.wake(last.push(event));
        }
    }

    /// Opens a subscription of everything that no turn and no login takes.
    ///
    /// It holds at most `capacity` events; older ones go first, and are counted.
    pub(crate) fn subscribe_globally(
        &mut self,
        capacity: usize,
    ) -> (SubscriptionId, QueueReader<E>) {
        let queue = Arc::new(Queue::lagging(capacity));
        let id = self.next_subscription();
        match &self.closed {
            Some(reason) => drop(queue.close(reason)),
            None => self.live.globals.push((id, Arc::clone(&queue))),
        }
        (id, QueueReader::new(queue))
    }

    /// Ends a global subscription.
    pub(crate) fn unsubscribe_globally(&mut self, id: SubscriptionId) {
        self.live.globals.retain(|(other, _)| *other != id);
    }

    /// Returns why the connection ended, if it has.
    pub(crate) fn closed(&self) -> Option<&Arc<CloseReason>> {
        self.closed.as_ref()
    }

    /// Returns how many responses came to requests that are not waited for.
    pub(crate) fn late_answers(&self) -> u64 {
        self.late_answers
    }

    /// Ends the connection for all current and later callers and readers; the first reason stays.
    pub(crate) fn close(&mut self, reason: Arc<CloseReason>, fx: &mut Effects<E, R>) {
        if self.closed.is_some() {
            return;
        }
        let early = self.live.lanes.values_mut().flat_map(Lane::take_early);
        let early: Vec<E> = early.chain(self.live.early_logins.drain(..)).collect();
        self.publish(early, fx);
        let live = std::mem::take(&mut self.live);
        for call in live.calls.into_values() {
            let failure = Failure::Closed(Arc::clone(&reason));
            fx.replies.push((call.reply, Err(failure)));
        }
        for lane in live.lanes.into_values() {
            lane.close(&reason, fx);
        }
        let logins = live.logins.into_values().flatten();
        for (_, queue) in logins.chain(live.globals) {
            fx.wake(queue.close(&reason));
        }
        fx.stops.extend(live.inbound.into_stops());
        self.closed = Some(reason);
    }

    fn next_subscription(&mut self) -> SubscriptionId {
        self.last_subscription += 1;
        SubscriptionId(self.last_subscription)
    }

    /// Tells whether nothing is waiting and nothing is left behind.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        // Without `..`, so that a new field cannot be forgotten.
        let Live {
            calls,
            in_flight,
            queued,
            timer_armed: _,
            lanes,
            canceled,
            interrupts,
            logins,
            early_logins,
            login_starts,
            inbound,
            globals,
        } = &self.live;
        calls.is_empty()
            && *in_flight == 0
            && queued.is_empty()
            && lanes.is_empty()
            && canceled.is_empty()
            && interrupts.is_empty()
            && logins.is_empty()
            && early_logins.is_empty()
            && *login_starts == 0
            && inbound.is_empty()
            && globals.is_empty()
    }
}
