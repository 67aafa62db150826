//! The options that were asked for, compared with those that the runtime has applied.
//!
//! The runtime ignores the options of `thread/resume` where it has the thread loaded already, and
//! does not say so.

use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use codex_types::{
    ApprovalsReviewer, AskForApproval, SandboxMode, SandboxPolicy, ThreadForkParams,
    ThreadResumeParams, ThreadSource, ThreadStartParams, TurnStartParams,
};

use serde_json::{Map, Value};

use super::ThreadInfo;
use crate::error::{Error, Result};
use crate::policy::policy_of_mode;

/// The service tier that the runtime answers with where none is wanted.
pub(super) const DEFAULT_TIER: &str = "default";

/// The options that an answer shows, and the developer instructions.
#[derive(Debug, Default)]
pub(super) struct Asked {
    approval_policy: Option<AskForApproval>,
    approvals_reviewer: Option<ApprovalsReviewer>,
    cwd: Option<String>,
    ephemeral: Option<bool>,
    model: Option<String>,
    model_provider: Option<String>,
    sandbox: Option<SandboxMode>,
    /// `Some(None)` asks for the default tier.
    service_tier: Option<Option<String>>,
    thread_source: Option<ThreadSource>,
    /// For a thread that has a history already: the model is told them with its first turn.
    developer_instructions: Option<String>,
    /// The overrides of the configuration, which no answer shows.
    #[cfg_attr(
        not(feature = "remote"),
        expect(dead_code, reason = "a remote runtime is told them again")
    )]
    config: Option<Map<String, Value>>,
}

macro_rules! asked_from {
    ($($params:ident: $($field:ident)+;)*) => {
        $(impl From<&$params> for Asked {
            fn from(params: &$params) -> Self {
                Self {
                    $($field: params.$field.clone(),)+
                    ..Self::default()
                }
            }
        })*
    };
}

asked_from! {
    ThreadStartParams: approval_policy approvals_reviewer cwd ephemeral model model_provider sandbox
        thread_source config;
    ThreadResumeParams: approval_policy approvals_reviewer cwd model model_provider sandbox
        service_tier developer_instructions config;
    ThreadForkParams: approval_policy approvals_reviewer cwd ephemeral model model_provider sandbox
        thread_source developer_instructions config;
}

impl Asked {
    /// Takes whatever approval mode the runtime answers with.
    pub(super) fn keep_approval(&mut self) {
        self.approval_policy = None;
        self.approvals_reviewer = None;
    }

    /// Returns the overrides of the configuration.
    #[cfg(feature = "remote")]
    pub(super) fn config(&self) -> Option<Map<String, Value>> {
        self.config.clone()
    }

    /// Compares the options with the answer, and writes into it what will hold. Returns what has
    /// to go with the next turn.
    ///
    /// # Errors
    ///
    /// [`Error::NotApplied`] with the options that the answer does not have and no turn can set.
    pub(super) fn compare(self, info: &mut ThreadInfo) -> Result<(Overrides, Option<String>)> {
        let mut lost = Vec::new();
        if differs(self.model_provider.as_ref(), &info.model_provider) {
            lost.push("model_provider".to_owned());
        }
        if differs(self.ephemeral.as_ref(), &info.thread.ephemeral) {
            lost.push("ephemeral".to_owned());
        }
        // Runtimes that do not tell the source have it nevertheless.
        let source = info.thread.thread_source.as_ref();
        if source.is_some_and(|source| differs(self.thread_source.as_ref(), source)) {
            lost.push("thread_source".to_owned());
        }
        if !lost.is_empty() {
            return Err(Error::NotApplied { fields: lost });
        }

        let mut overrides = Overrides::default();
        if let Some(policy) = self.approval_policy
            && (policy != info.approval_policy
                || differs(self.approvals_reviewer.as_ref(), &info.approvals_reviewer))
        {
            info.approval_policy = policy.clone();
            if let Some(reviewer) = &self.approvals_reviewer {
                info.approvals_reviewer = reviewer.clone();
            }
            overrides.approval = Some((policy, self.approvals_reviewer));
        }
        if let Some(cwd) = self.cwd
            && normal(Path::new(&cwd)) != normal(&info.cwd)
        {
            info.cwd = normal(Path::new(&cwd));
            overrides.cwd = Some(cwd);
        }
        if let Some(model) = self.model
            && model != info.model
        {
            info.model.clone_from(&model);
            overrides.model = Some(model);
        }
        if let Some(policy) = self.sandbox.as_ref().and_then(policy_of_mode)
            && std::mem::discriminant(&policy) != std::mem::discriminant(&info.sandbox)
        {
            info.sandbox = policy.clone();
            overrides.sandbox = Some(policy);
        }
        if let Some(tier) = self.service_tier
            && !is_tier(tier.as_deref(), info.service_tier.as_deref())
        {
            info.service_tier = Some(tier.clone().unwrap_or_else(|| DEFAULT_TIER.to_owned()));
            overrides.service_tier = Some(tier);
        }
        Ok((overrides, self.developer_instructions))
    }
}

