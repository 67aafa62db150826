//! One connection to a runtime: requests out, answers and events in, until it ends for a reason.
//!
//! # Tasks
//!
//! | task | owner | ends |
//! |---|---|---|
//! | supervisor | the connection | when the child is reaped and the other tasks have ended |
//! | reader | supervisor | at the end of the runtime's output, or aborted |
//! | writer | supervisor | when the outbox is closed and empty, or aborted |
//! | error output | supervisor | at its end, or aborted |
//! | one per request of the runtime with a handler | [`Shared::routing`] | with its answer, or aborted with its turn |
//!
//! Tasks hold [`Shared`], never a [`Connection`]: dropping the last `Connection` ends them all.
//! `Shared` in turn holds no task.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use codex_types::Id;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

mod call;
mod dispatch;
mod effects;
mod serve;
mod slots;
mod subscription;
mod supervise;
#[cfg(test)]
mod tests;
mod usage;

pub(crate) use call::decode;
use effects::Delivered;
pub(crate) use effects::Handle;
pub(crate) use subscription::{Cut, GlobalEvents, LoginEvents, TurnEvents};
pub(crate) use usage::UsedBefore;

use crate::child::Child;
use crate::config::Options;
use crate::error::CloseReason;
use crate::event::Notification;
use crate::router::{Effects, Inbound, Phase, Router};
use crate::writer::Outbox;
use slots::Slots;

/// How many unread notifications a global subscription keeps.
///
/// It is below the number from which queues merge deltas, so that its oldest can go.
const GLOBAL_CAPACITY: usize = 1024;

/// A connection; clones share it, and the last one that goes ends it.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
    _owner: Arc<Owner>,
}

/// Ends the connection when the last [`Connection`] is dropped.
#[derive(Debug)]
struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Whether anything of a connection is left.
#[derive(Debug)]
pub(crate) struct Ended(watch::Receiver<bool>);

impl Ended {
    /// Waits until nothing of the connection is left.
    pub(crate) async fn wait(mut self) {
        // Without a sender nothing is left either.
        let _ = self.0.wait_for(|ended| *ended).await;
    }
}

/// What the tasks, the calls and the subscriptions of a connection share.
#[derive(Debug)]
struct Shared {
    routing: Mutex<Routing>,
    outbox: Arc<Outbox>,
    next_id: AtomicI64,
    /// When the connection began; deadlines count from here.
    began: Instant,
    /// Says that there is a deadline to keep.
    clock: Notify,
    slots: Slots,
    /// Resumes of a thread take turns too, and do not wait for starts.
    resumes: Slots,
    options: Options,
    counters: Counters,
    /// Asks the supervisor to end the connection.
    stop: Notify,
    /// Whether the supervisor has ended everything.
    ended: watch::Sender<bool>,
}

/// What is behind the one lock.
#[derive(Debug)]
struct Routing {
    router: Router<Notification, oneshot::Sender<Delivered>>,
    inbound: Inbound<AbortHandle>,
    totals: usage::Totals,
}

/// What came that could not be used, for diagnosis.
#[derive(Debug, Default)]
struct Counters {
    unusable_lines: AtomicU64,
    unknown_notifications: AtomicU64,
    undecodable_notifications: AtomicU64,
}

/// A copy of a connection's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Statistics {
    /// Lines that are no message: not JSON, no object, an answer to nobody.
    pub(crate) unusable_lines: u64,
    /// Answers to requests that nobody waits for any more.
    pub(crate) late_answers: u64,
    /// Notifications of a method that this version does not know.
    pub(crate) unknown_notifications: u64,
    /// Notifications of a known method whose params do not fit.
    pub(crate) undecodable_notifications: u64,
}

impl Connection {
    /// Connects over a pipe, with the process at its other end if it is a child of this one.
    ///
    /// Must be called within a tokio runtime, which drives the connection's tasks.
    pub(crate) fn open(
        options: Options,
        read: impl AsyncRead + Send + Unpin + 'static,
        write: impl AsyncWrite + Send + Unpin + 'static,
        process: Option<(Child, tokio::process::ChildStderr)>,
    ) -> Self {
        let shared = Arc::new(Shared {
            routing: Mutex::new(Routing {
                router: Router::new(options.max_in_flight),
                inbound: Inbound::default(),
                totals: usage::Totals::default(),
            }),
            outbox: Arc::default(),
            next_id: AtomicI64::new(0),
            began: Instant::now(),
            clock: Notify::new(),
            slots: Slots::default(),
            resumes: Slots::default(),
            options,
            counters: Counters::default(),
            stop: Notify::new(),
            ended: watch::Sender::new(false),
        });
        supervise::spawn(Arc::clone(&shared), read, write, process);
        Self {
            _owner: Arc::new(Owner(Arc::clone(&shared))),
            shared,
        }
    }

    /// Ends the connection and waits until nothing of it is left. Every call after the first
    /// waits for the same end.
    pub(crate) async fn close(&self) {
        self.shared.stop();
        self.ended().wait().await;
    }

