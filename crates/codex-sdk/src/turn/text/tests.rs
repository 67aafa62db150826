//! Tests of the text of messages, whatever deltas a provider sends.

use serde_json::{Value, json};

use super::*;

fn event(method: &str, mut params: Value) -> Notification {
    params["threadId"] = json!("t");
    params["turnId"] = json!("u");
    Notification::decode(method, &params.to_string())
}

fn item(id: &str, text: &str, phase: Option<&str>) -> Value {
    json!({"type": "agentMessage", "id": id, "text": text, "phase": phase})
}

fn started(id: &str, phase: Option<&str>) -> Notification {
    let item = item(id, "", phase);
    event("item/started", json!({"item": item, "startedAtMs": 1}))
}

fn completed(id: &str, text: &str, phase: Option<&str>) -> Notification {
    let item = item(id, text, phase);
    event("item/completed", json!({"item": item, "completedAtMs": 1}))
}

fn delta(id: &str, text: &str) -> Notification {
    event(
        "item/agentMessage/delta",
        json!({"itemId": id, "delta": text}),
    )
}

fn texts(late: bool, events: impl IntoIterator<Item = Notification>) -> Vec<TextDelta> {
    let mut texts = Texts::new(late);
    for event in events {
        match event {
            Notification::ItemAgentMessageDelta(delta) => texts.delta(delta),
            other => texts.event(&other),
        }
    }
    texts.release();
    texts.ready.into()
}

fn parts(deltas: &[TextDelta]) -> Vec<&str> {
    assert!(deltas.iter().all(|delta| !delta.restarted));
    deltas.iter().map(|delta| &*delta.text).collect()
}

#[test]
fn a_message_without_deltas_comes_with_its_completion() {
    let whole = texts(false, [started("a", None), completed("a", "hello", None)]);
    assert_eq!(parts(&whole), ["hello"]);
    // Nor is the start of a message needed.
    let whole = texts(false, [completed("a", "hello", Some("final_answer"))]);
    assert_eq!(parts(&whole), ["hello"]);
    assert_eq!(whole[0].phase, Some(MessagePhase::FinalAnswer));
    assert_eq!(whole[0].item_id, "a");
    assert_eq!(whole[0].to_string(), "hello");
    let none = texts(false, [started("a", None), completed("a", "", None)]);
    assert_eq!(none, []);
}

#[test]
fn what_the_deltas_left_out_comes_with_the_completion() {
    let some = [
        started("a", None),
        delta("a", "he"),
        completed("a", "hello", None),
    ];
    assert_eq!(parts(&texts(false, some)), ["he", "llo"]);
    let all = [
        started("a", None),
        delta("a", "he"),
        delta("a", ""),
        delta("a", "llo"),
        completed("a", "hello", None),
    ];
    assert_eq!(parts(&texts(false, all)), ["he", "llo"]);
}

#[test]
fn every_delta_has_the_phase_of_its_message() {
    let deltas = texts(
        false,
        [
            started("a", Some("commentary")),
            started("b", Some("final_answer")),
            delta("a", "Look"),
            delta("b", "Done"),
            delta("a", "ing"),
            completed("b", "Done.", Some("final_answer")),
            completed("a", "Looking", Some("commentary")),
        ],
    );
    let phases = |of: &MessagePhase| {
        let deltas = deltas
            .iter()
            .filter(|delta| delta.phase.as_ref() == Some(of));
        deltas.map(|delta| &*delta.text).collect::<String>()
    };
    assert_eq!(phases(&MessagePhase::Commentary), "Looking");
    assert_eq!(phases(&MessagePhase::FinalAnswer), "Done.");
}

#[test]
fn a_message_that_comes_once_more_is_given_once() {
    for again in [
        vec!["he", "llo"],
        vec!["hello"],
        vec!["h", "e", "l", "lo"],
        vec!["hel"],
        vec![],
    ] {
        let mut events = vec![started("a", None), delta("a", "he"), started("a", None)];
        events.extend(again.iter().map(|text| delta("a", text)));
        events.push(completed("a", "hello", None));
        let deltas = texts(false, events);
        assert_eq!(parts(&deltas).concat(), "hello", "{again:?}");
        assert_eq!(deltas[0].text, "he");
    }
}

#[test]
fn a_message_that_is_written_anew_says_so() {
    let deltas = texts(
        false,
        [
            started("a", None),
            delta("a", "Half of"),
            started("a", None),
            delta("a", "Half"),
            delta("a", " é"),
            delta("a", "lse"),
            completed("a", "Half élse", None),
        ],
    );
    let flags: Vec<_> = deltas
        .iter()
        .map(|delta| (&*delta.text, delta.restarted))
        .collect();
    assert_eq!(
        flags,
        [("Half of", false), ("Half é", true), ("lse", false)]
    );
}

#[test]
fn a_completion_with_another_text_replaces_what_was_streamed() {
    let events = [
        started("a", None),
        delta("a", "hexx"),
        completed("a", "hello", None),
    ];
    let deltas = texts(false, events);
    assert_eq!((&*deltas[1].text, deltas[1].restarted), ("hello", true));
}

#[test]
fn a_message_that_had_begun_before_comes_whole_at_its_end() {
    let events = [delta("a", "llo"), completed("a", "hello", None)];
    assert_eq!(parts(&texts(true, events)), ["hello"]);
    // It may end without completion.
    assert_eq!(parts(&texts(true, [delta("a", "llo")])), ["llo"]);
    // A message that begins later is streamed.
    let events = [
        started("b", None),
        delta("b", "a"),
        delta("b", "b"),
        completed("b", "ab", None),
    ];
    assert_eq!(parts(&texts(true, events)), ["a", "b"]);
    // Without starts there is nothing to tell that by: a client may have opted out of them.
    let events = [delta("b", "a"), delta("b", "b"), completed("b", "ab", None)];
    assert_eq!(parts(&texts(false, events)), ["a", "b"]);
}

#[test]
fn an_id_may_be_used_again() {
    let deltas = texts(
        false,
        [
            started("a", None),
            delta("a", "one"),
            completed("a", "one", None),
            started("a", None),
            delta("a", "two"),
            completed("a", "two", None),
        ],
    );
    assert_eq!(parts(&deltas), ["one", "two"]);
}
