//! Server requests and their typed handlers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use openai_codex::types::{
    CommandExecutionApprovalDecision, CommandExecutionRequestApprovalParams,
    CommandExecutionRequestApprovalResponse, DynamicToolCallParams,
};
use openai_codex::{CodexConfig, ResponseError};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::peer::{connect, connect_with, within};

const APPROVAL: &str = "item/commandExecution/requestApproval";

fn approval(item: &str) -> Value {
    json!({"itemId": item, "startedAtMs": 1, "threadId": "t", "turnId": "u"})
}

fn tool_call() -> Value {
    json!({"arguments": {}, "callId": "c", "threadId": "t", "tool": "x", "turnId": "u"})
}

/// Without a handler the answer is no.
#[tokio::test]
async fn without_a_handler_nothing_is_granted() {
    let (_codex, mut server) = connect().await;
    let table = [
        (APPROVAL, approval("i"), json!({"decision": "decline"})),
        (
            "item/fileChange/requestApproval",
            approval("i"),
            json!({"decision": "decline"}),
        ),
        (
            "item/tool/requestUserInput",
            json!({"isBlocking": true, "itemId": "i", "questions": [], "threadId": "t", "turnId": "u"}),
            json!({"answers": {}}),
        ),
        // What cannot be decoded is refused like the rest.
        (
            "item/permissions/requestApproval",
            json!(5),
            json!({"permissions": {}}),
        ),
    ];
    for (method, params, expected) in table {
        let id = server.ask(method, params);
        let answer = within(server.answer(id)).await.unwrap();
        assert_eq!(answer["result"], expected, "{method}");
    }
    let id = server.ask("nobody/knows", json!({}));
    let answer = within(server.answer(id)).await.unwrap();
    assert_eq!(answer["error"]["code"], -32601);
    let id = server.ask(
        "account/chatgptAuthTokens/refresh",
        json!({"reason": "unauthorized"}),
    );
    let answer = within(server.answer(id)).await.unwrap();
    assert!(answer.get("result").is_none(), "{answer}");
}

/// Handlers run beside the reader.
#[tokio::test]
async fn handlers_answer_in_any_order_and_never_hold_up_the_reader() {
    let (began, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let config = CodexConfig::new().on_request({
        let (began, go) = (Arc::clone(&began), Arc::clone(&go));
        move |params: CommandExecutionRequestApprovalParams| {
            let (began, go) = (Arc::clone(&began), Arc::clone(&go));
            async move {
                if params.item_id == "slow" {
                    began.notify_one();
                    go.notified().await;
                }
                let accept = CommandExecutionApprovalDecision::Accept;
                Ok(CommandExecutionRequestApprovalResponse::new(accept))
            }
        }
    });
    let (codex, mut server) = connect_with(config).await;
    let slow = server.ask(APPROVAL, approval("slow"));
    within(began.notified()).await;
    let quick = server.ask(APPROVAL, approval("quick"));
    let answer = within(server.answer(quick)).await.unwrap();
    assert_eq!(answer["result"], json!({"decision": "accept"}));
    server.always("x/y", json!({}));
    let (reply, _) = within(async {
        tokio::join!(codex.request_raw("x/y", json!({})), async {
            let end =
                tokio::time::timeout(std::time::Duration::from_millis(1), server.expect("none"));
            end.await
        })
    })
    .await;
    reply.unwrap();
    go.notify_one();
    let answer = within(server.answer(slow)).await.unwrap();
    assert_eq!(answer["result"], json!({"decision": "accept"}));
}

/// A failing handler is a no.
#[tokio::test]
async fn a_handler_that_fails_or_panics_grants_nothing() {
    let config = CodexConfig::new()
        .on_request(|_: DynamicToolCallParams| async { Err(ResponseError::new("no such tool")) })
        .on_request(|_: CommandExecutionRequestApprovalParams| async { panic!("on purpose") });
    let (codex, mut server) = connect_with(config).await;
    let id = server.ask("item/tool/call", tool_call());
    let answer = within(server.answer(id)).await.unwrap();
    assert_eq!(answer["result"]["success"], false);
    assert!(answer.to_string().contains("no such tool"), "{answer}");
    let id = server.ask(APPROVAL, approval("i"));
    let answer = within(server.answer(id)).await.unwrap();
    assert_eq!(answer["result"], json!({"decision": "decline"}));
    assert!(codex.close().await.is_ok());
}

/// Sets a flag when it is dropped.
struct Flag(Arc<AtomicBool>, Arc<Notify>);

impl Drop for Flag {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
        self.1.notify_one();
    }
}

#[tokio::test]
async fn a_handler_is_stopped_when_its_turn_ends_or_its_request_is_settled() {
    for ending in [
        (
            "turn/completed",
            json!({"threadId": "t", "turn": {"id": "u"}}),
        ),
        (
            "serverRequest/resolved",
            json!({"threadId": "t", "requestId": "ID"}),
        ),
    ] {
        let (began, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let dropped = Arc::new(AtomicBool::new(false));
        let config = CodexConfig::new().on_request({
            let (began, ended) = (Arc::clone(&began), Arc::clone(&ended));
            let dropped = Arc::clone(&dropped);
            move |_: CommandExecutionRequestApprovalParams| {
                let flag = Flag(Arc::clone(&dropped), Arc::clone(&ended));
                let began = Arc::clone(&began);
                async move {
                    let _flag = flag;
                    began.notify_one();
                    std::future::pending::<()>().await;
                    Err(ResponseError::new("not reached"))
                }
            }
        });
        let (_codex, mut server) = connect_with(config).await;
        let id = server.ask(APPROVAL, approval("i"));
        within(began.notified()).await;
        let (method, mut params) = ending;
        if params["requestId"] == "ID" {
            params["requestId"] = json!(id);
        }
        server.notify(method, params);
        within(ended.notified()).await;
        assert!(dropped.load(Ordering::SeqCst));
    }
}
