//! A job: its state, its result, its end.

use std::fmt;

use async_nats::jetstream::kv;
use bytes::Bytes;
use futures_util::StreamExt as _;
use openai_codex::ThreadBundle;

use crate::asks::Asks;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::names::Token;
use crate::record::{JobStatus, Record};
use crate::result::{End, JobResult};
use crate::saved::SavedWork;
use crate::store::{Edit, Store, read_json};

/// How often a thread is read whose object is removed meanwhile.
const READS: u32 = 5;

/// A task that was submitted, seen from anywhere. Cheap to clone; dropping it has no effect on the job.
#[derive(Clone)]
pub struct Job {
    store: Store,
    key: String,
    token: Token,
}

impl Job {
    pub(crate) fn new(store: Store, key: String, token: Token) -> Self {
        Self { store, key, token }
    }

    /// Returns the key of the task.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Asks where the job stands.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownJob`]; [`Error::Server`].
    pub async fn status(&self) -> Result<JobStatus> {
        Ok(self.record().await?.into())
    }

    /// Waits for the result. There is one; whoever asks gets the same, for as long as it is kept.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] and [`Error::Canceled`] for a job that ended so; [`Error::UnknownJob`];
    /// [`Error::Server`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn result(&self) -> Result<JobResult> {
        let mut record = self.record().await?;
        // A watch is made only where there is something to wait for.
        if record.end.is_none() {
            let mut states = self.store.watch(&self.token).await?;
            while record.end.is_none() {
                let Some(state) = states.next().await else {
                    states = self.store.watch(&self.token).await?;
                    continue;
                };
                let state = state.map_err(Error::server("watch a job"))?;
                if state.operation != kv::Operation::Put {
                    return Err(self.unknown());
                }
                record = read_json("the state of a job", &state.value)?;
            }
        }
        match record.end {
            Some(End::Completed(result)) => Ok(*result),
            Some(End::CompletedAt(object)) => {
                let bytes = self.store.object(&object).await?;
                read_json("a result", &bytes.ok_or_else(|| self.unknown())?)
            }
            Some(End::Failed(failure)) => Err(Error::Failed(Box::new(failure))),
            Some(End::Canceled) | None => Err(Error::Canceled {
                key: self.key.clone(),
            }),
        }
    }

    /// Ends the job: one that waits is never run, of one that runs the turn is interrupted (`turn/interrupt`).
    ///
    /// It returns when that is stored and the worker is told; [`Job::result`] tells how the job has ended. A job that
    /// is over stays as it is, and one that completes in this moment is completed.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownJob`]; [`Error::Server`].
    pub async fn cancel(&self) -> Result<()> {
        let edit = |record: &mut Record| {
            if record.end.is_some() {
                return Edit::Keep(false);
            }
            record.cancel = true;
            if record.claim.is_none() {
                record.end = Some(End::Canceled);
            }
            Edit::Write(true)
        };
        let (wanted, _) = self
            .store
            .change(&self.token, 0, edit)
            .await
            .map_err(|error| self.named(error))?;
        if wanted {
            let subject = self.store.names.cancel(self.token.as_str());
            self.store
                .client
                .publish(subject, Bytes::new())
                .await
                .map_err(Error::server("tell the worker"))?;
        }
        Ok(())
    }

    /// Returns what happens in the job, from the oldest event that is kept on.
    ///
    /// ```no_run
    /// # async fn example(job: codex_fleet::Job) -> codex_fleet::Result<()> {
    /// use codex_fleet::JobEventKind;
    ///
    /// let mut events = job.events();
    /// while let Some(event) = events.next().await {
    ///     if let JobEventKind::Turn(notification) = event?.kind {
    ///         println!("{}", notification.method());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn events(&self) -> Events {
        Events::new(self.store.clone(), self.token.clone(), self.key.clone())
    }

    /// Returns the questions of the job, those that wait and those that come.
    ///
    /// ```no_run
    /// # async fn example(job: codex_fleet::Job) -> codex_fleet::Result<()> {
    /// use codex_fleet::AskSubject;
    /// use openai_codex::approval::Decision;
    ///
    /// let mut asks = job.asks();
    /// while let Some(ask) = asks.next().await {
    ///     let ask = ask?;
    ///     let decision = match &ask.subject {
    ///         AskSubject::Command { argv: Some(argv), .. } if argv == &["cargo", "test"] => Decision::Accept,
    ///         _ => Decision::Decline,
    ///     };
    ///     ask.answer(decision).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn asks(&self) -> Asks {
        Asks::new(
            self.store.clone(),
            Some((self.token.clone(), self.key.clone())),
        )
    }

    /// Reads the thread as it was saved last, to import it elsewhere
    /// ([`Codex::thread_import`](openai_codex::Codex::thread_import)); `None` where nothing is saved.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownJob`]; [`Error::Server`].
    pub async fn thread(&self) -> Result<Option<ThreadBundle>> {
        let mut tries = 0;
        loop {
            tries += 1;
            let Some(saved) = self.record().await?.saved else {
                return Ok(None);
            };
            match self.store.object(&saved.object).await {
                Ok(Some(bytes)) => {
                    let work: SavedWork = read_json("a thread", &bytes)?;
                    return Ok(Some(work.thread));
                }
                // While it was read, a later one has taken its place.
                Ok(None) | Err(Error::Server { .. }) if tries < READS => {}
                Ok(None) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    async fn record(&self) -> Result<Record> {
        let entry = self.store.record(&self.token).await?;
        entry.map(|entry| entry.value).ok_or_else(|| self.unknown())
    }

    fn unknown(&self) -> Error {
        Error::UnknownJob {
            key: self.key.clone(),
        }
    }

    /// Gives an error of the store the key instead of its token.
    fn named(&self, error: Error) -> Error {
        match error {
            Error::UnknownJob { .. } => self.unknown(),
            other => other,
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
