//! Messages that are JSON and that no value can hold: what they say of a turn is understood.

use codex_testkit::ScriptedServer;
use openai_codex::types::ThreadItem;
use openai_codex::{Codex, CodexConfig, Error, Notification, TurnHandle};
use serde_json::{Value, json};

use crate::peer::{
    COMPLETED, joined, message, methods, of_turn, say, spawn, stage, start_turn, still_works,
    within,
};

/// Stands in a message for JSON that no value can hold.
const HERE: &str = "unreadable-here";

fn unreadable() -> Vec<String> {
    let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let texts = [
        r#""\ud800""#.into(),
        r#"{"\udfff":1}"#.into(),
        "1e999".into(),
        nested(50_000),
    ];
    // With serde_json's `arbitrary_precision` a value can hold the number.
    let is_number = serde_json::from_str::<Value>("1e999").is_ok();
    let texts = texts.into_iter();
    texts
        .filter(|text| *text != "1e999" || !is_number)
        .collect()
}

/// Sends a message in which `novel` stands where [`HERE`] does.
fn send(server: &mut ScriptedServer, message: &Value, novel: &str) {
    let line = message.to_string().replace(&format!("\"{HERE}\""), novel);
    server.line(line);
}

fn notify(server: &mut ScriptedServer, method: &str, params: &Value, novel: &str) {
    let message = json!({"emittedAtMs": 1, "method": method, "params": params, "zz": HERE});
    send(server, &message, novel);
}

/// The params of a completion with something that cannot be read beside everything.
fn completion() -> Value {
    let mut params = of_turn("a", "completed");
    params["aa"] = json!(HERE);
    params["turn"]["aa"] = json!(HERE);
    params
}

