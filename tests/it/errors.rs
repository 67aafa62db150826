//! Refusals of the runtime, and the kind of each.

use codex_testkit::{Answer, Gate};
use openai_codex::types::{
    ReviewStartParams, ReviewTarget, ThreadId, ThreadReadParams, ThreadResumeParams, TurnId,
    TurnInterruptParams, TurnStartParams, TurnSteerParams,
};
use openai_codex::{Codex, InputItem, Notification, RpcErrorKind};
use serde_json::{Value, json};

use crate::stage::{Stage, config, err, is_before, ok, within};

const NOBODY: &str = "01a20682-4d91-7193-80bb-942b578db90a";

/// The runtime has one code for every refusal; the kind tells them apart.
#[tokio::test]
async fn refusals_have_kinds() {
    let stage = Stage::new().await;
    let thread = stage.thread().await;
    let raw = |method: &'static str, params: Value| {
        let request = stage.codex.request_raw(method, params);
        async move { err(request).await }
    };
    let thread_id = thread.id();
    let bad_input = json!({"threadId": thread_id, "input": "text"});
    let resume = json!({"threadId": NOBODY});
    let steer = json!({"threadId": thread_id, "expectedTurnId": "x",
        "input": [{"type": "text", "text": "x"}]});
    let interrupt = json!({"threadId": thread_id, "turnId": "x"});
    let start = json!({"threadId": NOBODY, "input": [{"type": "text", "text": "x"}]});
    let cases = [
        (
            raw("nope/nope", json!({})).await,
            RpcErrorKind::MethodNotFound,
        ),
        (
            raw("thread/read", json!({})).await,
            RpcErrorKind::InvalidParams,
        ),
        (
            raw("turn/start", bad_input).await,
            RpcErrorKind::InvalidParams,
        ),
        (
            raw("thread/resume", resume).await,
            RpcErrorKind::ThreadNotFound,
        ),
        (raw("turn/start", start).await, RpcErrorKind::ThreadNotFound),
        (raw("turn/steer", steer).await, RpcErrorKind::NoActiveTurn),
        (
            raw("turn/interrupt", interrupt).await,
            RpcErrorKind::NoActiveTurn,
        ),
        (
            raw("thread/search", json!({"searchTerm": "x"})).await,
            RpcErrorKind::ExperimentalRequired,
        ),
    ];
    for (error, kind) in cases {
        let answer = error.rpc().unwrap_or_else(|| panic!("{error:?}"));
        assert_eq!(answer.kind(), kind, "{answer}");
        assert_eq!(i64::from(answer.code), -32600, "{answer}");
        assert!(!error.is_retryable());
    }
    stage.finish().await;
}

/// Refusals of typed requests name the method and what the runtime said.
#[tokio::test]
async fn refusals_name_the_method() {
    let stage = Stage::new().await;
    let codex = &stage.codex;
    let input = [InputItem::text("x")];
    let errors = [
        (
            "thread/read",
            err(codex.request(ThreadReadParams::new(NOBODY))).await,
        ),
        (
            "thread/resume",
            err(codex.request(ThreadResumeParams::new(NOBODY))).await,
        ),
        (
            "turn/start",
            err(codex.request(TurnStartParams::new(input.clone(), NOBODY))).await,
        ),
        (
            "turn/steer",
            err(codex.request(TurnSteerParams::new("x", input, ThreadId::from(NOBODY)))).await,
        ),
        (
            "turn/interrupt",
            err(codex.request(TurnInterruptParams::new(
                ThreadId::from(NOBODY),
                TurnId::from("x"),
            )))
            .await,
        ),
    ];
    for (method, error) in errors {
        let text = error.to_string();
        assert!(text.contains(method) && text.contains(NOBODY), "{text}");
        let kind = error.rpc().map(|error| error.kind());
        assert_eq!(kind, Some(RpcErrorKind::ThreadNotFound), "{text}");
    }
    stage.finish().await;
}

