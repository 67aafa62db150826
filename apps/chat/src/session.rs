//! The SDK's side: the client, the thread and its turns. Everything that takes time runs on tasks, which tell
//! what happened by events.

mod event;
mod turn;
mod watch;

use std::path::PathBuf;

use futures_util::TryStreamExt;
use openai_codex::request::{ThreadResume, ThreadStart};
use openai_codex::types::{
    GetAccountRateLimitsParams, ThreadSortKey, Turn, TurnId, TurnInterruptParams,
};
use openai_codex::{ApprovalMode, Codex, CodexConfig, Error, Result, Sandbox, Thread, TurnControl};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

pub(crate) use self::event::{Event, Opened, TurnEnd};
pub(crate) use self::turn::Message;

/// How many threads and turns are shown.
const LISTED: u32 = 50;

/// How threads are opened.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) config: CodexConfig,
    pub(crate) approval: ApprovalMode,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) model: Option<String>,
    pub(crate) sandbox: Option<Sandbox>,
}

/// Which thread is opened.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    New,
    Latest,
    Id(String),
}

/// The client, its thread and its turn.
#[derive(Debug)]
pub(crate) struct Session {
    options: Options,
    events: UnboundedSender<Event>,
    codex: Option<Codex>,
    thread: Option<Thread>,
    turn: Option<TurnControl>,
    /// The turn that summarizes the thread, which no handle follows.
    summary: Option<TurnId>,
}

impl Session {
    pub(crate) fn new(options: Options) -> (Self, UnboundedReceiver<Event>) {
        let (events, receiver) = mpsc::unbounded_channel();
        let session = Self {
            options,
            events,
            codex: None,
            thread: None,
            turn: None,
            summary: None,
        };
        (session, receiver)
    }

    /// Opens a thread, in a new runtime if there is none; ends with [`Event::Opened`] or [`Event::NotOpened`].
    pub(crate) fn open(&self, which: Which) {
        let (options, codex) = (self.options.clone(), self.codex.clone());
        let events = self.events.clone();
        tokio::spawn(async move {
            let event = match open(&options, codex, which, &events).await {
                Ok(opened) => Event::Opened(Box::new(opened)),
                Err(error) => Event::NotOpened(error),
            };
            send(&events, event);
        });
    }

    /// Takes in what was opened.
    pub(crate) fn opened(&mut self, codex: Codex, thread: Thread) {
        self.codex = Some(codex);
        self.thread = Some(thread);
        self.turn_ended();
    }

    /// Takes in a runtime in which no thread could be opened.
    pub(crate) fn connected(&mut self, codex: Codex) {
        self.codex = Some(codex);
    }

    /// Forgets a runtime that ended.
    pub(crate) fn ended(&mut self) {
        self.codex = None;
        self.thread = None;
        self.turn_ended();
    }

    pub(crate) fn turn_started(&mut self, control: TurnControl) {
        self.turn = Some(control);
    }

    pub(crate) fn summary_started(&mut self, turn: TurnId) {
        self.summary = Some(turn);
    }

    pub(crate) fn turn_ended(&mut self) {
        self.turn = None;
        self.summary = None;
    }

    /// Starts a turn; ends with [`Event::TurnEnded`].
    pub(crate) fn start(&self, message: Message) {
        let Some(thread) = self.thread.clone() else {
            return;
        };
        tokio::spawn(turn::run(thread, message, self.events.clone()));
    }

    /// Gives the turn that runs one more message, which comes back where none runs yet.
    pub(crate) fn steer(&self, message: Message) -> Option<Message> {
        let Some(control) = self.turn.clone() else {
            return Some(message);
        };
        tokio::spawn(turn::steer(control, message, self.events.clone()));
        None
    }

    /// Interrupts the turn that runs; a summary too.
    pub(crate) fn interrupt(&self) {
        if let Some(control) = self.turn.clone() {
            return self.spawn(async move { control.interrupt().await });
        }
        if let (Some(turn), Some(thread), Some(codex)) = (&self.summary, &self.thread, &self.codex)
        {
            let (codex, params) = (codex.clone(), TurnInterruptParams::new(thread.id(), turn));
            self.spawn(async move { codex.request(params).await.map(drop) });
        }
    }

