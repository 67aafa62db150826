//! Server requests, and handlers that misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use openai_codex::types::{
    CommandExecutionApprovalDecision, CommandExecutionRequestApprovalParams,
    CommandExecutionRequestApprovalResponse, FileChangeRequestApprovalParams,
    ToolRequestUserInputParams,
};
use openai_codex::{CodexConfig, ResponseError};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::peer::{
    connect, connect_with, joined, say, spawn, stage_with, start_turn, still_works, within,
};

const APPROVAL: &str = "item/commandExecution/requestApproval";

fn approval(item: &str) -> Value {
    json!({"itemId": item, "startedAtMs": 1, "threadId": "t", "turnId": "a"})
}

/// Whatever the runtime sends as a request, in whatever shape, nothing in the answers says yes.
#[tokio::test]
async fn nothing_is_approved_without_a_handler() {
    let (codex, mut server) = connect().await;
    let shapes = [json!({}), json!(null), json!(5), json!([]), approval("i")];
    let methods = [
        APPROVAL,
        "item/fileChange/requestApproval",
        "item/tool/requestUserInput",
        "mcpServer/elicitation/request",
        "item/permissions/requestApproval",
        "item/tool/call",
        "account/chatgptAuthTokens/refresh",
        "attestation/generate",
        "applyPatchApproval",
        "execCommandApproval",
        "currentTime/read",
        "item/futureThing/requestApproval",
    ];
    for method in methods {
        for params in &shapes {
            let id = server.ask(method, params.clone());
            let answer = within(server.answer(id)).await.unwrap();
            let result = answer
                .get("result")
                .map(Value::to_string)
                .unwrap_or_default();
            for yes in ["accept", "approved", "true", "grant", "token\":\""] {
                assert!(!result.contains(yes), "{method} {params}: {answer}");
            }
        }
    }
    still_works(&codex, &mut server).await;
}

/// In its call or in its future, with any payload, and the next one is asked again.
#[tokio::test]
async fn a_handler_that_panics_declines_and_stays() {
    let config = CodexConfig::new()
        .on_request(|params: CommandExecutionRequestApprovalParams| async move {
            match &*params.item_id {
                "text" => panic!("on purpose"),
                "payload" => std::panic::panic_any(5),
                _ => tokio::task::yield_now().await,
            }
            if params.item_id == "later" {
                panic!("later");
            }
            let accept = CommandExecutionApprovalDecision::Accept;
            Ok(CommandExecutionRequestApprovalResponse::new(accept))
        })
        .on_request(|params: FileChangeRequestApprovalParams| {
            if params.item_id == "at once" {
                panic!("before there is a future");
            }
            async { Err(ResponseError::new("no")) }
        });
    let (codex, mut server) = connect_with(config).await;
    let rows = [
        (APPROVAL, "text", "decline"),
        (APPROVAL, "payload", "decline"),
        (APPROVAL, "later", "decline"),
        (APPROVAL, "fine", "accept"),
        ("item/fileChange/requestApproval", "at once", "decline"),
        ("item/fileChange/requestApproval", "fails", "decline"),
    ];
    for (method, item, decision) in rows {
        let id = server.ask(method, approval(item));
        let answer = within(server.answer(id)).await.unwrap();
        assert_eq!(answer["result"], json!({"decision": decision}), "{item}");
    }
    still_works(&codex, &mut server).await;
}

/// One that blocks its thread delays neither other requests nor turns.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_handler_that_blocks_its_thread_delays_nobody() {
    let (enter, entered) = std::sync::mpsc::channel();
    let (leave, left) = std::sync::mpsc::channel();
    let left = std::sync::Mutex::new(left);
    let config = CodexConfig::new().on_request(move |_: CommandExecutionRequestApprovalParams| {
        enter.send(()).unwrap();
        // Blocks the thread, as only a mistake does.
        let _ = left.lock().unwrap().recv_timeout(Duration::from_secs(20));
        async {
            let accept = CommandExecutionApprovalDecision::Accept;
            Ok(CommandExecutionRequestApprovalResponse::new(accept))
        }
    });
    let (codex, mut server, thread) = stage_with(config).await;
    let id = server.ask(APPROVAL, approval("i"));
    tokio::task::spawn_blocking(move || entered.recv())
        .await
        .unwrap()
        .unwrap();
    still_works(&codex, &mut server).await;
    let turn = start_turn(&thread, &mut server, "b").await;
    let running = spawn(turn.run());
    say(&mut server, "b", "fine");
    assert_eq!(joined(running).await.unwrap().text(), "fine");
    leave.send(()).unwrap();
    let answer = within(server.answer(id)).await.unwrap();
    assert_eq!(answer["result"], json!({"decision": "accept"}));
}

/// Counts how many of it there are.
struct Counted(Arc<AtomicUsize>, Arc<Notify>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
        self.1.notify_one();
    }
}

/// It holds nobody up, and ends with the client: with `close`, with a drop, and with the
/// connection.
#[tokio::test]
async fn a_handler_that_never_ends_ends_with_the_client() {
    for how in ["close", "drop", "connection"] {
        let (alive, gone) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let began = Arc::new(Notify::new());
        let config = CodexConfig::new().on_request({
            let (alive, gone, began) = (Arc::clone(&alive), Arc::clone(&gone), Arc::clone(&began));
            move |_: ToolRequestUserInputParams| {
                alive.fetch_add(1, Ordering::SeqCst);
                let counted = Counted(Arc::clone(&alive), Arc::clone(&gone));
                began.notify_one();
                async move {
                    let _counted = counted;
                    std::future::pending().await
                }
            }
        });
        let (codex, mut server) = connect_with(config).await;
        for _ in 0..3 {
            let params = json!({
                "isBlocking": true, "itemId": "i", "questions": [], "threadId": "t", "turnId": "a",
            });
            server.ask("item/tool/requestUserInput", params);
            within(began.notified()).await;
        }
        still_works(&codex, &mut server).await;
        match how {
            "close" => within(codex.close()).await.unwrap(),
            "drop" => drop(codex),
            _ => drop(server),
        }
        within(async {
            while alive.load(Ordering::SeqCst) > 0 {
                gone.notified().await;
            }
        })
        .await;
    }
}

/// A handler may use the client that it belongs to.
#[tokio::test]
async fn a_handler_may_use_its_own_client() {
    let slot: Arc<std::sync::OnceLock<openai_codex::Codex>> = Arc::default();
    let config = CodexConfig::new().on_request({
        let slot = Arc::clone(&slot);
        move |_: CommandExecutionRequestApprovalParams| {
            let codex = slot.get().unwrap().clone();
            async move {
                let answer = codex.request_raw("x/y", json!({})).await;
                match answer {
                    Ok(_) => Ok(CommandExecutionRequestApprovalResponse::new(
                        CommandExecutionApprovalDecision::Accept,
                    )),
                    Err(error) => Err(ResponseError::new(error.to_string())),
                }
            }
        }
    });
    let (codex, mut server) = connect_with(config).await;
    slot.set(codex.clone()).ok().unwrap();
    let id = server.ask(APPROVAL, approval("i"));
    server.expect("x/y").await.unwrap().reply(json!({}));
    let answer = within(server.answer(id)).await.unwrap();
    assert_eq!(answer["result"], json!({"decision": "accept"}));
    within(codex.close()).await.unwrap();
}
