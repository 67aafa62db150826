//! Questions that wait for a decision of the program, taken one by one.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, watch};

use super::Shared;
use crate::error::{Error, Result};
use crate::handler::{Reply, unattended};
use crate::question::{Answer, Approval, Decision};
use crate::router::Entered;

/// The way of questions to the one consumer that has asked for them.
#[derive(Debug, Default)]
pub(super) struct Questions {
    consumer: Mutex<Option<mpsc::UnboundedSender<Question>>>,
}

impl Questions {
    /// Opens the way; `None` if a consumer has it already.
    ///
    /// It is bounded by the runtime, which waits for the answer to each question.
    pub(super) fn open(&self) -> Option<mpsc::UnboundedReceiver<Question>> {
        let mut consumer = self.lock();
        if consumer.as_ref().is_some_and(|open| !open.is_closed()) {
            return None;
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        *consumer = Some(sender);
        Some(receiver)
    }

    /// Returns the way, if a consumer has it.
    pub(super) fn consumer(&self) -> Option<mpsc::UnboundedSender<Question>> {
        self.lock().clone().filter(|open| !open.is_closed())
    }

    /// Ends the consumer's stream.
    pub(super) fn close(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<mpsc::UnboundedSender<Question>>> {
        self.consumer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question without an answer. Dropping it declines.
#[derive(Debug)]
pub(crate) struct Question {
    shared: Arc<Shared>,
    id: Box<str>,
    method: Box<str>,
    key: u64,
    stopped: watch::Receiver<()>,
    pub(crate) approval: Approval,
    answered: bool,
}

impl Question {
    pub(super) fn new(
        shared: Arc<Shared>,
        id: Box<str>,
        method: Box<str>,
        entered: Entered,
        approval: Approval,
    ) -> Self {
        let Entered { key, stopped } = entered;
        Self {
            shared,
            id,
            method,
            key,
            stopped,
            approval,
            answered: false,
        }
    }

    /// Answers the question.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] if the connection has ended; [`Error::QuestionOver`] if the question was
    /// answered elsewhere or its turn is over.
    pub(crate) fn answer(mut self, decision: Decision) -> Result<()> {
        self.answered = true;
        let answer = self.approval.answer(decision);
        if self
            .shared
            .decide(&self.id, self.key, &self.approval, answer)
        {
            return Ok(());
        }
        match self.shared.routing().router.closed() {
            Some(reason) => Err(Error::Closed(Arc::clone(reason))),
            None => Err(Error::QuestionOver {
                key: self.approval.key.clone(),
            }),
        }
    }

    /// Waits until no answer is wanted any more. Cancel safe.
    pub(crate) async fn resolved(&self) {
        // The sender sends nothing; its end is the news.
        let _ = self.stopped.clone().changed().await;
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if !self.answered {
            let reply = unattended(&self.method);
            self.shared.answer_request(self.key, &self.id, reply);
        }
    }
}

impl Shared {
    /// Sends the answer to a question, if it is still wanted; tells whether it was.
    pub(super) fn decide(
        self: &Arc<Self>,
        id: &str,
        key: u64,
        approval: &Approval,
        answer: Answer,
    ) -> bool {
        let reply = match answer.result {
            Some(result) => Reply::Result(result),
            None => Reply::Error(crate::ResponseError::new(
                "the client cannot encode its answer",
            )),
        };
        if !self.answer_request(key, id, reply) {
            return false;
        }
        if answer.interrupts {
            self.route(|routing, fx| {
                let turn = approval.turn_id.as_str().into();
                routing.router.interrupt(&approval.thread_id, turn, fx);
            });
        }
        true
    }
}
