//! A runtime that is newer than this client: it says what nobody here knows.

use codex_testkit::{thread_started, turn_started};
use openai_codex::types::{MessagePhase, ThreadItem, ThreadStatus, TurnStatus};
use openai_codex::{Error, Notification};
use serde_json::json;

use crate::peer::{
    COMPLETED, a_thread, connect_to_version, joined, message, methods, of_turn, spawn, stage,
    start_thread, start_turn, still_works, within,
};

/// A turn of a newer runtime loses nothing.
#[tokio::test]
async fn a_turn_full_of_novelties_loses_nothing() {
    let (_codex, mut server, thread) = stage().await;
    let turn = start_turn(&thread, &mut server, "a").await;
    let running = spawn(turn.run());
    let mut commentary = message("a", "thinking aloud");
    commentary["item"]["phase"] = json!("commentary");
    let mut novel = message("a", "the answer");
    novel["item"]["phase"] = json!("epilogue");
    let item = json!({"type": "teleport", "id": "n", "to": {"x": [1, 2]}});
    let unknown = json!({"threadId": "t", "turnId": "a", "item": item, "completedAtMs": 1});
    server
        .notify("turn/started", of_turn("a", "inProgress"))
        .notify("turn/dreaming", json!({"turnId": "a"}))
        .notify("item/completed", commentary)
        .notify("item/completed", novel)
        .notify("item/completed", unknown)
        .notify(COMPLETED, of_turn("a", "hibernated"));
    let result = joined(running).await.unwrap();
    assert_eq!(result.status.to_string(), "hibernated");
    assert!(matches!(result.status, TurnStatus::Unrecognized(_)));
    assert_eq!(result.text(), "the answer");
    assert_eq!(result.items.len(), 3);
    let ThreadItem::AgentMessage(answer) = &result.items[1] else {
        panic!("{:?}", result.items[1]);
    };
    assert!(matches!(answer.phase, Some(MessagePhase::Unrecognized(_))));
    let ThreadItem::Unrecognized(unknown) = &result.items[2] else {
        panic!("{:?}", result.items[2]);
    };
    assert_eq!(unknown.value, item);
}

/// Answers with unknown values and members, and without those that older runtimes lack.
#[tokio::test]
async fn answers_with_novelties_are_understood() {
    let (codex, mut server) = connect_to_version("9.9.9").await;
    assert_eq!(codex.server_info().runtime_version, "9.9.9");
    let start = codex.thread_start();
    let starting = spawn(async move { start.await });
    let call = server.expect("thread/start").await.unwrap();
    let mut answer = thread_started("t");
    answer["approvalPolicy"] = json!("whenTheMoonIsFull");
    answer["approvalsReviewer"] = json!("committee");
    answer["sandbox"] = json!({"type": "holodeck", "safeties": true});
    answer["reasoningEffort"] = json!("heroic");
    answer["thread"]["status"] = json!({"type": "levitating", "height": 3});
    answer["thread"]["source"] = json!("carrierPigeon");
    answer["thread"]["historyMode"] = json!("oral");
    answer["novelty"] = json!([1]);
    call.reply(answer);
    let thread = joined(starting).await.unwrap();
    let status = &thread.info().thread.status;
    assert!(
        matches!(status, ThreadStatus::Unrecognized(_)),
        "{status:?}"
    );

    let reading = spawn({
        let thread = thread.clone();
        async move { thread.read_with_turns().await }
    });
    let mut stored = a_thread("t");
    stored["turns"] = json!([{
        "id": "a", "status": "hibernated", "itemsView": "hologram", "error": null,
        "items": [
            {"type": "teleport", "id": "n", "to": 5},
            {"type": "agentMessage", "id": "i", "text": "x", "phase": "epilogue"},
            {"type": "commandExecution", "id": "broken"},
        ],
    }]);
    let call = server.expect("thread/read").await.unwrap();
    call.reply(json!({"thread": stored}));
    let read = joined(reading).await.unwrap();
    assert_eq!(read.thread.turns[0].items.len(), 3);

    // The whole of what a turn needs goes on working.
    let turn = start_turn(&thread, &mut server, "b").await;
    let running = spawn(turn.run());
    crate::peer::say(&mut server, "b", "fine");
    assert_eq!(joined(running).await.unwrap().text(), "fine");
}

/// `run` ends with an error that says so.
#[tokio::test]
async fn an_undecodable_completion_ends_a_run_with_an_error() {
    let (codex, mut server, thread) = stage().await;
    let broken = [
        json!({"threadId": "t", "turn": {"id": "a"}}),
        json!({"threadId": "t", "turn": {"id": "a", "items": 5, "status": "completed"}}),
        json!({"threadId": 5, "turn": {"id": "a", "items": [], "status": []}}),
        json!({"turn": {"id": "a"}}),
        json!({"turnId": "a"}),
    ];
    for params in broken {
        let turn = start_turn(&thread, &mut server, "a").await;
        let running = spawn(turn.run());
        server
            .notify("turn/started", of_turn("a", "inProgress"))
            .notify("item/completed", message("a", "x"))
            .notify(COMPLETED, params.clone());
        let error = joined(running).await.unwrap_err();
        assert!(
            matches!(&error, Error::Decode { method, .. } if method == COMPLETED),
            "{params}: {error:?}"
        );
    }
    // The thread is free for the next turn.
    let turn = start_turn(&thread, &mut server, "b").await;
    let running = spawn(turn.run());
    crate::peer::say(&mut server, "b", "fine");
    assert_eq!(joined(running).await.unwrap().text(), "fine");
    still_works(&codex, &mut server).await;
}

/// A stream delivers the undecodable completion, with its raw JSON, as its last event.
#[tokio::test]
async fn an_undecodable_completion_is_the_last_event_of_a_stream() {
    let (_codex, mut server, thread) = stage().await;
    let mut turn = start_turn(&thread, &mut server, "a").await;
    let params = json!({"threadId": "t", "turn": {"id": "a", "status": 5}});
    server.notify(COMPLETED, params.clone());
    let event = within(turn.next()).await.unwrap().unwrap();
    assert!(matches!(event, Notification::Unknown(unknown)
        if unknown.params == params && unknown.error.is_some()));
    assert_eq!(methods(&mut turn).await, [""; 0]);
}

/// An answer to `turn/start` that names no turn is an error, and its thread stays usable.
#[tokio::test]
async fn a_turn_start_that_names_no_turn_is_an_error() {
    let (codex, mut server) = crate::peer::connect().await;
    let thread = start_thread(&codex, &mut server, "t").await;
    for answer in [
        json!({}),
        json!({"turn": {"id": 5}}),
        json!([]),
        json!(null),
    ] {
        let (starting, call) = crate::peer::begin_turn(&thread, &mut server).await;
        call.reply(answer.clone());
        let error = joined(starting).await.unwrap_err();
        assert!(
            matches!(&error, Error::Decode { method, .. } if method == "turn/start"),
            "{answer}: {error:?}"
        );
    }
    let (starting, call) = crate::peer::begin_turn(&thread, &mut server).await;
    call.reply(turn_started("a"));
    joined(starting).await.unwrap().detach();
    still_works(&codex, &mut server).await;
}
