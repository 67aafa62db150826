//! The events of a thread: in order, to every reader, without loss.

use codex_testkit::{Answer, Gate};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{completed, text};
use crate::stage::{Stage, within};

#[tokio::test]
async fn a_turn_is_told_from_its_start_to_its_end() {
    let stage = Stage::new().await;
    let client = stage.client();
    let answer = Answer::reasoning("thinking").and(Answer::deltas(["one ", "two"]));
    stage.model.push(answer);
    let thread = client.thread().await;
    let mut events = client.events(&thread, None).await;
    let turn = client.say(&thread, "hello").await["turn_id"].clone();
    let all = events.until("turn_completed").await;
    assert_eq!(all[0].json["type"], "snapshot");
    assert_eq!(all[0].json["thread"]["cwd"], json!(stage.home.workspace()));
    assert_eq!(
        all[1].json,
        json!({"type": "turn_started", "turn_id": turn})
    );
    let ids: Vec<u64> = all.iter().map(|event| event.id).collect();
    let growing: Vec<u64> = (0..all.len() as u64).collect();
    assert_eq!(ids, growing);
    assert_eq!(completed(&all, "user")[0]["text"], "hello");
    assert_eq!(completed(&all, "reasoning")[0]["text"], "thinking");
    assert_eq!(completed(&all, "message")[0]["text"], "one two");
    assert_eq!(text(&all), "one two");
    let usage = all.iter().find(|event| event.is("usage")).unwrap();
    assert_eq!(usage.json["total_tokens"], 15);
    let end = all.last().unwrap();
    assert_eq!(end.json["status"], "completed");
    stage.finish().await;
}

#[tokio::test]
async fn a_reader_that_comes_back_in_the_middle_loses_and_doubles_nothing() {
    let stage = Stage::new().await;
    let client = stage.client();
    let (first, second) = (Gate::new(), Gate::new());
    let answer = Answer::deltas(["one ", "two ", "three ", "four"]);
    let answer = answer.gate_after_delta(1, &first);
    stage.model.push(answer.gate_after_delta(3, &second));
    let thread = client.thread().await;
    let mut whole = client.events(&thread, None).await;
    let mut events = client.events(&thread, None).await;
    client.say(&thread, "count").await;
    let before = events.until("text_delta").await;
    drop(events);
    // What happens while it is away.
    first.open();
    within(second.reached()).await.unwrap();
    let mut seen = whole
        .until_event(|event| event.json["delta"] == "three ")
        .await;
    let last = before.last().unwrap().id;
    let mut events = client.events(&thread, Some(last)).await;
    let missed = events
        .until_event(|event| event.json["delta"] == "three ")
        .await;
    second.open();
    let after = events.until("turn_completed").await;
    seen.extend(whole.until("turn_completed").await);
    assert_eq!([before, missed, after].concat(), seen);
    assert_eq!(text(&seen), "one two three four");
    stage.finish().await;
}

#[tokio::test]
async fn a_reader_that_is_new_in_the_middle_gets_what_there_is() {
    let stage = Stage::new().await;
    let client = stage.client();
    let gate = Gate::new();
    let answer = Answer::deltas(["one ", "two"]);
    stage.model.push(answer.gate_after_delta(1, &gate));
    let thread = client.thread().await;
    let mut early = client.events(&thread, None).await;
    client.say(&thread, "count").await;
    early.until("text_delta").await;
    // One without an id, and one whose id was never given.
    for last in [None, Some(1_000_000)] {
        let mut late = client.events(&thread, last).await;
        let snapshot = late.next().await.unwrap();
        assert!(snapshot.is("snapshot"), "{snapshot:?}");
        assert!(snapshot.json["running"].is_string());
        let texts: Vec<&Value> = snapshot.json["items"].as_array().unwrap().iter().collect();
        assert_eq!(texts[0]["text"], "count");
        assert_eq!(texts[1]["text"], "one ");
    }
    let mut late = client.events(&thread, None).await;
    late.next().await.unwrap();
    gate.open();
    assert_eq!(text(&late.until("turn_completed").await), "two");
    let response = client.request(Method::GET, &thread).send();
    let state: Value = within(response).await.unwrap().json().await.unwrap();
    assert_eq!(state["running"], Value::Null);
    assert_eq!(state["items"][1]["text"], "one two");
    stage.finish().await;
}

