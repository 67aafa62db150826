//! The approval mode and the sandbox, and their wire types.

use std::fmt;
use std::str::FromStr;

use codex_types::{
    ApprovalsReviewer, AskForApproval, DangerFullAccessSandboxPolicy, ReadOnlySandboxPolicy,
    SandboxMode, SandboxPolicy, WorkspaceWriteSandboxPolicy,
};

use crate::error::Error;

/// Who decides when the agent asks to do more than its sandbox allows.
///
/// A new thread starts with [`ApprovalMode::AutoReview`]; resumed and forked threads, and turns,
/// keep what they have unless told otherwise.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// use openai_codex::ApprovalMode;
///
/// let thread = codex
///     .thread_start()
///     .approval_mode(ApprovalMode::DenyAll)
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// Other policies of the runtime, such as asking about every command that it does not know to be
/// harmless, are set by the builders' `with`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApprovalMode {
    /// A reviewer model decides; it denies whatever it cannot judge.
    #[default]
    AutoReview,
    /// The program decides, by [`CodexConfig::on_approval`](crate::CodexConfig::on_approval) or
    /// [`Codex::approvals`](crate::Codex::approvals): the agent asks when it wants to leave its sandbox, and what
    /// the sandbox allows runs unasked.
    ///
    /// Without either it is refused with [`Error::InvalidInput`](crate::Error::InvalidInput) before anything is
    /// sent. See [`approval`](crate::approval).
    UserReview,
    /// Nothing beyond the sandbox is ever approved.
    ///
    /// A command that may not leave the sandbox then makes no item and no event; only the model is told.
    DenyAll,
}

/// What the agent may touch without asking.
///
/// As text it has the runtime's name for it, as a configuration or a command line has it:
///
/// ```
/// use openai_codex::Sandbox;
///
/// let sandbox: Sandbox = "workspace-write".parse()?;
/// assert_eq!(sandbox, Sandbox::WorkspaceWrite);
/// assert_eq!(Sandbox::FullAccess.to_string(), "danger-full-access");
/// # Ok::<(), openai_codex::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sandbox {
    /// It reads, and writes nothing; `read-only`.
    ReadOnly,
    /// It writes within the workspace; `workspace-write`.
    WorkspaceWrite,
    /// It does whatever the user could do; `danger-full-access`.
    FullAccess,
}

impl fmt::Display for ApprovalMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AutoReview => "auto_review",
            Self::UserReview => "user_review",
            Self::DenyAll => "deny_all",
        })
    }
}

impl FromStr for ApprovalMode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "auto_review" => Ok(Self::AutoReview),
            "user_review" => Ok(Self::UserReview),
            "deny_all" => Ok(Self::DenyAll),
            _ => Err(Error::InvalidInput(format!(
                "unknown approval mode {text:?}; use one of deny_all, auto_review, user_review"
            ))),
        }
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(sandbox_mode(*self).as_str())
    }
}

impl FromStr for Sandbox {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        sandbox_of_mode(&SandboxMode::from(text)).ok_or_else(|| {
            Error::InvalidInput(format!(
                "unknown sandbox {text:?}; use one of read-only, workspace-write, danger-full-access"
            ))
        })
    }
}

/// Returns the policy and the reviewer of a mode; no reviewer is absence.
pub(crate) fn approval(mode: ApprovalMode) -> (AskForApproval, Option<ApprovalsReviewer>) {
    match mode {
        ApprovalMode::AutoReview => (
            AskForApproval::OnRequest,
            Some(ApprovalsReviewer::AutoReview),
        ),
        ApprovalMode::UserReview => (AskForApproval::OnRequest, Some(ApprovalsReviewer::User)),
        ApprovalMode::DenyAll => (AskForApproval::Never, None),
    }
}

/// Returns the sandbox of a thread.
pub(crate) fn sandbox_mode(sandbox: Sandbox) -> SandboxMode {
    match sandbox {
        Sandbox::ReadOnly => SandboxMode::ReadOnly,
        Sandbox::WorkspaceWrite => SandboxMode::WorkspaceWrite,
        Sandbox::FullAccess => SandboxMode::DangerFullAccess,
    }
}

