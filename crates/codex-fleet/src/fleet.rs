//! Submitting tasks, and finding jobs.

use std::fmt;

use async_nats::Client;
use async_nats::jetstream::message::PublishMessage;
use sha2::{Digest as _, Sha256};

use crate::asks::Asks;
use crate::error::{Error, Result};
use crate::job::Job;
use crate::names::{Token, hex, label_set};
use crate::record::Record;
use crate::server::Server;
use crate::store::{Store, patiently, to_json};
use crate::task::Task;

/// A connection to a fleet, to submit tasks and to follow jobs. Cheap to clone.
///
/// ```no_run
/// # async fn example() -> codex_fleet::Result<()> {
/// use codex_fleet::{Fleet, Task};
///
/// let fleet = Fleet::connect("nats://127.0.0.1:4222").await?;
/// let job = fleet.submit(Task::new("task-81", "Fix the failing test.")).await?;
/// println!("{}", job.result().await?.text());
/// # Ok(())
/// # }
/// ```
///
/// A connection that is lost is made again; calls wait for it, up to half a minute.
#[derive(Clone)]
pub struct Fleet {
    store: Store,
}

impl Fleet {
    /// Connects to a server with JetStream, and makes there what is missing.
    ///
    /// # Errors
    ///
    /// [`Error::Server`] if it is not reached, refuses the login, or has no JetStream;
    /// [`Error::InvalidInput`] for a URL or a namespace that is none.
    pub async fn connect(server: impl Into<Server>) -> Result<Self> {
        let store = server.into().connect("codex-fleet").await?;
        Ok(Self { store })
    }

    /// Uses a connection of the program; of `server` the namespace and what is kept count.
    ///
    /// # Errors
    ///
    /// As [`Fleet::connect`].
    pub async fn over(client: Client, server: impl Into<Server>) -> Result<Self> {
        let store = server.into().over(client).await?;
        Ok(Self { store })
    }

    /// Submits a task, unless its key was submitted before: then this is that job, whatever has become of it.
    ///
    /// # Errors
    ///
    /// [`Error::OtherTask`] if the key is that of another task; [`Error::InvalidInput`] for a key or labels that
    /// are no names, and for a task that is too large for a message of the server; [`Error::Server`].
    ///
    /// # Cancel safety
    ///
    /// After dropping the future it may be submitted or not; submitting it again is right in both cases.
    pub async fn submit(&self, task: Task) -> Result<Job> {
        let token = Token::of(&task.key)?;
        let set = label_set(&task.labels)?;
        let payload = to_json(&task)?;
        self.store.check_size("the task", &payload)?;
        let record = Record::new(hex(&Sha256::digest(&payload)));
        self.store.consumer(&set).await?;
        if !self.store.create(&token, &record).await? {
            let stored = self.store.record(&token).await?;
            let stored = stored.map(|entry| entry.value);
            if stored
                .as_ref()
                .is_some_and(|stored| stored.digest != record.digest)
            {
                return Err(Error::OtherTask { key: task.key });
            }
            // Whoever has made the entry may have been lost before the message was sent.
            if stored.is_some_and(|stored| stored.message.is_some() || stored.end.is_some()) {
                return Ok(Job::new(self.store.clone(), task.key, token));
            }
        }
        let message = PublishMessage::build()
            .payload(payload)
            .message_id(token.as_str());
        let subject = self.store.names.job(&set);
        let submit = || self.store.publish(subject.clone(), message.clone());
        patiently("submit a task", submit, |_| false).await?;
        Ok(Job::new(self.store.clone(), task.key, token))
    }

    /// Returns the job of a key, which was submitted by anybody. Nothing is asked of the server.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a key that is none.
    pub fn job(&self, key: impl Into<String>) -> Result<Job> {
        let key = key.into();
        let token = Token::of(&key)?;
        Ok(Job::new(self.store.clone(), key, token))
    }

    /// Returns the questions of all jobs, those that wait and those that come.
    pub fn asks(&self) -> Asks {
        Asks::new(self.store.clone(), None)
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet").finish_non_exhaustive()
    }
}