fn differs<T: PartialEq>(asked: Option<&T>, answered: &T) -> bool {
    asked.is_some_and(|asked| asked != answered)
}

/// Returns a path without `.` and `..`, as the runtime answers with it; links stay.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}

/// Tells whether the tier that was answered is the one that was asked for, by one of its names.
fn is_tier(asked: Option<&str>, answered: Option<&str>) -> bool {
    fn name(tier: Option<&str>) -> &str {
        match tier {
            None => DEFAULT_TIER,
            Some("fast") => "priority",
            Some(tier) => tier,
        }
    }
    name(asked) == name(answered)
}

/// Returns the options of a resume that no answer shows and no turn can set, by their setters.
pub(super) fn hidden(params: &ThreadResumeParams) -> Vec<String> {
    let options = [
        ("base_instructions", params.base_instructions.is_some()),
        (
            "config",
            params.config.as_ref().is_some_and(|map| !map.is_empty()),
        ),
        (
            "developer_instructions",
            params.developer_instructions.is_some(),
        ),
    ];
    let set = options.into_iter().filter(|(_, set)| *set);
    set.map(|(name, _)| name.to_owned()).collect()
}

/// The options that the runtime did not apply and a turn can set.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Overrides {
    approval: Option<(AskForApproval, Option<ApprovalsReviewer>)>,
    cwd: Option<String>,
    model: Option<String>,
    sandbox: Option<SandboxPolicy>,
    service_tier: Option<Option<String>>,
}

impl Overrides {
    /// Adds them to a turn, except where the turn has its own.
    fn fill(&self, params: &mut TurnStartParams) {
        if params.approval_policy.is_none()
            && let Some((policy, reviewer)) = &self.approval
        {
            params.approval_policy = Some(policy.clone());
            params.approvals_reviewer.clone_from(reviewer);
        }
        fill(&mut params.cwd, &self.cwd);
        fill(&mut params.model, &self.model);
        fill(&mut params.sandbox_policy, &self.sandbox);
        fill(&mut params.service_tier, &self.service_tier);
    }
}

fn fill<T: Clone>(param: &mut Option<T>, value: &Option<T>) {
    if param.is_none() {
        param.clone_from(value);
    }
}

/// The overrides that go with every turn until one has applied them.
#[derive(Debug, Default)]
pub(super) struct Outstanding(Mutex<Option<Overrides>>);

impl Outstanding {
    pub(super) fn new(overrides: Overrides) -> Self {
        let some = (overrides != Overrides::default()).then_some(overrides);
        Self(Mutex::new(some))
    }

    /// Adds what is outstanding to a turn, and tells whether that is anything.
    pub(super) fn fill(&self, params: &mut TurnStartParams) -> bool {
        let overrides = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(overrides) = &*overrides {
            overrides.fill(params);
        }
        overrides.is_some()
    }

    /// A turn has applied them.
    pub(super) fn applied(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
