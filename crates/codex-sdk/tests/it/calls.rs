//! The method of each call, and the options that older runtimes are not sent.

use codex_testkit::{thread_started, turn_started};
use openai_codex::{Codex, CodexConfig, Error, ExternalMessage, Result, Thread};
use serde_json::{Value, json};

use crate::peer::{
    a_thread, begin_turn, connect, connect_to_version, connect_to_version_with, joined, stage,
    start_turn, still_works, within,
};
use crate::wire::sent;

/// The params of steer and interrupt.
#[tokio::test]
async fn steer_and_interrupt_name_their_turn() {
    let (_codex, mut server, thread) = stage().await;
    let turn = start_turn(&thread, &mut server, "a").await;
    server.notify("turn/started", crate::peer::of_turn("a", "inProgress"));
    let control = turn.control();
    let (params, outcome) = sent(&mut server, "turn/steer", json!({"turnId": "a"}), {
        let control = control.clone();
        async move { control.steer("left").await }
    })
    .await;
    outcome.unwrap();
    assert_eq!(
        (&params["threadId"], &params["expectedTurnId"]),
        (&json!("t"), &json!("a"))
    );
    assert_eq!(params["input"][0]["text"], "left");
    assert_eq!(params.as_object().unwrap().len(), 3);
    let (params, outcome) = sent(&mut server, "turn/interrupt", json!({}), async move {
        control.interrupt().await
    })
    .await;
    outcome.unwrap();
    assert_eq!(params, json!({"threadId": "t", "turnId": "a"}));
    turn.detach();
}

/// Each call of the client and of the thread is its method.
#[tokio::test]
async fn every_call_is_its_method() {
    let (codex, mut server, thread) = stage().await;
    let id = json!({"threadId": "t"});
    let with = |key: &str, value: Value| {
        let mut params = id.clone();
        params[key] = value;
        params
    };
    type Made = std::pin::Pin<Box<dyn Future<Output = Result<()>> + Send>>;
    fn made<T>(call: impl Future<Output = Result<T>> + Send + 'static) -> Made {
        Box::pin(async move { call.await.map(drop) })
    }
    fn on<F: Future>(thread: &Thread, call: impl FnOnce(Thread) -> F) -> F {
        call(thread.clone())
    }
    fn of<F: Future>(codex: &Codex, call: impl FnOnce(Codex) -> F) -> F {
        call(codex.clone())
    }
    let stored = json!({"thread": a_thread("t")});
    let empty = json!({"data": []});
    let rows: Vec<(&str, Value, Value, Made)> = vec![
        (
            "thread/read",
            with("includeTurns", json!(false)),
            stored.clone(),
            made(on(&thread, |t| async move { t.read().await })),
        ),
        (
            "thread/read",
            with("includeTurns", json!(true)),
            stored.clone(),
            made(on(&thread, |t| async move { t.read_with_turns().await })),
        ),
        (
            "thread/name/set",
            with("name", json!("n")),
            json!({}),
            made(on(&thread, |t| async move { t.set_name("n").await })),
        ),
        (
            "thread/compact/start",
            id.clone(),
            json!({}),
            made(on(&thread, |t| async move { t.compact().await })),
        ),
        (
            "thread/archive",
            id.clone(),
            json!({}),
            made(of(&codex, |c| async move { c.thread_archive("t").await })),
        ),
        (
            "thread/list",
            json!({"limit": 5, "searchTerm": "x"}),
            empty.clone(),
            made(of(&codex, |c| async move {
                c.thread_list().limit(5).search_term("x").await
            })),
        ),
        (
            "model/list",
            json!({}),
            empty.clone(),
            made(of(&codex, |c| async move { c.models().await })),
        ),
        (
            "model/list",
            json!({"includeHidden": true}),
            empty,
            made(of(&codex, |c| async move {
                c.models().include_hidden(true).await
            })),
        ),
        (
            "account/logout",
            json!(null),
            json!({}),
            made(of(&codex, |c| async move { c.logout().await })),
        ),
    ];
    for (method, expected, answer, call) in rows {
        let (params, outcome) = sent(&mut server, method, answer, call).await;
        assert_eq!(params, expected, "{method}");
        outcome.unwrap();
    }
}

/// A device-code login has what the runtime answered; another kind of answer is an error.
#[tokio::test]
async fn a_login_of_another_kind_is_an_error() {
    let (codex, mut server) = connect().await;
    let login = || {
        let codex = codex.clone();
        async move { codex.login_chatgpt_device_code().await }
    };
    let answer = json!({
        "type": "chatgptDeviceCode", "loginId": "l", "verificationUrl": "http://127.0.0.1/v",
        "userCode": "AB-CD",
    });
    let (params, handle) = sent(&mut server, "account/login/start", answer, login()).await;
    assert_eq!(params, json!({"type": "chatgptDeviceCode"}));
    let handle = handle.unwrap();
    assert_eq!(
        (
            handle.login_id(),
            handle.verification_url(),
            handle.user_code()
        ),
        ("l", "http://127.0.0.1/v", "AB-CD")
    );
    for answer in [
        json!({"type": "apiKey"}),
        json!({"type": "telepathy"}),
        json!({}),
        json!({"type": "chatgpt", "loginId": "l", "authUrl": "http://127.0.0.1"}),
    ] {
        let (_, outcome) = sent(&mut server, "account/login/start", answer.clone(), login()).await;
        assert!(outcome.is_err(), "{answer}");
    }
    still_works(&codex, &mut server).await;
}