#[tokio::test]
async fn one_turn_runs_at_a_time() {
    let stage = Stage::new().await;
    let client = stage.client();
    let gate = Gate::new();
    stage.model.push(Answer::text("done").gate(&gate));
    let thread = client.thread().await;
    let mut events = client.events(&thread, None).await;
    let path = format!("{thread}/turns");
    let body = json!({"text": "go"});
    // Two at the same time: one of them starts.
    let (one, two) = tokio::join!(
        client.post(&path, body.clone()),
        client.post(&path, body.clone())
    );
    let mut statuses = [one.0, two.0];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::CREATED, StatusCode::CONFLICT]);
    events.until("turn_started").await;
    let (status, refused) = client.post(&path, body.clone()).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(refused["error"], "a turn runs already");
    gate.open();
    events.until("turn_completed").await;
    // Another one starts as soon as the end is told.
    stage.model.push(Answer::text("again"));
    client.ok(&path, body).await;
    let all = events.until("turn_completed").await;
    assert_eq!(completed(&all, "message")[0]["text"], "again");
    stage.finish().await;
}

#[tokio::test]
async fn a_turn_is_interrupted_on_request() {
    let stage = Stage::new().await;
    let client = stage.client();
    let gate = Gate::new();
    stage
        .model
        .push(Answer::deltas(["one ", "two"]).gate_after_delta(1, &gate));
    let thread = client.thread().await;
    let mut events = client.events(&thread, None).await;
    let path = format!("{thread}/interrupt");
    assert_eq!(client.post(&path, json!({})).await.0, StatusCode::CONFLICT);
    client.say(&thread, "go").await;
    events.until("text_delta").await;
    client.ok(&path, json!({})).await;
    let end = events.until("turn_completed").await.pop().unwrap();
    assert_eq!(end.json["status"], "interrupted");
    assert_eq!(end.json["message"], "The turn was interrupted.");
    gate.open();
    stage.finish().await;
}

#[tokio::test]
async fn a_change_of_a_file_is_told_with_its_diff() {
    let stage = Stage::new().await;
    let client = stage.client();
    let patch =
        "*** Begin Patch\n*** Update File: README.md\n@@\n-# Demo\n+# Changed\n*** End Patch";
    stage
        .model
        .push(Answer::apply_patch(patch))
        .push(Answer::text("done"));
    let thread = client.thread().await;
    let mut events = client.events(&thread, None).await;
    client.say(&thread, "go").await;
    let all = events.until("turn_completed").await;
    let changes = completed(&all, "file_change");
    assert_eq!(changes[0]["status"], "completed");
    let change = &changes[0]["changes"][0];
    assert_eq!(change["action"], "update");
    let diff = change["diff"].as_str().unwrap();
    assert!(diff.contains("-# Demo\n+# Changed\n"), "{diff}");
    assert_eq!(stage.home.read("README.md").as_deref(), Some("# Changed\n"));
    stage.finish().await;
}

#[tokio::test]
async fn a_failed_turn_says_why() {
    let stage = Stage::new().await;
    let client = stage.client();
    stage
        .model
        .push(Answer::failed("invalid_prompt", "this is not a prompt"));
    let thread = client.thread().await;
    let mut events = client.events(&thread, None).await;
    client.say(&thread, "go").await;
    let end = events.until("turn_completed").await.pop().unwrap();
    assert_eq!(end.json["status"], "failed");
    let message = end.json["message"].as_str().unwrap();
    assert!(message.contains("this is not a prompt"), "{message}");
    stage.finish().await;
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let stage = Stage::new().await;
    let client = stage.client();
    let thread = client.thread().await;
    let turns = format!("{thread}/turns");
    for body in [
        json!({}),
        json!({"text": 1}),
        json!({"text": " "}),
        json!([]),
    ] {
        assert_eq!(client.post(&turns, body).await.0, StatusCode::BAD_REQUEST);
    }
    let long = json!({"text": "x".repeat(2 << 20)});
    assert_eq!(
        client.post(&turns, long).await.0,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let unknown = "/api/threads/unknown";
    for path in [unknown.to_owned(), format!("{unknown}/events")] {
        let response = within(client.request(Method::GET, &path).send())
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        let body: Value = within(response.json()).await.unwrap();
        assert_eq!(body["error"], "this server has no such conversation");
    }
    let turn = client
        .post(&format!("{unknown}/turns"), json!({"text": "go"}))
        .await;
    assert_eq!(turn.0, StatusCode::NOT_FOUND);
    assert!(stage.model.responses_requests().is_empty());
    stage.finish().await;
}
