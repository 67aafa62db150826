//! The sets of labels that a worker takes jobs of.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::{Consumer, pull};
use futures_util::StreamExt as _;
use tokio::sync::Notify;

use crate::error::{Error, Result};
use crate::names::takes;
use crate::store::Store;

/// How long one set is waited for while others have nobody who waits.
const TURN: Duration = Duration::from_secs(1);
/// How long it is waited for otherwise: as long, the worker does not see a new set, nor that the server has forgotten,
/// in a restart, who waits.
const LONG: Duration = Duration::from_secs(5);
/// How often sets are looked for that nobody told about.
const REFRESH: Duration = Duration::from_secs(30);
/// The pause after a refusal.
const PAUSE: Duration = Duration::from_millis(500);

/// A job that was taken from the queue.
pub(super) struct Delivery {
    pub(super) message: Message,
    /// For how long it is this worker's without a word.
    pub(super) lease: Duration,
}

type Queue = Consumer<pull::Config>;

/// The consumers of a worker, one for each set of labels. A slot that has room takes one, waits for a job, and puts it
/// back: so a set has one slot at most that waits, and no job comes without room for it.
pub(super) struct Sets {
    labels: Vec<String>,
    state: Mutex<State>,
    /// A set came back, or a new one came.
    free: Notify,
}

#[derive(Default)]
struct State {
    known: Vec<String>,
    waiting: VecDeque<Queue>,
}

impl Sets {
    pub(super) async fn find(store: &Store, labels: &[String]) -> Result<Self> {
        let sets = Self {
            labels: labels.to_vec(),
            state: Mutex::default(),
            free: Notify::new(),
        };
        sets.look(store).await?;
        Ok(sets)
    }

    /// Looks for new sets, when somebody tells and now and then.
    pub(super) async fn refresh(self: Arc<Self>, store: Store) {
        loop {
            let told = store.client.subscribe(store.names.labels()).await;
            let Ok(mut told) = told else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            loop {
                if let Err(error) = self.look(&store).await {
                    tracing::warn!(%error, "the sets of labels are not known");
                }
                if let Ok(None) = tokio::time::timeout(REFRESH, told.next()).await {
                    break;
                }
            }
        }
    }

    async fn look(&self, store: &Store) -> Result<()> {
        let mut names = store.jobs.consumer_names();
        while let Some(name) = names.next().await {
            let name = name.map_err(Error::server("list the sets of labels"))?;
            if !takes(&self.labels, &name) || self.state().known.contains(&name) {
                continue;
            }
            let queue: Queue = store
                .jobs
                .get_consumer(&name)
                .await
                .map_err(Error::server("read the consumer of a set of labels"))?;
            let mut state = self.state();
            if !state.known.contains(&name) {
                state.known.push(name);
                state.waiting.push_front(queue);
                self.free.notify_one();
            }
        }
        Ok(())
    }

    /// Waits for a job of any set.
    pub(super) async fn next_job(&self, store: &Store) -> Delivery {
        loop {
            let taken = self.take().await;
            let wait = if self.state().waiting.is_empty() {
                LONG
            } else {
                TURN
            };
            match next_of(&taken.queue, wait).await {
                Ok(Some(message)) => {
                    return Delivery {
                        message,
                        lease: taken.queue.cached_info().config.ack_wait,
                    };
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%error, "no jobs");
                    // A consumer that is gone is made by whoever submits; until then there is none.
                    let name = &taken.queue.cached_info().name;
                    let known = store.jobs.consumer_info(name).await;
                    if known.is_err() {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        }
    }

    /// Takes the set that has waited for longest.
    async fn take(&self) -> Taken<'_> {
        loop {
            let free = self.free.notified();
            if let Some(queue) = self.state().waiting.pop_front() {
                return Taken { sets: self, queue };
            }
            free.await;
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A set that a slot waits for; put back when it is dropped.
struct Taken<'a> {
    sets: &'a Sets,
    queue: Queue,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.sets.state().waiting.push_back(self.queue.clone());
        self.sets.free.notify_one();
    }
}

async fn next_of(
    queue: &Queue,
    wait: Duration,
) -> std::result::Result<Option<Message>, async_nats::Error> {
    let mut batch = queue
        .batch()
        .max_messages(1)
        .expires(wait)
        .messages()
        .await?;
    // The client does not end it by itself where the connection was lost.
    let ended = tokio::time::timeout(wait + Duration::from_secs(1), batch.next()).await;
    ended.ok().flatten().transpose()
}
