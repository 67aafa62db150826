//! An attempt with an agent: a runtime, a thread, and the turn of the task.

use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use openai_codex::approval::{Approvals, Pending};
use openai_codex::request::ThreadResume;
use openai_codex::runtime::Version;
use openai_codex::types::{ThreadDeleteParams, ThreadId, TurnStatus};
use openai_codex::{
    Codex, Error as CodexError, Notification, RpcErrorKind, Thread, TurnHandle, TurnResult,
};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::AgentSetup;
use super::claim::{Fence, Stop};
use super::publish::Events;
use super::questions::Questions;
use super::save::Saver;
use crate::error::Cause;
use crate::events::JobEventKind;
use crate::record::Record;
use crate::result::JobResult;
use crate::saved::SavedWork;
use crate::store::read_json;
use crate::task::Task;

/// Runtimes before store a turn that has failed as complete.
const OLDEST: Version = Version::new(0, 151, 0);
/// How long an interrupted turn is waited for.
const INTERRUPTED: Duration = Duration::from_secs(10);

/// How long the runtime of an earlier attempt may take to end.
const ENDING: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(200);

/// What became of an attempt.
pub(super) enum Outcome {
    Completed(Box<JobResult>),
    Failed {
        error: String,
        /// Another attempt may do better.
        again: bool,
    },
    Stopped(Stop),
}

/// An attempt of a task.
pub(super) struct Attempt<'a> {
    pub(super) agent: &'a AgentSetup,
    pub(super) fence: &'a Fence,
    pub(super) record: &'a Record,
    pub(super) task: &'a Task,
    pub(super) events: &'a Events,
    /// Set when it is made: whoever drops the attempt removes it.
    pub(super) folder: &'a OnceCell<std::path::PathBuf>,
}

