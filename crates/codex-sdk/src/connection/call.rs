//! Requests: sent in fair order, answered in any, given up in time.

#![allow(
    clippy::ptr_arg,
    reason = "an error keeps the name, and cloning a borrowed one is free"
)]

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tracing::Instrument;

use super::slots::Slot;
use super::{Connection, Delivered, Handle, Shared};
use crate::error::{Error, RawPayload, Result, RpcErrorCode};
use crate::message::Request;
use crate::router::Then;
use crate::secrets::without_values;

impl Connection {
    /// Sends a request and waits for its answer; repeats it while the runtime says that it is
    /// too busy to take it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before the request is sent sends nothing; after that its answer is
    /// ignored. A turn that it may have started is interrupted.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`], [`Error::Timeout`], [`Error::Rpc`], and [`Error::Decode`] for an
    /// answer that is none.
    pub(crate) async fn request(
        &self,
        method: &Cow<'static, str>,
        request: &Request,
        then: Then,
    ) -> Result<(Box<str>, Handle)> {
        let span = tracing::debug_span!("request", method = &**method);
        async {
            let mut attempt = 1;
            loop {
                let outcome = self.attempt(method, request, then.clone()).await;
                let delay = match &outcome {
                    // Only the runtime's refusal to take it proves that it has not run.
                    Err(Error::Rpc { source, .. }) if source.code == RpcErrorCode::OVERLOADED => {
                        self.shared.options.retry.delay_after(attempt)
                    }
                    _ => None,
                };
                let Some(delay) = delay else {
                    return outcome;
                };
                tracing::debug!(attempt, ?delay, "the runtime is overloaded");
                sleep(delay).await;
                attempt += 1;
            }
        }
        .instrument(span)
        .await
    }

    /// Keeps a secret out of what is logged and told from now on.
    pub(crate) fn learn_secret(&self, secret: &str) {
        self.shared.options.secrets.learn(secret);
    }

    /// Waits until no other start of this thread is under way.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the queue.
    pub(crate) async fn start_slot(&self, thread_id: &str) -> Slot {
        self.shared.slots.acquire(thread_id).await
    }

    async fn attempt(
        &self,
        method: &Cow<'static, str>,
        request: &Request,
        then: Then,
    ) -> Result<(Box<str>, Handle)> {
        let answer = async {
            // Fair: the longest waiting goes first. Closed together with the connection.
            let _permit = match self.shared.permits.acquire().await {
                Ok(permit) => permit,
                Err(_) => return Err(self.shared.closed_error()),
            };
            let mut pending = PendingCall::send(&self.shared, request, then)?;
            Ok(pending.answer().await)
        };
        let answer = match self.shared.options.timeout {
            Some(after) => timeout(after, answer).await.map_err(|_| {
                tracing::debug!("the runtime did not answer in time");
                Error::Timeout {
                    method: method.clone(),
                    after,
                }
            })??,
            None => answer.await?,
        };
        match answer {
            Delivered::Result(result, handle) => Ok((result, handle)),
            Delivered::Error(mut source) => {
                // A refusal may quote what was refused.
                let secrets = &self.shared.options.secrets;
                source.message = secrets.redact(&source.message).into_owned();
                if let Some(data) = &mut source.data {
                    secrets.redact_value(data);
                }
                Err(Error::Rpc {
                    method: method.clone(),
                    source,
                })
            }
            Delivered::Malformed(reason) => Err(Error::Decode {
                method: method.clone(),
                source: serde::de::Error::custom(reason),
                raw: RawPayload::new(""),
            }),
            Delivered::Closed(reason) => Err(Error::Closed(reason)),
        }
    }
}

/// Decodes the result of a request.
///
/// # Errors
///
/// [`Error::Decode`] with the text that did not fit.
pub(crate) fn decode<T: DeserializeOwned>(method: &Cow<'static, str>, text: &str) -> Result<T> {
    codex_types::from_str(text).map_err(|source| Error::Decode {
        method: method.clone(),
        source: without_values(source),
        raw: RawPayload::new(text),
    })
}

/// A request that was sent. Dropping it unanswered removes its entry.
#[derive(Debug)]
struct PendingCall {
    shared: Arc<Shared>,
    id: i64,
    answer: oneshot::Receiver<Delivered>,
    answered: bool,
}

impl PendingCall {
    fn send(shared: &Arc<Shared>, request: &Request, then: Then) -> Result<Self> {
        let (reply, answer) = oneshot::channel();
        let id = shared.next_id();
        let line = request.line(id);
        shared.route(|routing, _| {
            // Entered and sent under one lock: the order on the wire is the router's.
            routing
                .router
                .call(id, Some(reply), then)
                .map(|()| shared.outbox.push(&line))
                .map_err(Error::Closed)
        })?;
        Ok(Self {
            shared: Arc::clone(shared),
            id,
            answer,
            answered: false,
        })
    }

    async fn answer(&mut self) -> Delivered {
        let answer = (&mut self.answer).await;
        self.answered = true;
        match answer {
            Ok(answer) => answer,
            // The router answers every call before it lets go of it.
            Err(_) => Delivered::Malformed("the answer was lost".into()),
        }
    }
}

impl Drop for PendingCall {
    fn drop(&mut self) {
        if !self.answered {
            self.shared
                .route(|routing, fx| routing.router.cancel(self.id, fx));
        }
    }
}

impl Shared {
    pub(super) fn next_id(&self) -> i64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }
}
