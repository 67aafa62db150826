//! The life of a connection to a remote runtime: when it is lost it is made again.
//!
//! What was going on is taken up in this order: the handshake; a `thread/resume` of each thread that the client holds,
//! after which its events come again, and the requests of the runtime that are open; a look at the turns that were
//! running, and at what became of the requests without an answer. All else waits until that is done.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use codex_types::request::ClientRequest;
use codex_types::{InitializeParams, ThreadLoadedListParams, ThreadResumeParams, Turn, TurnStatus};
use futures_util::{StreamExt, stream};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout, timeout_at};

mod link;
mod look;

use super::{Connection, Shared};
use crate::dial::dial;
use crate::error::{AttachError, CloseReason, Error, RpcErrorCode};
use crate::event;
use crate::message::{Refusal, notification_line};
use crate::names::INITIALIZED;
use crate::random;
use crate::remote::Remote;
use crate::router::{Doubt, Failure};
use crate::socket::Socket;
use link::Link;
use look::answer;

/// How long a step of taking up what was going on may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(30);
/// How many threads are resumed at the same time.
const MOST_RESUMES: usize = 16;
/// How often a thread is resumed whose first turn was accepted.
const FIRST_TURN_ATTEMPTS: u32 = 50;
/// How long to wait before a request that the runtime was too busy for, or could not do yet, is sent again.
const PAUSE: Duration = Duration::from_millis(100);

/// How a lost connection is made again.
#[derive(Debug)]
pub(crate) struct Redial {
    pub(crate) remote: Remote,
    /// The handshake.
    pub(crate) initialize: InitializeParams,
}

/// Everything that has to end with the connection.
struct Attached {
    shared: Arc<Shared>,
    link: Option<Link>,
    redial: Redial,
}

/// Starts the connection's tasks.
pub(super) fn spawn(shared: Arc<Shared>, socket: Socket, redial: Redial) {
    let attached = Attached {
        link: Some(Link::new(&shared, socket)),
        shared,
        redial,
    };
    #[expect(clippy::disallowed_methods, reason = "a task of ARCHITECTURE.md")]
    tokio::spawn(attached.run());
}

impl Attached {
    async fn run(mut self) {
        {
            let shared = Arc::clone(&self.shared);
            let mut stop = pin!(shared.stop.notified());
            let mut time = pin!(shared.keep_time());
            let mut serving = pin!(self.serve());
            // Priority: stop. Dropping the loser ends its tasks. It loops until one of the two ends.
            poll_fn(|cx| {
                if stop.as_mut().poll(cx).is_ready() || serving.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
                let Poll::Pending = time.as_mut().poll(cx);
                Poll::Pending
            })
            .await;
        }
        self.shared.outbox.close();
        if let Some(link) = &mut self.link {
            link.finish().await;
        }
        // `Drop` tells the rest.
    }

    /// Keeps the connection until it is given up.
    async fn serve(&mut self) {
        while let Some(link) = &mut self.link {
            let why = link.broken().await;
            link.stop().await;
            self.link = None;
            tracing::debug!(why, "the connection is lost");
            self.shared.lose();
            match self.connect_again(why).await {
                Ok(link) => self.link = Some(link),
                Err(reason) => self.shared.close(reason),
            }
        }
    }

    /// Tries to connect until it succeeds or the policy gives up.
    async fn connect_again(&mut self, why: String) -> Result<Link, CloseReason> {
        let policy = self.redial.remote.reconnect.clone();
        let give_up = Instant::now() + policy.give_up_after;
        let mut last = self.failed(why);
        let mut attempt = 0;
        while Instant::now() < give_up {
            match timeout_at(give_up, self.try_once()).await {
                Ok(Ok(link)) => {
                    tracing::debug!(attempt, "the connection is made again");
                    return Ok(link);
                }
                Ok(Err((error, for_good))) => {
                    last = error;
                    if for_good {
                        break;
                    }
                }
                Err(_) => {}
            }
            // Whatever was begun over the new connection is lost with it.
            self.shared.lose();
            attempt += 1;
            let pause = policy.pause_after(attempt, random::share());
            let _ = timeout_at(give_up, sleep(pause)).await;
        }
        Err(CloseReason::Lost(Box::new(last)))
    }

