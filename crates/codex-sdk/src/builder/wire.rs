//! What the values of this crate are on the wire.

use std::path::PathBuf;

use codex_runtime::Version;
use codex_types::{
    ApprovalsReviewer, AskForApproval, DangerFullAccessSandboxPolicy, ReadOnlySandboxPolicy,
    SandboxMode, SandboxPolicy, WorkspaceWriteSandboxPolicy,
};

use crate::error::{Error, Result};
use crate::policy::{ApprovalMode, Sandbox};

/// The first runtime with `excludeTurns`, `toolOutput`, `turnTrigger` and `serviceTierForTurn`.
pub(crate) const NEWER_OPTIONS: Version = Version::new(0, 151, 0);

/// Returns the policy and the reviewer of a mode; no reviewer is absence.
pub(crate) fn approval(mode: ApprovalMode) -> (AskForApproval, Option<ApprovalsReviewer>) {
    match mode {
        ApprovalMode::AutoReview => (
            AskForApproval::OnRequest,
            Some(ApprovalsReviewer::AutoReview),
        ),
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

/// Returns the sandbox of a turn that allows what this sandbox of a thread allows.
pub(crate) fn policy_of_mode(mode: &SandboxMode) -> Option<SandboxPolicy> {
    let sandbox = match mode {
        SandboxMode::ReadOnly => Sandbox::ReadOnly,
        SandboxMode::WorkspaceWrite => Sandbox::WorkspaceWrite,
        SandboxMode::DangerFullAccess => Sandbox::FullAccess,
        _ => return None,
    };
    Some(sandbox_policy(sandbox))
}

/// Returns the sandbox of a turn, every member written out: nothing of an earlier policy stays.
pub(crate) fn sandbox_policy(sandbox: Sandbox) -> SandboxPolicy {
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

/// Returns a path as the text that the wire knows; one that is relative is of this process's folder.
///
/// # Errors
///
/// [`Error::InvalidInput`] if it is empty or not Unicode.
pub(crate) fn path(path: Option<PathBuf>) -> Result<Option<String>> {
    let Some(path) = path else {
        return Ok(None);
    };
    let path = std::path::absolute(&path).map_err(|error| {
        Error::InvalidInput(format!(
            "the path {path:?} cannot be made absolute: {error}"
        ))
    })?;
    match path.into_os_string().into_string() {
        Ok(text) => Ok(Some(text)),
        Err(path) => Err(Error::InvalidInput(format!(
            "the path {path:?} is not Unicode, and the protocol has no other paths"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// SBX-02.
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

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_not_unicode_is_refused() {
        use std::ffi::OsString;
        use std::os::unix::ffi::OsStringExt;
        let bytes = PathBuf::from(OsString::from_vec(vec![b'/', 0xff]));
        assert!(matches!(path(Some(bytes)), Err(Error::InvalidInput(_))));
        assert_eq!(path(Some("/a".into())).unwrap().as_deref(), Some("/a"));
    }

    #[test]
    fn a_relative_path_is_of_the_folder_of_this_process() {
        let here = std::env::current_dir().unwrap().join("a");
        let sent = path(Some("a".into())).unwrap();
        assert_eq!(sent.as_deref(), here.to_str());
        assert!(matches!(path(Some("".into())), Err(Error::InvalidInput(_))));
    }
}
