//! Server requests: answered by the user's handlers, or safely.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use codex_types::FileUpdateChange;
#[cfg(feature = "tools")]
use codex_types::{DynamicToolCallParams, request::ServerRequest};
use tokio::sync::watch;

use super::Shared;
use super::questions::Question;
use crate::event::RequestIds;
use crate::handler::{self, Handler, Reply};
use crate::message::{error_line, result_line};
use crate::question::Approval;
use crate::router::Entered;

/// A server request.
#[derive(Debug)]
pub(super) struct Job {
    /// The id as the runtime wrote it.
    pub(super) id: Box<str>,
    pub(super) method: Box<str>,
    pub(super) params: Box<str>,
    pub(super) handler: Option<Handler>,
    /// What it belongs to, where that matters.
    pub(super) ids: Option<RequestIds>,
    /// Whether it has a handler, or is an approval that someone decides.
    pub(super) is_handled: bool,
    /// The router's entry of a request whose handler may start.
    pub(super) entered: Option<Entered>,
    /// The change of files that the runtime announced for its item.
    pub(super) changes: Option<Arc<[FileUpdateChange]>>,
}

impl Shared {
    /// Returns the handler of a request: a tool of its thread, else the program's.
    pub(super) fn handler(&self, method: &str, _params: &str) -> Option<Handler> {
        #[cfg(feature = "tools")]
        if method == DynamicToolCallParams::METHOD
            && let Some(handler) = self.tools.handler(_params)
        {
            return Some(handler);
        }
        self.config.handlers.get(method)
    }

    /// Tells whether approvals without a handler of their own are decided by the program.
    pub(super) fn has_approver(&self) -> bool {
        self.config.handlers.approver().is_some() || self.questions.consumer().is_some()
    }

    /// Answers a request. A handler runs on a task of its own, which ends when the request's turn
    /// does, or when the runtime resolves the request otherwise.
    pub(super) fn serve(self: &Arc<Self>, job: Job) {
        let Some(entered) = job.entered else {
            return self.reply_unattended(&job.id, &job.method);
        };
        if let Some(handler) = job.handler {
            let (shared, id, params) = (Arc::clone(self), job.id, job.params);
            let Entered { key, stopped } = entered;
            return spawn(async move {
                if let Some(reply) = unless_stopped(stopped, handler.run(&params)).await {
                    shared.answer_request(key, &id, reply);
                }
            });
        }
        let Some(approval) = Approval::read(&job.id, &job.method, &job.params, job.changes) else {
            self.answer_request(entered.key, &job.id, handler::unattended(&job.method));
            return;
        };
        if let Some(approver) = self.config.handlers.approver() {
            let (shared, id) = (Arc::clone(self), job.id);
            let Entered { key, stopped } = entered;
            spawn(async move {
                let deciding = approver.decide(approval.clone());
                if let Some(decision) = unless_stopped(stopped, deciding).await {
                    let answer = approval.answer(decision);
                    shared.decide(&id, key, &approval, answer);
                }
            });
        } else {
            let question = Question::new(Arc::clone(self), job.id, job.method, entered, approval);
            if let Some(consumer) = self.questions.consumer() {
                // A question that does not arrive is dropped, and that declines it.
                let _ = consumer.send(question);
            }
        }
    }

    fn reply_unattended(&self, id: &str, method: &str) {
        tracing::debug!(method, "answering a request without a handler");
        self.outbox
            .push(&self.line(id, handler::unattended(method)));
    }

    /// Answers a server request that was entered, if that is still wanted; tells whether it was.
    pub(super) fn answer_request(self: &Arc<Self>, key: u64, id: &str, reply: Reply) -> bool {
        let line = self.line(id, reply);
        self.route(|routing, fx| routing.router.request_answered(key, &line, fx))
    }

    fn line(&self, id: &str, reply: Reply) -> Vec<u8> {
        let line = match reply {
            Reply::Result(result) => result_line(id, &result),
            Reply::Error(error) => error_line(id, error.code().into(), error.text()),
        };
        match self.config.too_long(line.len()) {
            None => line,
            Some(why) => error_line(id, crate::RpcErrorCode::INTERNAL_ERROR.into(), &why),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a task of ARCHITECTURE.md")]
fn spawn(answering: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(answering);
}

/// Runs a handler until it is to stop; the stop comes first, because an answer that is not wanted
/// any more is not awaited.
async fn unless_stopped<T>(
    mut stopped: watch::Receiver<()>,
    running: impl Future<Output = T>,
) -> Option<T> {
    let mut stop = pin!(stopped.changed());
    let mut running = pin!(running);
    poll_fn(|cx| match stop.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(None),
        Poll::Pending => running.as_mut().poll(cx).map(Some),
    })
    .await
}
