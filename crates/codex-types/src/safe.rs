//! The fail-closed answers to server requests.
//!
//! Nothing here accepts, grants or reveals. A request that is not here is refused with a JSON-RPC error.

/// The text for an answer that has a place for what went wrong.
pub(crate) const NO_HANDLER: &str = "no handler answers this request";

/// The text for a call of a tool that nobody has.
pub(crate) const NO_TOOL: &str = "this client has no such tool";

/// The answer of a method, by its variant of `ServerRequest`, when no handler gives one: an `Option`, and
/// `None` is the JSON-RPC error.
///
/// It is a macro so that an arm is compiled only where the schema has the method.
macro_rules! safe_answer {
    (ItemCommandExecutionRequestApproval, $failure:ident) => {
        Some(CommandExecutionRequestApprovalResponse::new(
            CommandExecutionApprovalDecision::Decline,
        ))
    };
    (ItemFileChangeRequestApproval, $failure:ident) => {
        Some(FileChangeRequestApprovalResponse::new(
            FileChangeApprovalDecision::Decline,
        ))
    };
    (ItemPermissionsRequestApproval, $failure:ident) => {
        Some(PermissionsRequestApprovalResponse::new(
            GrantedPermissionProfile::default(),
        ))
    };
    (ItemToolRequestUserInput, $failure:ident) => {
        Some(ToolRequestUserInputResponse::new([]))
    };
    (McpServerElicitationRequest, $failure:ident) => {
        Some(McpServerElicitationRequestResponse::new(
            McpServerElicitationAction::Decline,
        ))
    };
    (ItemToolCall, $failure:ident) => {{
        let text = $failure.unwrap_or(crate::safe::NO_TOOL);
        let text = InputTextDynamicToolCallOutputContentItem::new(text);
        let content = vec![DynamicToolCallOutputContentItem::InputText(text)];
        Some(DynamicToolCallResponse::new(content, false))
    }};
    (ApplyPatchApproval, $failure:ident) => {
        Some(ApplyPatchApprovalResponse::new(
            crate::safe::safe_answer!(@denied $failure),
        ))
    };
    (ExecCommandApproval, $failure:ident) => {
        Some(ExecCommandApprovalResponse::new(
            crate::safe::safe_answer!(@denied $failure),
        ))
    };
    (@denied $failure:ident) => {{
        // Older schemas have it without the text.
        let text = $failure.unwrap_or(crate::safe::NO_HANDLER);
        let with_text = ::serde_json::json!({"denied": {"rejection": text}});
        match crate::safe::read(&with_text)? {
            ReviewDecision::Unrecognized(_) => crate::safe::read(&"denied".into())?,
            decision => decision,
        }
    }};
    // The clock of this machine is no secret and grants nothing. A handler that failed meant to tell
    // another time, so this one does not stand in for it.
    (CurrentTimeRead, $failure:ident) => {
        match $failure {
            Some(_) => None,
            None => {
                let now = ::std::time::SystemTime::now();
                let since = now.duration_since(::std::time::UNIX_EPOCH);
                let seconds = since.map_or(0, |since| since.as_secs());
                let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
                Some(CurrentTimeReadResponse::new(seconds))
            }
        }
    };
    // Only the caller has a token to give, or can attest anything.
    (AccountChatgptAuthTokensRefresh, $failure:ident) => {
        crate::safe::refuse($failure)
    };
    (AttestationGenerate, $failure:ident) => {
        crate::safe::refuse($failure)
    };
    // What nobody has decided about.
    ($method:ident, $failure:ident) => {
        crate::safe::refuse($failure)
    };
}
pub(crate) use safe_answer;

/// Reads an answer from JSON.
pub(crate) fn read<T: serde::de::DeserializeOwned>(value: &serde_json::Value) -> Option<T> {
    crate::codec::from_str(&value.to_string()).ok()
}

/// The answer of a method that has no safe one: a JSON-RPC error.
pub(crate) fn refuse<R>(_failure: Option<&str>) -> Option<R> {
    None
}
