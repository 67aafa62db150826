//! Requests: sent in fair order, answered in any, given up in time.

#![allow(
    clippy::ptr_arg,
    reason = "an error keeps the name, and cloning a borrowed one is free"
)]

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout_at};
use tracing::Instrument;

use super::slots::Slot;
use super::{Connection, Delivered, Handle, Shared};
use crate::error::{CloseReason, Error, RawPayload, Result, RpcErrorCode};
use crate::message::Request;
use crate::router::{Admission, NewCall, Then};
use crate::secrets::without_values;

impl Connection {
    /// Sends a request and waits for its answer; repeats it while the runtime says that it is
    /// too busy to take it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future while the request waits to be sent sends nothing; after that its answer is
    /// ignored. A turn that it may have started is interrupted.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`], [`Error::Timeout`], [`Error::Rpc`], and [`Error::UnexpectedResponse`] for
    /// an answer without a result and an error.
    pub(crate) async fn request(
        &self,
        method: &Cow<'static, str>,
        mut request: Request,
        then: Then,
    ) -> Result<(Box<str>, Handle)> {
        let span = tracing::debug_span!("request", method = &**method);
        async {
            let mut attempt = 1;
            loop {
                let outcome = self.attempt(method, &mut request, then.clone()).await;
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

    /// Waits until no other resume of this thread is under way.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the queue.
    pub(crate) async fn resume_slot(&self, thread_id: &str) -> Slot {
        self.shared.resumes.acquire(thread_id).await
    }

    async fn attempt(
        &self,
        method: &Cow<'static, str>,
        request: &mut Request,
        then: Then,
    ) -> Result<(Box<str>, Handle)> {
        match PendingCall::enter(&self.shared, request, then)?
            .answer()
            .await
        {
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
            Delivered::Malformed(reason) => Err(Error::UnexpectedResponse {
                method: method.clone(),
                reason: reason.into(),
                raw: None,
            }),
            Delivered::TimedOut => {
                tracing::debug!("the runtime did not answer in time");
                Err(Error::Timeout {
                    method: method.clone(),
                    after: self.shared.options.timeout.unwrap_or_default(),
                })
            }
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

/// A request that is under way, or waits for that. Dropping it unanswered removes its entry.
#[derive(Debug)]
struct PendingCall<'a> {
    shared: &'a Arc<Shared>,
    id: i64,
    answer: oneshot::Receiver<Delivered>,
    answered: bool,
}

impl<'a> PendingCall<'a> {
    fn enter(shared: &'a Arc<Shared>, request: &mut Request, then: Then) -> Result<Self> {
        let (reply, answer) = oneshot::channel();
        let id = shared.next_id();
        let call = NewCall {
            id,
            reply: Some(reply),
            then,
            line: request.line(id),
            deadline: shared.deadline(),
        };
        shared.call(call).map_err(Error::Closed)?;
        Ok(Self {
            shared,
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

impl Drop for PendingCall<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.shared
                .route(|routing, fx| drop(routing.router.give_up(self.id, fx)));
        }
    }
}

impl Shared {
    pub(super) fn next_id(&self) -> i64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Enters a request, and sends it if it may be.
    ///
    /// # Errors
    ///
    /// The reason why the connection ended, if it has.
    pub(super) fn call(
        self: &Arc<Self>,
        call: NewCall<'_, oneshot::Sender<Delivered>>,
    ) -> std::result::Result<(), Arc<CloseReason>> {
        self.route(|routing, fx| {
            let line = call.line;
            if routing.router.call(call, fx)? == Admission::Now {
                // Entered and sent under one lock: the order on the wire is the router's.
                self.outbox.push(line);
            }
            Ok(())
        })
    }

    /// Returns when a request that is entered now is given up; `None` for never.
    fn deadline(&self) -> Option<Duration> {
        let deadline = self.began.elapsed().checked_add(self.options.timeout?)?;
        self.began.checked_add(deadline).map(|_| deadline)
    }

    /// Gives up requests when their time is over, for as long as it is polled.
    pub(super) async fn keep_time(self: &Arc<Self>) -> Infallible {
        loop {
            self.clock.notified().await;
            while let Some(next) = self.expire() {
                // A later request is due later, but the end of a turn may be due sooner.
                let _ = timeout_at(self.began + next, self.clock.notified()).await;
            }
        }
    }

    fn expire(self: &Arc<Self>) -> Option<Duration> {
        let now = self.began.elapsed();
        self.route(|routing, fx| routing.router.expire(now, fx))
    }
}
