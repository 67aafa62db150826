//! Events of an attempt, on their way to the server.

use std::time::Duration;

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::claim::Fence;
use crate::clock::now_ms;
use crate::error::{Error, Result};
use crate::events::{Batch, JobEventKind, Stored};
use crate::store::{patiently, to_json};

/// How long events are gathered.
const GATHER: Duration = Duration::from_millis(50);
/// How many bytes of events go into one message, if there is more than one.
const BYTES: usize = 256 << 10;
/// An event that is larger is left out: messages have 1 MiB by default.
const LARGEST: usize = 512 << 10;
/// The pause before a message is sent again.
const PAUSE: Duration = Duration::from_millis(200);

/// Where the events of an attempt are put. They are sent by [`send`].
#[derive(Clone)]
pub(super) struct Events(mpsc::UnboundedSender<Stored<Box<RawValue>>>);

/// What is to be sent.
pub(super) struct Outgoing(mpsc::UnboundedReceiver<Stored<Box<RawValue>>>);

pub(super) fn events() -> (Events, Outgoing) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Events(sender), Outgoing(receiver))
}

impl Events {
    pub(super) fn put(&self, event: &JobEventKind) {
        let written = serde_json::to_string(event).and_then(|text| match text.len() {
            ..=LARGEST => RawValue::from_string(text),
            bytes => serde_json::value::to_raw_value(&JobEventKind::LeftOut { bytes }),
        });
        match written {
            Ok(event) => {
                // Nobody sends any more: the attempt is over.
                let _ = self.0.send(Stored {
                    at_ms: now_ms(),
                    event,
                });
            }
            Err(error) => tracing::warn!(%error, "an event is not JSON"),
        }
    }
}

/// Sends what is put, in messages that each say which one they follow: once another attempt has begun, none of this
/// one is taken.
pub(super) async fn send(fence: &Fence, mut outgoing: Outgoing) {
    let mut last = None;
    let mut number = 0;
    while let Some(first) = outgoing.0.recv().await {
        // The first of an attempt are shown at once, and the last ones too: nobody can put more.
        let wait = if number > 0 { GATHER } else { Duration::ZERO };
        let end = Instant::now() + wait;
        let mut size = first.event.get().len();
        let mut events = vec![first];
        while size < BYTES {
            let Ok(Some(next)) = timeout_at(end, outgoing.0.recv()).await else {
                break;
            };
            size += next.event.get().len();
            events.push(next);
        }
        number += 1;
        match send_batch(fence, events, last, number).await {
            Ok(Some(sequence)) => last = Some(sequence),
            Ok(None) => return,
            Err(error) => tracing::warn!(%error, "events are lost"),
        }
    }
}

/// Returns the number of the message, `None` if the job is another's.
async fn send_batch(
    fence: &Fence,
    events: Vec<Stored<Box<RawValue>>>,
    mut last: Option<u64>,
    number: u64,
) -> Result<Option<u64>> {
    let store = fence.store();
    let subject = store.names.event(fence.job().as_str());
    let payload = to_json(&Batch {
        attempt: fence.attempt,
        events,
    })?;
    store.check_size("an event", &payload)?;
    // An answer that was lost is told again.
    let id = format!("{}.{}.{number}", fence.job().as_str(), fence.attempt);
    loop {
        let after = match last {
            Some(sequence) => sequence,
            None => last_of(fence, &subject).await?,
        };
        let message = PublishMessage::build()
            .payload(payload.clone())
            .message_id(&id)
            .expected_last_subject_sequence(after);
        match store.publish(subject.clone(), message).await {
            Ok(ack) => return Ok(Some(ack.sequence)),
            Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {
                // Another attempt has written, or the last one is too old to be kept.
                if !fence.write(|_| {}).await {
                    return Ok(None);
                }
                last = None;
            }
            Err(error) => {
                tracing::debug!(%error, "events are sent again");
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = fence.lost() => return Ok(None),
                }
            }
        }
    }
}

/// Returns the number of the last message of the job, zero if there is none.
async fn last_of(fence: &Fence, subject: &str) -> Result<u64> {
    let none = |error: &async_nats::jetstream::stream::LastRawMessageError| {
        error.kind() == LastRawMessageErrorKind::NoMessageFound
    };
    let ask = || {
        fence
            .store()
            .events
            .get_last_raw_message_by_subject(subject)
    };
    match patiently("read the last event", ask, none).await {
        Ok(message) => Ok(message.sequence),
        Err(Error::Server { source, .. }) if source.downcast_ref().is_some_and(none) => Ok(0),
        Err(error) => Err(error),
    }
}
