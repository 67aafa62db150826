//! Turns whose completion never comes, and questions and calls about turns that are over.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use codex_testkit::{ScriptedServer, turn_started};
use openai_codex::types::{
    CommandExecutionApprovalDecision, CommandExecutionRequestApprovalParams,
    CommandExecutionRequestApprovalResponse, ThreadUnsubscribeParams,
};
use openai_codex::{Codex, CodexConfig, Error, TurnFailure, TurnHandle};
use serde_json::{Value, json};

use crate::peer::{
    COMPLETED, begin_turn, joined, message, methods, of_turn, say, spawn, stage, stage_with,
    start_turn, still_works, within,
};

fn failure(outcome: openai_codex::Result<openai_codex::TurnResult>) -> TurnFailure {
    match outcome {
        Err(Error::TurnFailed(failure)) => *failure,
        other => panic!("{other:?}"),
    }
}

fn gives_up(turn: &str) -> Value {
    let error = json!({"message": "no repository", "codexErrorInfo": "badRequest"});
    json!({"threadId": "t", "turnId": turn, "willRetry": false, "error": error})
}

fn status(kind: &str) -> Value {
    json!({"threadId": "t", "status": {"type": kind}})
}

fn run_and_read(turn: TurnHandle) -> tokio::task::JoinHandle<openai_codex::Result<TurnFailure>> {
    spawn(async move { Ok(failure(turn.run().await)) })
}

#[tokio::test]
async fn a_turn_that_fails_without_a_completion_ends_with_its_error() {
    let (codex, mut server, thread) = stage().await;
    // The runtime says the two in either order.
    for error_first in [true, false] {
        let mut streamed = start_turn(&thread, &mut server, "a").await;
        let running = run_and_read(start_turn(&thread, &mut server, "a").await);
        server.notify("item/completed", message("a", "so far"));
        if error_first {
            server.notify(
                "thread/status/changed",
                json!({
                    "threadId": "t", "status": {"type": "active", "activeFlags": []},
                }),
            );
            server.notify("error", gives_up("a"));
        }
        server.notify("thread/status/changed", status("systemError"));
        if !error_first {
            server.notify("error", gives_up("a"));
        }
        let failure = joined(running).await.unwrap();
        assert_eq!(failure.error.message, "no repository");
        assert!(failure.error.codex_error_info.is_some());
        assert_eq!(failure.result.text(), "so far");
        let told = methods(&mut streamed).await;
        assert_eq!(
            told,
            ["item/completed", "error", "turn a failed: no repository"]
        );
        assert!(within(streamed.next()).await.is_none(), "it is told once");
        let again = within(streamed.run()).await.unwrap_err();
        assert!(matches!(again, Error::TurnFailed(_)), "{again:?}");
    }
    let running = spawn(start_turn(&thread, &mut server, "b").await.run());
    say(&mut server, "b", "fine");
    assert_eq!(joined(running).await.unwrap().text(), "fine");
    still_works(&codex, &mut server).await;
}

/// A thread in error that goes on, and an error that the runtime mends, are no end.
#[tokio::test]
async fn what_is_no_end_does_not_end_a_turn() {
    let (_codex, mut server, thread) = stage().await;
    let running = spawn(start_turn(&thread, &mut server, "a").await.run());
    let mut retried = gives_up("a");
    retried["willRetry"] = json!(true);
    server
        .notify("turn/started", of_turn("a", "inProgress"))
        .notify("thread/status/changed", status("systemError"))
        .notify("error", retried);
    // Longer than the grace of a turn that is at its end.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    server.notify("item/completed", message("a", "fine"));
    server.notify(COMPLETED, of_turn("a", "completed"));
    assert_eq!(joined(running).await.unwrap().text(), "fine");
}

