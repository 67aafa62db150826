//! Lines of the runtime's output that are no message, or a broken one.

use codex_testkit::ScriptedServer;
use openai_codex::{CloseReason, Codex, CodexConfig, Error, Notification};
use serde_json::{Value, json};

use crate::peer::{COMPLETED, connect, joined, spawn, stage, start_turn, still_works, within};

/// A program that greets people first.
#[tokio::test]
async fn a_banner_before_the_first_response_is_skipped() {
    let (mut server, read, write) = ScriptedServer::pipe();
    server
        .line("Welcome to codex!")
        .line("")
        .line("\r")
        .line("{\"level\":\"info\",\"message\":\"starting\"}");
    let both = async {
        tokio::join!(
            Codex::connect(CodexConfig::new(), read, write),
            server.handshake()
        )
    };
    let (codex, greeted) = within(both).await;
    greeted.unwrap();
    still_works(&codex.unwrap(), &mut server).await;
}

/// Answers to nobody change nothing.
#[tokio::test]
async fn answers_to_nobody_are_ignored() {
    let (codex, mut server) = connect().await;
    let ask = |n: i64| {
        let codex = codex.clone();
        spawn(async move { codex.request_raw("x/y", json!({"n": n})).await })
    };
    let first = ask(1);
    let call = server.expect("x/y").await.unwrap();
    let id = call.id().as_i64().unwrap();
    for answer in [
        json!({"result": {"n": 0}}),
        json!({"id": null, "result": {"n": 0}}),
        json!({"id": id.to_string(), "result": {"n": 0}}),
        json!({"id": [id], "result": {"n": 0}}),
        json!({"id": {"id": id}, "result": {"n": 0}}),
        json!({"id": id + 1, "result": {"n": 0}}),
        json!({"id": -id, "result": {"n": 0}}),
        json!({"id": u64::MAX, "result": {"n": 0}}),
    ] {
        server.send(&answer);
    }
    call.reply(json!({"n": 1}));
    call.reply(json!({"n": 2}));
    call.error(-32600, "too late");
    assert_eq!(joined(first).await.unwrap(), json!({"n": 1}));
    // An answer that came before its request is none either.
    let second = ask(2);
    let call = server.expect("x/y").await.unwrap();
    call.reply(json!({"n": 3}));
    assert_eq!(joined(second).await.unwrap(), json!({"n": 3}));
}

/// An answer of another shape fails its own call, and no other.
#[tokio::test]
async fn a_malformed_answer_fails_its_own_call_only() {
    let (codex, mut server) = connect().await;
    let id = |call: &codex_testkit::Call| call.id().clone();
    let answers: [fn(Value) -> Value; 6] = [
        |id| json!({"id": id}),
        |id| json!({"id": id, "error": "x"}),
        |id| json!({"id": id, "error": null}),
        |id| json!({"id": id, "error": {"message": "no code"}}),
        |id| json!({"id": id, "error": {"code": "x", "message": []}}),
        |id| json!({"id": id, "result": {}, "error": 5}),
    ];
    for answer in answers {
        let other = spawn({
            let codex = codex.clone();
            async move { codex.request_raw("other/call", json!({})).await }
        });
        let other_call = server.expect("other/call").await.unwrap();
        let asking = spawn({
            let codex = codex.clone();
            async move { codex.request_raw("x/y", json!({})).await }
        });
        let call = server.expect("x/y").await.unwrap();
        server.send(&answer(id(&call)));
        let error = joined(asking).await.unwrap_err();
        assert!(
            matches!(&error, Error::UnexpectedResponse { method, .. } if method == "x/y"),
            "{error:?}"
        );
        other_call.reply(json!({"fine": 1}));
        assert_eq!(joined(other).await.unwrap(), json!({"fine": 1}));
    }
    let typed = spawn({
        let codex = codex.clone();
        async move { codex.account().await }
    });
    server
        .expect("account/read")
        .await
        .unwrap()
        .reply(json!([]));
    let error = joined(typed).await.unwrap_err();
    assert!(
        matches!(&error, Error::Decode { method, .. } if method == "account/read"),
        "{error:?}"
    );
}