    /// Returns what becomes ready when nothing of the connection is left; it does not keep the
    /// connection.
    pub(crate) fn ended(&self) -> Ended {
        Ended(self.shared.ended.subscribe())
    }

    /// Returns how long a request may take.
    pub(crate) fn request_timeout(&self) -> Option<Duration> {
        self.shared.options.timeout
    }

    /// Returns why the connection ended, if it has.
    pub(crate) fn closed(&self) -> Option<Arc<CloseReason>> {
        self.shared.routing().router.closed().cloned()
    }

    /// Sends a notification without params.
    pub(crate) fn notify(&self, method: &str) {
        self.shared
            .outbox
            .push(&crate::message::notification_line(method));
    }

    /// Subscribes to everything that no turn or login owns.
    pub(crate) fn subscribe(&self) -> GlobalEvents {
        let (id, events) = self
            .shared
            .routing()
            .router
            .subscribe_globally(GLOBAL_CAPACITY);
        GlobalEvents::new(Arc::clone(&self.shared), id, events)
    }

    /// Subscribes to a turn, from its next event on; tells too whether it is known to run.
    pub(crate) fn join(&self, thread_id: &str, turn_id: &str) -> (TurnEvents, bool) {
        let mut routing = self.shared.routing();
        let router = &mut routing.router;
        let runs = router.is_running(thread_id, turn_id);
        let (id, events) = router.join(thread_id, turn_id);
        let shared = Arc::clone(&self.shared);
        let events = TurnEvents::new(shared, thread_id.into(), turn_id.into(), id, events, true);
        (events, runs)
    }

    /// Tells whether a turn is known to run, or to have failed a moment ago.
    pub(crate) fn is_running(&self, thread_id: &str, turn_id: &str) -> bool {
        self.shared.routing().router.is_running(thread_id, turn_id)
    }

    /// Waits until a turn does not run any more, or is not known to.
    pub(crate) fn poll_over(
        &self,
        thread_id: &str,
        turn_id: &str,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        self.shared
            .routing()
            .router
            .poll_over(thread_id, turn_id, cx)
    }

    /// Tells whether a turn ended not long ago.
    pub(crate) fn is_over(&self, turn_id: &str) -> bool {
        self.shared.routing().router.is_over(turn_id)
    }

    /// Waits until no compaction of a thread goes on that this client has asked for.
    pub(crate) fn poll_compacted(&self, thread_id: &str, cx: &mut Context<'_>) -> Poll<()> {
        self.shared.routing().router.poll_compacted(thread_id, cx)
    }

    /// Returns the turn that runs on a thread or is accepted, as far as this client knows.
    pub(crate) fn running_turn(&self, thread_id: &str) -> Option<Id> {
        let routing = self.shared.routing();
        routing.router.running_turn(thread_id).map(Id::from)
    }

    /// Returns how far a turn is; while it is accepted, `cx` is woken on a change.
    pub(crate) fn poll_phase(&self, thread_id: &str, turn_id: &str, cx: &mut Context<'_>) -> Phase {
        self.shared
            .routing()
            .router
            .poll_phase(thread_id, turn_id, cx)
    }

    /// Tells whether nothing is under way and nothing was left behind.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        let routing = self.shared.routing();
        routing.router.is_idle()
            && routing.inbound.is_empty()
            && self.shared.slots.is_empty()
            && self.shared.resumes.is_empty()
    }

    /// Returns what came that could not be used.
    pub(crate) fn statistics(&self) -> Statistics {
        let counters = &self.shared.counters;
        Statistics {
            unusable_lines: counters.unusable_lines.load(Ordering::Relaxed),
            late_answers: self.shared.routing().router.counters().late_answers,
            unknown_notifications: counters.unknown_notifications.load(Ordering::Relaxed),
            undecodable_notifications: counters.undecodable_notifications.load(Ordering::Relaxed),
        }
    }
}

impl Shared {
    fn routing(&self) -> MutexGuard<'_, Routing> {
        // Nothing of the user's runs under the lock, so a panic cannot leave it torn.
        self.routing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the router, then does what follows from it without the lock.
    fn route<T>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut Routing, &mut Effects<Notification, oneshot::Sender<Delivered>>) -> T,
    ) -> T {
        let mut fx = Effects::default();
        let outcome = {
            let mut routing = self.routing();
            let outcome = change(&mut routing, &mut fx);
            self.outbox.push(&fx.lines);
            outcome
        };
        self.apply(fx);
        outcome
    }

    /// Asks for the end of the connection: from now on every call fails, and the supervisor
    /// ends the process. Never blocks.
    fn stop(self: &Arc<Self>) {
        self.close(CloseReason::Requested);
        self.outbox.close();
        self.stop.notify_one();
    }

    /// Tells everybody that the connection has ended; the first reason stays.
    fn close(self: &Arc<Self>, reason: CloseReason) {
        let handlers = self.route(|routing, fx| {
            routing.router.close(Arc::new(reason), fx);
            routing.inbound.clear()
        });
        for handler in handlers {
            handler.abort();
        }
    }
}
