//! The params that the builders send.

use codex_testkit::{thread_started, turn_started};
use futures_util::TryStreamExt;
use openai_codex::types::{FunctionCallOutputContentItem, InputTextFunctionCallOutputContentItem};
use openai_codex::{ApprovalMode, Error, ExternalMessage, InputItem, RunInput, Sandbox};
use serde_json::{Value, json};

use crate::peer::{a_thread, connect, connect_to_version, joined, start_thread, within};

#[tokio::test]
async fn a_thread_has_the_id_and_the_words_of_the_runtime() {
    let (codex, mut server) = connect().await;
    let start = codex
        .thread_start()
        .approval_mode(ApprovalMode::DenyAll)
        .sandbox(Sandbox::FullAccess)
        .cwd("/w")
        .default_service_tier();
    let start = tokio::spawn(start.into_future());
    let call = server.expect("thread/start").await.unwrap();
    assert_eq!(
        call.params(),
        &json!({
            "approvalPolicy": "never", "sandbox": "danger-full-access", "cwd": "/w",
            "serviceTier": null,
        })
    );
    call.reply(thread_started("from the runtime"));
    let thread = joined(start).await.unwrap();
    assert_eq!(thread.id(), "from the runtime");
    assert_eq!(thread.info().model, "mock-model");
}

#[tokio::test]
async fn include_turns_is_sent_inverted_or_not_at_all() {
    let (codex, mut server) = connect().await;
    for include in [None, Some(true), Some(false)] {
        let mut params = json!({"threadId": "t"});
        if let Some(include) = include {
            params["excludeTurns"] = json!(!include);
        }
        let (mut resume, mut fork) = (codex.thread_resume("t"), codex.thread_fork("t"));
        if let Some(include) = include {
            resume = resume.include_turns(include);
            fork = fork.include_turns(include);
        }
        for (method, task) in [
            ("thread/resume", tokio::spawn(resume.into_future())),
            ("thread/fork", tokio::spawn(fork.into_future())),
        ] {
            let call = server.expect(method).await.unwrap();
            assert_eq!(call.params(), &params, "{method} {include:?}");
            call.reply(thread_started("other"));
            assert_eq!(joined(task).await.unwrap().id(), "other");
        }
    }
}

#[tokio::test]
async fn inputs_and_options_of_turns_are_sent_as_they_are() {
    let (codex, mut server) = connect().await;
    let thread = start_thread(&codex, &mut server, "t").await;
    let items = vec![FunctionCallOutputContentItem::InputText(
        InputTextFunctionCallOutputContentItem::new("content"),
    )];
    let external = ExternalMessage::new("notifications", items);
    let inputs: [(RunInput, Value, Value); 4] = [
        (
            "a".into(),
            json!([{"type": "text", "text": "a"}]),
            Value::Null,
        ),
        (
            InputItem::mention("n", "/p").into(),
            json!([{"type": "mention", "name": "n", "path": "/p"}]),
            Value::Null,
        ),
        (
            ExternalMessage::new("notifications", "text").into(),
            json!([]),
            json!({"name": "notifications", "output": "text"}),
        ),
        (
            external.namespace("ci").into(),
            json!([]),
            json!({
                "name": "notifications", "namespace": "ci",
                "output": [{"type": "input_text", "text": "content"}],
            }),
        ),
    ];
    for (n, (input, items, tool_output)) in inputs.into_iter().enumerate() {
        let start = thread
            .turn(input)
            .service_tier("priority")
            .turn_service_tier("default")
            .source("automation")
            .sandbox(Sandbox::ReadOnly);
        let start = tokio::spawn(start.into_future());
        let call = server.expect("turn/start").await.unwrap();
        let mut params = json!({
            "threadId": "t", "input": items, "serviceTier": "priority",
            "serviceTierForTurn": "default", "turnTrigger": "automation",
            "sandboxPolicy": {"type": "readOnly", "networkAccess": false},
        });
        if !tool_output.is_null() {
            params["toolOutput"] = tool_output;
        }
        assert_eq!(call.params(), &params);
        call.reply(turn_started(&format!("turn-{n}")));
        joined(start).await.unwrap().detach();
    }
}

