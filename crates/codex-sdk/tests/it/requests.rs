//! Requests and their answers.

use std::sync::Arc;
use std::time::Duration;

use openai_codex::types::{AccountLogoutParams, ModelListParams};
use openai_codex::{Codex, CodexConfig, Error, RetryPolicy, RpcErrorKind, VERSION};
use serde_json::{Value, json};

use crate::peer::{connect, connect_with, joined, within};

fn ask(codex: &Codex, n: usize) -> tokio::task::JoinHandle<openai_codex::Result<Value>> {
    let codex = codex.clone();
    tokio::spawn(async move { codex.request_raw("x/y", json!({"n": n})).await })
}

/// Who the client is, and what it opts into.
#[tokio::test]
async fn the_handshake_says_who_the_client_is() {
    let config = CodexConfig::new()
        .experimental_api(true)
        .opt_out_notification("thread/started");
    let (codex, server) = connect_with(config).await;
    let received = server.received();
    assert_eq!(
        received[0]["params"],
        json!({
            "clientInfo": {"name": "codex_rust_sdk", "version": VERSION},
            "capabilities": {
                "experimentalApi": true,
                "optOutNotificationMethods": ["thread/started"],
            },
        })
    );
    assert_eq!(received[1], json!({"method": "initialized"}));
    assert_eq!(
        codex.server_info().runtime_version,
        openai_codex::RUNTIME_VERSION
    );
}

/// Answers find their callers by id.
#[tokio::test]
async fn answers_out_of_order_reach_their_callers() {
    let (codex, mut server) = connect().await;
    let tasks: Vec<_> = (0..3).map(|n| ask(&codex, n)).collect();
    let mut calls = Vec::new();
    for _ in 0..3 {
        calls.push(server.expect("x/y").await.unwrap());
    }
    for call in calls.iter().rev() {
        call.reply(json!({"echo": call.params()["n"]}));
    }
    for (n, task) in tasks.into_iter().enumerate() {
        assert_eq!(joined(task).await.unwrap(), json!({"echo": n}));
    }
}

#[tokio::test]
async fn typed_requests_have_typed_answers() {
    let (codex, mut server) = connect().await;
    let task = tokio::spawn({
        let codex = codex.clone();
        async move { codex.request(ModelListParams::default()).await }
    });
    let call = server.expect("model/list").await.unwrap();
    assert_eq!(call.params(), &json!({}));
    call.reply(json!({"data": []}));
    assert!(joined(task).await.unwrap().data.is_empty());

    let task = tokio::spawn({
        let codex = codex.clone();
        async move { codex.request(AccountLogoutParams).await }
    });
    let call = server.expect("account/logout").await.unwrap();
    assert_eq!(call.message().get("params"), None);
    call.reply(json!([]));
    let error = joined(task).await.unwrap_err();
    assert!(matches!(&error, Error::Decode { method, .. } if method == "account/logout"));
    let text = error.to_string();
    assert!(
        text.starts_with("cannot decode the response to account/logout: invalid type: "),
        "{text}"
    );
    assert!(text.contains(openai_codex::RUNTIME_VERSION), "{text}");
}

#[tokio::test]
async fn an_error_of_the_runtime_keeps_code_message_and_data() {
    let (codex, mut server) = connect().await;
    let task = ask(&codex, 0);
    let call = server.expect("x/y").await.unwrap();
    call.error_with(json!({"code": -32602, "message": "Input too large", "data": {"max": 1}}));
    let error = joined(task).await.unwrap_err();
    let rpc = error.rpc().unwrap();
    assert_eq!(i64::from(rpc.code), -32602);
    assert_eq!(rpc.kind(), RpcErrorKind::InvalidParams);
    assert_eq!(rpc.data, Some(json!({"max": 1})));
    assert!(!error.is_retryable());

    let task = ask(&codex, 1);
    server.expect("x/y").await.unwrap().error_with(json!("odd"));
    assert_eq!(
        joined(task).await.unwrap_err().to_string(),
        "the response to x/y is not the expected one: malformed JSON-RPC error response"
    );
}

/// An overload is retried, and told when it stays.
#[tokio::test]
async fn an_overloaded_runtime_is_asked_again() {
    let quick = RetryPolicy::new().initial_delay(Duration::from_millis(1));
    let (codex, mut server) = connect_with(CodexConfig::new().retry(quick)).await;
    let task = ask(&codex, 0);
    for _ in 0..2 {
        let call = server.expect("x/y").await.unwrap();
        call.error(-32001, "Server overloaded; retry later.");
    }
    server.expect("x/y").await.unwrap().reply(json!({}));
    assert_eq!(joined(task).await.unwrap(), json!({}));

    let task = ask(&codex, 1);
    for _ in 0..3 {
        let call = server.expect("x/y").await.unwrap();
        call.error(-32001, "Server overloaded; retry later.");
    }
    let error = joined(task).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(
        server
            .received_methods()
            .iter()
            .filter(|method| *method == "x/y")
            .count(),
        6
    );
}

