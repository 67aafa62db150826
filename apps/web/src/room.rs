//! One thread: its turns, its log, and who reads it.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::Stream;
use openai_codex::{
    ApprovalMode, Codex, Error, Notification, Sandbox, Thread, TurnControl, TurnHandle,
};
use serde::Serialize;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::events::Event;
use crate::log::{Limits, Log, Message};

/// One thread and everybody who reads it.
#[derive(Debug)]
pub(crate) struct Room {
    thread: Thread,
    about: About,
    grace: Duration,
    stages: Stages,
    log: Mutex<Log>,
    /// The id of the last event.
    last: watch::Sender<u64>,
    /// How many readers are connected.
    readers: watch::Sender<usize>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What interrupts the turn that runs.
    turn: Option<TurnControl>,
    /// When the thread was started, or its last turn.
    used: Instant,
}

/// The stages in which the server ends, and the tasks that it waits for meanwhile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stages {
    /// Turns are interrupted, and none is started any more.
    pub(crate) stopping: CancellationToken,
    /// Readers are disconnected.
    pub(crate) over: CancellationToken,
    /// The tasks of turns and questions.
    pub(crate) tasks: TaskTracker,
}

/// What a page is told about a thread.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct About {
    /// The id.
    id: String,
    /// The model.
    model: String,
    /// The folder that the agent works in.
    cwd: String,
    /// What it may touch without asking, by the runtime's name of it.
    sandbox: String,
}

/// How a new thread is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preset {
    /// The folder that the agent works in; the runtime's own where it is not set.
    pub(crate) cwd: Option<std::path::PathBuf>,
    /// The model; that of the user's configuration where it is not set.
    pub(crate) model: Option<String>,
    /// What it may touch without asking; as configured where it is not set.
    pub(crate) sandbox: Option<Sandbox>,
}

impl Room {
    /// Starts a thread, whose approvals are the user's.
    ///
    /// # Errors
    ///
    /// What the runtime refuses.
    pub(crate) async fn open(
        codex: &Codex,
        preset: &Preset,
        grace: Duration,
        stages: Stages,
    ) -> Result<Self, Error> {
        let mut start = codex.thread_start().approval_mode(ApprovalMode::UserReview);
        if let Some(cwd) = &preset.cwd {
            start = start.cwd(cwd);
        }
        if let Some(model) = &preset.model {
            start = start.model(model);
        }
        if let Some(sandbox) = preset.sandbox {
            start = start.sandbox(sandbox);
        }
        let thread = start.await?;
        let info = thread.info();
        let sandbox = serde_json::to_value(&info.sandbox).unwrap_or_default();
        let about = About {
            id: thread.id().to_string(),
            model: info.model.clone(),
            cwd: info.cwd.display().to_string(),
            sandbox: sandbox["type"].as_str().unwrap_or_default().to_owned(),
        };
        Ok(Self {
            thread,
            about,
            grace,
            stages,
            log: Mutex::new(Log::new(Limits::default())),
            last: watch::Sender::new(0),
            readers: watch::Sender::new(0),
            state: Mutex::new(State {
                turn: None,
                used: Instant::now(),
            }),
        })
    }

    /// Returns the id of the thread.
    pub(crate) fn id(&self) -> &str {
        &self.about.id
    }

    /// Returns what a page is told about the thread.
    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    /// Returns when the room was used last; `None` while a turn runs or somebody reads.
    pub(crate) fn unused_since(&self) -> Option<Instant> {
        let state = self.state();
        let is_used = state.turn.is_some() || *self.readers.borrow() > 0;
        (!is_used).then_some(state.used)
    }

    /// Adds an event to the log, and wakes the readers.
    pub(crate) fn push(&self, event: &Event) {
        // Within the lock, so that ids never go back.
        let mut log = self.log();
        let id = log.push(event);
        self.last.send_replace(id);
    }

    /// Returns the state of the conversation as JSON.
    pub(crate) fn snapshot(&self) -> Message {
        self.log().snapshot(&self.about)
    }

    /// Starts a turn, and follows it to its end; returns its id.
    ///
    /// # Errors
    ///
    /// [`Error::ThreadBusy`] while another one runs; what the runtime refuses.
    pub(crate) async fn start_turn(self: &Arc<Self>, text: String) -> Result<String, Error> {
        let (reply, answer) = oneshot::channel();
        let room = Arc::clone(self);
        // A task of its own: the start must not be dropped with the request of a client that goes away.
        self.stages.tasks.spawn(async move {
            match room.thread.turn(text).if_idle().await {
                Ok(turn) => {
                    let id = turn.id().to_string();
                    tracing::info!(thread = room.id(), turn = id, "a turn has started");
                    room.set_turn(turn.control());
                    let _ = reply.send(Ok(id));
                    room.follow(turn).await;
                }
                Err(error) => drop(reply.send(Err(error))),
            }
        });
        answer
            .await
            .unwrap_or_else(|_| Err(Error::InvalidInput("the turn could not be started".into())))
    }

