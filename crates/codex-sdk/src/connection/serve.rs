//! Requests of the runtime: answered by the user's handlers, or safely.

use std::sync::Arc;

use super::Shared;
use crate::handler::{self, Reply};
use crate::message::{error_line, result_line};

/// A request of the runtime.
#[derive(Debug)]
pub(super) struct Job {
    /// The id as the runtime wrote it.
    pub(super) id: Box<str>,
    pub(super) method: String,
    pub(super) params: Box<str>,
    /// The entry of a request that has a handler.
    pub(super) key: Option<u64>,
}

impl Shared {
    /// Sees to it that a request is answered. A handler runs on a task of its own, which its
    /// entry stops when the request's turn ends or the runtime settles it otherwise.
    pub(super) fn serve(self: &Arc<Self>, job: Job) {
        let handler = self.options.handlers.get(&job.method);
        let (Some(handler), Some(key)) = (handler, job.key) else {
            let reply = handler::unattended(&job.method);
            tracing::debug!(method = job.method, "answering a request without a handler");
            return self.reply(&job.id, reply);
        };
        let shared = Arc::clone(self);
        let task = tokio::spawn(async move {
            let reply = handler.run(&job.params).await;
            let wanted = shared.routing().inbound.leave(key);
            if wanted {
                shared.reply(&job.id, reply);
            }
        });
        let ended = self.routing().inbound.attach(key, task.abort_handle());
        if let Some(task) = ended {
            task.abort();
        }
    }

    fn reply(&self, id: &str, reply: Reply) {
        let line = match reply {
            Reply::Result(result) => result_line(id, &result),
            Reply::Error(error) => error_line(id, error.code().into(), error.text()),
        };
        self.outbox.push(&line);
    }
}
