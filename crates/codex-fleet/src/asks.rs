//! Questions of the jobs, answered from anywhere, once.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_nats::jetstream::kv;
use futures_util::{Stream, StreamExt, stream};
use openai_codex::approval::{Approval, Decision};
use serde::{Deserialize, Serialize};

use crate::clock::now_ms;
use crate::error::{Error, Result};
use crate::names::Token;
use crate::store::{Edit, Store, read_json};

mod subject;

pub use subject::AskSubject;

/// How long an answer waits for the worker to say that it has it. It is stored all the same.
const DELIVERED: Duration = Duration::from_secs(2);

/// Names a question among all of the fleet.
pub type AskId = String;

/// A question of a job that waits for its answer.
///
/// It stays when its worker is lost, and an answer then counts for the next one that asks the same.
#[derive(Clone)]
#[non_exhaustive]
pub struct Ask {
    /// Names it.
    pub id: AskId,
    /// The key of the task.
    pub job: String,
    /// The attempt that asked last, counted from one.
    pub attempt: u32,
    /// When it was asked first, in milliseconds since the Unix epoch.
    pub asked_at_ms: u64,
    /// The agent's reason.
    pub reason: Option<String>,
    /// The action that is asked about.
    pub subject: AskSubject,
    store: Store,
    token: Token,
}

/// The questions that wait, and those that come; made by [`Job::asks`](crate::Job::asks) and
/// [`Fleet::asks`](crate::Fleet::asks).
///
/// Each is handed out once. Dropping it has no effect on the jobs.
#[must_use = "questions are read with `next`"]
pub struct Asks {
    open: Open,
    stream: Option<Pin<Box<dyn Stream<Item = Result<Ask>> + Send>>>,
}

/// A question as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) job: String,
    pub(crate) attempt: u32,
    pub(crate) asked_at_ms: u64,
    pub(crate) reason: Option<String>,
    pub(crate) subject: AskSubject,
    pub(crate) state: State,
}

/// Where a question stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It waits.
    Waiting,
    /// It was answered, and the worker does not have the answer yet.
    Answered(#[serde(with = "decision")] Decision),
    /// The worker has the answer, or needs none any more.
    Over,
}

impl Stored {
    pub(crate) fn new(job: &str, attempt: u32, approval: &Approval, workspace: &Path) -> Self {
        Self {
            job: job.to_owned(),
            attempt,
            asked_at_ms: now_ms(),
            reason: approval.reason.clone(),
            subject: AskSubject::of(&approval.subject, workspace),
            state: State::Waiting,
        }
    }
}

impl Ask {
    /// Answers the question.
    ///
    /// The answer is stored before the worker is told, so that it counts also if that one is just lost.
    ///
    /// # Errors
    ///
    /// [`Error::Answered`] if somebody else has answered, or the job is over; those of the server.
    pub async fn answer(&self, decision: Decision) -> Result<()> {
        if self.store.is_over(&self.token).await? {
            return Err(Error::Answered);
        }
        let edit = |stored: &mut Stored| match stored.state {
            State::Waiting => {
                stored.state = State::Answered(decision);
                Edit::Write(true)
            }
            _ => Edit::Keep(false),
        };
        let (answered, _) = self
            .store
            .change_in(&self.store.asks, &self.id, 0, edit)
            .await?;
        if !answered {
            return Err(Error::Answered);
        }
        let subject = self.store.names.answer(self.token.as_str());
        let told = self
            .store
            .client
            .request(subject, self.id.clone().into_bytes().into());
        if tokio::time::timeout(DELIVERED, told).await.is_err() {
            tracing::debug!(job = self.job, "no worker has taken the answer yet");
        }
        Ok(())
    }
}

#[derive(Clone)]
struct Open {
    store: Store,
    /// The job and its key; all of the fleet's without one.
    job: Option<(Token, String)>,
}

impl Asks {
    pub(crate) fn new(store: Store, job: Option<(Token, String)>) -> Self {
        Self {
            open: Open { store, job },
            stream: None,
        }
    }

    /// Waits for the next question; `None` when the job is over.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownJob`]; those of the server. Nothing follows then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Ask>> {
        StreamExt::next(self).await
    }
}

impl Stream for Asks {
    type Item = Result<Ask>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let open = &this.open;
        let stream = this.stream.get_or_insert_with(|| open.clone().read());
        stream.as_mut().poll_next(cx)
    }
}