#[tokio::test]
async fn a_completion_that_no_value_can_hold_ends_its_turn() {
    let (codex, mut server, thread) = stage().await;
    let mut everybody = codex.notifications();
    for novel in unreadable() {
        let mut turn = start_turn(&thread, &mut server, "a").await;
        let running = spawn(start_turn(&thread, &mut server, "a").await.run());
        server.notify("turn/started", of_turn("a", "inProgress"));
        notify(&mut server, COMPLETED, &completion(), &novel);
        let error = joined(running).await.unwrap_err();
        let Error::Decode { method, raw, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(method, COMPLETED);
        assert!(
            raw.as_str().contains(&novel),
            "the raw text is kept as it came"
        );
        assert_eq!(methods(&mut turn).await, ["turn/started", COMPLETED]);
    }
    // A message that is only deep is read.
    let running = spawn(start_turn(&thread, &mut server, "a").await.run());
    let deep = format!("{}1{}", r#"{"a":"#.repeat(126), "}".repeat(126));
    notify(&mut server, COMPLETED, &completion(), &deep);
    assert_eq!(joined(running).await.unwrap().id, "a");
    still_works(&codex, &mut server).await;
    codex.close().await.unwrap();
    // Nothing of a turn went to everybody.
    while let Some(Ok(event)) = within(everybody.next()).await {
        assert_eq!(event.turn_id(), None);
    }
}

#[tokio::test]
async fn an_item_that_no_value_can_hold_is_in_the_result_as_its_text() {
    let (_codex, mut server, thread) = stage().await;
    for novel in unreadable() {
        let running = spawn(start_turn(&thread, &mut server, "a").await.run());
        let mut params = message("a", "unread");
        params["item"]["novel"] = json!(HERE);
        notify(&mut server, "item/completed", &params, "1");
        notify(&mut server, "item/completed", &params, &novel);
        say(&mut server, "a", "fine");
        let result = joined(running).await.unwrap();
        assert_eq!(result.text(), "fine");
        let [
            ThreadItem::AgentMessage(_),
            ThreadItem::Unrecognized(kept),
            _,
        ] = &result.items[..]
        else {
            panic!("{:?}", result.items.len());
        };
        assert!(kept.value.as_str().unwrap().contains(&novel));
    }
}

#[tokio::test]
async fn answers_that_no_value_can_hold_reach_their_callers() {
    let (codex, mut server, thread) = stage().await;
    for novel in unreadable() {
        // The answer to a start: its turn is known, whatever else it says.
        let start = thread.turn("go");
        let starting = spawn(async move { start.await });
        let call = server.expect("turn/start").await.unwrap();
        let turn = json!({"aa": HERE, "id": "a", "status": HERE});
        let answer = json!({"id": call.id(), "result": {"aa": HERE, "turn": turn}});
        send(&mut server, &answer, &novel);
        let turn: TurnHandle = joined(starting).await.unwrap();
        assert_eq!(turn.id(), "a");
        say(&mut server, "a", "fine");
        assert_eq!(within(turn.run()).await.unwrap().text(), "fine");

        // A refusal: its code and text are known.
        let asking = spawn({
            let codex = codex.clone();
            async move { codex.request_raw("ask", json!({})).await }
        });
        let call = server.expect("ask").await.unwrap();
        let refusal = json!({"code": -32600, "message": "no", "data": HERE, "aa": HERE});
        send(
            &mut server,
            &json!({"error": refusal, "id": call.id()}),
            &novel,
        );
        let error = joined(asking).await.unwrap_err();
        assert_eq!(error.rpc().unwrap().message, "no");

        // Any other answer fails its own call.
        let asking = spawn({
            let thread = thread.clone();
            async move { thread.read().await }
        });
        let call = server.expect("thread/read").await.unwrap();
        send(
            &mut server,
            &json!({"id": call.id(), "result": HERE}),
            &novel,
        );
        let error = joined(asking).await.unwrap_err();
        assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    }
    still_works(&codex, &mut server).await;
}

#[tokio::test]
async fn a_question_that_no_value_can_hold_is_declined() {
    let (_codex, mut server, thread) = stage().await;
    for novel in unreadable() {
        let running = spawn(start_turn(&thread, &mut server, "a").await.run());
        let question = json!({
            "id": 7, "method": "item/fileChange/requestApproval", "aa": HERE, "params": {
                "itemId": "i", "startedAtMs": 1, "threadId": "t", "turnId": "a", "aa": HERE,
            },
        });
        send(&mut server, &question, &novel);
        let answer = within(server.answer(7)).await.unwrap();
        assert_eq!(answer["result"], json!({"decision": "decline"}));
        say(&mut server, "a", "fine");
        joined(running).await.unwrap();
    }
}

/// Wrappers on some systems write one at the start of the output, or of every line.
#[tokio::test]
async fn byte_order_marks_are_skipped() {
    const MARK: &str = "\u{feff}";
    let (mut server, read, write) = ScriptedServer::pipe();
    let connecting = spawn(Codex::connect(CodexConfig::new(), read, write));
    let call = server.expect("initialize").await.unwrap();
    let agent = "codex_rust_sdk/0.200.1 (Debian 12; x86_64) xterm (codex_rust_sdk; 1.0)";
    let greeting = json!({"id": call.id(), "result": {
        "userAgent": agent, "codexHome": "/h", "platformFamily": "unix", "platformOs": "linux",
    }});
    server.line(format!("{MARK}{greeting}"));
    let codex: Codex = joined(connecting).await.unwrap();
    server.expect("initialized").await.unwrap();

    let thread = crate::peer::start_thread(&codex, &mut server, "t").await;
    let mut turn = start_turn(&thread, &mut server, "a").await;
    let completed = json!({"method": COMPLETED, "params": of_turn("a", "completed")});
    server
        .line(MARK)
        .line(format!("{MARK}{MARK} {completed}{MARK}\r"));
    let last = within(turn.next()).await.unwrap().unwrap();
    assert!(matches!(last, Notification::TurnCompleted(_)));
    assert!(within(turn.next()).await.is_none());
    still_works(&codex, &mut server).await;
}
