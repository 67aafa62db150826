//! The fail-closed answers to what the runtime asks.
//!
//! Nothing here accepts, grants or reveals. A new server request does not compile until its answer
//! is decided here.

#[cfg(feature = "experimental")]
use crate::generated::CurrentTimeReadParams;
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
use crate::request::ServerRequest;

/// The answer of one method when nobody gives one.
pub(crate) trait Safe: ServerRequest {
    fn safe(failure: Option<&str>) -> Option<Self::Response>;
}

const NOBODY: &str = "no handler answers this request";

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
        let text = InputTextDynamicToolCallOutputContentItem::new(failure.unwrap_or(NOBODY));
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

/// Nobody but the caller has a token to give.
impl Safe for ChatgptAuthTokensRefreshParams {
    fn safe(_: Option<&str>) -> Option<Self::Response> {
        None
    }
}

/// Nobody but the caller can attest anything.
impl Safe for AttestationGenerateParams {
    fn safe(_: Option<&str>) -> Option<Self::Response> {
        None
    }
}

/// The time is not the types' to tell; the client answers with its clock.
#[cfg(feature = "experimental")]
impl Safe for CurrentTimeReadParams {
    fn safe(_: Option<&str>) -> Option<Self::Response> {
        None
    }
}

fn denied(failure: Option<&str>) -> ReviewDecision {
    ReviewDecision::Denied(DeniedReviewDecision::new(failure.unwrap_or(NOBODY)))
}
