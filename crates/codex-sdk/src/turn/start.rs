//! The builder of `turn/start`.

use std::future::IntoFuture;
use std::path::PathBuf;

use codex_types::{ReasoningEffort, ReasoningSummary, SandboxPolicy, TurnStartParams};
use serde_json::Value;

use super::TurnHandle;
use crate::budget::Budget;
use crate::client::Codex;
use crate::connection::{Opened, TurnEvents};
use crate::door::Door;
use crate::error::{Error, Result};
use crate::input::RunInput;
use crate::pages::Pending;
use crate::policy::{self, ApprovalMode};
use crate::result::TurnResult;
use crate::router::{Joining, OnAnswer};
use crate::thread::Thread;
use crate::thread::options;

/// Starts a turn, `turn/start`; made by [`Thread::turn`].
///
/// The turn has what the thread has, unless it is set here; most of what is set stays for later
/// turns of the thread. Where a turn runs already, the input joins it, and the options hold from the
/// next turn on: the one that runs keeps its sandbox, approval mode, folder and model. On a runtime before
/// 0.151.0, which does not tell which turn is joined, the input steers the one that runs (`turn/steer`), and
/// a start with options fails with [`Error::ThreadBusy`] meanwhile.
///
/// ```no_run
/// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
/// use openai_codex::types::ReasoningEffort;
///
/// let turn = thread
///     .turn("Fix the failing test.")
///     .model("gpt-5")
///     .effort(ReasoningEffort::High)
///     .await?;
/// println!("{}", turn.run().await?.text());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Awaiting it fails with [`Error::InvalidInput`] for what cannot be sent and with
/// [`Error::UnsupportedRuntime`] for an option that the runtime is too old for, before anything is
/// sent; with [`Error::ThreadBusy`] where a turn runs without the options that the thread was resumed
/// with; else as [`Codex::request`](crate::Codex::request).
///
/// # Cancel safety
///
/// Dropping the future before the request is sent sends nothing; after that, the turn is
/// interrupted as soon as it runs.
#[derive(Clone, Debug)]
#[must_use = "a turn is started when this is awaited, sent or run"]
pub struct TurnStart<T = Thread, O = ()> {
    pub(crate) thread: T,
    input: RunInput,
    pub(super) params: TurnStartParams,
    cwd: Option<PathBuf>,
    pub(super) only_if_idle: bool,
    budget: Option<Budget>,
    door: Door<TurnStartParams>,
    /// Why the turn cannot be started, found out by a setter.
    pub(super) refused: Option<String>,
    /// What the final response is.
    #[cfg_attr(
        not(feature = "schemars"),
        allow(dead_code, reason = "only a type reads it")
    )]
    pub(super) output: O,
}

impl<T> TurnStart<T> {
    pub(crate) fn new(thread: T, input: RunInput) -> Self {
        Self {
            thread,
            input,
            params: TurnStartParams::new([], ""),
            cwd: None,
            only_if_idle: false,
            budget: None,
            door: Door::default(),
            refused: None,
            output: (),
        }
    }
}

impl<T, O> TurnStart<T, O> {
    /// Sets who decides when the agent asks to do more than its sandbox allows; later turns keep
    /// it.
    pub fn approval_mode(mut self, mode: ApprovalMode) -> Self {
        let (policy, reviewer) = policy::approval(mode);
        self.params.approval_policy = Some(policy);
        self.params.approvals_reviewer = reviewer;
        self
    }