    fn failed(&self, why: impl Into<String>) -> AttachError {
        AttachError::new(self.redial.remote.address.to_string(), why)
    }

    /// Connects, and takes up what was going on; tells of a failure whether it stays.
    async fn try_once(&self) -> Result<Link, (AttachError, bool)> {
        let config = &self.shared.config;
        let socket = dial(&self.redial.remote, &config.secrets, config.max_line_bytes);
        let socket = socket.await.map_err(|error| match error {
            Error::Attach(error) => (*error, false),
            error => (self.failed(error.to_string()), false),
        })?;
        let mut link = Link::new(&self.shared, socket);
        let outcome = link.unless_broken(self.take_up()).await;
        let Trouble { why, for_good } = match outcome {
            Ok(Ok(())) => return Ok(link),
            Ok(Err(trouble)) => trouble,
            Err(why) => why.into(),
        };
        link.stop().await;
        Err((self.failed(why), for_good))
    }

    async fn take_up(&self) -> Result<(), Trouble> {
        let shared = &self.shared;
        let hello = shared.ask_first(&self.redial.initialize).await;
        hello.map_err(|failure| format!("the handshake failed: {}", describe(&failure)))?;
        shared.outbox.push(&notification_line(INITIALIZED));
        // What the runtime has loaded has kept its settings.
        let loaded = shared.loaded().await?;
        let (doubts, idle) = {
            let mut routing = shared.routing();
            let doubts = routing.router.doubts();
            let Some(sharing) = &mut routing.sharing else {
                return Ok(());
            };
            for doubt in &doubts {
                sharing.ledger.hold(&doubt.thread);
            }
            let held = sharing.held();
            let idle = held.filter(|thread| !doubts.iter().any(|doubt| *doubt.thread == **thread));
            let idle: Vec<Doubt> = idle.map(Doubt::nothing).collect();
            (doubts, idle)
        };
        let threads = stream::iter(doubts.into_iter().chain(idle));
        let resumed = threads.map(|doubt| {
            let is_loaded = loaded.iter().any(|loaded| **loaded == *doubt.thread);
            let occasion = if is_loaded {
                Occasion::Kept
            } else {
                Occasion::Stored
            };
            shared.take_up_thread(doubt, occasion)
        });
        let outcomes: Vec<Result<(), Trouble>> =
            resumed.buffer_unordered(MOST_RESUMES).collect().await;
        outcomes.into_iter().collect::<Result<(), Trouble>>()?;
        shared.route(|routing, fx| routing.router.resumed(fx));
        Ok(())
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.shared.end();
    }
}

/// Why what was going on is not taken up.
#[derive(Debug)]
struct Trouble {
    why: String,
    /// Whether it would be the same again.
    for_good: bool,
}

impl Trouble {
    fn for_good(why: &str) -> Self {
        Self {
            why: why.to_owned(),
            for_good: true,
        }
    }
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self {
            why,
            for_good: false,
        }
    }
}

impl Doubt {
    fn nothing(thread: &str) -> Self {
        Self {
            thread: thread.into(),
            turns: Vec::new(),
            messages: Vec::new(),
        }
    }
}

