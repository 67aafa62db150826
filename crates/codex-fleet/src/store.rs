//! What a fleet keeps on the server, and how it is read and written.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_nats::Client;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::context::PublishError;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::object_store::ObjectStore;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, Stream};
use async_nats::jetstream::{self, Context, kv, object_store};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncReadExt as _;

use crate::error::{Cause, Error, Result};
use crate::names::{Names, Token};
use crate::record::Record;

/// For how long a call is tried again that the server did not answer.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(200);
/// How long a part of an object is waited for.
const STALLED: Duration = Duration::from_secs(3);
/// A stored value that is larger goes to the store of objects: messages have 1 MiB by default.
pub(crate) const LARGE: usize = 256 << 10;

/// The fleet's part of a server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) client: Client,
    jetstream: Context,
    pub(crate) names: Arc<Names>,
    pub(crate) jobs: Stream,
    pub(crate) events: Stream,
    state: kv::Store,
    pub(crate) asks: kv::Store,
    blobs: ObjectStore,
    lease: Duration,
    /// The sets of labels that are known to have a consumer.
    sets: Arc<Mutex<HashSet<String>>>,
}

/// What the fleet keeps, where it is made.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) replicas: usize,
    pub(crate) lease: Duration,
    pub(crate) event_age: Duration,
    pub(crate) event_bytes: i64,
    pub(crate) result_age: Duration,
}

/// What becomes of an entry that was read to be changed.
pub(crate) enum Edit<T> {
    /// It is written as it was changed.
    Write(T),
    /// It stays.
    Keep(T),
}

/// An entry of a bucket.
pub(crate) struct Entry<V> {
    pub(crate) value: V,
    pub(crate) revision: u64,
}

impl Store {
    pub(crate) async fn open(client: Client, names: Names, setup: &Setup) -> Result<Self> {
        let jetstream = jetstream::new(client.clone());
        let replicas = setup.replicas;
        let jobs = make_stream(
            &jetstream,
            stream::Config {
                name: names.jobs(),
                subjects: vec![names.job("*")],
                retention: RetentionPolicy::WorkQueue,
                duplicate_window: Duration::from_secs(120),
                num_replicas: replicas,
                ..Default::default()
            },
        )
        .await?;
        let events = make_stream(
            &jetstream,
            stream::Config {
                name: names.events(),
                subjects: vec![names.event("*")],
                max_age: setup.event_age,
                max_bytes: setup.event_bytes,
                discard: DiscardPolicy::Old,
                duplicate_window: Duration::from_secs(120).min(setup.event_age),
                num_replicas: replicas,
                ..Default::default()
            },
        )
        .await?;
        make_stream(
            &jetstream,
            stream::Config {
                name: names.dead(),
                subjects: vec![names.dead_job("*")],
                max_age: Duration::from_secs(30 * 24 * 60 * 60),
                num_replicas: replicas,
                ..Default::default()
            },
        )
        .await?;
        let state = make_bucket(&jetstream, names.state(), setup).await?;
        let asks = make_bucket(&jetstream, names.asks(), setup).await?;
        let blobs = names.blobs();
        make_stream(
            &jetstream,
            stream::Config {
                name: format!("OBJ_{blobs}"),
                subjects: vec![format!("$O.{blobs}.C.>"), format!("$O.{blobs}.M.>")],
                max_age: setup.result_age,
                discard: DiscardPolicy::New,
                duplicate_window: Duration::from_secs(120).min(setup.result_age),
                num_replicas: replicas,
                allow_rollup: true,
                allow_direct: true,
                ..Default::default()
            },
        )
        .await?;
        let blobs = jetstream.get_object_store(blobs).await;
        let blobs = blobs.map_err(Error::server("open the store of threads"))?;
        Ok(Self {
            client,
            jetstream,
            names: Arc::new(names),
            jobs,
            events,
            state,
            asks,
            blobs,
            lease: setup.lease,
            sets: Arc::default(),
        })
    }

    /// Makes the consumer of a set of labels, if it is not there.
    pub(crate) async fn consumer(&self, set: &str) -> Result<()> {
        if self.known_sets().contains(set) {
            return Ok(());
        }
        let config = pull::Config {
            durable_name: Some(set.to_owned()),
            filter_subject: self.names.job(set),
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.lease,
            // Attempts are counted in the record of the job.
            max_deliver: -1,
            max_ack_pending: 1_000_000,
            max_waiting: 100_000,
            ..Default::default()
        };
        let make = || self.jobs.get_or_create_consumer(set, config.clone());
        among_others("make the consumer of a set of labels", make).await?;
        self.known_sets().insert(set.to_owned());
        let _ = self.client.publish(self.names.labels(), Bytes::new()).await;
        Ok(())
    }

