//! The state of a thread, as the runtime answers with it.

use std::path::PathBuf;

use codex_types::{
    ApprovalsReviewer, AskForApproval, CollaborationMode, ReasoningEffort, SandboxPolicy, Thread,
    ThreadForkResponse, ThreadResumeResponse, ThreadStartResponse, UnknownFields,
};

/// What the runtime answered when a thread was started, resumed or forked.
///
/// It is the state of that moment; turns may change it.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// let thread = codex.thread_start().await?;
/// let info = thread.info();
/// println!("{} in {}, asks {:?}", info.model, info.cwd.display(), info.approval_policy);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ThreadInfo {
    /// The thread itself; with its turns, if they were asked for.
    pub thread: Thread,
    /// The model.
    pub model: String,
    /// The provider of the model.
    pub model_provider: String,
    /// The service tier, if one is set.
    pub service_tier: Option<String>,
    /// The folder that the agent works in.
    pub cwd: PathBuf,
    /// When the agent asks for approval.
    pub approval_policy: AskForApproval,
    /// Who answers when it asks.
    pub approvals_reviewer: ApprovalsReviewer,
    /// What it may touch without asking.
    pub sandbox: SandboxPolicy,
    /// How much the model reasons, if that is set.
    pub reasoning_effort: Option<ReasoningEffort>,
    /// The thread that this one was forked from.
    pub forked_from_id: Option<String>,
    /// The files that instructions were read from.
    pub instruction_sources: Vec<String>,
    /// The plugins that are disabled.
    pub disabled_plugin_ids: Vec<String>,
    /// The collaboration mode; only resumed threads have it.
    pub collaboration_mode: Option<CollaborationMode>,
    /// Where to begin reading the items backwards, with `thread/items/list`; only resumed
    /// threads have it.
    pub items_backwards_cursor: Option<String>,
    /// Where to begin reading the turns backwards, with `thread/turns/list`; only resumed
    /// threads have it.
    pub turns_backwards_cursor: Option<String>,
    /// What the runtime sent beside that.
    pub unknown_fields: UnknownFields,
}

macro_rules! from_response {
    ($($response:ident $(with $($resumed:ident)+)?;)*) => {
        $(impl From<$response> for ThreadInfo {
            fn from(response: $response) -> Self {
                let sources = response.instruction_sources.into_iter();
                #[allow(unused_mut, reason = "only resumed threads have more")]
                let mut info = Self {
                    forked_from_id: response.thread.forked_from_id.clone(),
                    thread: response.thread,
                    model: response.model,
                    model_provider: response.model_provider,
                    service_tier: response.service_tier,
                    cwd: response.cwd.0.into(),
                    approval_policy: response.approval_policy,
                    approvals_reviewer: response.approvals_reviewer,
                    sandbox: response.sandbox,
                    reasoning_effort: response.reasoning_effort,
                    instruction_sources: sources.map(|source| source.0).collect(),
                    disabled_plugin_ids: response.disabled_plugin_ids,
                    collaboration_mode: None,
                    items_backwards_cursor: None,
                    turns_backwards_cursor: None,
                    unknown_fields: response.unknown_fields,
                };
                $($(info.$resumed = response.$resumed;)+)?
                info
            }
        })*
    };
}

from_response! {
    ThreadStartResponse;
    ThreadForkResponse;
    ThreadResumeResponse
        with collaboration_mode items_backwards_cursor turns_backwards_cursor;
}