#[tokio::test]
async fn nothing_is_sent_that_cannot_be() {
    let (codex, mut server) = connect().await;
    let thread = start_thread(&codex, &mut server, "t").await;
    let handle = thread.join_turn("u");
    let refused = [
        thread.run(Vec::new()).await.unwrap_err(),
        thread
            .run(ExternalMessage::new(" ", "x"))
            .await
            .unwrap_err(),
        thread.turn("a").effort("".into()).run().await.unwrap_err(),
        handle.steer(Vec::new()).await.unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(error, Error::InvalidInput(_)), "{error:?}");
    }
    assert_eq!(server.received_methods().len(), 3);
}

#[tokio::test]
async fn what_an_older_runtime_lacks_is_not_sent() {
    for version in ["0.147.0", "0.149.0", "0.151.0-alpha.6", "unknown", ""] {
        let (codex, mut server) = connect_to_version(version).await;
        let thread = start_thread(&codex, &mut server, "t").await;
        let refused = [
            thread
                .run(ExternalMessage::new("n", "x"))
                .await
                .unwrap_err(),
            thread.turn("a").source("s").run().await.unwrap_err(),
            thread
                .turn("a")
                .turn_service_tier("t")
                .run()
                .await
                .unwrap_err(),
            codex
                .thread_resume("t")
                .include_turns(false)
                .await
                .unwrap_err(),
            codex
                .thread_fork("t")
                .include_turns(true)
                .await
                .unwrap_err(),
        ];
        for error in refused {
            let text = error.to_string();
            assert!(matches!(error, Error::UnsupportedRuntime { .. }), "{text}");
            assert!(text.contains("0.151.0"), "{text}");
        }
        assert_eq!(server.received_methods().len(), 3, "{version}");
        // What it has, it is asked for.
        let run = tokio::spawn(thread.turn("plain").into_future());
        server
            .expect("turn/start")
            .await
            .unwrap()
            .reply(turn_started("u"));
        joined(run).await.unwrap().detach();
        let resume = tokio::spawn(codex.thread_resume("t").into_future());
        server
            .expect("thread/resume")
            .await
            .unwrap()
            .reply(thread_started("t"));
        joined(resume).await.unwrap();
    }
}

/// An unarchived thread is a loaded one, with the options that the runtime answered with.
#[tokio::test]
async fn an_unarchived_thread_is_resumed() {
    let (codex, mut server) = connect().await;
    let task = tokio::spawn(async move { codex.thread_unarchive("t").await });
    server
        .expect("thread/unarchive")
        .await
        .unwrap()
        .reply(json!({"thread": a_thread("t")}));
    let call = server.expect("thread/resume").await.unwrap();
    assert_eq!(call.params(), &json!({"threadId": "t"}));
    call.reply(thread_started("t"));
    let thread = joined(task).await.unwrap();
    assert_eq!(thread.info().model, "mock-model");
}

#[tokio::test]
async fn pages_are_followed_until_there_are_no_more_or_they_repeat() {
    // Older ones are asked in another way.
    let (codex, mut server) = connect_to_version("999.0.0").await;
    for repeats in [false, true] {
        let list = codex.thread_list().limit(1).cursor("start");
        let task = tokio::spawn(async move {
            let mut ids = Vec::new();
            let mut threads = list.stream();
            let end = loop {
                match threads.try_next().await {
                    Ok(Some(thread)) => ids.push(thread.id),
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            (ids, end, threads.try_next().await.unwrap().is_none())
        });
        let next = if repeats { json!("start") } else { Value::Null };
        let pages = [("start", "a", json!("b")), ("b", "b", next)];
        for (cursor, id, next) in pages {
            let call = server.expect("thread/list").await.unwrap();
            assert_eq!(call.params(), &json!({"limit": 1, "cursor": cursor}));
            call.reply(json!({"data": [a_thread(id)], "nextCursor": next}));
        }
        let (ids, end, ended) = within(task).await.unwrap();
        assert_eq!(ids, ["a", "b"]);
        assert!(ended);
        let is_circle = matches!(
            &end,
            Err(Error::UnexpectedResponse { method, raw: Some(raw), .. })
                if method == "thread/list" && raw.as_str() == "start"
        );
        assert_eq!(is_circle, repeats, "{end:?}");
    }
}