    /// Interrupts the turn that runs; returns its id, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// What the runtime refuses.
    pub(crate) async fn interrupt(&self) -> Result<Option<String>, Error> {
        let turn = self.state().turn.clone();
        match turn {
            Some(turn) => {
                turn.interrupt().await?;
                Ok(Some(turn.id().to_string()))
            }
            None => Ok(None),
        }
    }

    /// Reads a turn to its end. It is interrupted if nobody reads for the grace time, and when the server ends.
    async fn follow(&self, mut turn: TurnHandle) {
        let id = turn.id().to_string();
        let mut left = pin!(self.left());
        let (mut waits, mut ended) = (true, false);
        loop {
            let event = tokio::select! {
                event = turn.next() => event,
                reason = &mut left, if waits => {
                    waits = false;
                    tracing::info!(thread = self.id(), turn = id, reason, "the turn is interrupted");
                    let message = format!("The turn is interrupted: {reason}.");
                    self.push(&Event::Notice { message });
                    let control = turn.control();
                    self.stages.tasks.spawn(async move {
                        if let Err(error) = control.interrupt().await {
                            tracing::warn!(%error, "a turn cannot be interrupted");
                        }
                    });
                    continue;
                }
            };
            match event {
                Some(Ok(event)) => {
                    ended |= matches!(event, Notification::TurnCompleted(_));
                    self.tell(event);
                }
                Some(Err(error)) => {
                    ended = true;
                    self.lose(&id, &error.to_string());
                }
                // An end that cannot be read is one too.
                None if !ended => return self.lose(&id, "its end cannot be read"),
                None => return,
            }
        }
    }

    /// Tells that a turn has ended, and not how.
    fn lose(&self, turn: &str, reason: &str) {
        tracing::warn!(thread = self.id(), turn, reason, "the turn is lost");
        self.unset_turn();
        self.push(&Event::TurnCompleted {
            turn_id: turn.to_owned(),
            status: "failed".to_owned(),
            message: Some(format!("The turn is lost: {reason}")),
        });
    }

    fn tell(&self, event: Notification) {
        if let Notification::TurnCompleted(completed) = &event {
            let turn = &completed.turn;
            tracing::info!(thread = self.id(), turn = %turn.id, status = %turn.status, "the turn has ended");
            // Before the readers know, for they may start the next one at once.
            self.unset_turn();
        }
        if let Some(event) = Event::read(event) {
            self.push(&event);
        }
    }

    /// Waits until nobody has read for the grace time, or the server ends; says which.
    async fn left(&self) -> &'static str {
        tokio::select! {
            () = self.stages.stopping.cancelled() => "the server stops",
            () = self.abandoned() => "nobody has the page open",
        }
    }

    async fn abandoned(&self) {
        let mut readers = self.readers.subscribe();
        loop {
            // The sender lives as long as `self`, so that waiting only ends well.
            let _ = readers.wait_for(|count| *count == 0).await;
            let somebody = readers.wait_for(|count| *count > 0);
            if tokio::time::timeout(self.grace, somebody).await.is_err() {
                return;
            }
        }
    }

    /// Streams what a reader has missed that has read to the id `read`, and then what happens.
    pub(crate) fn read(self: &Arc<Self>, read: Option<u64>) -> impl Stream<Item = Message> + use<> {
        let reader = Reader::new(Arc::clone(self), read);
        futures_util::stream::unfold(reader, |mut reader| async move {
            let message = reader.next().await?;
            Some((message, reader))
        })
    }

    fn set_turn(&self, turn: TurnControl) {
        let mut state = self.state();
        state.turn = Some(turn);
        state.used = Instant::now();
    }

    fn unset_turn(&self) {
        self.state().turn = None;
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connected reader of a room.
struct Reader {
    room: Arc<Room>,
    last: watch::Receiver<u64>,
    read: Option<u64>,
    /// What was taken of the log and not yet returned.
    ready: std::vec::IntoIter<Message>,
}

impl Reader {
    fn new(room: Arc<Room>, read: Option<u64>) -> Self {
        room.readers.send_modify(|count| *count += 1);
        Self {
            last: room.last.subscribe(),
            room,
            read,
            ready: Vec::new().into_iter(),
        }
    }

    /// Waits for the next message; `None` when the server ends.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.ready.next() {
                self.read = Some(message.id);
                return Some(message);
            }
            self.last.mark_unchanged();
            let missed = self.room.log().after(self.read, &self.room.about);
            if missed.is_empty() {
                tokio::select! {
                    // What happened before the end is told first.
                    biased;
                    changed = self.last.changed() => changed.ok()?,
                    () = self.room.stages.over.cancelled() => return None,
                }
            }
            self.ready = missed.into_iter();
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.room.readers.send_modify(|count| *count -= 1);
    }
}
