//! A turn as a stream of events.

use std::time::Duration;

use codex_testkit::{Answer, Gate};
use futures_util::{StreamExt, TryStreamExt};
use openai_codex::types::TurnStatus;
use openai_codex::{Error, Notification};

use crate::items::{agent_texts, completed, deltas, dialog, event, events, methods, said};
use crate::stage::{Stage, err, ok, within};

/// The stream has deltas, the item, its completion, and then ends.
#[tokio::test]
async fn a_stream_ends_with_the_completion_of_its_turn() {
    let stage = Stage::new().await;
    stage.model.push(Answer::deltas(["he", "llo"]));
    let thread = stage.thread().await;
    let mut turn = ok(thread.turn("greet")).await;
    let id = turn.id().to_owned();
    let events = events(&mut turn).await;
    assert!(within(turn.next()).await.is_none());

    assert_eq!(deltas(&events), ["he", "llo"]);
    assert_eq!(dialog(&completed(&events)), ["user: greet", "agent: hello"]);
    let turn_events: Vec<_> = methods(&events)
        .into_iter()
        .filter(|method| method.starts_with("turn/") || method.starts_with("item/"))
        .collect();
    let expected = [
        "turn/started",
        "item/started",
        "item/completed",
        "item/started",
        "item/agentMessage/delta",
        "item/agentMessage/delta",
        "item/completed",
        "turn/completed",
    ];
    assert_eq!(turn_events, expected);
    let Some(Notification::TurnCompleted(last)) = events.last() else {
        panic!("{:?}", methods(&events));
    };
    assert_eq!(last.turn.status, TurnStatus::Completed);
    assert!(events.iter().all(|event| event.turn_id() == Some(&id)));
    let result = ok(turn.run()).await;
    assert_eq!(result.id, id);
    assert_eq!(result.text(), "hello");
    stage.finish().await;
}

/// The handle is a `Stream`.
#[tokio::test]
async fn a_handle_is_a_stream() {
    let stage = Stage::new().await;
    stage.model.push(Answer::deltas(["as", "ync"]));
    let turn = ok(stage.thread().await.turn("greet")).await;
    let events: Vec<Notification> = within(turn.try_collect()).await.unwrap();
    assert_eq!(deltas(&events), ["as", "ync"]);
    assert_eq!(agent_texts(&completed(&events)), ["async"]);
    let ends = methods(&events)
        .into_iter()
        .filter(|method| *method == "turn/completed");
    assert_eq!(ends.count(), 1);
    stage.finish().await;
}

/// The text stream has the text of its own turn only.
#[tokio::test]
async fn the_text_stream_has_the_text_of_its_turn() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    let rule = |text: &'static str| {
        let matches =
            move |request: &codex_testkit::Request| request.last_user_text() == Some(text);
        stage.model.when(matches)
    };
    rule("first").push(Answer::deltas(["fir", "st"]).gate_after_delta(1, &gate));
    rule("second").push(Answer::deltas(["sec", "ond"]));
    let first = ok(stage.thread().await.turn("first")).await.text_deltas();
    gate.reached().await.unwrap();
    let second = ok(stage.thread().await.turn("second")).await.text_deltas();
    let second: Vec<String> = within(second.map_ok(|delta| delta.text).try_collect())
        .await
        .unwrap();
    gate.open();
    let first: Vec<String> = within(first.map_ok(|delta| delta.text).try_collect())
        .await
        .unwrap();
    assert_eq!(
        (first.concat(), second.concat()),
        ("first".into(), "second".into())
    );
    stage.finish().await;
}

/// The text stream of a failed turn ends with its failure.
#[tokio::test]
async fn the_text_stream_of_a_failed_turn_fails() {
    let stage = Stage::new().await;
    let half = Answer::text("half").and(Answer::failed("server_error", "boom"));
    stage.model.push(half);
    let text = ok(stage.thread().await.turn("fail")).await.text_deltas();
    let parts: Vec<_> = within(text.collect::<Vec<_>>()).await;
    let [Ok(half), Err(Error::TurnFailed(failure))] = &*parts else {
        panic!("{parts:?}");
    };
    assert_eq!(half.text, "half");
    let message = &failure.error.message;
    assert!(message.contains("boom"), "{message}");
    stage.finish().await;
}

/// Another request is answered while a stream is open.
#[tokio::test]
async fn a_request_is_answered_while_a_stream_is_open() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    let answer = Answer::deltas(["one ", "two ", "three"]).gate_after_delta(1, &gate);
    stage.model.push(answer);
    let turn = ok(stage.thread().await.turn("count")).await;
    let mut text = turn.text_deltas();
    assert_eq!(within(text.next()).await.unwrap().unwrap().text, "one ");
    gate.reached().await.unwrap();
    let models = tokio::time::timeout(Duration::from_secs(10), stage.codex.models());
    assert!(!within(models).await.unwrap().unwrap().data.is_empty());
    gate.open();
    let rest: Vec<String> = within(text.map_ok(|delta| delta.text).try_collect())
        .await
        .unwrap();
    assert_eq!(rest.concat(), "two three");
    stage.finish().await;
}