    fn known_sets(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the state of a job.
    pub(crate) async fn record(&self, job: &Token) -> Result<Option<Entry<Record>>> {
        self.entry(&self.state, job.as_str(), "the state of a job")
            .await
    }

    /// # Errors
    ///
    /// [`Error::UnknownJob`] if there is no job of this key.
    pub(crate) async fn check(&self, job: &Token, key: &str) -> Result<()> {
        let key = key.to_owned();
        let record = self.record(job).await?;
        record.map(drop).ok_or(Error::UnknownJob { key })
    }

    /// Tells whether a job is over, or nothing is known of it any more.
    pub(crate) async fn is_over(&self, job: &Token) -> Result<bool> {
        let record = self.record(job).await?;
        Ok(record.is_none_or(|entry| entry.value.end.is_some()))
    }

    /// Reads an entry.
    pub(crate) async fn entry<V: DeserializeOwned>(
        &self,
        bucket: &kv::Store,
        key: &str,
        what: &'static str,
    ) -> Result<Option<Entry<V>>> {
        let read = patiently("read the state of a job", || bucket.entry(key), |_| false).await?;
        let Some(entry) = read.filter(|entry| entry.operation == kv::Operation::Put) else {
            return Ok(None);
        };
        Ok(Some(Entry {
            value: read_json(what, &entry.value)?,
            revision: entry.revision,
        }))
    }

    /// Stores the state of a new job. `false` if it has one.
    pub(crate) async fn create(&self, job: &Token, record: &Record) -> Result<bool> {
        self.create_in(&self.state, job.as_str(), to_json(record)?)
            .await
    }

    pub(crate) async fn create_in(
        &self,
        bucket: &kv::Store,
        key: &str,
        value: Bytes,
    ) -> Result<bool> {
        let exists = |error: &kv::CreateError| error.kind() == kv::CreateErrorKind::AlreadyExists;
        let create = || bucket.create(key, value.clone());
        match patiently("store an entry", create, exists).await {
            Ok(_) => Ok(true),
            Err(Error::Server { source, .. })
                if source.downcast_ref::<kv::CreateError>().is_some_and(exists) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Changes the state of a job, whoever else does so too: `edit` may be asked several times.
    ///
    /// `at_least` is a revision that is known; an older one, which a replica may still have, is not looked at.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownJob`]; those of the server.
    pub(crate) async fn change<T>(
        &self,
        job: &Token,
        at_least: u64,
        edit: impl FnMut(&mut Record) -> Edit<T>,
    ) -> Result<(T, u64)> {
        self.change_in(&self.state, job.as_str(), at_least, edit)
            .await
    }

    /// Changes an entry, as [`Store::change`].
    pub(crate) async fn change_in<V: DeserializeOwned + Serialize, T>(
        &self,
        bucket: &kv::Store,
        key: &str,
        at_least: u64,
        mut edit: impl FnMut(&mut V) -> Edit<T>,
    ) -> Result<(T, u64)> {
        let begun = Instant::now();
        loop {
            let entry = self.entry(bucket, key, "the state of a job").await?;
            let Some(Entry {
                mut value,
                revision,
            }) = entry.filter(|entry| entry.revision >= at_least)
            else {
                if at_least == 0 || begun.elapsed() > PATIENCE {
                    let key = key.to_owned();
                    return Err(Error::UnknownJob { key });
                }
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let result = match edit(&mut value) {
                Edit::Keep(result) => return Ok((result, revision)),
                Edit::Write(result) => result,
            };
            match bucket.update(key, to_json(&value)?, revision).await {
                Ok(revision) => return Ok((result, revision)),
                Err(error) if error.kind() == kv::UpdateErrorKind::WrongLastRevision => {}
                // It may have been written: the entry tells.
                Err(error) if begun.elapsed() > PATIENCE => {
                    return Err(Error::server("write the state of a job")(error));
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Tells whether a job is over, or nothing is known of it any more, by an entry of its watched state.
    pub(crate) fn says_over(entry: &kv::Entry) -> Result<bool> {
        Ok(entry.operation != kv::Operation::Put
            || read_json::<Record>("the state of a job", &entry.value)?
                .end
                .is_some())
    }

    /// Watches the state of a job, from what it is now on.
    pub(crate) async fn watch(&self, job: &Token) -> Result<kv::Watch> {
        self.state
            .watch_with_history(job.as_str())
            .await
            .map_err(Error::server("watch a job"))
    }

    /// # Errors
    ///
    /// [`Error::InvalidInput`] for what is larger than a message of the server.
    pub(crate) fn check_size(&self, what: &str, payload: &[u8]) -> Result<()> {
        // The headers of a message count too.
        const HEADERS: usize = 1024;
        let (bytes, largest) = (payload.len(), self.client.server_info().max_payload);
        if bytes + HEADERS > largest {
            return Err(Error::InvalidInput(format!(
                "{what} has {bytes} bytes, and the NATS server takes {largest} (its `max_payload`)"
            )));
        }
        Ok(())
    }

    /// Publishes a message and waits until it is stored.
    pub(crate) async fn publish(
        &self,
        subject: String,
        message: PublishMessage,
    ) -> std::result::Result<PublishAck, PublishError> {
        self.jetstream.send_publish(subject, message).await?.await
    }

    /// Stores an object. Its name must be new.
    pub(crate) async fn put_object(&self, name: &str, bytes: &[u8]) -> Result<()> {
        patiently(
            "store a thread",
            || async {
                let mut bytes = bytes;
                let info = self.blobs.put(name, &mut bytes).await;
                info.map(drop)
            },
            |_| false,
        )
        .await
    }

    /// Reads an object; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Server`] also if it is removed while it is read.
    pub(crate) async fn object(&self, name: &str) -> Result<Option<Vec<u8>>> {
        use object_store::GetErrorKind::NotFound;
        let missing = |error: &object_store::GetError| error.kind() == NotFound;
        let object = match patiently("read a thread", || self.blobs.get(name), missing).await {
            Ok(object) => Some(object),
            Err(Error::Server { source, .. }) if source.downcast_ref().is_some_and(missing) => None,
            Err(error) => return Err(error),
        };
        let Some(mut object) = object else {
            return Ok(None);
        };
        let mut bytes = Vec::with_capacity(object.info().size);
        loop {
            // One that is removed meanwhile never ends by itself.
            let read = tokio::time::timeout(STALLED, object.read_buf(&mut bytes)).await;
            let read = read.map_err(Error::server("read all of a thread"))?;
            if read.map_err(Error::server("read a thread"))? == 0 {
                return Ok(Some(bytes));
            }
        }
    }

    /// Removes an object. One that stays is removed by its age.
    pub(crate) async fn remove_object(&self, name: &str) {
        if let Err(error) = self.blobs.delete(name).await {
            tracing::debug!(%error, "an object stays until it is too old");
        }
    }
}

async fn make_stream(jetstream: &Context, config: stream::Config) -> Result<Stream> {
    let find_or_make = || async {
        match jetstream.get_stream(&config.name).await {
            Ok(stream) => Ok(stream),
            Err(_) => jetstream.get_or_create_stream(config.clone()).await,
        }
    };
    among_others("make a stream: is JetStream on?", find_or_make).await
}

/// Tries a few times what fails where others do the same in this moment, as all do on a new server.
async fn among_others<T, E, F>(doing: &'static str, call: impl Fn() -> F) -> Result<T>
where
    E: Into<Cause>,
    F: Future<Output = std::result::Result<T, E>>,
{
    for _ in 0..10 {
        if let Ok(done) = call().await {
            return Ok(done);
        }
        tokio::time::sleep(PAUSE).await;
    }
    call().await.map_err(Error::server(doing))
}

/// Makes a bucket by its stream: the client's own way asks for members of the account that servers before 2.10 do not
/// have.
async fn make_bucket(jetstream: &Context, name: String, setup: &Setup) -> Result<kv::Store> {
    make_stream(
        jetstream,
        stream::Config {
            name: format!("KV_{name}"),
            subjects: vec![format!("$KV.{name}.>")],
            max_messages_per_subject: 1,
            max_age: setup.result_age,
            discard: DiscardPolicy::New,
            duplicate_window: Duration::from_secs(120).min(setup.result_age),
            num_replicas: setup.replicas,
            allow_rollup: true,
            deny_delete: true,
            allow_direct: true,
            ..Default::default()
        },
    )
    .await?;
    let bucket = jetstream.get_key_value(name).await;
    bucket.map_err(Error::server("open a bucket"))
}

/// Tries again for a while what the server does not answer, but not what it has refused.
pub(crate) async fn patiently<T, E, F>(
    doing: &'static str,
    mut call: impl FnMut() -> F,
    refused: impl Fn(&E) -> bool,
) -> Result<T>
where
    E: Into<Cause> + std::fmt::Display,
    F: Future<Output = std::result::Result<T, E>>,
{
    let begun = Instant::now();
    loop {
        match call().await {
            Ok(done) => return Ok(done),
            Err(error) if refused(&error) || begun.elapsed() > PATIENCE => {
                return Err(Error::server(doing)(error));
            }
            Err(error) => {
                tracing::debug!(%error, doing, "the server did not answer");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

pub(crate) fn read_json<V: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<V> {
    serde_json::from_slice(bytes).map_err(|source| Error::Stored { what, source })
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<Bytes> {
    serde_json::to_vec(value)
        .map(Bytes::from)
        .map_err(|error| Error::InvalidInput(format!("it cannot be written as JSON: {error}")))
}
