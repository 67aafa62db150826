//! What happens in a job, live and from any point.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_nats::jetstream::consumer::{DeliverPolicy, push};
use async_nats::jetstream::kv;
use futures_util::{Stream, StreamExt, stream};
use openai_codex::Notification;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::asks::AskId;
use crate::error::{Error, Result};
use crate::names::Token;
use crate::store::{Store, read_json};

/// How long the events of a job that is over are waited for.
const QUIET: Duration = Duration::from_secs(1);

/// An event of a job.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JobEvent {
    /// Where it stands: [`Events::after`] goes on from there.
    pub position: Position,
    /// The attempt that it belongs to, counted from one.
    pub attempt: u32,
    /// When it was seen, in milliseconds since the Unix epoch, by the clock of the worker.
    pub at_ms: u64,
    /// What has happened.
    pub kind: JobEventKind,
}

/// What has happened in a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobEventKind {
    /// A worker has taken the job.
    Taken {
        /// The name of the worker.
        worker: String,
    },
    /// The agent's runtime has told this of the turn.
    Turn(Box<Notification>),
    /// The runtime has told something of the turn that is too large for a message of the server.
    LeftOut {
        /// How large it is, in bytes.
        bytes: usize,
    },
    /// A person is asked; [`Job::asks`](crate::Job::asks) has the question.
    Asked {
        /// Names the question.
        ask: AskId,
    },
    /// A question was answered.
    Answered {
        /// Names the question.
        ask: AskId,
    },
    /// The attempt has failed. Another one follows, if any are left.
    AttemptFailed {
        /// What it has failed with.
        error: String,
    },
    /// The worker gives the job back, since it is stopping.
    GivenBack,
    /// The job is over; nothing follows.
    Over,
    /// Another version of this crate has written it.
    #[serde(skip)]
    Unknown(String),
}

/// The place of an event among those of its job.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Position {
    /// The number of the message that has it.
    sequence: u64,
    /// Its place in the message, counted from one.
    index: u32,
}

/// The events of a job, from the oldest that is kept to its end; made by [`Job::events`](crate::Job::events).
///
/// It ends when the job is over. The connection is made again by itself; an error is the last item. Dropping it has no
/// effect on the job.
#[must_use = "events are read with `next`"]
pub struct Events {
    reader: Reader,
    stream: Option<BoxedEvents>,
}

type BoxedEvents = Pin<Box<dyn Stream<Item = Result<JobEvent>> + Send>>;

/// Several events in one message, as they are stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct Batch<T> {
    pub(crate) attempt: u32,
    pub(crate) events: Vec<Stored<T>>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Stored<T> {
    pub(crate) at_ms: u64,
    pub(crate) event: T,
}

#[derive(Clone)]
struct Reader {
    store: Store,
    job: Token,
    key: String,
    after: Position,
}

impl Events {
    pub(crate) fn new(store: Store, job: Token, key: String) -> Self {
        let after = Position::default();
        Self {
            reader: Reader {
                store,
                job,
                key,
                after,
            },
            stream: None,
        }
    }

    /// Leaves out the events up to a position that was read before. It counts before the first is read.
    pub fn after(mut self, position: Position) -> Self {
        self.reader.after = position;
        self.stream = None;
        self
    }

    /// Waits for the next event; `None` when the job is over.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownJob`]; those of the server.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<JobEvent>> {
        StreamExt::next(self).await
    }
}

impl Stream for Events {
    type Item = Result<JobEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let reader = &this.reader;
        let stream = this
            .stream
            .get_or_insert_with(|| Box::pin(reader.clone().read()));
        stream.as_mut().poll_next(cx)
    }
}

impl Reader {
    fn read(self) -> impl Stream<Item = Result<JobEvent>> + Send {
        stream::once(self.open())
            .flat_map(|opened| match opened {
                Ok(reading) => stream::unfold(Some(reading), Reading::step).left_stream(),
                Err(error) => stream::iter([Err(error)]).right_stream(),
            })
            .boxed()
    }

