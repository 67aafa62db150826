//! Questions of the runtime on their way to a person, and the answers back.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::Subject;
use futures_util::StreamExt as _;
use openai_codex::approval::{Decision, Pending};
use tokio::sync::mpsc;

use super::claim::Fence;
use super::publish::Events;
use super::save::Saver;
use crate::asks::{AskId, AskSubject, State, Stored};
use crate::error::{Error, Result};
use crate::events::JobEventKind;
use crate::store::{Edit, to_json};
use crate::task::Task;

/// How often the state of a question is read that nobody has told about.
const LOOK: Duration = Duration::from_secs(5);

/// The questions of an attempt.
pub(super) struct Questions<'a> {
    fence: &'a Fence,
    task: &'a Task,
    workspace: &'a Path,
    events: &'a Events,
    /// Who waits for the answer of which one; told where to say that it is taken.
    waiting: Mutex<HashMap<AskId, mpsc::UnboundedSender<Option<Subject>>>>,
}

/// What ends the wait for an answer.
enum Answer {
    Given(Decision, Option<Subject>),
    TooLate,
    /// The runtime needs none any more.
    Resolved,
}

impl<'a> Questions<'a> {
    pub(super) fn new(
        fence: &'a Fence,
        task: &'a Task,
        workspace: &'a Path,
        events: &'a Events,
    ) -> Self {
        Self {
            fence,
            task,
            workspace,
            events,
            waiting: Mutex::default(),
        }
    }

    /// Hands on what others say of answers, for as long as it is awaited.
    pub(super) async fn listen(&self) {
        let store = self.fence.store();
        let subject = store.names.answer(self.fence.job().as_str());
        match store.client.subscribe(subject).await {
            Ok(mut told) => {
                while let Some(message) = told.next().await {
                    let id = String::from_utf8_lossy(&message.payload);
                    if let Some(waiting) = self.waiting().get(&*id) {
                        // One that has its answer by now does not listen.
                        let _ = waiting.send(message.reply);
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "answers are seen later"),
        }
        std::future::pending::<()>().await;
    }

    /// Asks a question, and answers the runtime. Whatever fails declines it.
    pub(super) async fn ask(&self, pending: Pending, saver: &Saver<'_>) {
        if !AskSubject::can_be_shown(&pending.approval().subject) {
            tracing::warn!("a question of a kind that is not known is declined");
            return;
        }
        // Another worker that goes on asks the same again.
        saver.save().await;
        let (id, told) = match self.store(&pending).await {
            Ok(asked) => asked,
            Err(error) => {
                tracing::warn!(%error, "a question cannot be asked, and is declined");
                return;
            }
        };
        self.events.put(&JobEventKind::Asked { ask: id.clone() });
        let answer = self.wait(&id, told, &pending).await;
        self.waiting().remove(&id);
        if let Err(error) = self.take(&id, answer, pending).await {
            tracing::warn!(%error, "an answer is not taken, and the question declined");
        }
    }

    /// Stores the question, or finds what an earlier attempt has stored of the same.
    async fn store(
        &self,
        pending: &Pending,
    ) -> Result<(AskId, mpsc::UnboundedReceiver<Option<Subject>>)> {
        let store = self.fence.store();
        let stored = Stored::new(
            self.task.key(),
            self.fence.attempt,
            pending.approval(),
            self.workspace,
        );
        let digest = stored.subject.digest()?;
        let value = to_json(&stored)?;
        store.check_size("the question", &value)?;
        let (sender, told) = mpsc::unbounded_channel();
        for number in 0_u32.. {
            let id = format!("{}.{digest}.{number}", self.fence.job().as_str());
            {
                // The same may be asked twice at a time.
                let mut waiting = self.waiting();
                if waiting.contains_key(&id) {
                    continue;
                }
                waiting.insert(id.clone(), sender.clone());
            }
            let mine = match store.create_in(&store.asks, &id, value.clone()).await {
                Ok(true) => Ok(true),
                Ok(false) => self.take_over(&id).await,
                Err(error) => Err(error),
            };
            match mine {
                Ok(true) => return Ok((id, told)),
                Ok(false) => self.waiting().remove(&id),
                Err(error) => {
                    self.waiting().remove(&id);
                    return Err(error);
                }
            };
        }
        Err(Error::Answered)
    }

    /// Takes over a question that was asked before. `false` if that one is over.
    async fn take_over(&self, id: &str) -> Result<bool> {
        let store = self.fence.store();
        let edit = |stored: &mut Stored| {
            if stored.state == State::Over {
                return Edit::Keep(false);
            }
            stored.attempt = self.fence.attempt;
            Edit::Write(true)
        };
        Ok(store.change_in(&store.asks, id, 0, edit).await?.0)
    }

    async fn wait(
        &self,
        id: &str,
        mut told: mpsc::UnboundedReceiver<Option<Subject>>,
        pending: &Pending,
    ) -> Answer {
        let limit = tokio::time::sleep(Duration::from_millis(self.task.answer_within_ms));
        tokio::pin!(limit);
        let mut reply = None;
        loop {
            let store = self.fence.store();
            match store.entry::<Stored>(&store.asks, id, "a question").await {
                Ok(Some(entry)) => match entry.value.state {
                    State::Answered(decision) => return Answer::Given(decision, reply),
                    State::Over => return Answer::TooLate,
                    State::Waiting => {}
                },
                Ok(None) => return Answer::TooLate,
                Err(error) => tracing::debug!(%error, "a question cannot be read"),
            }
            tokio::select! {
                answered = told.recv() => reply = answered.flatten(),
                () = tokio::time::sleep(LOOK) => {}
                () = pending.resolved() => return Answer::Resolved,
                () = &mut limit => return Answer::TooLate,
            }
        }
    }

    /// Takes the answer out of the store, so that it counts once, and gives it to the runtime.
    async fn take(&self, id: &AskId, answer: Answer, pending: Pending) -> Result<()> {
        let store = self.fence.store();
        // The job may be another worker's by now, and the answer with it.
        if !self.fence.write(|_| {}).await {
            return Ok(());
        }
        let edit = |stored: &mut Stored| {
            let taken = (stored.state, stored.attempt) == (State::Over, self.fence.attempt)
                || stored.attempt != self.fence.attempt;
            if taken {
                return Edit::Keep(false);
            }
            stored.state = State::Over;
            Edit::Write(true)
        };
        let (taken, _) = store.change_in(&store.asks, id, 0, edit).await?;
        let decision = match answer {
            Answer::Given(decision, _) if taken => decision,
            Answer::Resolved => return Ok(()),
            _ => Decision::Decline,
        };
        // One that was answered otherwise meanwhile wants no answer.
        if let Err(error) = pending.answer(decision).await {
            tracing::debug!(%error, "the runtime wants no answer any more");
        }
        self.events.put(&JobEventKind::Answered { ask: id.clone() });
        if let Answer::Given(_, Some(reply)) = answer {
            let _ = store.client.publish(reply, "taken".into()).await;
        }
        Ok(())
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<AskId, mpsc::UnboundedSender<Option<Subject>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
