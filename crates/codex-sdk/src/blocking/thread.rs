//! The blocking version of a thread.

use std::sync::Arc;

use codex_types::{ThreadId, ThreadReadResponse, TurnId};

use super::client::Codex;
use super::driver::Driver;
use super::iterators::Turns;
use super::turn::TurnHandle;
use crate::error::Result;
use crate::input::{Input, RunInput};
use crate::result::TurnResult;
use crate::thread::{self, ThreadBundle, ThreadFork, ThreadInfo, ThreadResume, ThreadStart};
use crate::turn::{OnceStart, TurnStart};

/// A conversation that the runtime keeps. The blocking version of [`Thread`](crate::Thread).
///
/// ```no_run
/// # fn example(codex: openai_codex::blocking::Codex) -> openai_codex::Result<()> {
/// let thread = codex.thread_start().send()?;
/// println!("{}", thread.run("Describe this project.")?.text());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Thread {
    pub(super) inner: thread::Thread,
    pub(super) driver: Arc<Driver>,
}

impl Thread {
    /// Makes the handle of a thread that [`Codex::request`] has started, resumed or forked, with
    /// options that no builder offers.
    pub fn attach(codex: &Codex, answer: impl Into<ThreadInfo>) -> Self {
        codex.thread(thread::Thread::attach(&codex.inner, answer))
    }

    /// Returns the id of the thread.
    pub fn id(&self) -> &ThreadId {
        self.inner.id()
    }

    /// Returns what the runtime answered when the thread was started, resumed or forked.
    pub fn info(&self) -> &ThreadInfo {
        self.inner.info()
    }

    /// Prepares a turn, `turn/start`: [`send`](TurnStart::send) starts it,
    /// [`run`](TurnStart::run) runs it to its end.
    pub fn turn(&self, input: impl Into<RunInput>) -> TurnStart<Self> {
        TurnStart::new(self.clone(), input.into())
    }

    /// Runs a turn to its end.
    ///
    /// # Errors
    ///
    /// As [`Thread::run`](crate::Thread::run).
    pub fn run(&self, input: impl Into<RunInput>) -> Result<TurnResult> {
        self.driver.block_on(self.inner.run(input))
    }

    /// Prepares a turn that happens once: [`send`](OnceStart::send) runs it unless it was run.
    pub fn once(&self, key: impl Into<String>, input: impl Into<Input>) -> OnceStart<Self> {
        let input: Input = input.into();
        OnceStart::new(self.turn(input), key.into())
    }

    /// Runs a turn to its end, and decodes its final response as a type.
    ///
    /// # Errors
    ///
    /// As [`Thread::run_as`](crate::Thread::run_as).
    #[cfg(feature = "schemars")]
    pub fn run_as<V>(&self, input: impl Into<RunInput>) -> Result<V>
    where
        V: schemars::JsonSchema + serde::de::DeserializeOwned,
    {
        self.driver.block_on(self.inner.run_as(input))
    }

    /// Exports the thread with its sub-agents, to be imported into another home of the runtime.
    ///
    /// # Errors
    ///
    /// As [`Thread::export`](crate::Thread::export).
    pub fn export(&self) -> Result<ThreadBundle> {
        self.driver.block_on(self.inner.export())
    }

    /// Reads the thread without its turns, `thread/read`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`](crate::Codex::request).
    pub fn read(&self) -> Result<ThreadReadResponse> {
        self.driver.block_on(self.inner.read())
    }

    /// Reads the thread with all of its turns and their items, `thread/read`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`](crate::Codex::request).
    pub fn read_with_turns(&self) -> Result<ThreadReadResponse> {
        self.driver.block_on(self.inner.read_with_turns())
    }

    /// Goes through the turns of the thread, oldest first and with their items,
    /// `thread/turns/list`.
    ///
    /// A page is asked for when the turns of the one before have been read. An error is the last
    /// item.
    pub fn turns(&self) -> Turns {
        Turns::new(self.inner.turns(), &self.driver)
    }

    /// Names the thread, `thread/name/set`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`](crate::Codex::request).
    pub fn set_name(&self, name: impl Into<String>) -> Result<()> {
        self.driver.block_on(self.inner.set_name(name))
    }

    /// Begins to sum up the history, to make room in the model's context, `thread/compact/start`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`](crate::Codex::request).
    pub fn compact(&self) -> Result<()> {
        self.driver.block_on(self.inner.compact())
    }

    /// Joins the turn that runs on this thread, as far as this client knows.
    ///
    /// As [`Thread::running`](crate::Thread::running).
    pub fn running(&self) -> Option<TurnHandle> {
        let turn = self.inner.running()?;
        Some(TurnHandle::new(turn, &self.driver))
    }

    /// Joins a turn of this thread that any client has started: its events from now on, or what the runtime
    /// has stored of it.
    ///
    /// As [`Thread::join_turn`](crate::Thread::join_turn).
    pub fn join_turn(&self, turn_id: impl Into<TurnId>) -> TurnHandle {
        TurnHandle::new(self.inner.join_turn(turn_id), &self.driver)
    }
}

impl Codex {
    /// Starts a thread, `thread/start`.
    pub fn thread_start(&self) -> ThreadStart<Self> {
        ThreadStart::new(self.clone())
    }

    /// Resumes a thread that is stored, or runs already, `thread/resume`.
    pub fn thread_resume(&self, id: impl Into<ThreadId>) -> ThreadResume<Self> {
        ThreadResume::new(self.clone(), id.into())
    }

    /// Resumes the thread that was used last, `thread/list` and `thread/resume`.
    ///
    /// As [`Codex::thread_resume_latest`](crate::Codex::thread_resume_latest).
    pub fn thread_resume_latest(&self) -> ThreadResume<Self> {
        ThreadResume::latest(self.clone())
    }

    /// Imports a thread that was exported elsewhere, and resumes it.
    ///
    /// As [`Codex::thread_import`](crate::Codex::thread_import).
    pub fn thread_import(&self, bundle: ThreadBundle) -> ThreadResume<Self> {
        ThreadResume::import(self.clone(), bundle)
    }

    /// Makes this client the one that answers for a thread.
    ///
    /// # Errors
    ///
    /// As [`Codex::take_over`](crate::Codex::take_over).
    #[cfg(feature = "remote")]
    #[cfg_attr(docsrs, doc(cfg(feature = "remote")))]
    pub fn take_over(&self, thread: &Thread) -> Result<()> {
        self.driver.block_on(self.inner.take_over(&thread.inner))
    }

    /// Makes a new thread from what this one has so far, `thread/fork`.
    pub fn thread_fork(&self, id: impl Into<ThreadId>) -> ThreadFork<Self> {
        ThreadFork::new(self.clone(), id.into())
    }

    /// Puts a thread away, `thread/archive`; [`Codex::thread_unarchive`] brings it back.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`](crate::Codex::request).
    pub fn thread_archive(&self, id: &str) -> Result<()> {
        self.driver.block_on(self.inner.thread_archive(id))
    }

    /// Brings an archived thread back, `thread/unarchive`.
    ///
    /// The thread can be used at once; it is resumed before its first turn.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`](crate::Codex::request).
    pub fn thread_unarchive(&self, id: &str) -> Result<Thread> {
        let thread = self.driver.block_on(self.inner.thread_unarchive(id))?;
        Ok(self.thread(thread))
    }

    pub(super) fn thread(&self, inner: thread::Thread) -> Thread {
        let driver = Arc::clone(&self.driver);
        Thread { inner, driver }
    }
}
