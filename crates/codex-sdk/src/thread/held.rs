//! What a client keeps of a thread of a remote runtime, to set it again after the runtime was started again.

use serde_json::{Map, Value};

use super::applied::DEFAULT_TIER;
use super::{Thread, ThreadInfo};
use crate::connection::Settings;

/// Returns the settings that a thread has.
pub(super) fn settings(info: &ThreadInfo) -> Settings {
    Settings {
        approval_policy: Some(info.approval_policy.clone()),
        approvals_reviewer: Some(info.approvals_reviewer.clone()),
        cwd: info.cwd.to_str().map(str::to_owned),
        model: Some(info.model.clone()),
        sandbox_policy: Some(info.sandbox.clone()),
        service_tier: info
            .service_tier
            .clone()
            .map(|tier| (tier != DEFAULT_TIER).then_some(tier)),
        config: None,
    }
}

impl Thread {
    /// Keeps the overrides of the configuration that it was started, resumed or forked with: a runtime stores none.
    pub(super) fn keep_config(&self, config: Option<Map<String, Value>>) {
        if let (Some(held), Some(_)) = (&self.shared.held, &config) {
            held.update(Settings {
                config,
                ..Settings::default()
            });
        }
    }
}
