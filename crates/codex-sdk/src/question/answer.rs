//! Answers to questions: what each decision is on the wire.

use codex_types::{
    AcceptWithExecpolicyAmendmentCommandExecutionApprovalDecision,
    ApplyNetworkPolicyAmendmentCommandExecutionApprovalDecision, CommandExecutionApprovalDecision,
    CommandExecutionApprovalKind, CommandExecutionRequestApprovalParams,
    CommandExecutionRequestApprovalResponse, FileChangeApprovalDecision,
    FileChangeRequestApprovalResponse, GrantedPermissionProfile, NetworkPolicyRuleAction,
    PermissionGrantScope, PermissionsRequestApprovalParams, PermissionsRequestApprovalResponse,
};
use serde::Serialize;

#[cfg(doc)]
use super::Command;
use super::{Approval, Decision, ProposedRule, Subject};

/// An answer, as JSON text.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) result: Option<String>,
    /// Whether the turn is interrupted too, for questions whose answer cannot say that.
    pub(crate) interrupts: bool,
}

impl Answer {
    fn new(result: &impl Serialize) -> Self {
        Self {
            result: serde_json::to_string(result).ok(),
            interrupts: false,
        }
    }
}

impl Approval {
    /// Tells whether the runtime takes a decision about this question; one that it does not take declines.
    ///
    /// [`Decision::Decline`] and [`Decision::Cancel`] are always taken. Changes of files and permissions take every
    /// decision, a command those that the runtime lists for it. [`Decision::AcceptAndRemember`] is
    /// [`Decision::Accept`] where there is no [`Command::proposed_rule`].
    ///
    /// ```
    /// use openai_codex::approval::{Approval, Decision};
    ///
    /// fn buttons(ask: &Approval) -> Vec<&'static str> {
    ///     let all = [
    ///         (Decision::Accept, "Yes"),
    ///         (Decision::AcceptForSession, "Yes, for this session"),
    ///         (Decision::Decline, "No"),
    ///     ];
    ///     let offered = all.iter().filter(|(decision, _)| ask.offers(*decision));
    ///     offered.map(|(_, label)| *label).collect()
    /// }
    /// ```
    pub fn offers(&self, decision: Decision) -> bool {
        match &self.subject {
            Subject::Command(command) => {
                is_offered(command.raw(), &wire_of_command(command.raw(), decision))
            }
            Subject::FileChange(_) | Subject::Permissions(_) => true,
        }
    }

    /// Returns the answer for a decision; one that the runtime does not offer declines.
    pub(crate) fn answer(&self, decision: Decision) -> Answer {
        match &self.subject {
            Subject::Command(command) => Answer::new(&of_command(command.raw(), decision)),
            Subject::FileChange(_) => {
                let decision = match decision {
                    Decision::Accept | Decision::AcceptAndRemember => {
                        FileChangeApprovalDecision::Accept
                    }
                    Decision::AcceptForSession => FileChangeApprovalDecision::AcceptForSession,
                    Decision::Decline => FileChangeApprovalDecision::Decline,
                    Decision::Cancel => FileChangeApprovalDecision::Cancel,
                };
                Answer::new(&FileChangeRequestApprovalResponse::new(decision))
            }
            Subject::Permissions(permissions) => Answer {
                interrupts: decision == Decision::Cancel,
                ..Answer::new(&of_permissions(permissions.raw(), decision))
            },
        }
    }
}

fn of_command(
    params: &CommandExecutionRequestApprovalParams,
    decision: Decision,
) -> CommandExecutionRequestApprovalResponse {
    let wire = wire_of_command(params, decision);
    CommandExecutionRequestApprovalResponse::new(if is_offered(params, &wire) {
        wire
    } else {
        tracing::warn!(
            ?decision,
            "the runtime does not offer this decision; it is declined"
        );
        CommandExecutionApprovalDecision::Decline
    })
}

/// Returns what a decision about a command is on the wire, whether it is offered or not.
fn wire_of_command(
    params: &CommandExecutionRequestApprovalParams,
    decision: Decision,
) -> CommandExecutionApprovalDecision {
    use CommandExecutionApprovalDecision as Wire;
    match decision {
        Decision::Accept => Wire::Accept,
        Decision::AcceptForSession => Wire::AcceptForSession,
        Decision::AcceptAndRemember => rule(params).map_or(Wire::Accept, remember),
        Decision::Decline => Wire::Decline,
        Decision::Cancel => Wire::Cancel,
    }
}