impl Open {
    fn read(self) -> Pin<Box<dyn Stream<Item = Result<Ask>> + Send>> {
        stream::once(self.open())
            .flat_map(|opened| match opened {
                Ok(watching) => stream::unfold(Some(watching), Watching::step).left_stream(),
                Err(error) => stream::iter([Err(error)]).right_stream(),
            })
            .boxed()
    }

    async fn open(self) -> Result<Watching> {
        let keys = match &self.job {
            Some((job, key)) => {
                self.store.check(job, key).await?;
                format!("{}.>", job.as_str())
            }
            None => ">".to_owned(),
        };
        let asks = self.store.asks.watch_with_history(keys).await;
        Ok(Watching {
            asks: asks.map_err(Error::server("watch the questions"))?,
            state: match &self.job {
                Some((job, _)) => self.store.watch(job).await?.boxed(),
                None => stream::pending().boxed(),
            },
            store: self.store,
            seen: HashSet::new(),
        })
    }
}

struct Watching {
    store: Store,
    asks: kv::Watch,
    state: stream::BoxStream<'static, std::result::Result<kv::Entry, kv::WatcherError>>,
    seen: HashSet<String>,
}

impl Watching {
    async fn step(watching: Option<Self>) -> Option<(Result<Ask>, Option<Self>)> {
        let mut watching = watching?;
        match watching.next().await {
            Ok(Some(ask)) => Some((Ok(ask), Some(watching))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    }

    async fn next(&mut self) -> Result<Option<Ask>> {
        loop {
            tokio::select! {
                entry = self.asks.next() => {
                    let Some(entry) = entry else { return Ok(None) };
                    let entry = entry.map_err(Error::server("watch the questions"))?;
                    if let Some(ask) = self.ask(entry).await? {
                        return Ok(Some(ask));
                    }
                }
                entry = self.state.next() => {
                    let Some(entry) = entry else { return Ok(None) };
                    let entry = entry.map_err(Error::server("watch a job"))?;
                    if Store::says_over(&entry)? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Returns the question of an entry, if it is a new one.
    async fn ask(&mut self, entry: kv::Entry) -> Result<Option<Ask>> {
        if entry.operation != kv::Operation::Put {
            self.seen.remove(&entry.key);
            return Ok(None);
        }
        let stored: Stored = read_json("a question", &entry.value)?;
        if stored.state != State::Waiting {
            self.seen.remove(&entry.key);
            return Ok(None);
        }
        if !self.seen.insert(entry.key.clone()) {
            return Ok(None);
        }
        let token = Token::of(&stored.job)?;
        if self.store.is_over(&token).await? {
            return Ok(None);
        }
        Ok(Some(Ask {
            id: entry.key,
            job: stored.job,
            attempt: stored.attempt,
            asked_at_ms: stored.asked_at_ms,
            reason: stored.reason,
            subject: stored.subject,
            store: self.store.clone(),
            token,
        }))
    }
}

/// Decisions by their names.
mod decision {
    use openai_codex::approval::Decision;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        decision: &Decision,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match decision {
            Decision::Accept => "accept",
            Decision::AcceptForSession => "accept_for_session",
            Decision::AcceptAndRemember => "accept_and_remember",
            Decision::Cancel => "cancel",
            // One that this version does not know is no yes.
            _ => "decline",
        })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Decision, D::Error> {
        Ok(match String::deserialize(deserializer)?.as_str() {
            "accept" => Decision::Accept,
            "accept_for_session" => Decision::AcceptForSession,
            "accept_and_remember" => Decision::AcceptAndRemember,
            "decline" => Decision::Decline,
            "cancel" => Decision::Cancel,
            other => return Err(D::Error::custom(format!("no decision: {other}"))),
        })
    }
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("id", &self.id)
            .field("attempt", &self.attempt)
            .field("subject", &self.subject)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Asks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asks")
            .field("job", &self.open.job.as_ref().map(|(_, key)| key))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_stored_by_its_name() {
        let text = serde_json::to_string(&State::Answered(Decision::AcceptForSession)).unwrap();
        assert_eq!(text, r#"{"answered":"accept_for_session"}"#);
        let state: State = serde_json::from_str(&text).unwrap();
        assert_eq!(state, State::Answered(Decision::AcceptForSession));
        let newer = text.replace("for_session", "for_ever");
        assert!(serde_json::from_str::<State>(&newer).is_err());
    }
}