    /// Sets the folder that the agent works in; later turns keep it. One that is relative is of
    /// this process's folder.
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cwd = Some(dir.into());
        self
    }

    /// Sets how much the model reasons; later turns keep it.
    ///
    /// An empty one is refused with [`Error::InvalidInput`] before anything is sent.
    pub fn effort(mut self, effort: ReasoningEffort) -> Self {
        self.params.effort = Some(effort);
        self
    }

    /// Sets the model; later turns keep it.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.params.model = Some(model.into());
        self
    }

    /// Sets the JSON schema that the final response has to fit, for this turn only.
    ///
    /// [`TurnResult::parse`] decodes the response. What is no JSON object is refused with
    /// [`Error::InvalidInput`] before anything is sent.
    pub fn output_schema(mut self, schema: Value) -> Self {
        self.params.output_schema = Some(schema);
        self
    }

    /// Sets what the agent may touch without asking: a [`Sandbox`](crate::Sandbox), or a policy with writable
    /// folders and network; later turns keep it.
    pub fn sandbox(mut self, sandbox: impl Into<SandboxPolicy>) -> Self {
        self.params.sandbox_policy = Some(sandbox.into());
        self
    }

    /// Sets the service tier; later turns keep it.
    pub fn service_tier(mut self, tier: impl Into<String>) -> Self {
        self.params.service_tier = Some(Some(tier.into()));
        self
    }

    /// Takes the service tier of the configuration back; later turns keep it.
    pub fn default_service_tier(mut self) -> Self {
        self.params.service_tier = Some(None);
        self
    }

    /// Sets an id of your own for the message, `clientUserMessageId`, by which it is found in the history.
    pub fn client_message_id(mut self, id: impl Into<String>) -> Self {
        self.params.client_user_message_id = Some(id.into());
        self
    }

    /// Starts the turn only if none runs on the thread, as far as this client knows.
    ///
    /// Otherwise it fails with [`Error::ThreadBusy`], and nothing is sent; without this the input joins the
    /// turn that runs.
    pub fn if_idle(mut self) -> Self {
        self.only_if_idle = true;
        self
    }

    /// Limits what the turn may use; one that has used more is interrupted.
    ///
    /// Its events go on to `turn/completed`, and [`run`](Self::run) and [`TurnHandle::run`] then fail with
    /// [`Error::BudgetExceeded`]. The client counts, and goes on to when the handle is detached. As with
    /// [`if_idle`](Self::if_idle), the start fails with [`Error::ThreadBusy`] where a turn runs, whose budget
    /// this is not.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Changes the params that are sent, after all setters: for what no setter offers.
    ///
    /// A later call adds to the earlier ones.
    pub fn with<F>(mut self, change: F) -> Self
    where
        F: FnOnce(&mut TurnStartParams) + Clone + Send + Sync + 'static,
    {
        self.door.add(change);
        self
    }

    /// Sets what the turn is from, for analytics, `turnTrigger`; it has no effect on a turn that
    /// runs already.
    ///
    /// Needs a runtime of version 0.151.0 or newer.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.params.turn_trigger = Some(source.into());
        self
    }

    /// Sets how the model's reasoning is summed up; later turns keep it.
    pub fn summary(mut self, summary: ReasoningSummary) -> Self {
        self.params.summary = Some(summary);
        self
    }

    /// Sets the service tier of this turn only, `serviceTierForTurn`; `default` is the standard
    /// one. It has no effect on a turn that runs already.
    ///
    /// Needs a runtime of version 0.151.0 or newer.
    pub fn turn_service_tier(mut self, tier: impl Into<String>) -> Self {
        self.params.service_tier_for_turn = Some(tier.into());
        self
    }

    /// Makes it a start on another kind of thread.
    #[cfg(feature = "blocking")]
    pub(crate) fn on<U>(self, thread: impl FnOnce(T) -> U) -> TurnStart<U, O> {
        TurnStart {
            thread: thread(self.thread),
            input: self.input,
            params: self.params,
            cwd: self.cwd,
            only_if_idle: self.only_if_idle,
            budget: self.budget,
            door: self.door,
            refused: self.refused,
            output: self.output,
        }
    }

    /// Says something else.
    pub(super) fn say(&mut self, text: String) {
        self.input = text.into();
    }

    /// Asks something else, as another message.
    #[cfg(feature = "schemars")]
    pub(super) fn ask(&mut self, text: String) {
        self.say(text);
        self.params.client_user_message_id = None;
    }

    /// Says what the final response is.
    pub(super) fn with_output<P>(self, output: P) -> TurnStart<T, P> {
        TurnStart {
            thread: self.thread,
            input: self.input,
            params: self.params,
            cwd: self.cwd,
            only_if_idle: self.only_if_idle,
            budget: self.budget,
            door: self.door,
            refused: self.refused,
            output,
        }
    }

    /// Returns what is sent to a thread of this id.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if it cannot be sent.
    pub(crate) fn into_params(self, thread_id: &str) -> Result<TurnStartParams> {
        if let Some(reason) = self.refused {
            return Err(Error::InvalidInput(reason));
        }
        let mut params = self.params;
        params.thread_id = thread_id.into();
        params.cwd = options::path(self.cwd)?;
        match self.input {
            RunInput::User(input) => params.input = input.into_items()?,
            RunInput::External(message) => params.tool_output = Some(message.into_output()?),
        }
        self.door.apply(&mut params);
        let effort = params.effort.as_ref();
        if effort.is_some_and(|effort| effort.as_str().trim().is_empty()) {
            return Err(invalid(
                "the reasoning effort is empty: name one, or leave it out",
            ));
        }
        let schema = params.output_schema.as_ref();
        if schema.is_some_and(|schema| !schema.is_object()) {
            return Err(invalid("the output schema is not a JSON object"));
        }
        Ok(params)
    }
}

