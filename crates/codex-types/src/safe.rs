//! The fail-closed answers to server requests.
//!
//! Nothing here accepts, grants or reveals. A new server request does not compile until its answer
//! is decided here.

#[cfg(feature = "experimental")]
use std::time::{SystemTime, UNIX_EPOCH};

use crate::generated::{
    ApplyPatchApprovalParams, ApplyPatchApprovalResponse, AttestationGenerateParams,
    ChatgptAuthTokensRefreshParams, CommandExecutionApprovalDecision,
    CommandExecutionRequestApprovalParams, CommandExecutionRequestApprovalResponse,
    DeniedReviewDecision, DynamicToolCallOutputContentItem, DynamicToolCallParams,
    DynamicToolCallResponse, ExecCommandApprovalParams, ExecCommandApprovalResponse,
    FileChangeApprovalDecision, FileChangeRequestApprovalParams, FileChangeRequestApprovalResponse,
    GrantedPermissionProfile, InputTextDynamicToolCallOutputContentItem,
    McpServerElicitationAction, McpServerElicitationRequestParams,
    McpServerElicitationRequestResponse, PermissionsRequestApprovalParams,
    PermissionsRequestApprovalResponse, ReviewDecision, ToolRequestUserInputParams,
    ToolRequestUserInputResponse,
};
#[cfg(feature = "experimental")]
use crate::generated::{CurrentTimeReadParams, CurrentTimeReadResponse};
use crate::request::SafeAnswer;

const NO_HANDLER: &str = "no handler answers this request";

impl SafeAnswer for CommandExecutionRequestApprovalParams {
    fn safe_answer(_: Option<&str>) -> Option<Self::Response> {
        let decision = CommandExecutionApprovalDecision::Decline;
        Some(CommandExecutionRequestApprovalResponse::new(decision))
    }
}

impl SafeAnswer for FileChangeRequestApprovalParams {
    fn safe_answer(_: Option<&str>) -> Option<Self::Response> {
        let decision = FileChangeApprovalDecision::Decline;
        Some(FileChangeRequestApprovalResponse::new(decision))
    }
}

impl SafeAnswer for PermissionsRequestApprovalParams {
    fn safe_answer(_: Option<&str>) -> Option<Self::Response> {
        let nothing = GrantedPermissionProfile::default();
        Some(PermissionsRequestApprovalResponse::new(nothing))
    }
}

impl SafeAnswer for ToolRequestUserInputParams {
    fn safe_answer(_: Option<&str>) -> Option<Self::Response> {
        Some(ToolRequestUserInputResponse::new([]))
    }
}

impl SafeAnswer for McpServerElicitationRequestParams {
    fn safe_answer(_: Option<&str>) -> Option<Self::Response> {
        let action = McpServerElicitationAction::Decline;
        Some(McpServerElicitationRequestResponse::new(action))
    }
}

impl SafeAnswer for DynamicToolCallParams {
    fn safe_answer(failure: Option<&str>) -> Option<Self::Response> {
        let text = InputTextDynamicToolCallOutputContentItem::new(failure.unwrap_or(NO_HANDLER));
        let content = vec![DynamicToolCallOutputContentItem::InputText(text)];
        Some(DynamicToolCallResponse::new(content, false))
    }
}

impl SafeAnswer for ApplyPatchApprovalParams {
    fn safe_answer(failure: Option<&str>) -> Option<Self::Response> {
        Some(ApplyPatchApprovalResponse::new(denied(failure)))
    }
}

impl SafeAnswer for ExecCommandApprovalParams {
    fn safe_answer(failure: Option<&str>) -> Option<Self::Response> {
        Some(ExecCommandApprovalResponse::new(denied(failure)))
    }
}

/// Only the caller has a token to give.
impl SafeAnswer for ChatgptAuthTokensRefreshParams {
    fn safe_answer(_: Option<&str>) -> Option<Self::Response> {
        None
    }
}

/// Only the caller can attest anything.
impl SafeAnswer for AttestationGenerateParams {
    fn safe_answer(_: Option<&str>) -> Option<Self::Response> {
        None
    }
}

/// The clock of this machine is no secret and grants nothing. A handler that failed meant to tell
/// another time, so this one does not stand in for it.
#[cfg(feature = "experimental")]
impl SafeAnswer for CurrentTimeReadParams {
    fn safe_answer(failure: Option<&str>) -> Option<Self::Response> {
        if failure.is_some() {
            return None;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = now.map_or(0, |since| since.as_secs());
        Some(CurrentTimeReadResponse::new(
            i64::try_from(seconds).unwrap_or(i64::MAX),
        ))
    }
}

fn denied(failure: Option<&str>) -> ReviewDecision {
    ReviewDecision::Denied(DeniedReviewDecision::new(failure.unwrap_or(NO_HANDLER)))
}
