//! One connection to a runtime: requests out, answers and events in, until it ends for a reason.
//!
//! Its tasks are listed in `ARCHITECTURE.md`. They hold [`Shared`], never a [`Connection`]:
//! dropping the last `Connection` ends them all. `Shared` in turn holds no task.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use codex_types::TurnId;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::Instant;

#[cfg(feature = "remote")]
mod attached;
mod budgets;
mod call;
mod changes;
mod dispatch;
mod effects;
#[cfg(feature = "remote")]
mod ledger;
mod questions;
mod resumes;
mod serve;
#[cfg(feature = "remote")]
mod settings;
#[cfg(feature = "remote")]
mod sharing;
mod subscription;
mod supervise;
mod task;
#[cfg(test)]
mod tests;
mod turn_usage;
mod usage;

#[cfg(feature = "remote")]
pub(crate) use attached::Redial;
pub(crate) use budgets::Exceeded;
pub(crate) use call::Response;
pub(crate) use effects::Opened;
use effects::RouterEffects;
pub(crate) use questions::Question;
#[cfg(feature = "remote")]
pub(crate) use settings::Settings;
#[cfg(feature = "remote")]
pub(crate) use sharing::HeldThread;
pub(crate) use subscription::{Cut, GlobalEvents, LoginEvents, TurnEvents};
pub(crate) use turn_usage::TurnUsage;
#[cfg(feature = "schemars")]
pub(crate) use turn_usage::plus;

use crate::child::Child;
use crate::config::ConnectionConfig;
use crate::error::{CloseReason, Error, Result};
use crate::event::Notification;
use crate::router::{Effects, Outcome, Phase, Router};
use crate::writer::Outbox;
use questions::Questions;
use resumes::Resumes;

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

/// The end of a connection, to wait for without keeping the connection.
#[derive(Debug)]
pub(crate) struct ConnectionEnd(watch::Receiver<bool>);

impl ConnectionEnd {
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
    /// When the connection began; the router's times count from here.
    began: Instant,
    /// Says that there is a new deadline.
    timer: Notify,
    resumes: Resumes,
    /// The threads on which a turn that happens once is looked for.
    onces: Resumes,
    questions: Questions,
    #[cfg(feature = "tools")]
    tools: crate::tool::Registry,
    config: ConnectionConfig,
    counters: Counters,
    /// Asks the supervisor to end the connection.
    stop: Notify,
    /// Whether there is a reason why the connection ended.
    closed: watch::Sender<bool>,
    /// Whether the supervisor has ended everything.
    ended: watch::Sender<bool>,
    /// Whether the runtime has answered the handshake.
    is_ready: AtomicBool,
    process_id: Option<u32>,
}

/// The state behind the one lock.
#[derive(Debug)]
struct Routing {
    router: Router<Notification, oneshot::Sender<Outcome<Opened>>>,
    totals: usage::Totals,
    changes: changes::Changes,
    budgets: budgets::Budgets,
    /// What a connection that may be lost, and others to the same runtime, make necessary.
    #[cfg(feature = "remote")]
    sharing: Option<sharing::Sharing>,
}

/// Counts of lines that could not be used, for diagnosis.
#[derive(Debug, Default)]
struct Counters {
    unusable_lines: AtomicU64,
    unknown_notifications: AtomicU64,
    undecodable_notifications: AtomicU64,
}