    async fn open(self) -> Result<Reading> {
        self.store.check(&self.job, &self.key).await?;
        let deliver_policy = match self.after.sequence {
            0 => DeliverPolicy::All,
            start_sequence => DeliverPolicy::ByStartSequence { start_sequence },
        };
        let config = push::OrderedConfig {
            deliver_subject: self.store.client.new_inbox(),
            filter_subject: self.store.names.event(self.job.as_str()),
            deliver_policy,
            ..Default::default()
        };
        let consumer = self.store.events.create_consumer(config).await;
        let messages = consumer
            .map_err(Error::server("read the events of a job"))?
            .messages()
            .await
            .map_err(Error::server("read the events of a job"))?;
        Ok(Reading {
            state: self.store.watch(&self.job).await?,
            messages,
            after: self.after,
            waiting: VecDeque::new(),
            over: false,
        })
    }
}

struct Reading {
    messages: push::Ordered,
    state: kv::Watch,
    after: Position,
    waiting: VecDeque<JobEvent>,
    /// The job is over: what is not there soon never comes.
    over: bool,
}

impl Reading {
    async fn step(reading: Option<Self>) -> Option<(Result<JobEvent>, Option<Self>)> {
        let mut reading = reading?;
        match reading.next().await {
            Ok(Some(event)) => {
                let last = matches!(event.kind, JobEventKind::Over);
                Some((Ok(event), (!last).then_some(reading)))
            }
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    }

    async fn next(&mut self) -> Result<Option<JobEvent>> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(Some(event));
            }
            tokio::select! {
                message = self.messages.next() => {
                    let Some(message) = message else { return Ok(None) };
                    let message = message.map_err(Error::server("read the events of a job"))?;
                    let sequence = message
                        .info()
                        .map_err(Error::server("read the events of a job"))?
                        .stream_sequence;
                    let events = events(sequence, &message.payload)?;
                    self.waiting.extend(events.filter(|event| event.position > self.after));
                }
                entry = self.state.next(), if !self.over => {
                    let Some(entry) = entry else { return Ok(None) };
                    let entry = entry.map_err(Error::server("watch a job"))?;
                    self.over = Store::says_over(&entry)?;
                }
                () = tokio::time::sleep(QUIET), if self.over => return Ok(None),
            }
        }
    }
}

fn events(sequence: u64, payload: &[u8]) -> Result<impl Iterator<Item = JobEvent>> {
    let batch: Batch<Box<RawValue>> = read_json("an event", payload)?;
    let attempt = batch.attempt;
    Ok(batch
        .events
        .into_iter()
        .zip(1..)
        .map(move |(stored, index)| JobEvent {
            position: Position { sequence, index },
            attempt,
            at_ms: stored.at_ms,
            kind: serde_json::from_str(stored.event.get())
                .unwrap_or_else(|_| JobEventKind::Unknown(stored.event.get().to_owned())),
        }))
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("job", &self.reader.key)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_one_by_one() {
        let batch = r#"{"attempt":2,"events":[
            {"at_ms":1,"event":{"taken":{"worker":"w"}}},
            {"at_ms":2,"event":{"turn":{"method":"turn/later","params":{"x":1}}}},
            {"at_ms":3,"event":{"teleported":{}}},
            {"at_ms":4,"event":"over"}]}"#;
        let read: Vec<_> = events(7, batch.as_bytes()).unwrap().collect();
        assert!(matches!(&read[0].kind, JobEventKind::Taken { worker } if worker == "w"));
        let JobEventKind::Turn(notification) = &read[1].kind else {
            panic!("{:?}", read[1]);
        };
        assert_eq!(notification.method(), "turn/later");
        assert!(matches!(&read[2].kind, JobEventKind::Unknown(text) if text.contains("tele")));
        assert!(matches!(&read[3].kind, JobEventKind::Over));
        assert!(read[0].position < read[1].position);
        assert_eq!(read[3].attempt, 2);
    }
}
