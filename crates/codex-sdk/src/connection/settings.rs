//! The options of a thread of a remote runtime, to be set again when the runtime has been started again.
//!
//! A runtime that resumes a thread from its store takes some of them, like the sandbox, from its own configuration.

use codex_types::{
    ApprovalsReviewer, AskForApproval, SandboxMode, SandboxPolicy, ThreadResumeParams,
    TurnStartParams,
};
use serde_json::{Map, Value};

/// The options that hold for the turns of a thread, as far as this client knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Settings {
    pub(crate) approval_policy: Option<AskForApproval>,
    pub(crate) approvals_reviewer: Option<ApprovalsReviewer>,
    pub(crate) cwd: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) sandbox_policy: Option<SandboxPolicy>,
    pub(crate) service_tier: Option<Option<String>>,
    /// The overrides of the runtime's configuration, which no turn can set.
    pub(crate) config: Option<Map<String, Value>>,
}

impl Settings {
    /// Takes over what a later turn, or another handle of the thread, sets.
    pub(super) fn update(&mut self, later: Self) {
        fn set<T>(option: &mut Option<T>, later: Option<T>) {
            if later.is_some() {
                *option = later;
            }
        }
        set(&mut self.approval_policy, later.approval_policy);
        set(&mut self.approvals_reviewer, later.approvals_reviewer);
        set(&mut self.cwd, later.cwd);
        set(&mut self.model, later.model);
        set(&mut self.sandbox_policy, later.sandbox_policy);
        set(&mut self.service_tier, later.service_tier);
        set(&mut self.config, later.config);
    }

    /// Returns what a turn sets for itself and later ones.
    pub(crate) fn of_turn(params: &TurnStartParams) -> Self {
        Self {
            approval_policy: params.approval_policy.clone(),
            approvals_reviewer: params.approvals_reviewer.clone(),
            cwd: params.cwd.clone(),
            model: params.model.clone(),
            sandbox_policy: params.sandbox_policy.clone(),
            service_tier: params.service_tier.clone(),
            config: None,
        }
    }

    /// Adds them to a turn, except where the turn has its own.
    pub(super) fn fill(&self, params: &mut TurnStartParams) {
        fn fill<T: Clone>(param: &mut Option<T>, value: &Option<T>) {
            if param.is_none() {
                param.clone_from(value);
            }
        }
        if params.approval_policy.is_none() {
            fill(&mut params.approvals_reviewer, &self.approvals_reviewer);
        }
        fill(&mut params.approval_policy, &self.approval_policy);
        fill(&mut params.cwd, &self.cwd);
        fill(&mut params.model, &self.model);
        fill(&mut params.sandbox_policy, &self.sandbox_policy);
        fill(&mut params.service_tier, &self.service_tier);
    }

    /// Adds them to a resume. Of a sandbox it takes only the mode; the rest goes with the next turn.
    pub(super) fn fill_resume(&self, params: &mut ThreadResumeParams) {
        params.approval_policy.clone_from(&self.approval_policy);
        params
            .approvals_reviewer
            .clone_from(&self.approvals_reviewer);
        params.cwd.clone_from(&self.cwd);
        params.model.clone_from(&self.model);
        params.service_tier.clone_from(&self.service_tier);
        params.config.clone_from(&self.config);
        params.sandbox = match &self.sandbox_policy {
            Some(SandboxPolicy::ReadOnly(_)) => Some(SandboxMode::ReadOnly),
            Some(SandboxPolicy::WorkspaceWrite(_)) => Some(SandboxMode::WorkspaceWrite),
            Some(SandboxPolicy::DangerFullAccess(_)) => Some(SandboxMode::DangerFullAccess),
            _ => None,
        };
    }
}