/// Every request has a deadline.
#[tokio::test]
async fn a_request_that_is_not_answered_times_out_and_a_late_answer_is_ignored() {
    let config = CodexConfig::new().request_timeout(Some(Duration::from_millis(50)));
    let (codex, mut server) = connect_with(config).await;
    let task = ask(&codex, 0);
    let call = server.expect("x/y").await.unwrap();
    let error = joined(task).await.unwrap_err();
    assert!(
        matches!(&error, Error::Timeout { method, .. } if method == "x/y"),
        "{error}"
    );
    call.reply(json!({"late": true}));
    call.reply(json!({"late": "again"}));
    let task = ask(&codex, 1);
    server.expect("x/y").await.unwrap().reply(json!({"n": 1}));
    assert_eq!(joined(task).await.unwrap(), json!({"n": 1}));
}

/// The cap on requests under way holds.
#[tokio::test]
async fn no_more_requests_are_under_way_than_allowed() {
    let (codex, mut server) = connect_with(CodexConfig::new().max_in_flight(2)).await;
    let tasks: Vec<_> = (0..5).map(|n| ask(&codex, n)).collect();
    let mut open = vec![
        server.expect("x/y").await.unwrap(),
        server.expect("x/y").await.unwrap(),
    ];
    for expected in 2..=5 {
        // A third one would have been sent before this answer by another client is even made.
        tokio::task::yield_now().await;
        assert_eq!(server.received_methods().len() - 2, expected);
        let call = open.remove(0);
        call.reply(json!({"n": call.params()["n"]}));
        if expected < 5 {
            open.push(server.expect("x/y").await.unwrap());
        }
    }
    for call in open {
        call.reply(json!({"n": call.params()["n"]}));
    }
    for (n, task) in tasks.into_iter().enumerate() {
        assert_eq!(joined(task).await.unwrap(), json!({"n": n}));
    }
}

/// A request can be dropped.
#[tokio::test]
async fn a_dropped_request_frees_its_place() {
    let (codex, mut server) = connect_with(CodexConfig::new().max_in_flight(1)).await;
    let first = ask(&codex, 0);
    let call = server.expect("x/y").await.unwrap();
    first.abort();
    assert!(within(first).await.unwrap_err().is_cancelled());
    let second = ask(&codex, 1);
    let next = server.expect("x/y").await.unwrap();
    call.reply(json!({"n": 0}));
    next.reply(json!({"n": 1}));
    assert_eq!(joined(second).await.unwrap(), json!({"n": 1}));
}

/// Many requests at once are answered.
#[tokio::test]
async fn two_thousand_requests_at_once_are_all_answered() {
    let (codex, mut server) = connect().await;
    server.always("x/y", json!({}));
    let tasks: Vec<_> = (0..2000).map(|n| ask(&codex, n)).collect();
    // The server answers while it waits for something that does not come.
    let answering = tokio::spawn(async move {
        let _ = server.expect("nothing").await;
    });
    for task in tasks {
        assert_eq!(joined(task).await.unwrap(), json!({}));
    }
    answering.abort();
}

#[tokio::test]
async fn a_closed_client_says_so_for_good() {
    let (codex, mut server) = connect().await;
    let pending = ask(&codex, 0);
    server.expect("x/y").await.unwrap();
    let clone = codex.clone();
    let (one, two) = within(async { tokio::join!(codex.close(), clone.close()) }).await;
    one.unwrap();
    two.unwrap();
    within(codex.close()).await.unwrap();
    let reasons = [
        joined(pending).await.unwrap_err(),
        joined(ask(&codex, 1)).await.unwrap_err(),
    ];
    for error in &reasons {
        assert!(error.is_closed());
        assert_eq!(
            error.to_string(),
            "the connection is closed: the client was closed"
        );
    }
    let (Error::Closed(first), Error::Closed(second)) = (&reasons[0], &reasons[1]) else {
        panic!("not closed");
    };
    assert!(Arc::ptr_eq(first, second));
    server.closed().await.unwrap();
}

#[tokio::test]
async fn dropping_the_last_clone_closes_the_pipe() {
    let (codex, mut server) = connect().await;
    let mut notifications = codex.notifications();
    drop(codex);
    server.closed().await.unwrap();
    assert!(matches!(
        within(notifications.next()).await,
        Some(Err(Error::Closed(_)))
    ));
    assert!(within(notifications.next()).await.is_none());
}