impl Connection {
    /// Resumes a thread that could not be resumed when the connection was made again, because it had no turn, and
    /// delivers what was missed of the turn that it has now.
    pub(crate) async fn catch_up(&self, thread_id: &str) {
        let turns = {
            let mut routing = self.shared.routing();
            match &mut routing.sharing {
                Some(sharing) if sharing.is_unheard(thread_id) => sharing.ledger.hold(thread_id),
                _ => return,
            }
            let doubts = routing.router.doubts().into_iter();
            let mut of_thread = doubts.filter(|doubt| *doubt.thread == *thread_id);
            of_thread.next().map_or_else(Vec::new, |doubt| doubt.turns)
        };
        let _hold = Hold {
            shared: &self.shared,
            thread_id,
        };
        let doubt = Doubt {
            turns,
            ..Doubt::nothing(thread_id)
        };
        if let Err(trouble) = self.shared.take_up_thread(doubt, Occasion::FirstTurn).await {
            // It is done once more with the next connection.
            tracing::debug!(trouble.why, "a thread is not resumed");
        }
    }
}

/// Events of a thread that are held back; they are let go when this is dropped.
struct Hold<'a> {
    shared: &'a Arc<Shared>,
    thread_id: &'a str,
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.shared.route(|routing, fx| {
            let mut events = Vec::new();
            // After a loss they are held back for the one who takes the thread up.
            if let Some(sharing) = &mut routing.sharing
                && routing.router.is_online()
            {
                sharing
                    .ledger
                    .resumed(self.thread_id, Vec::new(), &mut events);
            }
            for event in events {
                self.shared.deliver(routing, event, fx);
            }
        });
    }
}

/// Why a thread is taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occasion {
    /// After a loss, in which the runtime kept the thread.
    Kept,
    /// After a loss, in which the runtime has put the thread away, or was started again.
    Stored,
    /// It could not be resumed before its first turn, which runs now.
    FirstTurn,
}

impl Shared {
    /// Holds everything back, because the connection is lost.
    fn lose(self: &Arc<Self>) {
        self.route(|routing, fx| {
            routing.router.lost(fx);
            if let Some(sharing) = &mut routing.sharing {
                sharing.lost();
            }
            self.outbox.clear();
        });
    }

    /// Makes a request while all others wait. One that the runtime is too busy for is made again.
    async fn ask_first<P: ClientRequest>(
        self: &Arc<Self>,
        params: &P,
    ) -> Result<Box<str>, Failure> {
        let malformed = |what| Failure::Refused(Refusal::Malformed(what));
        loop {
            let mut request =
                event::encode(params).map_err(|_| malformed("it cannot be encoded"))?;
            let (reply, outcome) = oneshot::channel();
            self.route(|routing, fx| routing.router.call_first(&mut request, reply, fx));
            match timeout(STEP_TIMEOUT, outcome).await {
                Ok(Ok(Ok((text, _)))) => return Ok(text),
                Ok(Ok(Err(Failure::Refused(Refusal::Rpc(error)))))
                    if error.code == RpcErrorCode::OVERLOADED =>
                {
                    sleep(PAUSE).await;
                }
                Ok(Ok(Err(failure))) => return Err(failure),
                Ok(Err(_)) => return Err(malformed("the answer was lost")),
                Err(_) => return Err(Failure::TimedOut),
            }
        }
    }

    /// Returns the threads that the runtime has loaded.
    async fn loaded(self: &Arc<Self>) -> Result<Vec<String>, String> {
        let mut params = ThreadLoadedListParams::default();
        let mut loaded = Vec::new();
        loop {
            let page = match self.ask_first(&params).await {
                Ok(text) => ThreadLoadedListParams::decode_response(&text),
                Err(failure) => {
                    return Err(format!("thread/loaded/list failed: {}", describe(&failure)));
                }
            };
            let page = page.map_err(|_| "the list of loaded threads cannot be read".to_owned())?;
            loaded.extend(page.data);
            match page.next_cursor {
                Some(cursor) if params.cursor.as_ref() != Some(&cursor) => {
                    params.cursor = Some(cursor)
                }
                _ => return Ok(loaded),
            }
        }
    }