/// Returns the decision that stores a rule.
fn remember(rule: ProposedRule<'_>) -> CommandExecutionApprovalDecision {
    match rule {
        ProposedRule::Command(prefix) => {
            CommandExecutionApprovalDecision::AcceptWithExecpolicyAmendment(
                AcceptWithExecpolicyAmendmentCommandExecutionApprovalDecision::new(prefix.to_vec()),
            )
        }
        ProposedRule::Network(host) => {
            CommandExecutionApprovalDecision::ApplyNetworkPolicyAmendment(
                ApplyNetworkPolicyAmendmentCommandExecutionApprovalDecision::new(host.clone()),
            )
        }
    }
}

/// Returns the rule that the runtime proposes, if it proposes one that allows something.
fn rule(params: &CommandExecutionRequestApprovalParams) -> Option<ProposedRule<'_>> {
    if let Some(prefix) = &params.proposed_execpolicy_amendment {
        return Some(ProposedRule::Command(prefix));
    }
    let rules = params.proposed_network_policy_amendments.as_ref()?;
    let mut allowing = rules
        .iter()
        .filter(|rule| rule.action == NetworkPolicyRuleAction::Allow);
    allowing.next().map(ProposedRule::Network)
}

/// Returns the rule that a decision stores, if the runtime takes that decision.
pub(super) fn offered_rule(
    params: &CommandExecutionRequestApprovalParams,
) -> Option<ProposedRule<'_>> {
    rule(params).filter(|rule| is_offered(params, &remember(*rule)))
}

/// Tells whether the runtime offers a decision: by its list, where it sends one.
fn is_offered(
    params: &CommandExecutionRequestApprovalParams,
    decision: &CommandExecutionApprovalDecision,
) -> bool {
    use CommandExecutionApprovalDecision as Wire;
    if matches!(decision, Wire::Decline | Wire::Cancel) {
        return true;
    }
    if params.kind == CommandExecutionApprovalKind::HumanCommand && *decision != Wire::Accept {
        return false;
    }
    let Some(offered) = offered(params) else {
        return true;
    };
    let kind = std::mem::discriminant(decision);
    let is_listed = offered
        .iter()
        .any(|offer| std::mem::discriminant(offer) == kind);
    // The runtime lists this one only where it has no rule to propose, and takes it in both cases:
    // who may remember a command for good may remember it for the session.
    let is_narrower = *decision == Wire::AcceptForSession
        && offered.iter().any(|offer| {
            matches!(
                offer,
                Wire::AcceptWithExecpolicyAmendment(_) | Wire::ApplyNetworkPolicyAmendment(_)
            )
        });
    is_listed || is_narrower
}

#[cfg(feature = "experimental")]
fn offered(
    params: &CommandExecutionRequestApprovalParams,
) -> Option<Vec<CommandExecutionApprovalDecision>> {
    params.available_decisions.clone()
}

/// The list is experimental, and so among the fields that these types do not know.
#[cfg(not(feature = "experimental"))]
fn offered(
    params: &CommandExecutionRequestApprovalParams,
) -> Option<Vec<CommandExecutionApprovalDecision>> {
    let list = params.unknown_fields.get("availableDecisions")?;
    match list {
        serde_json::Value::Null => None,
        // A list that cannot be read offers nothing.
        list => Some(serde_json::from_value(list.clone()).unwrap_or_default()),
    }
}

fn of_permissions(
    params: &PermissionsRequestApprovalParams,
    decision: Decision,
) -> PermissionsRequestApprovalResponse {
    let asked = &params.permissions;
    let granted = GrantedPermissionProfile {
        file_system: asked.file_system.clone(),
        network: asked.network.clone(),
        ..GrantedPermissionProfile::default()
    };
    match decision {
        Decision::Accept | Decision::AcceptAndRemember => {
            PermissionsRequestApprovalResponse::new(granted).scope(PermissionGrantScope::Turn)
        }
        Decision::AcceptForSession => {
            PermissionsRequestApprovalResponse::new(granted).scope(PermissionGrantScope::Session)
        }
        Decision::Decline | Decision::Cancel => {
            PermissionsRequestApprovalResponse::new(GrantedPermissionProfile::default())
        }
    }
}
