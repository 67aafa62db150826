//! Requests: sent, answered, and repeated while the runtime is too busy to take them.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;

use codex_types::TurnId;
use codex_types::request::ClientRequest;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout_at};
use tracing::Instrument;

use super::resumes::ResumeGuard;
use super::{Connection, Opened, Shared};
use crate::error::{Error, RawPayload, Result, RpcErrorCode};
use crate::message::{Refusal, Request};
use crate::router::{Failure, OnAnswer, Outcome};
use crate::secrets::without_values;

/// The result of a request.
#[derive(Debug)]
pub(crate) struct Response {
    method: Cow<'static, str>,
    /// The result, as JSON text.
    pub(crate) text: Box<str>,
    pub(crate) opened: Opened,
}

impl Response {
    /// Decodes the result of a typed request.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] with the text that did not fit.
    pub(crate) fn decode_as<P: ClientRequest>(&self) -> Result<P::Response> {
        P::decode_response(&self.text).map_err(|source| self.undecodable(source))
    }

    /// Decodes the result of a request without a type.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] with the text that no value can hold.
    pub(crate) fn decode_value(&self) -> Result<Value> {
        codex_types::from_str(&self.text).map_err(|source| self.undecodable(source))
    }

    fn undecodable(&self, source: serde_json::Error) -> Error {
        Error::Decode {
            method: self.method.clone(),
            source: without_values(source),
            raw: RawPayload::new(&*self.text),
        }
    }

    /// Makes the error for a result that can be decoded and makes no sense.
    pub(crate) fn unexpected(&self, reason: &'static str) -> Error {
        Error::UnexpectedResponse {
            method: self.method.clone(),
            reason: reason.into(),
            raw: Some(RawPayload::new(&*self.text)),
        }
    }
}

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
    /// [`Error::Closed`], [`Error::Timeout`], [`Error::Rpc`], [`Error::ThreadBusy`] for a start that
    /// may not join, and [`Error::UnexpectedResponse`] for an answer without a result and an error.
    pub(crate) async fn request(
        &self,
        mut request: Request,
        on_answer: OnAnswer,
    ) -> Result<Response> {
        if let Some(why) = self.shared.config.too_long(request.len()) {
            let refusal = Error::InvalidInput(format!("{}: {why}", request.method()));
            return Err(self.closed_or(refusal));
        }
        #[cfg(feature = "remote")]
        if self.is_remote() {
            request.again = crate::event::again(&request);
        }
        let span = tracing::debug_span!("request", method = &**request.method());
        async {
            let mut attempt = 1;
            loop {
                let outcome = CallGuard::enter(&self.shared, &mut request, on_answer.clone())?
                    .outcome()
                    .await;
                let failure = match outcome {
                    Ok((text, opened)) => {
                        let method = request.method().clone();
                        return Ok(Response {
                            method,
                            text,
                            opened,
                        });
                    }
                    Err(failure) => failure,
                };
                let delay = match &failure {
                    // Only the runtime's refusal to take it proves that it has not run.
                    Failure::Refused(Refusal::Rpc(error))
                        if error.code == RpcErrorCode::OVERLOADED =>
                    {
                        self.shared.config.retry.delay_after(attempt)
                    }
                    _ => None,
                };
                let Some(delay) = delay else {
                    return Err(self.shared.error(&request, failure));
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
        self.shared.config.secrets.learn(secret);
    }

    /// Waits until no other resume of this thread is in progress.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the queue.
    pub(crate) async fn resume_guard(&self, thread_id: &str) -> ResumeGuard {
        self.shared.resumes.acquire(thread_id).await
    }

    /// Waits until no other turn that happens once is looked for or started on this thread.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the queue.
    pub(crate) async fn once_guard(&self, thread_id: &str) -> ResumeGuard {
        self.shared.onces.acquire(thread_id).await
    }
}

impl Shared {
    /// Makes the error of a request that has failed.
    fn error(&self, request: &Request, failure: Failure) -> Error {
        let method = request.method().clone();
        match failure {
            Failure::Refused(Refusal::Rpc(mut source)) => {
                // A refusal may quote what was refused.
                let secrets = &self.config.secrets;
                source.message = secrets.redact(&source.message).into_owned();
                if let Some(data) = &mut source.data {
                    secrets.redact_value(data);
                }
                Error::Rpc { method, source }
            }
            Failure::Refused(Refusal::Malformed(reason)) => Error::UnexpectedResponse {
                method,
                reason: reason.into(),
                raw: None,
            },
            Failure::Busy(turn) => Error::ThreadBusy {
                turn_id: TurnId::from(&*turn),
            },
            Failure::TimedOut => {
                tracing::debug!("the runtime did not answer in time");
                Error::Timeout {
                    method,
                    after: self.config.timeout.unwrap_or_default(),
                }
            }
            Failure::Lost => Error::Unanswered { method },
            Failure::Closed(reason) => Error::Closed(reason),
        }
    }

    /// Ends what is overdue, for as long as it is polled.
    pub(super) async fn keep_time(self: &Arc<Self>) -> Infallible {
        loop {
            self.timer.notified().await;
            while let Some(next) = self.route(|routing, fx| routing.expire(fx)) {
                // A later request is due later, but the end of a turn may be due sooner.
                let changed = self.timer.notified();
                match self.began.checked_add(next) {
                    Some(next) => drop(timeout_at(next, changed).await),
                    None => changed.await,
                }
            }
        }
    }
}

/// A request that has no outcome yet. Dropping it cancels the request.
#[derive(Debug)]
struct CallGuard<'a> {
    shared: &'a Arc<Shared>,
    id: i64,
    outcome: oneshot::Receiver<Outcome<Opened>>,
    ended: bool,
}

impl<'a> CallGuard<'a> {
    fn enter(shared: &'a Arc<Shared>, request: &mut Request, on_answer: OnAnswer) -> Result<Self> {
        let (reply, outcome) = oneshot::channel();
        let entered =
            shared.route(|routing, fx| routing.router.call(request, on_answer, reply, fx));
        Ok(Self {
            shared,
            id: entered.map_err(Error::Closed)?,
            outcome,
            ended: false,
        })
    }

    async fn outcome(&mut self) -> Outcome<Opened> {
        let outcome = (&mut self.outcome).await;
        self.ended = true;
        // The router answers every call before it drops its entry.
        outcome.unwrap_or(Err(Failure::Refused(Refusal::Malformed(
            "the answer was lost",
        ))))
    }
}

impl Drop for CallGuard<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.shared
                .route(|routing, fx| drop(routing.router.cancel(self.id, fx)));
        }
    }
}