/// A copy of a connection's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Statistics {
    /// Lines that are no message: not JSON, no object, an answer to no request.
    pub(crate) unusable_lines: u64,
    /// Answers to requests whose caller is gone.
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
        config: ConnectionConfig,
        read: impl AsyncRead + Send + Unpin + 'static,
        write: impl AsyncWrite + Send + Unpin + 'static,
        process: Option<(Child, tokio::process::ChildStderr)>,
    ) -> Self {
        let mut shared = Shared::new(config);
        shared.process_id = process.as_ref().and_then(|(child, _)| child.id());
        let shared = Arc::new(shared);
        supervise::spawn(Arc::clone(&shared), read, write, process);
        Self::of(shared)
    }

    /// Connects over a socket, which is made again when it is lost.
    ///
    /// Must be called within a tokio runtime, which drives the connection's tasks.
    #[cfg(feature = "remote")]
    pub(crate) fn attach(
        config: ConnectionConfig,
        socket: crate::socket::Socket,
        redial: Redial,
    ) -> Self {
        let mut shared = Shared::new(config);
        let routing = shared
            .routing
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        routing.sharing = Some(sharing::Sharing::new(redial.remote.unanswered));
        let shared = Arc::new(shared);
        attached::spawn(Arc::clone(&shared), socket, redial);
        Self::of(shared)
    }

    fn of(shared: Arc<Shared>) -> Self {
        Self {
            _owner: Arc::new(Owner(Arc::clone(&shared))),
            shared,
        }
    }

    /// Tells whether the runtime is a remote one.
    #[cfg(feature = "remote")]
    pub(crate) fn is_remote(&self) -> bool {
        self.shared.is_remote()
    }

    /// Ends the connection and waits until nothing of it is left. Every call after the first
    /// waits for the same end.
    pub(crate) async fn close(&self) {
        self.shared.stop();
        self.ended().wait().await;
    }

    /// Returns the end of the connection, to wait for.
    pub(crate) fn ended(&self) -> ConnectionEnd {
        ConnectionEnd(self.shared.ended.subscribe())
    }

    /// Returns the id of the process, if there is one.
    pub(crate) fn process_id(&self) -> Option<u32> {
        self.shared.process_id
    }

    /// Returns how long a request may take.
    pub(crate) fn request_timeout(&self) -> Option<Duration> {
        self.shared.config.timeout
    }

    /// Returns the tools of the threads.
    #[cfg(feature = "tools")]
    pub(crate) fn tools(&self) -> &crate::tool::Registry {
        &self.shared.tools
    }

    /// Returns why the connection ended, if it has.
    pub(crate) fn closed(&self) -> Option<Arc<CloseReason>> {
        self.shared.routing().router.closed().cloned()
    }

    /// Refuses everything once the connection has ended: before a call is looked at, so that it ends with the same
    /// reason whatever it asks for.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`].
    pub(crate) fn check_open(&self) -> Result<()> {
        match self.closed() {
            Some(reason) => Err(Error::Closed(reason)),
            None => Ok(()),
        }
    }

    /// Returns the refusal of a call of which nothing was sent: that of a connection that has ended goes first.
    pub(crate) fn closed_or(&self, refusal: Error) -> Error {
        self.check_open().err().unwrap_or(refusal)
    }

    /// Waits until the connection has ended, and returns why. Cancel safe.
    pub(crate) async fn wait_closed(&self) -> Arc<CloseReason> {
        // Before the look, so that no end falls between the two.
        let mut closed = self.shared.closed.subscribe();
        loop {
            if let Some(reason) = self.closed() {
                return reason;
            }
            // The sender lives as long as `self`.
            let _ = closed.changed().await;
        }
    }

    /// Notes that the runtime has answered the handshake.
    pub(crate) fn ready(&self) {
        self.shared.is_ready.store(true, Ordering::Relaxed);
    }

    /// Takes the questions that no handler decides.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`], and [`Error::InvalidInput`] if they are decided already, or the client does without
    /// what they need.
    pub(crate) fn questions(&self) -> Result<mpsc::UnboundedReceiver<Question>> {
        self.check_open()?;
        if self.shared.config.handlers.approver().is_some() {
            return Err(Error::InvalidInput(
                "`on_approval` decides the approvals of this client already: use one of the two"
                    .into(),
            ));
        }
        self.shared.config.check_announced("`approvals`")?;
        let questions = self.shared.questions.open();
        // The end of the connection ends what was opened before it, and this is after the opening.
        self.check_open()?;
        questions.ok_or_else(|| {
            Error::InvalidInput(
                "the approvals of this client are taken already: there is one `Approvals` at a time".into(),
            )
        })
    }

    /// Tells whether approvals of commands or of file changes come to the program.
    pub(crate) fn decides_approvals(&self) -> bool {
        self.shared.config.handlers.decide() || self.shared.questions.consumer().is_some()
    }

    /// Sends a notification without params.
    pub(crate) fn notify(&self, method: &str) {
        self.shared
            .outbox
            .push(&crate::message::notification_line(method));
    }

    /// Subscribes to the notifications of no turn and no login.
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

    /// Returns the turn that is known to run on a thread.
    pub(crate) fn running(&self, thread_id: &str) -> Option<TurnId> {
        let routing = self.shared.routing();
        routing.router.running(thread_id).map(TurnId::from)
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

    /// Returns how far a turn is; while it is accepted, `cx` is woken on a change.
    pub(crate) fn poll_phase(&self, thread_id: &str, turn_id: &str, cx: &mut Context<'_>) -> Phase {
        self.shared
            .routing()
            .router
            .poll_phase(thread_id, turn_id, cx)
    }

    /// Tells whether nothing is in flight and nothing was left behind.
    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        let routing = self.shared.routing();
        routing.router.is_idle() && routing.budgets.is_empty() && self.shared.resumes.is_empty()
    }

    /// Returns the counters.
    pub(crate) fn statistics(&self) -> Statistics {
        let counters = &self.shared.counters;
        Statistics {
            unusable_lines: counters.unusable_lines.load(Ordering::Relaxed),
            late_answers: self.shared.routing().router.late_answers(),
            unknown_notifications: counters.unknown_notifications.load(Ordering::Relaxed),
            undecodable_notifications: counters.undecodable_notifications.load(Ordering::Relaxed),
        }
    }
}

