//! Tests of how results are collected.

use super::*;
use serde_json::json;

fn message(text: &str, phase: Option<&str>) -> Value {
    json!({"type": "agentMessage", "id": text, "text": text, "phase": phase})
}

fn event(method: &str, mut params: Value) -> Notification {
    params["threadId"] = json!("t");
    if params.get("turn").is_none() {
        params["turnId"] = json!("u");
    }
    Notification::decode(method, &params.to_string())
}

fn completed(item: Value) -> Notification {
    event("item/completed", json!({"item": item, "completedAtMs": 1}))
}

fn end(status: &str, error: Value) -> Notification {
    let turn = json!({
        "id": "u", "items": [], "status": status, "error": error,
        "startedAt": 1, "completedAt": 3, "durationMs": 2000,
    });
    event("turn/completed", json!({"turn": turn}))
}

fn collect(events: impl IntoIterator<Item = Notification>) -> Option<Result<TurnResult>> {
    let mut collector = Collector::default();
    for event in events {
        collector.absorb(event);
    }
    collector.finish()
}

/// Text and phase.
type Message = (&'static str, Option<&'static str>);

/// The final response, when so many of the messages were handed out and none of them is kept.
fn response_of(messages: &[Message], handed_out: usize) -> Option<String> {
    let mut collector = Collector {
        copied: MOST_COPIED + 1,
        ..Collector::default()
    };
    for (n, (text, phase)) in messages.iter().enumerate() {
        let event = completed(message(text, *phase));
        match n < handed_out {
            true => collector.observe(&event),
            false => collector.absorb(event),
        }
    }
    collector.absorb(end("completed", Value::Null));
    let result = collector.finish().unwrap().unwrap();
    assert_eq!(result.items.len(), messages.len() - handed_out);
    result.final_response
}

#[test]
fn the_final_response_is_the_last_final_answer_else_the_last_without_a_phase() {
    let (commentary, last) = (Some("commentary"), Some("final_answer"));
    let table: [(&[Message], Option<&str>); 9] = [
        (&[], None),
        (&[("a", None), ("b", None)], Some("b")),
        (&[("a", None), ("", None)], Some("")),
        (&[("a", last), ("b", None)], Some("a")),
        (&[("a", last), ("b", last), ("c", commentary)], Some("b")),
        (&[("a", commentary)], None),
        (&[("a", None), ("b", commentary)], Some("a")),
        (&[("a", Some("partial_answer"))], None),
        (&[("a", None), ("b", Some("novel"))], Some("b")),
    ];
    for (messages, expected) in table {
        for handed_out in 0..=messages.len() {
            let response = response_of(messages, handed_out);
            assert_eq!(response.as_deref(), expected, "{messages:?} {handed_out}");
        }
    }
}

/// A turn of ordinary length keeps what it has handed out, a long one does not.
#[test]
fn what_is_handed_out_is_in_the_result_unless_it_is_too_much() {
    // It is the id of its message too.
    let long = "x".repeat(MOST_COPIED / 16);
    let of = |handed_out: usize| {
        let mut collector = Collector::default();
        collector.observe(&completed(message("answer", Some("final_answer"))));
        for _ in 0..handed_out {
            collector.observe(&completed(message(&long, None)));
        }
        collector.absorb(completed(message("rest", None)));
        collector.absorb(end("completed", Value::Null));
        collector.finish().unwrap().unwrap()
    };
    let (all, rest) = (of(6), of(9));
    assert_eq!((all.items.len(), rest.items.len()), (8, 1));
    assert_eq!((all.text(), rest.text()), ("answer", "answer"));
}

#[test]
fn items_are_in_order_and_usage_is_the_last() {
    let usage = |tokens: i64| {
        let count = json!({
            "cachedInputTokens": 0, "cacheWriteInputTokens": 0, "inputTokens": tokens,
            "outputTokens": 0, "reasoningOutputTokens": 0, "totalTokens": tokens,
        });
        let usage = json!({"last": count, "total": count});
        event("thread/tokenUsage/updated", json!({"tokenUsage": usage}))
    };
    let novel = json!({"type": "novel", "id": "n"});
    let events = [
        completed(message("a", None)),
        usage(1),
        completed(novel.clone()),
        usage(2),
        end("interrupted", Value::Null),
    ];
    let result = collect(events).unwrap().unwrap();
    let items: Vec<_> = result.items.iter().map(|item| json!(item)).collect();
    assert_eq!(items[1], novel);
    assert_eq!(items.len(), 2);
    assert_eq!(result.usage.unwrap().last.input_tokens, 2);
    assert_eq!(result.status, TurnStatus::Interrupted);
    assert_eq!(
        (result.started_at, result.completed_at, result.duration_ms),
        (Some(1), Some(3), Some(2000))
    );
}

#[test]
fn a_failed_turn_is_an_error_with_what_there_is() {
    let error = json!({"message": "boom", "codexErrorInfo": "serverOverloaded"});
    let events = [completed(message("a", None)), end("failed", error)];
    match collect(events).unwrap().unwrap_err() {
        Error::TurnFailed(failure) => {
            assert_eq!(failure.to_string(), "turn u failed: boom");
            assert_eq!(failure.result.text(), "a");
            assert!(Error::TurnFailed(failure).is_retryable());
        }
        other => panic!("{other:?}"),
    }
    let error = collect([end("failed", Value::Null)]).unwrap().unwrap_err();
    assert_eq!(error.to_string(), "turn u failed with status failed");
}

#[test]
fn an_undecodable_completion_is_a_decode_error_and_none_is_none() {
    let broken = event("turn/completed", json!({"turn": {"id": "u", "items": 5}}));
    let error = collect([broken]).unwrap().unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    assert!(collect([completed(message("a", None))]).is_none());
}
