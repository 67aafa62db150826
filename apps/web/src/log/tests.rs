//! Tests of the log: what readers are sent who were away.

use serde_json::{Value, json};

use super::{Limits, Log, Message};
use crate::events::{Action, Ask, Body, Choice, Event, Item, Outcome};

const ABOUT: &str = "the thread";

fn log(events: usize) -> Log {
    Log::new(Limits {
        events,
        bytes: 1 << 20,
        view: 1 << 20,
    })
}

fn message(id: &str, text: &str) -> Item {
    Item {
        id: id.into(),
        body: Body::Message { text: text.into() },
    }
}

fn started(id: &str) -> Event {
    let item = message(id, "");
    Event::ItemStarted { item }
}

fn completed(id: &str, text: &str) -> Event {
    let item = message(id, text);
    Event::ItemCompleted { item }
}

fn delta(id: &str, delta: &str) -> Event {
    Event::TextDelta {
        item_id: id.into(),
        delta: delta.into(),
    }
}

fn json_of(message: &Message) -> Value {
    serde_json::from_str(&message.json).unwrap()
}

fn ids(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.id).collect()
}

#[test]
fn a_new_reader_gets_a_snapshot_and_reads_on() {
    let mut log = log(10);
    assert_eq!(ids(&log.after(None, &ABOUT)), [0]);
    log.push(&started("a"));
    log.push(&delta("a", "hel"));
    let [snapshot] = &log.after(None, &ABOUT)[..] else {
        panic!("one message");
    };
    assert_eq!(snapshot.id, 2);
    let state = json_of(snapshot);
    assert_eq!(state["type"], "snapshot");
    assert_eq!(state["thread"], ABOUT);
    assert_eq!(
        state["items"],
        json!([{"id": "a", "kind": "message", "text": "hel"}])
    );
    assert_eq!(log.after(Some(2), &ABOUT), []);
    log.push(&delta("a", "lo"));
    let rest = log.after(Some(2), &ABOUT);
    assert_eq!(ids(&rest), [3]);
    assert_eq!(
        json_of(&rest[0]),
        json!({"type": "text_delta", "item_id": "a", "delta": "lo"})
    );
}

#[test]
fn a_reader_that_comes_back_loses_and_doubles_nothing() {
    let mut log = log(10);
    for _ in 0..5 {
        log.push(&delta("a", "x"));
    }
    for read in 0..=5 {
        let expected: Vec<u64> = (read + 1..=5).collect();
        assert_eq!(ids(&log.after(Some(read), &ABOUT)), expected);
    }
}

#[test]
fn a_reader_that_was_away_for_too_long_gets_a_snapshot() {
    let mut log = log(3);
    log.push(&started("a"));
    for text in ["one ", "two ", "three ", "four"] {
        log.push(&delta("a", text));
    }
    assert_eq!(ids(&log.after(Some(2), &ABOUT)), [3, 4, 5]);
    let late = log.after(Some(1), &ABOUT);
    assert_eq!(ids(&late), [5]);
    assert_eq!(json_of(&late[0])["items"][0]["text"], "one two three four");
    // An id that was never given is one of another start of the server.
    assert_eq!(json_of(&log.after(Some(6), &ABOUT)[0])["type"], "snapshot");
}

#[test]
fn events_are_bounded_by_their_size_too() {
    let mut log = Log::new(Limits {
        events: 1000,
        bytes: 500,
        view: 1 << 20,
    });
    for _ in 0..20 {
        log.push(&delta("a", &"x".repeat(60)));
    }
    assert!(log.bytes <= 500 && log.tail.len() > 2, "{log:?}");
    // One that is larger than all leaves nothing but the snapshot.
    log.push(&delta("a", &"x".repeat(600)));
    assert!(log.tail.is_empty());
    assert_eq!(ids(&log.after(Some(20), &ABOUT)), [21]);
}

#[test]
fn a_completed_item_replaces_its_deltas() {
    let mut log = log(10);
    log.push(&started("a"));
    log.push(&delta("a", "hel"));
    log.push(&started("b"));
    log.push(&completed("a", "hello"));
    let state = json_of(&log.snapshot(&ABOUT));
    assert_eq!(state["items"][0]["text"], "hello");
    assert_eq!(state["items"][1]["id"], "b");
}

#[test]
fn the_oldest_items_are_left_out_of_a_long_conversation() {
    let mut log = Log::new(Limits {
        events: 10,
        bytes: 1 << 20,
        view: 1000,
    });
    for number in 0..10 {
        log.push(&completed(&number.to_string(), &"x".repeat(300)));
    }
    let state = json_of(&log.snapshot(&ABOUT));
    assert_eq!(state["omitted"], 8);
    assert_eq!(state["items"][0]["id"], "8");
    assert_eq!(state["items"][1]["id"], "9");
}

#[test]
fn open_questions_are_in_the_snapshot_until_they_are_answered() {
    let mut log = log(10);
    log.push(&Event::ApprovalAsked {
        approval: Ask {
            key: "k".into(),
            item_id: "a".into(),
            reason: None,
            action: Action::Unknown,
            choices: vec![Choice::Decline],
        },
    });
    assert_eq!(json_of(&log.snapshot(&ABOUT))["approvals"][0]["key"], "k");
    log.push(&Event::ApprovalResolved {
        key: "k".into(),
        outcome: Outcome::Over,
    });
    assert_eq!(json_of(&log.snapshot(&ABOUT))["approvals"], json!([]));
}

#[test]
fn the_end_of_a_turn_is_told() {
    let mut log = log(10);
    let turn_id = "t".to_owned();
    log.push(&Event::TurnStarted { turn_id });
    assert_eq!(json_of(&log.snapshot(&ABOUT))["running"], "t");
    log.push(&Event::TurnCompleted {
        turn_id: "t".into(),
        status: "failed".into(),
        message: Some("The turn ended as failed: no model".into()),
    });
    let state = json_of(&log.snapshot(&ABOUT));
    assert_eq!(state["running"], Value::Null);
    assert_eq!(
        state["items"][0]["text"],
        "The turn ended as failed: no model"
    );
}