    /// Begins to summarize the thread; its turn is told by [`Event::Notification`].
    pub(crate) fn compact(&self) {
        let Some(thread) = self.thread.clone() else {
            return;
        };
        let events = self.events.clone();
        tokio::spawn(async move {
            if let Err(error) = thread.compact().await {
                send(&events, Event::NotCompacted(error));
            }
        });
    }

    /// Lists the threads, the last used first.
    pub(crate) fn list_threads(&self) {
        let Some(codex) = self.codex.clone() else {
            return;
        };
        let events = self.events.clone();
        self.spawn(async move {
            let list = codex.thread_list().limit(LISTED);
            let list = list.sort_key(ThreadSortKey::UpdatedAt).await?;
            send(&events, Event::Threads(list.data));
            Ok(())
        });
    }

    /// Lists the models; `Event::Models` says for which command.
    pub(crate) fn list_models(&self, for_efforts: bool) {
        let Some(codex) = self.codex.clone() else {
            return;
        };
        let events = self.events.clone();
        self.spawn(async move {
            let models = codex.models().stream().try_collect().await?;
            send(
                &events,
                Event::Models {
                    models,
                    for_efforts,
                },
            );
            Ok(())
        });
    }

    /// Asks for the account's rate limits; there are none without an account.
    pub(crate) fn read_rate_limits(&self) {
        let Some(codex) = self.codex.clone() else {
            return;
        };
        let events = self.events.clone();
        tokio::spawn(async move {
            let answer = codex.request(GetAccountRateLimitsParams::default()).await;
            let limits = answer.map(|answer| Box::new(answer.rate_limits));
            send(&events, Event::RateLimits(limits));
        });
    }

    /// Ends the runtime.
    pub(crate) async fn close(&mut self) -> Result<()> {
        match self.codex.take() {
            Some(codex) => codex.close().await,
            None => Ok(()),
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.codex.is_some()
    }

    pub(crate) fn has_thread(&self) -> bool {
        self.thread.is_some()
    }

    /// Runs a task whose failure is shown.
    fn spawn(&self, task: impl Future<Output = Result<()>> + Send + 'static) {
        let events = self.events.clone();
        tokio::spawn(async move {
            if let Err(error) = task.await {
                send(&events, Event::Failed(error));
            }
        });
    }
}

/// Sends an event; the program is ending where nobody takes it.
fn send(events: &UnboundedSender<Event>, event: Event) {
    let _ = events.send(event);
}

async fn open(
    options: &Options,
    codex: Option<Codex>,
    which: Which,
    events: &UnboundedSender<Event>,
) -> Result<Opened> {
    let codex = match codex {
        Some(codex) => codex,
        None => {
            let codex = Codex::start_with(options.config.clone()).await?;
            watch::watch(&codex, options.approval, events)?;
            codex
        }
    };
    let thread = match which {
        Which::New => new_thread(options, codex.thread_start()).await,
        Which::Id(id) => resumed(options, codex.thread_resume(id)).await,
        Which::Latest => {
            let latest = codex.thread_resume_latest();
            let latest = latest.cwd(options.folder.clone().unwrap_or_else(|| ".".into()));
            match resumed(options, latest).await {
                // There is no thread yet.
                Err(Error::InvalidInput(_)) => new_thread(options, codex.thread_start()).await,
                other => other,
            }
        }
    };
    match thread {
        Ok((thread, turns)) => Ok(Opened {
            codex,
            thread,
            turns,
        }),
        Err(error) => {
            if !error.is_closed() {
                // It stays for the next try.
                send(events, Event::Connected(codex));
            }
            Err(error)
        }
    }
}

async fn new_thread(options: &Options, mut start: ThreadStart) -> Result<(Thread, Vec<Turn>)> {
    start = start.approval_mode(options.approval);
    if let Some(folder) = &options.folder {
        start = start.cwd(folder);
    }
    if let Some(model) = &options.model {
        start = start.model(model);
    }
    if let Some(sandbox) = options.sandbox {
        start = start.sandbox(sandbox);
    }
    Ok((start.await?, Vec::new()))
}

async fn resumed(options: &Options, mut resume: ThreadResume) -> Result<(Thread, Vec<Turn>)> {
    resume = resume.approval_mode(options.approval).include_turns(false);
    if let Some(model) = &options.model {
        resume = resume.model(model);
    }
    if let Some(sandbox) = options.sandbox {
        resume = resume.sandbox(sandbox);
    }
    let thread = resume.await?;
    let turns = thread.turns().try_collect().await?;
    Ok((thread, turns))
}