    /// Resumes a thread, and clears up what is not known of it.
    ///
    /// # Errors
    ///
    /// Why it cannot be told; what the runtime refuses is the end of the turns of the thread, and no error.
    async fn take_up_thread(
        self: &Arc<Self>,
        doubt: Doubt,
        occasion: Occasion,
    ) -> Result<(), Trouble> {
        let mut resume = ThreadResumeParams::new(&*doubt.thread);
        if let Some(sharing) = &mut self.routing().sharing {
            // A runtime that has the thread loaded ignores them.
            sharing.fill_resume(&mut resume);
            if occasion == Occasion::Stored {
                sharing.stored(&doubt.thread);
            }
        }
        let short = resume.clone().exclude_turns(true);
        let mut attempt = 1;
        let outcome = loop {
            let outcome = match self.ask_first(&short).await {
                // Before 0.151 the option is refused.
                Err(Failure::Refused(Refusal::Rpc(_))) => self.ask_first(&resume).await,
                outcome => outcome,
            };
            // A thread is stored a moment after its first turn was accepted.
            let is_refused = matches!(outcome, Err(Failure::Refused(Refusal::Rpc(_))));
            if !is_refused || occasion != Occasion::FirstTurn || attempt == FIRST_TURN_ATTEMPTS {
                break outcome;
            }
            attempt += 1;
            sleep(PAUSE).await;
        };
        let is_there = match outcome {
            Ok(_) => true,
            Err(Failure::Refused(Refusal::Rpc(error))) => {
                tracing::debug!(%error, "a thread cannot be resumed");
                false
            }
            Err(failure) => {
                return Err(format!("thread/resume failed: {}", describe(&failure)).into());
            }
        };
        if let Some(sharing) = &mut self.routing().sharing {
            sharing.hears(&doubt.thread, is_there);
        }
        let mut found = self.look(&doubt).await?;
        let is_over = |turn: &Turn| turn.status != TurnStatus::InProgress;
        if is_there && found.turns.iter().any(is_over) {
            // With its turns the runtime says once more how many tokens the last one has used, before or after its
            // answer; an answer that is asked for then comes after both.
            let _ = self.ask_first(&resume).await;
            found = self.look(&doubt).await?;
        }
        if occasion == Occasion::FirstTurn {
            // A turn that has just begun may not be stored yet.
            found.gone.clear();
        }
        let goes_on = |turn: &&Turn| occasion != Occasion::Stored && !is_over(turn);
        let going_on: Vec<_> = found
            .turns
            .iter()
            .filter(goes_on)
            .map(|turn| turn.id.clone())
            .collect();
        self.route(|routing, fx| {
            let mut events = Vec::new();
            let answers: Vec<_> = found
                .taken
                .iter()
                .filter_map(|(id, at)| {
                    let turn = found.turns.get(*at)?;
                    Some((*id, turn.id.clone(), answer(turn)))
                })
                .collect();
            if let Some(sharing) = &mut routing.sharing {
                sharing
                    .ledger
                    .resumed(&doubt.thread, found.turns, &mut events);
                for turn in &found.gone {
                    sharing.ledger.forget(&doubt.thread, turn);
                }
            }
            for event in events {
                self.deliver(routing, event, fx);
            }
            for turn in &going_on {
                routing.router.still_asked(turn, fx);
            }
            for turn in &found.gone {
                routing.router.turn_gone(&doubt.thread, turn, fx);
            }
            for (id, turn, text) in &answers {
                routing.router.found(*id, turn, text, fx);
            }
            for id in found.not_taken {
                routing.router.not_found(id, fx);
            }
        });
        Ok(())
    }
}

fn describe(failure: &Failure) -> String {
    match failure {
        Failure::Refused(Refusal::Rpc(error)) => error.to_string(),
        Failure::Refused(Refusal::Malformed(why)) => (*why).to_owned(),
        Failure::TimedOut => format!("no answer within {STEP_TIMEOUT:?}"),
        Failure::Lost => "the connection was lost again".into(),
        Failure::Busy(_) | Failure::Closed(_) => "the connection is closed".into(),
    }
}
