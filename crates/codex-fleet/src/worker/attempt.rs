//! One attempt of a job, from the message to its end.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Subject;
use async_nats::jetstream::AckKind;
use async_nats::jetstream::message::PublishMessage;
use serde::Serialize;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::agent::{Attempt, Outcome};
use super::claim::{self, Fence, Stop, Taken};
use super::publish::{self, Events};
use super::sets::Delivery;
use super::{Does, Shared, Stopping, lease};
use crate::error::{Error, Result};
use crate::events::JobEventKind;
use crate::names::{Token, label_set};
use crate::record::Record;
use crate::result::{End, JobFailure, JobResult};
use crate::store::{LARGE, to_json};
use crate::task::Task;

/// How long events are still sent when an attempt is over.
const LAST_EVENTS: Duration = Duration::from_secs(10);
/// How often a job is looked for that the server knows nothing of.
const LOOKS: i64 = 30;

/// A job that was given up, as it is kept for a person.
#[derive(Serialize)]
struct DeadJob<'a> {
    task: &'a Task,
    failure: &'a JobFailure,
}

/// Runs one attempt of the job of a message.
pub(super) async fn run(shared: Arc<Shared>, delivery: Delivery) {
    let shared = &*shared;
    let Delivery { message, lease } = delivery;
    let taken = Instant::now();
    let said = match take(shared, &message).await {
        Ok(Ok((task, fence, record))) => {
            let Some(reply) = message.reply.clone() else {
                return;
            };
            attempt(shared, &task, &fence, &record, (reply, lease, taken)).await
        }
        Ok(Err(said)) => Some(said),
        Err(error) => {
            tracing::warn!(%error, "a job cannot be taken");
            Some(AckKind::Nak(Some(Duration::from_secs(5))))
        }
    };
    if let Some(said) = said
        && let Err(error) = message.double_ack_with(said).await
    {
        // It comes again, and is found to be over.
        tracing::debug!(error, "the server does not know yet what became of a job");
    }
}

type Job = (Task, Box<Fence>, Box<Record>);

/// Takes the job; else returns what the server is told of its message.
async fn take(
    shared: &Shared,
    message: &async_nats::jetstream::Message,
) -> Result<std::result::Result<Job, AckKind>> {
    let info = message.info().map_err(Error::server("read a job"))?;
    let task: Task = match serde_json::from_slice(&message.payload) {
        Ok(task) => task,
        Err(error) if info.delivered > LOOKS => {
            tracing::warn!(%error, "a message that no worker understands is given up");
            let message = PublishMessage::build().payload(message.payload.clone());
            let subject = shared.store.names.dead_job(&label_set(&[])?);
            let kept = shared.store.publish(subject, message).await;
            kept.map_err(Error::server("keep a job that was given up"))?;
            return Ok(Err(AckKind::Term));
        }
        Err(error) => {
            tracing::warn!(%error, "a task is left to a worker of the version that has submitted it");
            return Ok(Err(AckKind::Nak(Some(Duration::from_secs(60)))));
        }
    };
    let token = Token::of(task.key())?;
    let name = &shared.options.name;
    let taken = claim::take(
        &shared.store,
        &token,
        name,
        info.stream_sequence,
        task.attempts,
    );
    Ok(match taken.await? {
        Taken::Mine(fence, record) => Ok((task, fence, record)),
        Taken::Exhausted(fence, record) => {
            let error = record
                .error
                .unwrap_or_else(|| "every worker that had it was lost".to_owned());
            let attempts = fence.attempt - 1;
            Err(give_up(&fence, &task, attempts, error)
                .await
                .unwrap_or(AckKind::Nak(None)))
        }
        Taken::Nothing => Err(AckKind::Ack),
        Taken::Unknown if info.delivered > LOOKS => Err(AckKind::Term),
        Taken::Unknown => Err(AckKind::Nak(Some(Duration::from_secs(1)))),
    })
}

/// Runs an attempt, and returns what the server is told of its message.
async fn attempt(
    shared: &Shared,
    task: &Task,
    fence: &Fence,
    record: &Record,
    (reply, lease, taken): (Subject, Duration, Instant),
) -> Option<AckKind> {
    let (events, outgoing) = publish::events();
    events.put(&JobEventKind::Taken {
        worker: fence.worker().to_owned(),
    });
    if record.cancel {
        fence.stop(Stop::Canceled);
    }
    let canceled = shared.cancels.of(fence.job().as_str());
    let watching = async {
        let canceling = async {
            loop {
                canceled.told().await;
                fence.look().await;
            }
        };
        let mut stopping = shared.stopping.subscribe();
        let giving_back = async {
            if stopping
                .wait_for(|stopping| *stopping == Stopping::Now)
                .await
                .is_ok()
            {
                fence.stop(Stop::GivenBack);
            }
            std::future::pending::<()>().await;
        };
        tokio::join!(canceling, giving_back, async {
            lease::keep(fence, reply, lease, taken).await;
            std::future::pending::<()>().await;
        });
    };
    let working = async {
        let outcome = work(shared, task, fence, record, &events).await;
        let said = settle(shared, task, fence, &events, outcome).await;
        drop(events);
        said
    };
    let sending = publish::send(fence, outgoing);
    tokio::pin!(sending, working);
    let all = async {
        let mut sent = false;
        let said = loop {
            tokio::select! {
                said = &mut working => break said,
                () = &mut sending, if !sent => sent = true,
            }
        };
        if !sent {
            let _ = tokio::time::timeout(LAST_EVENTS, sending).await;
        }
        said
    };
    tokio::select! {
        said = all => said,
        () = watching => None,
    }
}