#[tokio::test]
async fn the_end_of_a_thread_ends_its_turns_with_its_name() {
    let (_codex, mut server, thread) = stage().await;
    for end in ["thread/closed", "thread/deleted", "thread/archived"] {
        let owned = run_and_read(start_turn(&thread, &mut server, "a").await);
        server.notify("turn/started", of_turn("a", "inProgress"));
        let other = run_and_read(thread.join_turn("a"));
        server.notify("item/completed", message("a", "so far"));
        server.notify(end, json!({"threadId": "other"}));
        server.notify(end, json!({"threadId": "t"}));
        for running in [owned, other] {
            let failure = joined(running).await.unwrap();
            assert!(failure.to_string().contains(end), "{failure}");
        }
        // A completion that still comes is the end.
        let running = spawn(start_turn(&thread, &mut server, "b").await.run());
        server.notify(end, json!({"threadId": "t"}));
        server.notify(COMPLETED, of_turn("b", "interrupted"));
        assert_eq!(joined(running).await.unwrap().id, "b");
    }
}

#[tokio::test]
async fn the_callers_own_unsubscribe_ends_its_turns() {
    async fn leave(codex: &Codex, server: &mut ScriptedServer, raw: bool) {
        let codex = codex.clone();
        let leaving = spawn(async move {
            match raw {
                true => codex
                    .request_raw("thread/unsubscribe", json!({"threadId": "t"}))
                    .await
                    .map(drop),
                false => codex
                    .request(ThreadUnsubscribeParams::new("t"))
                    .await
                    .map(drop),
            }
        });
        let call = server.expect("thread/unsubscribe").await.unwrap();
        call.reply(json!({"status": "unsubscribed"}));
        joined(leaving).await.unwrap();
    }

    let (codex, mut server, thread) = stage().await;
    for raw in [true, false] {
        let running = run_and_read(start_turn(&thread, &mut server, "a").await);
        server.notify("turn/started", of_turn("a", "inProgress"));
        leave(&codex, &mut server, raw).await;
        let failure = joined(running).await.unwrap();
        assert!(
            failure.to_string().contains("thread/unsubscribe"),
            "{failure}"
        );
    }
}

#[tokio::test]
async fn an_approval_of_a_turn_that_is_over_is_declined_unasked() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let config = CodexConfig::new().on_request(move |_: CommandExecutionRequestApprovalParams| {
        counter.fetch_add(1, Ordering::SeqCst);
        async {
            Ok(CommandExecutionRequestApprovalResponse::new(
                CommandExecutionApprovalDecision::Accept,
            ))
        }
    });
    let (_codex, mut server, thread) = stage_with(config).await;
    let question = |turn: &str| json!({"itemId": "i", "startedAtMs": 1, "threadId": "t", "turnId": turn, "command": "x"});
    const ASK: &str = "item/commandExecution/requestApproval";

    let running = spawn(start_turn(&thread, &mut server, "a").await.run());
    let id = server.ask(ASK, question("a"));
    let answer = within(server.answer(id)).await.unwrap();
    assert_eq!(answer["result"], json!({"decision": "accept"}));
    say(&mut server, "a", "fine");
    // In the same moment as the completion, and when the run has ended.
    let id = server.ask(ASK, question("a"));
    let answer = within(server.answer(id)).await.unwrap();
    assert_eq!(answer["result"], json!({"decision": "decline"}));
    joined(running).await.unwrap();
    let id = server.ask(ASK, question("a"));
    let answer = within(server.answer(id)).await.unwrap();
    assert_eq!(answer["result"], json!({"decision": "decline"}));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_interrupt_that_is_not_answered_ends_with_the_turn() {
    let (_codex, mut server, thread) = stage().await;
    let turn = start_turn(&thread, &mut server, "a").await;
    server.notify("turn/started", of_turn("a", "inProgress"));
    let interrupting: Vec<_> = (0..3)
        .map(|_| {
            let control = turn.control();
            spawn(async move { control.interrupt().await })
        })
        .collect();
    for _ in 0..3 {
        within(server.find("turn/interrupt")).await.unwrap();
    }
    server.notify(COMPLETED, of_turn("a", "interrupted"));
    for interrupting in interrupting {
        joined(interrupting).await.unwrap();
    }
    within(turn.run()).await.unwrap();
}

