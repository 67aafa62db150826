//! The fail-closed answers, as they stand on the wire.

use codex_types::request::ServerRequest;
use codex_types::{
    ApplyPatchApprovalParams, AttestationGenerateParams, ChatgptAuthTokensRefreshParams,
    CommandExecutionRequestApprovalParams, DynamicToolCallParams, ExecCommandApprovalParams,
    FileChangeRequestApprovalParams, McpServerElicitationRequestParams,
    PermissionsRequestApprovalParams, ToolRequestUserInputParams,
};
use serde_json::{Value, json};

fn answer<P: ServerRequest>() -> (&'static str, Value) {
    (
        P::METHOD,
        serde_json::to_value(P::safe_response(Some("why"))).unwrap(),
    )
}

/// No answer of ours accepts, grants or reveals anything.
#[test]
fn nothing_is_granted() {
    let answers = [
        answer::<CommandExecutionRequestApprovalParams>(),
        answer::<FileChangeRequestApprovalParams>(),
        answer::<PermissionsRequestApprovalParams>(),
        answer::<ToolRequestUserInputParams>(),
        answer::<McpServerElicitationRequestParams>(),
        answer::<DynamicToolCallParams>(),
        answer::<ApplyPatchApprovalParams>(),
        answer::<ExecCommandApprovalParams>(),
        answer::<ChatgptAuthTokensRefreshParams>(),
        answer::<AttestationGenerateParams>(),
    ];
    let expected = [
        (
            "item/commandExecution/requestApproval",
            json!({"decision": "decline"}),
        ),
        (
            "item/fileChange/requestApproval",
            json!({"decision": "decline"}),
        ),
        (
            "item/permissions/requestApproval",
            json!({"permissions": {}}),
        ),
        ("item/tool/requestUserInput", json!({"answers": {}})),
        (
            "mcpServer/elicitation/request",
            json!({"action": "decline"}),
        ),
        (
            "item/tool/call",
            json!({"contentItems": [{"type": "inputText", "text": "why"}], "success": false}),
        ),
        (
            "applyPatchApproval",
            json!({"decision": {"denied": {"rejection": "why"}}}),
        ),
        (
            "execCommandApproval",
            json!({"decision": {"denied": {"rejection": "why"}}}),
        ),
        ("account/chatgptAuthTokens/refresh", Value::Null),
        ("attestation/generate", Value::Null),
    ];
    assert_eq!(answers, expected);
}