async fn work(
    shared: &Shared,
    task: &Task,
    fence: &Fence,
    record: &Record,
    events: &Events,
) -> Outcome {
    let agent = match &shared.does {
        Does::Agent(agent) => agent,
        Does::Answer(answer) => {
            let (answer, task) = (Arc::clone(answer), task.clone());
            let key = task.key.clone();
            // It may take its time, and the lease is to be kept meanwhile.
            return match tokio::task::spawn_blocking(move || answer(&task)).await {
                Ok(text) => {
                    let result = JobResult::text_only(&key, fence.attempt, fence.worker(), text);
                    Outcome::Completed(Box::new(result))
                }
                Err(error) => Outcome::Failed {
                    error: error.to_string(),
                    again: true,
                },
            };
        }
    };
    let folder = OnceCell::new();
    let attempt = Attempt {
        agent,
        fence,
        record,
        task,
        events,
        folder: &folder,
    };
    let outcome = attempt.run().await;
    if let Some(folder) = folder.get()
        && let Err(error) = agent.workspace.release(folder).await
    {
        tracing::warn!(%error, "a workspace is not removed");
    }
    outcome
}

/// Writes down what became of an attempt, and returns what the server is told of its message.
async fn settle(
    shared: &Shared,
    task: &Task,
    fence: &Fence,
    events: &Events,
    outcome: Outcome,
) -> Option<AckKind> {
    let said = match outcome {
        Outcome::Completed(result) => {
            let end = match stored_end(fence, result).await {
                Ok(end) => end,
                Err(error) => {
                    tracing::warn!(%error, "a result cannot be stored");
                    return None;
                }
            };
            finish(fence, end).await
        }
        Outcome::Failed { error, again } => {
            tracing::info!(job = task.key(), error, "an attempt has failed");
            events.put(&JobEventKind::AttemptFailed {
                error: error.clone(),
            });
            let attempts = fence.attempt;
            if again && attempts < task.attempts {
                let pause = shared.options.pause_after(attempts);
                let kept = fence
                    .write(|record| {
                        record.claim = None;
                        record.error = Some(error.clone());
                    })
                    .await;
                return kept.then_some(AckKind::Nak(Some(pause)));
            }
            give_up(fence, task, attempts, error).await
        }
        Outcome::Stopped(Stop::Canceled) => finish(fence, End::Canceled).await,
        Outcome::Stopped(Stop::GivenBack) => {
            events.put(&JobEventKind::GivenBack);
            let kept = fence
                .write(|record| {
                    record.claim = None;
                    record.given_back += 1;
                })
                .await;
            return kept.then_some(AckKind::Nak(None));
        }
        Outcome::Stopped(Stop::Lost) => return None,
    };
    if said.is_some() {
        events.put(&JobEventKind::Over);
    }
    said
}

/// Returns how a result is stored: in an object of its own, where it is large.
async fn stored_end(fence: &Fence, result: Box<JobResult>) -> Result<End> {
    let bytes = to_json(&result)?;
    if bytes.len() <= LARGE {
        return Ok(End::Completed(result));
    }
    let name = format!("{}.{}.result", fence.job().as_str(), fence.attempt);
    fence.store().put_object(&name, &bytes).await?;
    Ok(End::CompletedAt(name))
}

/// Ends the job. `None` if it is another's.
async fn finish(fence: &Fence, end: End) -> Option<AckKind> {
    let written = fence.write(|record| record.end = Some(end.clone())).await;
    if !written && let End::CompletedAt(object) = &end {
        fence.store().remove_object(object).await;
    }
    written.then_some(AckKind::Ack)
}

/// Ends a job that has failed for good.
async fn give_up(fence: &Fence, task: &Task, attempts: u32, error: String) -> Option<AckKind> {
    let failure = JobFailure {
        key: task.key().to_owned(),
        attempts,
        error,
    };
    let said = finish(fence, End::Failed(failure.clone())).await?;
    let store = fence.store();
    let kept = async {
        let payload = to_json(&DeadJob {
            task,
            failure: &failure,
        })?;
        let message = PublishMessage::build()
            .payload(payload)
            .message_id(fence.job().as_str());
        let subject = store.names.dead_job(&label_set(&task.labels)?);
        let sent = store.publish(subject, message).await;
        sent.map_err(Error::server("keep a job that was given up"))
    };
    if let Err(error) = kept.await {
        tracing::warn!(%error, job = task.key(), "a job that was given up is in its state only");
    }
    Some(said)
}