/// Another turn than the one that runs cannot be steered or interrupted.
#[tokio::test]
async fn another_turn_than_the_running_one_is_a_mismatch() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    stage.model.push(Answer::text("done").gate(&gate));
    let thread = stage.thread().await;
    let turn = ok(thread.turn("go")).await;
    gate.reached().await.unwrap();
    let input = [InputItem::text("x")];
    let steer = TurnSteerParams::new("another", input, thread.id());
    let interrupt = TurnInterruptParams::new(thread.id(), TurnId::from("another"));
    for error in [
        err(stage.codex.request(steer)).await,
        err(stage.codex.request(interrupt)).await,
    ] {
        let kind = error.rpc().map(|error| error.kind());
        assert_eq!(kind, Some(RpcErrorKind::TurnMismatch), "{error}");
    }
    gate.open();
    assert_eq!(ok(turn.run()).await.text(), "done");
    stage.finish().await;
}

/// A thread is written by one process at a time.
#[tokio::test]
async fn a_thread_that_another_process_has_open_has_an_active_writer() {
    let stage = Stage::new().await;
    stage.model.push(Answer::text("hello"));
    let thread = stage.thread().await;
    ok(thread.run("hi")).await;
    let other = ok(Codex::start_with(config(&stage.home, &stage.model))).await;
    if is_before(147) {
        // Nothing keeps two processes from writing to it.
        ok(other.thread_resume(thread.id())).await;
        ok(other.close()).await;
        return stage.finish().await;
    }
    for error in [
        err(other.thread_resume(thread.id())).await,
        err(other.thread_archive(thread.id())).await,
    ] {
        let kind = error.rpc().map(|error| error.kind());
        assert_eq!(kind, Some(RpcErrorKind::ActiveWriter), "{error}");
        assert!(!error.is_retryable());
    }
    // It can be read and forked.
    ok(other.request(ThreadReadParams::new(thread.id()))).await;
    ok(other.thread_fork(thread.id())).await;
    ok(stage.codex.close()).await;
    ok(other.thread_resume(thread.id())).await;
    ok(other.close()).await;
    stage.finish().await;
}

#[tokio::test]
async fn a_thread_that_is_compacted_or_reviewed_takes_no_turn() {
    let stage = Stage::new().await;
    stage.model.push(Answer::text("hello"));
    let thread = stage.thread().await;
    ok(thread.run("hi")).await;
    let input = || [InputItem::text("more")];
    let compact = Gate::new();
    stage.model.push(Answer::text("summary").gate(&compact));
    let mut notifications = stage.codex.notifications();
    ok(thread.compact()).await;
    compact.reached().await.unwrap();
    let turn_id = loop {
        let event = within(notifications.next()).await.unwrap().unwrap();
        if let Notification::TurnStarted(started) = event {
            break started.turn.id;
        }
    };
    let refused = |error: openai_codex::Error| {
        let kind = error.rpc().map(|error| error.kind());
        assert_eq!(kind, Some(RpcErrorKind::NotSteerable), "{error}");
        assert!(!error.is_retryable());
    };
    let start = || {
        stage
            .codex
            .request(TurnStartParams::new(input(), thread.id()))
    };
    // A start is answered before 0.151, and what comes of it is not.
    if !is_before(151) {
        refused(err(start()).await);
    }
    let steer = TurnSteerParams::new(turn_id.to_string(), input(), thread.id());
    refused(err(stage.codex.request(steer)).await);
    compact.open();
    loop {
        let event = within(notifications.next()).await.unwrap().unwrap();
        if matches!(event, Notification::TurnCompleted(_)) {
            break;
        }
    }
    let review = Gate::new();
    stage.model.push(Answer::text("fine").gate(&review));
    let target: ReviewTarget =
        serde_json::from_value(json!({"type": "custom", "instructions": "look"})).unwrap();
    ok(stage
        .codex
        .request(ReviewStartParams::new(target, thread.id())))
    .await;
    review.reached().await.unwrap();
    if !is_before(151) {
        refused(err(start()).await);
    }
    review.open();
    loop {
        let event = within(notifications.next()).await.unwrap().unwrap();
        if matches!(event, Notification::TurnCompleted(_)) {
            break;
        }
    }
    stage.finish().await;
}