impl Shared {
    fn new(config: ConnectionConfig) -> Self {
        Self {
            routing: Mutex::new(Routing {
                router: Router::new(config.max_in_flight, config.timeout),
                totals: usage::Totals::default(),
                changes: changes::Changes::default(),
                budgets: budgets::Budgets::default(),
                #[cfg(feature = "remote")]
                sharing: None,
            }),
            outbox: Arc::default(),
            began: Instant::now(),
            timer: Notify::new(),
            resumes: Resumes::default(),
            onces: Resumes::default(),
            questions: Questions::default(),
            #[cfg(feature = "tools")]
            tools: crate::tool::Registry::default(),
            config,
            counters: Counters::default(),
            stop: Notify::new(),
            closed: watch::Sender::new(false),
            ended: watch::Sender::new(false),
            is_ready: AtomicBool::new(false),
            process_id: None,
        }
    }

    /// Tells whether the runtime is a remote one.
    fn is_remote(&self) -> bool {
        self.config.too_long_message.is_some()
    }

    fn routing(&self) -> MutexGuard<'_, Routing> {
        // Nothing of the user's runs under the lock, so a panic cannot leave it torn.
        self.routing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the router, then applies the effects without the lock.
    fn route<T>(self: &Arc<Self>, change: impl FnOnce(&mut Routing, &mut RouterEffects) -> T) -> T {
        let mut fx = Effects::at(self.began.elapsed());
        let outcome = {
            let mut routing = self.routing();
            let outcome = change(&mut routing, &mut fx);
            // Under the lock, so that the order on the wire is the router's.
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

    /// Ends the connection for all callers and readers; the first reason stays.
    fn close(self: &Arc<Self>, reason: CloseReason) {
        self.route(|routing, fx| routing.router.close(Arc::new(reason), fx));
        // After the reason is there, which whoever finds no consumer looks for.
        self.questions.close();
        self.closed.send_replace(true);
    }
}