impl Attempt<'_> {
    /// Runs it to its end, or until it is stopped.
    pub(super) async fn run(&self) -> Outcome {
        tokio::select! {
            outcome = self.work() => outcome.unwrap_or_else(|error| Outcome::Failed {
                error: error.to_string(),
                again: true,
            }),
            // Nothing is asked of a runtime that must not go on; dropping it ends it.
            () = self.fence.lost() => Outcome::Stopped(Stop::Lost),
        }
    }

    async fn work(&self) -> Result<Outcome, Cause> {
        let saved = self.saved().await?;
        if self.record.started && saved.is_none() && !self.task.restart {
            return Ok(Outcome::Failed {
                error: "a worker was lost before anything of the thread was saved, and the task does not say `restart`"
                    .into(),
                again: false,
            });
        }
        let work = saved.as_ref().and_then(|saved| saved.workspace.as_deref());
        let preparing = self
            .agent
            .workspace
            .prepare(self.task, self.fence.attempt, work);
        let folder = tokio::select! {
            folder = preparing => folder?,
            stop = self.fence.stopped() => return Ok(Outcome::Stopped(stop)),
        };
        let folder = self.folder.get_or_init(|| async { folder }).await;
        let starting = Codex::start_with(self.agent.runtime.clone().cwd(folder));
        let codex = tokio::select! {
            codex = starting => codex?,
            stop = self.fence.stopped() => return Ok(Outcome::Stopped(stop)),
        };
        let version = &codex.server_info().runtime_version;
        if version
            .parse::<Version>()
            .is_ok_and(|version| version < OLDEST)
        {
            return Err(format!(
                "a worker needs a runtime of version {OLDEST} or newer, and this is {version}"
            )
            .into());
        }
        let outcome = self.work_with(&codex, folder, saved).await;
        if let Err(error) = codex.close().await {
            tracing::debug!(%error, "the runtime has ended by itself");
        }
        outcome
    }

    async fn saved(&self) -> Result<Option<SavedWork>, Cause> {
        let Some(saved) = &self.record.saved else {
            return Ok(None);
        };
        match self.fence.store().object(&saved.object).await? {
            Some(bytes) => Ok(Some(read_json("a thread", &bytes)?)),
            None => Ok(None),
        }
    }

    async fn work_with(
        &self,
        codex: &Codex,
        folder: &Path,
        saved: Option<SavedWork>,
    ) -> Result<Outcome, Cause> {
        // Where a handler of the worker decides there is nothing to take.
        let approvals = codex.approvals().ok();
        let starting = self.turn(codex, folder, saved);
        let (thread, turn) = tokio::select! {
            started = starting => started?,
            stop = self.fence.stopped() => return Ok(Outcome::Stopped(stop)),
        };
        let stored = self.record.saved.as_ref();
        let workspace = &*self.agent.workspace;
        let saver = Saver::new(self.fence, &thread, workspace, folder, stored);
        let (stopped, result) = self.follow(turn, approvals, folder, &saver).await;
        saver.save().await;
        Ok(match (stopped, result) {
            (_, Some(Ok(turn))) if turn.status == TurnStatus::Completed => {
                let (key, attempt) = (self.task.key(), self.fence.attempt);
                let worker = self.fence.worker();
                let result = JobResult::of_turn(key, attempt, worker, thread.id(), turn);
                Outcome::Completed(Box::new(result))
            }
            (Some(stop), _) => Outcome::Stopped(stop),
            (None, None) => Outcome::Stopped(Stop::Lost),
            (None, Some(Ok(turn))) => Outcome::Failed {
                error: format!("the turn has ended without its result: {:?}", turn.status),
                again: true,
            },
            (None, Some(Err(error))) => Outcome::Failed {
                again: !matches!(error, CodexError::BudgetExceeded(_)),
                error: error.to_string(),
            },
        })
    }

    /// Starts the turn, in a new thread or in the one that was saved.
    async fn turn(
        &self,
        codex: &Codex,
        folder: &Path,
        saved: Option<SavedWork>,
    ) -> Result<(Thread, TurnHandle), Cause> {
        let sandbox = self.agent.sandbox;
        let approvals = self.task.approvals;
        let thread = match saved {
            Some(saved) => {
                let import = codex.thread_import(saved.thread.clone());
                let import = import.cwd(folder).sandbox(sandbox).approval_mode(approvals);
                self.import(codex, &saved.thread.thread_id, import).await?
            }
            None => {
                let start = codex.thread_start();
                start
                    .cwd(folder)
                    .sandbox(sandbox)
                    .approval_mode(approvals)
                    .await?
            }
        };
        if !self.fence.write(|record| record.started = true).await {
            return Err("the job is another worker's".into());
        }
        let once = thread
            .once(self.task.key(), self.task.prompt())
            .turn(|mut turn| {
                if let Some(model) = &self.task.model {
                    turn = turn.model(model);
                }
                if let Some(schema) = &self.task.output_schema {
                    turn = turn.output_schema(schema.clone());
                }
                match &self.task.budget {
                    Some(budget) => turn.budget(budget.clone()),
                    None => turn,
                }
            });
        let turn = once.start().await?;
        Ok((thread, turn))
    }

    /// Imports the thread, over what an earlier attempt may have left of it in this home.
    async fn import(
        &self,
        codex: &Codex,
        id: &ThreadId,
        import: ThreadResume,
    ) -> Result<Thread, CodexError> {
        let begun = Instant::now();
        loop {
            match import.clone().await {
                // That attempt has gone on from what was saved, and nobody has gone on from there.
                Err(CodexError::InvalidInput(reason)) => {
                    tracing::debug!(reason, "the thread of an earlier attempt is removed");
                    codex.request(ThreadDeleteParams::new(id)).await?;
                    return import.await;
                }
                // Its runtime is about to end.
                Err(error) if is_active(&error) && begun.elapsed() < ENDING => {
                    tokio::time::sleep(PAUSE).await;
                }
                other => return other,
            }
        }
    }

    /// Follows the turn to its end. Without a result it is stopped, and has not ended by then.
    async fn follow(
        &self,
        mut turn: TurnHandle,
        mut approvals: Option<Approvals>,
        folder: &Path,
        saver: &Saver<'_>,
    ) -> (Option<Stop>, Option<Result<TurnResult, CodexError>>) {
        let questions = Questions::new(self.fence, self.task, folder, self.events);
        let background = async { tokio::join!(questions.listen(), saver.keep_saving()) };
        tokio::pin!(background);
        let mut asked = FuturesUnordered::new();
        let mut stopped = None;
        let limit = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(limit);
        loop {
            tokio::select! {
                event = turn.next() => match event {
                    Some(Ok(event)) => {
                        if matches!(event, Notification::ItemCompleted(_)) {
                            saver.want();
                        }
                        self.events.put(&JobEventKind::Turn(Box::new(event)));
                    }
                    // The result says it too.
                    Some(Err(_)) => {}
                    None => break,
                },
                Some(question) = next_question(&mut approvals) => {
                    asked.push(questions.ask(question, saver));
                }
                Some(()) = asked.next() => {}
                _ = &mut background => {}
                stop = self.fence.stopped(), if stopped.is_none() => {
                    stopped = Some(stop);
                    limit.as_mut().reset(Instant::now() + INTERRUPTED);
                    let interrupt = tokio::time::timeout(INTERRUPTED, turn.interrupt());
                    if let Ok(Err(error)) = interrupt.await {
                        tracing::warn!(%error, "the turn is not interrupted");
                    }
                }
                // Ending the runtime ends it.
                () = &mut limit, if stopped.is_some() => return (stopped, None),
            }
        }
        (stopped, Some(turn.run().await))
    }
}

/// Waits for a question; for ever where none can come.
async fn next_question(approvals: &mut Option<Approvals>) -> Option<Pending> {
    match approvals {
        Some(approvals) => approvals.next().await,
        None => std::future::pending().await,
    }
}

/// Tells whether another process has the thread.
fn is_active(error: &CodexError) -> bool {
    error
        .rpc()
        .is_some_and(|error| error.kind() == RpcErrorKind::ActiveWriter)
}
