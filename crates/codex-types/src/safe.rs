//! The fail-closed answers to what the runtime asks.
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
use crate::request::ServerRequest;

/// The answer of one method when no handler gives one.
pub(crate) trait Safe: ServerRequest {
    fn safe(failure: Option<&str>) -> Option<Self::Response>;
}

const NO_HANDLER: &str = "no handler answers this request";

impl Safe for CommandExecutionRequestApprovalParams {
    fn safe(_: Option<&str>) -> Option<Self::Response> {
        let decision = CommandExecutionApprovalDecision::Decline;
        Some(CommandExecutionRequestApprovalResponse::new(decision))
    }
}

impl Safe for FileChangeRequestApprovalParams {
    fn safe(_: Option<&str>) -> Option<Self::Response> {
        let decision = FileChangeApprovalDecision::Decline;
        Some(FileChangeRequestApprovalResponse::new(decision))
    }
}

impl Safe for PermissionsRequestApprovalParams {
    fn safe(_: Option<&str>) -> Option<Self::Response> {
        let nothing = GrantedPermissionProfile::default();
        Some(PermissionsRequestApprovalResponse::new(nothing))
    }
}

impl Safe for ToolRequestUserInputParams {
    fn safe(_: Option<&str>) -> Option<Self::Response> {
        Some(ToolRequestUserInputResponse::new([]))
    }
}

impl Safe for McpServerElicitationRequestParams {
    fn safe(_: Option<&str>) -> Option<Self::Response> {
        let action = McpServerElicitationAction::Decline;
        Some(McpServerElicitationRequestResponse::new(action))
    }
}

impl Safe for DynamicToolCallParams {
    fn safe(failure: Option<&str>) -> Option<Self::Response> {
        let text = InputTextDynamicToolCallOutputContentItem::new(failure.unwrap_or(NO_HANDLER));
        let content = vec![DynamicToolCallOutputContentItem::InputText(text)];
        Some(DynamicToolCallResponse::new(content, false))
    }
}

impl Safe for ApplyPatchApprovalParams {
    fn safe(failure: Option<&str>) -> Option<Self::Response> {
        Some(ApplyPatchApprovalResponse::new(denied(failure)))
    }
}

impl Safe for ExecCommandApprovalParams {
    fn safe(failure: Option<&str>) -> Option<Self::Response> {
        Some(ExecCommandApprovalResponse::new(denied(failure)))
    }
}

/// Only the caller has a token to give.
impl Safe for ChatgptAuthTokensRefreshParams {
    fn safe(_: Option<&str>) -> Option<Self::Response> {
        None
    }
}

/// Only the caller can attest anything.
impl Safe for AttestationGenerateParams {
    fn safe(_: Option<&str>) -> Option<Self::Response> {
        None
    }
}

/// The clock of this machine is no secret and grants nothing. A handler that failed meant to tell
/// another time, so this one does not stand in for it.
#[cfg(feature = "experimental")]
impl Safe for CurrentTimeReadParams {
    fn safe(failure: Option<&str>) -> Option<Self::Response> {
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