impl From<Sandbox> for SandboxPolicy {
    fn from(sandbox: Sandbox) -> Self {
        sandbox_policy(sandbox)
    }
}

/// Returns the sandbox of a turn that allows what this sandbox of a thread allows.
pub(crate) fn policy_of_mode(mode: &SandboxMode) -> Option<SandboxPolicy> {
    sandbox_of_mode(mode).map(sandbox_policy)
}

fn sandbox_of_mode(mode: &SandboxMode) -> Option<Sandbox> {
    match mode {
        SandboxMode::ReadOnly => Some(Sandbox::ReadOnly),
        SandboxMode::WorkspaceWrite => Some(Sandbox::WorkspaceWrite),
        SandboxMode::DangerFullAccess => Some(Sandbox::FullAccess),
        _ => None,
    }
}

/// Returns the sandbox of a turn, every member written out: nothing of an earlier policy stays.
fn sandbox_policy(sandbox: Sandbox) -> SandboxPolicy {
    match sandbox {
        Sandbox::ReadOnly => {
            SandboxPolicy::ReadOnly(ReadOnlySandboxPolicy::default().network_access(false))
        }
        Sandbox::WorkspaceWrite => SandboxPolicy::WorkspaceWrite(
            WorkspaceWriteSandboxPolicy::default()
                .writable_roots([])
                .network_access(false)
                .exclude_tmpdir_env_var(false)
                .exclude_slash_tmp(false),
        ),
        Sandbox::FullAccess => {
            SandboxPolicy::DangerFullAccess(DangerFullAccessSandboxPolicy::default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The two modes and their texts.
    #[test]
    fn an_approval_mode_is_its_own_text() {
        for mode in [
            ApprovalMode::AutoReview,
            ApprovalMode::UserReview,
            ApprovalMode::DenyAll,
        ] {
            assert_eq!(mode.to_string().parse::<ApprovalMode>().unwrap(), mode);
        }
        assert_eq!(ApprovalMode::default(), ApprovalMode::AutoReview);
    }

    /// The error lists both.
    #[test]
    fn an_unknown_approval_mode_names_the_known_ones() {
        let error = "allow_all".parse::<ApprovalMode>().unwrap_err().to_string();
        assert!(
            error.contains("deny_all, auto_review, user_review"),
            "{error}"
        );
    }

    /// The wire's names, both ways, and nothing else.
    #[test]
    fn a_sandbox_is_its_name_on_the_wire() {
        let rows = [
            (Sandbox::ReadOnly, "read-only"),
            (Sandbox::WorkspaceWrite, "workspace-write"),
            (Sandbox::FullAccess, "danger-full-access"),
        ];
        for (sandbox, name) in rows {
            assert_eq!(sandbox.to_string(), name);
            assert_eq!(name.parse::<Sandbox>().unwrap(), sandbox);
            assert_eq!(serde_json::to_value(sandbox_mode(sandbox)).unwrap(), name);
        }
        for other in ["", "full-access", "Read-Only", "readOnly"] {
            let error = other.parse::<Sandbox>().unwrap_err().to_string();
            assert!(
                error.ends_with("use one of read-only, workspace-write, danger-full-access"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_turns_sandbox_is_written_out() {
        let policies = [
            (
                Sandbox::ReadOnly,
                json!({"type": "readOnly", "networkAccess": false}),
            ),
            (
                Sandbox::WorkspaceWrite,
                json!({
                    "type": "workspaceWrite", "writableRoots": [], "networkAccess": false,
                    "excludeTmpdirEnvVar": false, "excludeSlashTmp": false,
                }),
            ),
            (Sandbox::FullAccess, json!({"type": "dangerFullAccess"})),
        ];
        for (sandbox, policy) in policies {
            assert_eq!(
                serde_json::to_value(sandbox_policy(sandbox)).unwrap(),
                policy
            );
        }
    }
}