/// An old or unknown runtime gets no newer option, and does get everything else.
#[tokio::test]
async fn newer_options_are_refused_before_sending() {
    for version in [
        "0.0.0",
        "0.147.0",
        "0.149.0",
        "0.151.0-alpha.6",
        "unknown",
        "",
    ] {
        let (codex, mut server) = connect_to_version(version).await;
        let thread = crate::peer::start_thread(&codex, &mut server, "t").await;
        let refused = [
            (thread.turn("x").source("cron"), "turnTrigger"),
            (
                thread.turn("x").turn_service_tier("default"),
                "serviceTierForTurn",
            ),
            (thread.turn(ExternalMessage::new("n", "x")), "toolOutput"),
        ];
        let mut errors = Vec::new();
        for (start, field) in refused {
            let error = within(start.into_future()).await.unwrap_err();
            errors.push((error, "turn/start", field));
        }
        for include in [true, false] {
            let start = codex.thread_resume("t").include_turns(include);
            let error = within(start.into_future()).await.unwrap_err();
            errors.push((error, "thread/resume", "excludeTurns"));
            let start = codex.thread_fork("t").include_turns(include);
            let error = within(start.into_future()).await.unwrap_err();
            errors.push((error, "thread/fork", "excludeTurns"));
        }
        for (error, method, field) in errors {
            assert!(
                matches!(error, Error::UnsupportedRuntime { .. }),
                "{error:?}"
            );
            let text = error.to_string();
            assert!(text.contains(method) && text.contains(field), "{text}");
            assert!(text.contains("0.151.0"), "{text}");
        }
        let (starting, call) = begin_turn(&thread, &mut server).await;
        call.reply(turn_started("a"));
        joined(starting).await.unwrap().detach();
        for (method, start) in [("thread/resume", true), ("thread/fork", false)] {
            let codex = codex.clone();
            let call = async move {
                match start {
                    true => codex.thread_resume("t").await,
                    false => codex.thread_fork("t").await,
                }
            };
            let (params, thread) = sent(&mut server, method, thread_started("t"), call).await;
            assert_eq!(params, json!({"threadId": "t"}), "{version}");
            thread.unwrap();
        }
    }
}

/// A runtime that lacks a method, a field further in, or has something as experimental only, is told so by
/// nobody: the call fails before anything is sent.
#[tokio::test]
async fn what_the_running_version_lacks_is_refused_before_sending() {
    use openai_codex::types::{ThreadListParams, ThreadTurnsListParams};

    let (codex, mut server) = connect_to_version("0.147.0").await;
    let thread = crate::peer::start_thread(&codex, &mut server, "t").await;
    let refusal = |error: Error| match error {
        Error::UnsupportedRuntime {
            method,
            field,
            found,
            minimum,
            experimental,
            ..
        } => {
            assert_eq!(found, "0.147.0");
            (method.to_owned(), field.into_owned(), minimum, experimental)
        }
        other => panic!("{other:?}"),
    };
    let row = |method: &str, field: &str, minimum: &str, experimental| {
        (
            method.to_owned(),
            field.to_owned(),
            minimum.to_owned(),
            experimental,
        )
    };
    // What was experimental then says so.
    let error = within(thread.turns().next()).await.unwrap().unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("CodexConfig::experimental_api(true)"),
        "{text}"
    );
    assert_eq!(
        refusal(error),
        row("thread/turns/list", "", "0.151.0", true)
    );
    let params = ThreadTurnsListParams::new("t");
    let error = within(codex.request(params)).await.unwrap_err();
    assert_eq!(
        refusal(error),
        row("thread/turns/list", "", "0.151.0", true)
    );
    // A field of the params, and one further in.
    let source = thread.turn("x").source("cron").into_future();
    let error = within(source).await.unwrap_err();
    assert_eq!(
        refusal(error),
        row("turn/start", "turnTrigger", "0.151.0", false)
    );
    let list = ThreadListParams::default().limit(1u32);
    let listing = sent(&mut server, "thread/list", json!({"data": []}), {
        let codex = codex.clone();
        async move { codex.request(list).await }
    });
    listing.await.1.unwrap();
    let image = json!({"type": "image", "fileId": "f"});
    let image: openai_codex::InputItem = serde_json::from_value(image).unwrap();
    let error = within(thread.turn([image]).into_future())
        .await
        .unwrap_err();
    assert_eq!(
        refusal(error),
        row("turn/start", "ImageUserInput.fileId", "0.159.3", false)
    );
    still_works(&codex, &mut server).await;
}

/// Whoever asked for the experimental API gets what was experimental then.
#[tokio::test]
async fn what_was_experimental_then_is_sent_to_a_client_that_asked_for_it() {
    use openai_codex::types::ThreadTurnsListParams;

    let config = CodexConfig::new().experimental_api(true);
    let (codex, mut server) = connect_to_version_with("0.147.0", config).await;
    let asked = async move { codex.request(ThreadTurnsListParams::new("t")).await };
    let page = json!({"data": [], "nextCursor": null});
    let (params, answer) = sent(&mut server, "thread/turns/list", page, asked).await;
    assert_eq!(params, json!({"threadId": "t"}));
    answer.unwrap();
}
