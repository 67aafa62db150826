//! Server requests: answered by the user's handlers, or safely.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use super::Shared;
use crate::handler::{self, Handler, Reply};
use crate::message::{error_line, result_line};
use crate::router::Entered;

/// A server request.
#[derive(Debug)]
pub(super) struct Job {
    /// The id as the runtime wrote it.
    pub(super) id: Box<str>,
    pub(super) method: Box<str>,
    pub(super) params: Box<str>,
    pub(super) handler: Option<Handler>,
    /// The router's entry of a request whose handler may start.
    pub(super) entered: Option<Entered>,
}

impl Shared {
    /// Answers a request. A handler runs on a task of its own, which ends when the request's turn
    /// does, or when the runtime resolves the request otherwise.
    pub(super) fn serve(self: &Arc<Self>, job: Job) {
        let (Some(handler), Some(entered)) = (job.handler, job.entered) else {
            let reply = handler::unattended(&job.method);
            tracing::debug!(
                method = &*job.method,
                "answering a request without a handler"
            );
            return self.reply(&job.id, reply);
        };
        let shared = Arc::clone(self);
        #[expect(clippy::disallowed_methods, reason = "a task of ARCHITECTURE.md")]
        tokio::spawn(async move {
            let Entered { key, mut stopped } = entered;
            let mut running = pin!(handler.run(&job.params));
            // The stop first: an answer that is not wanted any more is not awaited.
            let reply = poll_fn(|cx| match Pin::new(&mut stopped).poll(cx) {
                Poll::Ready(_) => Poll::Ready(None),
                Poll::Pending => running.as_mut().poll(cx).map(Some),
            });
            if let Some(reply) = reply.await
                && shared.route(|routing, fx| routing.router.request_answered(key, fx))
            {
                shared.reply(&job.id, reply);
            }
        });
    }

    fn reply(&self, id: &str, reply: Reply) {
        let line = match reply {
            Reply::Result(result) => result_line(id, &result),
            Reply::Error(error) => error_line(id, error.code().into(), error.text()),
        };
        self.outbox.push(&line);
    }
}