#[tokio::test]
async fn a_joined_turn_that_is_over_has_what_the_runtime_stored() {
    let (_codex, mut server, thread) = stage().await;
    let stored = json!({
        "id": "a", "status": "completed", "itemsView": "full", "error": null, "completedAt": 7,
        "items": [{"type": "agentMessage", "id": "i", "text": "long ago"}],
    });
    let other = json!({"id": "b", "status": "interrupted", "items": [], "error": null});
    let running = spawn(thread.join_turn("a").run());
    let call = within(server.expect("thread/turns/list")).await.unwrap();
    call.reply(json!({"data": [other], "nextCursor": "next"}));
    let call = within(server.expect("thread/turns/list")).await.unwrap();
    assert_eq!(call.params()["cursor"], "next");
    call.reply(json!({"data": [stored], "nextCursor": null}));
    let result = joined(running).await.unwrap();
    assert_eq!((result.text(), result.completed_at), ("long ago", Some(7)));

    // As a stream it is its items and its completion.
    let mut turn = thread.join_turn("a");
    let answering = async {
        let call = server.expect("thread/turns/list").await.unwrap();
        call.reply(json!({"data": [stored]}));
    };
    let (told, ()) = within(async { tokio::join!(methods(&mut turn), answering) }).await;
    assert_eq!(told, ["item/completed", COMPLETED]);

    // It may complete while the history is read: then nothing comes twice.
    let mut turn = thread.join_turn("a");
    let answering = async {
        let call = server.expect("thread/turns/list").await.unwrap();
        server.notify("item/completed", message("a", "long ago"));
        server.notify(COMPLETED, of_turn("a", "completed"));
        call.reply(json!({"data": [stored]}));
    };
    let (told, ()) = within(async { tokio::join!(methods(&mut turn), answering) }).await;
    assert_eq!(told, ["item/completed", COMPLETED]);
}

#[tokio::test]
async fn a_joined_turn_of_which_nothing_is_left_is_over() {
    let (codex, mut server, thread) = stage().await;
    server.always("thread/turns/list", json!({"data": [], "nextCursor": null}));
    let error = within(thread.join_turn("never").run()).await.unwrap_err();
    assert!(
        matches!(&error, Error::TurnOver { turn_id } if *turn_id == *"never"),
        "{error:?}"
    );
    let mut turn = thread.join_turn("never");
    assert!(within(turn.next()).await.unwrap().is_err());
    assert!(within(turn.next()).await.is_none());
    still_works(&codex, &mut server).await;
}

/// A turn of which this client hears only after it was asked for.
#[tokio::test]
async fn a_joined_turn_that_begins_meanwhile_is_followed() {
    let (_codex, mut server, thread) = stage().await;
    let running = spawn(thread.join_turn("a").run());
    let call = within(server.expect("thread/turns/list")).await.unwrap();
    server.notify("turn/started", of_turn("a", "inProgress"));
    call.error(-32601, "list_turns is not supported yet");
    say(&mut server, "a", "fine");
    assert_eq!(joined(running).await.unwrap().text(), "fine");
}

#[tokio::test]
async fn a_start_waits_for_the_end_of_a_compaction() {
    let (_codex, mut server, thread) = stage().await;
    let compacting = spawn({
        let thread = thread.clone();
        async move { thread.compact().await }
    });
    let call = server.expect("thread/compact/start").await.unwrap();
    call.reply(json!({}));
    joined(compacting).await.unwrap();
    let running = spawn({
        let thread = thread.clone();
        async move { thread.run("go").await }
    });
    server
        .notify("turn/started", of_turn("c", "inProgress"))
        .notify(COMPLETED, of_turn("c", "completed"));
    let call = within(server.expect("turn/start")).await.unwrap();
    call.reply(turn_started("a"));
    say(&mut server, "a", "fine");
    assert_eq!(joined(running).await.unwrap().text(), "fine");
    // A start that gives up while it waits sends nothing.
    let compacting = spawn({
        let thread = thread.clone();
        async move { thread.compact().await }
    });
    server
        .expect("thread/compact/start")
        .await
        .unwrap()
        .reply(json!({}));
    joined(compacting).await.unwrap();
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(50), thread.run("never"));
    assert!(waiting.await.is_err());
    server
        .notify("turn/started", of_turn("d", "inProgress"))
        .notify(COMPLETED, of_turn("d", "completed"));
    let (starting, call) = begin_turn(&thread, &mut server).await;
    assert_eq!(call.params()["input"][0]["text"], "go");
    call.reply(turn_started("e"));
    let turn = joined(starting).await.unwrap();
    say(&mut server, "e", "fine");
    within(turn.run()).await.unwrap();
}
