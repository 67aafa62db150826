//! Tests of how codes, texts and data of refusals are read.

use super::*;
use serde_json::json;

/// What codes and texts mean.
#[test]
fn the_kind_follows_code_and_text() {
    use RpcErrorKind::*;
    let table = [
        (-32700, "x", Parse),
        (-32601, "x", MethodNotFound),
        (-32602, "too large", InvalidParams),
        (-32603, "failed to submit turn input: EmptyInput", Internal),
        (-32001, "Server overloaded; retry later.", ServerBusy),
        (-32050, "retry limit reached", RetryLimitExceeded),
        (-32050, "too many failed attempts", RetryLimitExceeded),
        (-32050, "whatever", Other),
        (-1, "x", Other),
        (1000, "x", Other),
        (-32600, "Not initialized", NotInitialized),
        (
            -32600,
            "`thread/search` requires experimentalApi capability",
            ExperimentalRequired,
        ),
        (-32600, "thread not found: 1", ThreadNotFound),
        (-32600, "thread not loaded: 1", ThreadNotFound),
        (-32600, "no rollout found for thread id 1", ThreadNotFound),
        (
            -32600,
            "no archived rollout found for thread id 1",
            ThreadNotFound,
        ),
        (-32600, "no active turn to steer", NoActiveTurn),
        (-32600, "no active turn to interrupt", NoActiveTurn),
        (
            -32600,
            "expected active turn id `a` but found `b`",
            TurnMismatch,
        ),
        (
            -32600,
            "expected active turn id a but found b",
            TurnMismatch,
        ),
        (
            -32600,
            "Invalid request: missing field `threadId`",
            InvalidParams,
        ),
        (
            -32600,
            "Invalid request: unknown variant `a`, expected one of `b`, `c`",
            InvalidParams,
        ),
        (
            -32600,
            "Server is draining; retry after reconnecting",
            ShuttingDown,
        ),
        (
            -32603,
            "Server is draining; retry the turn after reconnecting",
            ShuttingDown,
        ),
        (
            -32603,
            "in-process app-server runtime is shutting down",
            ShuttingDown,
        ),
        (
            -32600,
            "thread 1 already has an active writer",
            ActiveWriter,
        ),
        (-32600, "cannot steer a compact turn", NotSteerable),
        (-32600, "cannot steer a review turn", NotSteerable),
        (
            -32603,
            "failed to submit turn input: ActiveTurnNotSteerable { turn_kind: Compact }",
            NotSteerable,
        ),
    ];
    for (code, message, kind) in table {
        assert_eq!(
            RpcError::new(code, message).kind(),
            kind,
            "{code} {message}"
        );
    }
    let methods = "`some/method`, ".repeat(100);
    let message = format!("Invalid request: unknown variant `nope`, expected one of {methods}");
    assert_eq!(RpcError::new(-32600, message).kind(), MethodNotFound);
}

/// In either spelling.
#[test]
fn an_overload_is_found_at_any_depth_of_the_data() {
    for data in [
        json!("server_overloaded"),
        json!({"codexErrorInfo": "serverOverloaded"}),
        json!({"a": [{"errorInfo": {"serverOverloaded": {}}}]}),
    ] {
        let mut error = RpcError::new(-32010, "busy");
        error.data = Some(data);
        assert_eq!(error.kind(), RpcErrorKind::ServerBusy);
    }
}

/// In case the text changes.
#[test]
fn a_turn_that_takes_no_input_is_found_in_the_data() {
    let mut error = RpcError::new(-32600, "not now");
    let info = json!({"activeTurnNotSteerable": {"turnKind": "review"}});
    error.data = Some(json!({"message": "not now", "codexErrorInfo": info}));
    assert_eq!(error.kind(), RpcErrorKind::NotSteerable);
    error.data = Some(json!({"codexErrorInfo": "serverShuttingDown"}));
    assert_eq!(error.kind(), RpcErrorKind::ShuttingDown);
}

#[test]
fn debug_and_display_hold_no_data() {
    let mut error = RpcError::new(-32600, "m".repeat(1000));
    error.data = Some(json!({"key": "sk-secret"}));
    assert!(!format!("{error:?}").contains("sk-secret"));
    assert!(error.to_string().len() < 500);
    assert!(error.to_string().ends_with("… (code -32600)"));
}
