//! JSON that is well formed and that no value can hold: surrogates, nesting, numbers.

use codex_types::{
    ServerNotification, ServerRequest, ThreadItem, ThreadReadResponse, TurnStatus, from_str,
};
use serde_json::Value;

fn nested(levels: usize) -> String {
    format!("{}0{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
}

/// Texts that are JSON and that no value can hold.
fn unreadable() -> Vec<String> {
    let mut texts = vec![
        r#""\ud800""#.into(),
        r#"{"\udfff":1}"#.into(),
        nested(100_000),
    ];
    // With `arbitrary_precision` a value can hold any number.
    if serde_json::from_str::<Value>("-1e999").is_err() {
        texts.push("-1e999".into());
    }
    texts
}

fn message(id: &str, novel: &str) -> String {
    format!(r#"{{"type":"agentMessage","id":"{id}","text":"hello","novel":{novel}}}"#)
}

#[test]
fn ids_are_found_whatever_stands_beside_them() {
    for novel in unreadable() {
        for (method, params) in [
            (
                "turn/completed",
                format!(
                    r#"{{"novel":{novel},"threadId":"t","turn":{{"id":"u","items":[],"status":"completed","x":{novel}}}}}"#
                ),
            ),
            (
                "turn/novel",
                format!(r#"{{"novel":{novel},"turnId":"u","threadId":"t"}}"#),
            ),
        ] {
            let event = ServerNotification::decode(method, &params);
            let ServerNotification::Unknown(unknown) = &event else {
                panic!("{method} was decoded");
            };
            assert_eq!(unknown.params, Value::String(params.clone()));
            assert_eq!((event.thread_id(), event.turn_id()), (Some("t"), Some("u")));
        }
        let params = format!(
            r#"{{"threadId":"t","turnId":"u","itemId":"i","startedAtMs":1,"reason":"","command":{novel}}}"#
        );
        let request = ServerRequest::decode("item/commandExecution/requestApproval", &params);
        let ServerRequest::Unknown(unknown) = request else {
            panic!("the request was decoded");
        };
        assert_eq!(
            (unknown.thread_id(), unknown.turn_id()),
            (Some("t"), Some("u"))
        );
        assert!(unknown.error.is_some());
    }
}

#[test]
fn an_item_that_cannot_be_read_is_kept_as_its_text() {
    for novel in unreadable() {
        let item = message("i", &novel);
        let params = format!(r#"{{"threadId":"t","turnId":"u","completedAtMs":1,"item":{item}}}"#);
        let event = ServerNotification::decode("item/completed", &params);
        let ServerNotification::ItemCompleted(completed) = event else {
            panic!("not completed: {event:?}");
        };
        let ThreadItem::Unrecognized(kept) = completed.item else {
            panic!("recognized");
        };
        assert_eq!(kept.value, Value::String(item));
        assert!(kept.error.is_some());
    }
}

#[test]
fn history_is_read_item_by_item() {
    for novel in unreadable() {
        let bad = message("b", &novel);
        // The tag of the second is not in front, so it has to be looked for.
        let last = format!(r#"{{"x":{novel},"id":"d","type":"agentMessage","text":"hello"}}"#);
        let items = format!("{},{bad},{},{last}", message("a", "1"), message("c", "{}"));
        let thread = format!(
            r#"{{"thread":{{"id":"t","cliVersion":"0","createdAt":1,"cwd":"/","ephemeral":false,
                "modelProvider":"p","preview":"","sessionId":"s","source":"vscode","updatedAt":1,
                "status":{{"type":"idle"}},"turns":[
                {{"id":"u","items":[{items}],"status":"completed"}}]}}}}"#
        );
        let read: ThreadReadResponse = from_str(&thread).unwrap();
        let turn = &read.thread.turns[0];
        assert_eq!(turn.status, TurnStatus::Completed);
        let texts = turn.items.iter().map(|item| match item {
            ThreadItem::AgentMessage(message) => message.id.to_string(),
            ThreadItem::Unrecognized(kept) => kept.value.as_str().unwrap().to_owned(),
            other => panic!("{other:?}"),
        });
        let expected = ["a".into(), bad, "c".into(), last];
        assert_eq!(texts.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn values_are_read_up_to_a_bound_of_our_own_on_a_small_stack() {
    // What a runtime passes on: it reads 128 levels itself, and puts them into an item.
    let tool = |levels: usize| {
        format!(
            r#"{{"type":"mcpToolCall","id":"i","server":"s","tool":"t","status":"completed",
                "arguments":{{}},"result":{{"content":[],"structuredContent":{}}}}}"#,
            nested(levels)
        )
    };
    let check = move || {
        for levels in [1, 100, 121, 125, 126, 127, 128, 150, 240] {
            let item = tool(levels);
            let read: ThreadItem = from_str(&item).unwrap();
            assert!(matches!(read, ThreadItem::McpToolCall(_)), "{levels}");
            assert_eq!(read.clone(), read);
            let written = serde_json::to_string(&read).unwrap();
            assert_eq!(from_str::<ThreadItem>(&written).unwrap(), read);
            let turn = format!(
                r#"{{"id":"u","items":[],"status":"completed","novel":{}}}"#,
                nested(levels)
            );
            let params = format!(r#"{{"threadId":"t","turn":{turn}}}"#);
            let event = ServerNotification::decode("turn/completed", &params);
            assert!(
                matches!(event, ServerNotification::TurnCompleted(_)),
                "{levels}"
            );
        }
        for levels in [257, 1_000, 1_000_000] {
            let read: ThreadItem = from_str(&tool(levels)).unwrap();
            assert!(matches!(read, ThreadItem::Unrecognized(_)), "{levels}");
        }
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20);
    thread.spawn(check).unwrap().join().unwrap();
}