fn invalid(reason: &str) -> Error {
    Error::InvalidInput(reason.into())
}

impl TurnStart {
    /// Starts the turn and reads it to its end.
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// let result = thread.turn("Describe this project.").model("gpt-5").run().await?;
    /// println!("{}", result.text());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] and [`Error::UnsupportedRuntime`] before anything is sent; what
    /// [`Codex::request`](crate::Codex::request) fails with; and as [`TurnHandle::run`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future interrupts the turn.
    pub async fn run(self) -> Result<TurnResult> {
        self.await?.run().await
    }
}

impl<O> IntoFuture for TurnStart<Thread, O> {
    type Output = Result<TurnHandle>;
    type IntoFuture = Pending<TurnHandle>;

    fn into_future(self) -> Self::IntoFuture {
        let this = self.with_output(());
        Box::pin(async move {
            let thread = this.thread.clone();
            let codex = thread.codex();
            codex.check_open()?;
            let (only_if_idle, budget) = (this.only_if_idle, this.budget.clone());
            let mut params = this.into_params(thread.id())?;
            codex.check_reviewer(params.approvals_reviewer.as_ref())?;
            codex.check_folder(params.cwd.as_deref())?;
            codex.check_support(&params)?;
            codex.name_message(&mut params.client_user_message_id);
            let outstanding = thread.prepare(&mut params).await?;
            // A turn that runs has its options already.
            let joining = if outstanding || only_if_idle || budget.is_some() {
                Joining::Refused
            } else {
                Joining::Allowed
            };
            let budget = budget
                .map(|budget| codex.connection().open_budget(thread.id(), budget))
                .transpose()?;
            let events = match joining {
                Joining::Allowed if codex.joins_silently() => codex.start_or_steer(&params).await?,
                _ => codex.start_turn(&params, joining).await?,
            };
            if !events.joined() {
                thread.options_applied(&params);
            }
            let exceeded = budget.map(|budget| budget.bind(events.turn_id()));
            Ok(TurnHandle {
                exceeded,
                ..TurnHandle::new(codex.clone(), events)
            })
        })
    }
}

impl Codex {
    /// Starts a turn, or joins the one that runs on the thread.
    ///
    /// Starts of one thread take turns, and wait for a compaction that this client has asked for;
    /// a start that waits has sent nothing. The queue of the turn opens as the request is sent, so
    /// that nothing is lost however early it comes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before the request is sent sends nothing. After that the turn that it
    /// may have started is interrupted as soon as it runs, unless another handle reads it. The
    /// same goes for a start that times out.
    pub(crate) async fn start_turn(
        &self,
        params: &TurnStartParams,
        joining: Joining,
    ) -> Result<TurnEvents> {
        let on_answer = OnAnswer::OpenTurn {
            thread_id: params.thread_id.as_str().into(),
            joining,
        };
        let request = self.encode(params)?;
        let response = self.connection().request(request, on_answer).await?;
        #[cfg(feature = "remote")]
        self.connection().catch_up(&params.thread_id).await;
        match response.opened {
            Opened::Turn(events) => Ok(events),
            _ => Err(match response.decode_as::<TurnStartParams>() {
                Err(error) => error,
                Ok(_) => response.unexpected("it names no turn"),
            }),
        }
    }
}
