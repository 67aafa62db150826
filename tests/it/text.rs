//! The text of a turn's messages as it is written.

use codex_testkit::{Answer, Gate};
use futures_util::TryStreamExt;
use openai_codex::request::TextDelta;
use openai_codex::types::MessagePhase;
use openai_codex::{Notification, Thread, TurnHandle};
use serde_json::json;

use crate::items::event;
use crate::stage::{Stage, ok, within};

async fn deltas(turn: TurnHandle) -> Vec<TextDelta> {
    within(turn.text_deltas().try_collect()).await.unwrap()
}

async fn turn(thread: &Thread) -> TurnHandle {
    ok(thread.turn("go")).await
}

/// The texts, none of which takes another one back.
fn texts(deltas: &[TextDelta]) -> Vec<&str> {
    assert!(deltas.iter().all(|delta| !delta.restarted));
    deltas.iter().map(|delta| &*delta.text).collect()
}

#[tokio::test]
async fn a_provider_without_deltas_has_its_text_with_the_completion() {
    let stage = Stage::new().await;
    stage
        .model
        .push(Answer::deltas(["he", "llo"]).streams(0))
        .push(Answer::deltas(["he", "llo"]).streams(1))
        .push(Answer::deltas(["he", "llo"]))
        .push(Answer::text(""));
    let thread = stage.thread().await;
    assert_eq!(texts(&deltas(turn(&thread).await).await), ["hello"]);
    assert_eq!(texts(&deltas(turn(&thread).await).await), ["he", "llo"]);
    assert_eq!(texts(&deltas(turn(&thread).await).await), ["he", "llo"]);
    assert_eq!(deltas(turn(&thread).await).await, []);
    stage.finish().await;
}

#[tokio::test]
async fn a_provider_that_sends_finished_messages_only_has_its_text() {
    let stage = Stage::new().await;
    let message = |id: &str, text: &str, phase: &str| {
        let content = json!([{"type": "output_text", "text": text, "annotations": []}]);
        Answer::item(
            json!({"type": "message", "role": "assistant", "id": id, "phase": phase,
            "content": content}),
        )
    };
    let commentary = message("a", "Looking.", "commentary");
    stage
        .model
        .push(commentary.and(message("b", "Done.", "final_answer")));
    let deltas = deltas(turn(&stage.thread().await).await).await;
    assert_eq!(texts(&deltas), ["Looking.", "Done."]);
    let phases = [MessagePhase::Commentary, MessagePhase::FinalAnswer];
    for ((delta, phase), id) in deltas.iter().zip(phases).zip(["a", "b"]) {
        assert_eq!((delta.phase.as_ref(), &*delta.item_id), (Some(&phase), id));
    }
    stage.finish().await;
}

#[tokio::test]
async fn commentary_and_final_answer_are_told_apart_while_they_are_written() {
    let stage = Stage::new().await;
    stage.model.push(
        Answer::deltas(["Look", "ing."])
            .phase("commentary")
            .and(Answer::deltas(["Do", "ne."]).phase("final_answer")),
    );
    let deltas = deltas(turn(&stage.thread().await).await).await;
    let of = |phase: MessagePhase| {
        let deltas = deltas
            .iter()
            .filter(|delta| delta.phase.as_ref() == Some(&phase));
        deltas.map(|delta| &*delta.text).collect::<Vec<_>>()
    };
    assert_eq!(of(MessagePhase::Commentary), ["Look", "ing."]);
    assert_eq!(of(MessagePhase::FinalAnswer), ["Do", "ne."]);
    stage.finish().await;
}

#[tokio::test]
async fn a_message_that_comes_again_after_a_lost_connection_is_given_once() {
    let stage = Stage::with_home(|home| home.provider("stream_max_retries", json!(2))).await;
    let half = || {
        let half = Answer::deltas(["he"]).id("m").unfinished();
        half.and(Answer::broken_connection())
    };
    stage
        .model
        .push(half())
        .push(Answer::deltas(["he", "llo"]).id("m"))
        .push(half())
        .push(Answer::deltas(["ho", "la"]).id("m"));
    let thread = stage.thread().await;
    assert_eq!(texts(&deltas(turn(&thread).await).await), ["he", "llo"]);
    // The model may write something else, which takes back what it had begun.
    let deltas = deltas(turn(&thread).await).await;
    let parts: Vec<_> = deltas
        .iter()
        .map(|delta| (&*delta.text, delta.restarted))
        .collect();
    assert_eq!(parts, [("he", false), ("ho", true), ("la", false)]);
    stage.finish().await;
}

#[tokio::test]
async fn a_handle_that_joins_within_a_message_gets_all_of_it() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    let message = Answer::deltas(["he", "l", "lo"]).gate_after_delta(1, &gate);
    stage.model.push(message.and(Answer::text("bye")));
    let thread = stage.thread().await;
    let mut whole = turn(&thread).await;
    let is_delta = |event: &Notification| matches!(event, Notification::ItemAgentMessageDelta(_));
    event(&mut whole, is_delta).await;
    let joined = thread.join_turn(whole.id());
    gate.open();
    let (joined, rest) = within(async {
        let joined = joined.text_deltas().try_collect::<Vec<_>>();
        tokio::join!(joined, whole.text_deltas().try_collect::<Vec<_>>())
    })
    .await;
    assert_eq!(texts(&joined.unwrap()), ["hello", "bye"]);
    assert_eq!(texts(&rest.unwrap()), ["hello", "bye"]);
    stage.finish().await;
}

#[tokio::test]
async fn what_came_of_an_interrupted_message_is_given() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    let done = Answer::text("done");
    let half = Answer::deltas(["half", " of it"]).gate_after_delta(1, &gate);
    stage.model.push(done.and(half));
    let thread = stage.thread().await;
    let turn = turn(&thread).await;
    let control = turn.control();
    let mut text = turn.text_deltas();
    for expected in ["done", "half"] {
        let delta = within(text.try_next()).await.unwrap().unwrap();
        assert_eq!(delta.text, expected);
    }
    ok(control.interrupt()).await;
    assert_eq!(within(text.try_next()).await.unwrap(), None);
    stage.finish().await;
}