/// Two streams that are read in turns keep apart.
#[tokio::test]
async fn streams_read_in_turns_keep_apart() {
    let stage = Stage::new().await;
    for name in ["one", "two"] {
        let matches =
            move |request: &codex_testkit::Request| request.last_user_text() == Some(name);
        let rule = stage.model.when(matches);
        rule.push(Answer::deltas(["I am ", name]));
    }
    let mut one = ok(stage.thread().await.turn("one")).await;
    let mut two = ok(stage.thread().await.turn("two")).await;
    let (mut ones, mut twos) = (Vec::new(), Vec::new());
    loop {
        let next = (within(one.next()).await, within(two.next()).await);
        if next.0.is_none() && next.1.is_none() {
            break;
        }
        ones.extend(next.0.map(Result::unwrap));
        twos.extend(next.1.map(Result::unwrap));
    }
    assert_eq!(dialog(&completed(&ones)), ["user: one", "agent: I am one"]);
    assert_eq!(dialog(&completed(&twos)), ["user: two", "agent: I am two"]);
    stage.finish().await;
}

/// A turn that completed before its first event is read loses nothing.
#[tokio::test]
async fn a_turn_read_after_its_end_is_whole() {
    let stage = Stage::new().await;
    stage.model.push(Answer::deltas(["la", "te"]));
    let thread = stage.thread().await;
    let mut turn = ok(thread.turn("go")).await;
    let mut joined = thread.join_turn(turn.id());
    let is_end = |event: &Notification| matches!(event, Notification::TurnCompleted(_));
    event(&mut joined, is_end).await;
    let events = events(&mut turn).await;
    assert_eq!(deltas(&events), ["la", "te"]);
    assert_eq!(dialog(&completed(&events)), ["user: go", "agent: late"]);
    stage.finish().await;
}

/// A handle that joins sees what comes from then on.
#[tokio::test]
async fn a_joined_handle_sees_what_comes_from_then_on() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    let early = Answer::text("early").gate_at_end(&gate);
    stage.model.push(early);
    let thread = stage.thread().await;
    let mut turn = ok(thread.turn("go")).await;
    said(&mut turn, "early").await;
    let joined = thread.join_turn(turn.id());
    assert_eq!(joined.id(), turn.id());
    assert_eq!(joined.thread_id(), thread.id());
    gate.open();
    let (whole, part) = within(async { tokio::join!(turn.run(), joined.run()) }).await;
    let (whole, part) = (whole.unwrap(), part.unwrap());
    assert_eq!(whole.final_response.as_deref(), Some("early"));
    assert_eq!(part.final_response, None);
    assert_eq!(part.items, []);
    assert_eq!(part.usage, whole.usage);
    assert!(part.usage.is_some());
    assert_eq!(part.status, TurnStatus::Completed);
    stage.finish().await;
}

/// A second turn on a busy thread joins the running one.
#[tokio::test]
async fn a_second_turn_on_a_busy_thread_joins_the_first() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    stage
        .model
        .push(Answer::text("first").gate_at_end(&gate))
        .push(Answer::text("second"));
    let thread = stage.thread().await;
    let mut turn = ok(thread.turn("one thing")).await;
    said(&mut turn, "first").await;
    let joined = ok(thread.turn("another thing")).await;
    assert_eq!(joined.id(), turn.id());
    assert!(joined.is_joined());
    gate.open();
    let (first, second) = within(async { tokio::join!(turn.run(), joined.run()) }).await;
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!((first.text(), second.text()), ("second", "second"));
    assert_eq!(agent_texts(&first.items), ["first", "second"]);
    assert_eq!(first.usage, second.usage);
    stage.finish().await;
}

/// A runtime that is closed in the middle of a turn ends its stream with one error.
#[tokio::test]
async fn a_closed_client_ends_the_stream_with_one_error() {
    let stage = Stage::new().await;
    stage
        .model
        .push(Answer::text("x").gate_at_end(&Gate::new()));
    let thread = stage.thread().await;
    let mut turn = ok(thread.turn("go")).await;
    stage.model.wait_for_requests(1).await.unwrap();
    ok(stage.codex.close()).await;
    let mut errors = 0;
    while let Some(event) = within(turn.next()).await {
        errors += usize::from(event.is_err_and(|error| error.is_closed()));
    }
    assert_eq!(errors, 1);
    assert!(err(turn.run()).await.is_closed());
    assert!(err(thread.run("more")).await.is_closed());
}
