//! Who approves what the agent wants to do, and what it may touch.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// Who decides when the agent asks to do more than its sandbox allows.
///
/// A new thread starts with [`ApprovalMode::AutoReview`]; resumed and forked threads, and turns,
/// keep what they have unless told otherwise.
///
/// In neither mode is a handler of [`CodexConfig::on_request`](crate::CodexConfig::on_request) asked
/// about commands and patches. For threads whose approvals go to your own code, start them with
/// their raw params and attach to them. With `OnRequest` the handler is asked when the agent wants
/// to leave its sandbox, and what the sandbox allows runs unasked; with `Untrusted` it is asked about
/// every command that the runtime does not know to be harmless.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// use openai_codex::{Thread, types};
///
/// let params = types::ThreadStartParams::default()
///     .approval_policy(types::AskForApproval::OnRequest)
///     .approvals_reviewer(types::ApprovalsReviewer::User)
///     .sandbox(types::SandboxMode::WorkspaceWrite);
/// let thread = Thread::attach(&codex, codex.request(params).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApprovalMode {
    /// A reviewer model decides; it denies whatever it cannot judge.
    #[default]
    AutoReview,
    /// Nothing beyond the sandbox is ever approved.
    ///
    /// A command that the sandbox stops then makes no item and no event; only the model is told.
    DenyAll,
}

/// What the agent may touch without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sandbox {
    /// It reads, and writes nothing.
    ReadOnly,
    /// It writes within the workspace.
    WorkspaceWrite,
    /// It does whatever the user could do.
    FullAccess,
}

impl fmt::Display for ApprovalMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AutoReview => "auto_review",
            Self::DenyAll => "deny_all",
        })
    }
}

impl FromStr for ApprovalMode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "auto_review" => Ok(Self::AutoReview),
            "deny_all" => Ok(Self::DenyAll),
            _ => Err(Error::InvalidInput(format!(
                "unknown approval mode {text:?}; use one of deny_all, auto_review"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// API-12: the two modes and their texts.
    #[test]
    fn an_approval_mode_is_its_own_text() {
        for mode in [ApprovalMode::AutoReview, ApprovalMode::DenyAll] {
            assert_eq!(mode.to_string().parse::<ApprovalMode>().unwrap(), mode);
        }
        assert_eq!(ApprovalMode::default(), ApprovalMode::AutoReview);
    }

    /// APP-03: the error lists both.
    #[test]
    fn an_unknown_approval_mode_names_the_known_ones() {
        let error = "allow_all".parse::<ApprovalMode>().unwrap_err().to_string();
        assert!(error.contains("deny_all, auto_review"), "{error}");
    }
}