/// The cap on the length of lines, and a reason that names it.
#[tokio::test]
async fn a_line_without_end_closes_the_connection_with_a_reason() {
    let config = CodexConfig::new().max_line_bytes(1024 * 1024);
    let (codex, mut server, thread) = crate::peer::stage_with(config).await;
    let mut turn = start_turn(&thread, &mut server, "a").await;
    let pending = spawn({
        let codex = codex.clone();
        async move { codex.request_raw("x/y", json!({})).await }
    });
    server.expect("x/y").await.unwrap();
    server.bytes(vec![b'x'; 1024 * 1024 + 1]);
    let error = joined(pending).await.unwrap_err();
    let Error::Closed(reason) = &error else {
        panic!("not closed: {error:?}");
    };
    assert!(matches!(**reason, CloseReason::Protocol(_)), "{reason:?}");
    assert!(error.to_string().contains("1048576 bytes"), "{error}");
    let last = within(turn.next()).await.unwrap().unwrap_err();
    assert_eq!(last.to_string(), error.to_string());
    assert!(within(turn.next()).await.is_none());
    within(codex.close()).await.unwrap();
}

/// One that stops at the end of the output is read as far as it is.
#[tokio::test]
async fn a_last_line_without_its_end_counts() {
    let (codex, mut server) = connect().await;
    let asking = spawn({
        let codex = codex.clone();
        async move { codex.request_raw("x/y", json!({})).await }
    });
    let call = server.expect("x/y").await.unwrap();
    server.bytes(format!("{{\"id\":{},\"result\":{{}}}}", call.id()));
    server.close_output();
    assert_eq!(joined(asking).await.unwrap(), json!({}));
}

/// The notification is delivered with what it had, to the turn that its raw JSON names, and the
/// turn goes on.
#[tokio::test]
async fn params_of_the_wrong_shape_are_delivered_as_they_came() {
    let (codex, mut server, thread) = stage().await;
    let mut turn = start_turn(&thread, &mut server, "a").await;
    let mut globals = codex.notifications();
    let wrong = [
        (
            "item/agentMessage/delta",
            json!({"turnId": "a", "threadId": "t", "delta": 5}),
        ),
        ("item/completed", json!({"turnId": "a", "item": "none"})),
        ("turn/plan/updated", json!({"turnId": "a"})),
        (
            "thread/tokenUsage/updated",
            json!({"turnId": "a", "tokenUsage": []}),
        ),
        ("error", json!({"turnId": "a"})),
    ];
    for (method, params) in &wrong {
        server.notify(method, params.clone());
    }
    let nobodys = [
        json!(5),
        json!("text"),
        json!([1, 2]),
        json!({}),
        json!({"turnId": 5}),
        json!(null),
    ];
    for params in &nobodys {
        server.notify("item/agentMessage/delta", params.clone());
    }
    server.send(&json!({"method": "item/agentMessage/delta"}));
    server.notify(COMPLETED, crate::peer::of_turn("a", "completed"));
    for (method, params) in &wrong {
        let event = within(turn.next()).await.unwrap().unwrap();
        let Notification::Unknown(unknown) = event else {
            panic!("{method} was understood");
        };
        assert_eq!((&*unknown.method, &unknown.params), (*method, params));
        assert!(unknown.error.is_some(), "{method}");
    }
    assert_eq!(crate::peer::methods(&mut turn).await, [COMPLETED]);
    for _ in 0..nobodys.len() + 1 {
        let event = within(globals.next()).await.unwrap().unwrap();
        assert!(matches!(event, Notification::Unknown(unknown) if unknown.error.is_some()));
    }
    still_works(&codex, &mut server).await;
}

/// A notification reaches the turn or the subscribers, a request is refused.
#[tokio::test]
async fn unknown_methods_are_passed_on_or_refused() {
    let (codex, mut server, thread) = stage().await;
    let mut turn = start_turn(&thread, &mut server, "a").await;
    let mut globals = codex.notifications();
    server
        .notify("nobody/knows", json!({"turnId": "a", "x": 1}))
        .notify("nobody/knows", json!({"turn": {"id": "a"}, "x": 2}))
        .notify("nobody/knows", json!({"x": 3}))
        .notify("", json!({"x": 4}));
    for id in [json!("text"), json!(-5), json!({"odd": 1}), json!(1.5)] {
        server.send(&json!({"id": id, "method": "nobody/asks", "params": {}}));
    }
    let id = server.ask("nobody/asks", json!({}));
    let answer = within(server.answer(id)).await.unwrap();
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
    let refused = |message: &&Value| message["error"]["code"] == -32601;
    assert_eq!(server.received().iter().filter(refused).count(), 5);
    for x in [1, 2] {
        let event = within(turn.next()).await.unwrap().unwrap();
        assert!(matches!(event, Notification::Unknown(unknown)
            if unknown.params["x"] == x && unknown.error.is_none()));
    }
    for x in [3, 4] {
        let event = within(globals.next()).await.unwrap().unwrap();
        assert!(matches!(event, Notification::Unknown(unknown)
            if unknown.params["x"] == x && unknown.error.is_none()));
    }
}
