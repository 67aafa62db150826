//! Routing: the events that each handle gets.

use std::time::Duration;

use codex_testkit::turn_started;
use openai_codex::{CodexConfig, Notification};
use serde_json::json;

use crate::peer::{
    COMPLETED, DELTA, begin_turn, connect, delta, joined, methods, of_turn, say, spawn, stage,
    start_thread, start_turn, still_works, text, within,
};

fn on(thread: &str, mut params: serde_json::Value) -> serde_json::Value {
    params["threadId"] = json!(thread);
    params
}

/// Interleaved turns get their own events, in order.
#[tokio::test]
async fn interleaved_turns_keep_apart() {
    let (codex, mut server) = connect().await;
    let one = start_thread(&codex, &mut server, "t").await;
    let two = start_thread(&codex, &mut server, "s").await;
    let mut first = start_turn(&one, &mut server, "a").await;
    let mut second = start_turn(&two, &mut server, "b").await;
    for n in 0..3 {
        server
            .notify(DELTA, on("s", delta("b", &format!("b{n} "))))
            .notify(DELTA, delta("a", &format!("a{n} ")));
    }
    server
        .notify(COMPLETED, on("s", of_turn("b", "completed")))
        .notify(COMPLETED, of_turn("a", "completed"));
    assert_eq!(text(&mut first).await, "a0 a1 a2 ");
    assert_eq!(text(&mut second).await, "b0 b1 b2 ");
}

/// What belongs to no turn reaches the subscribers, and no turn.
#[tokio::test]
async fn what_belongs_to_no_turn_reaches_no_turn() {
    let (codex, mut server, thread) = stage().await;
    let mut globals = codex.notifications();
    let mut turn = start_turn(&thread, &mut server, "a").await;
    let status = json!({"threadId": "t", "status": {"type": "active", "activeFlags": []}});
    server
        .notify("warning", json!({"threadId": "t", "message": "careful"}))
        .notify("thread/status/changed", status)
        .notify(COMPLETED, of_turn("a", "completed"))
        // A turn that has ended has no handle any more.
        .notify(DELTA, delta("a", "late"));
    assert_eq!(methods(&mut turn).await, [COMPLETED]);
    for method in ["warning", "thread/status/changed", DELTA] {
        let event = within(globals.next()).await.unwrap().unwrap();
        assert_eq!(event.method(), method);
    }
}

/// A start that fails leaves nothing of what came early.
#[tokio::test]
async fn a_failed_start_lets_go_of_early_events() {
    let (codex, mut server, thread) = stage().await;
    let mut globals = codex.notifications();
    let (starting, call) = begin_turn(&thread, &mut server).await;
    server
        .notify(DELTA, delta("a", "x"))
        .notify(COMPLETED, of_turn("a", "completed"));
    call.error(-32600, "no");
    assert!(joined(starting).await.unwrap_err().rpc().is_some());
    for method in [DELTA, COMPLETED] {
        let event = within(globals.next()).await.unwrap().unwrap();
        assert_eq!(event.method(), method);
    }
    // The same id again is another turn.
    let mut turn = start_turn(&thread, &mut server, "a").await;
    server.notify(COMPLETED, of_turn("a", "completed"));
    assert_eq!(methods(&mut turn).await, [COMPLETED]);
}

/// Starts of one thread take turns, and one that gives up while it waits has sent nothing.
#[tokio::test]
async fn a_start_that_gives_up_while_it_waits_sends_nothing() {
    let (codex, mut server, thread) = stage().await;
    let (first, call) = begin_turn(&thread, &mut server).await;
    let queued = spawn({
        let start = thread.turn("never");
        async move { start.await }
    });
    let other = start_thread(&codex, &mut server, "s").await;
    // Another thread does not wait; by then the queued start has had its chance.
    start_turn(&other, &mut server, "b").await.detach();
    queued.abort();
    assert!(within(queued).await.unwrap_err().is_cancelled());
    call.reply(turn_started("a"));
    joined(first).await.unwrap().detach();
    still_works(&codex, &mut server).await;
    let starts = server.received_methods();
    assert_eq!(
        starts
            .iter()
            .filter(|method| *method == "turn/start")
            .count(),
        2
    );
}

/// A turn that nobody reads delays no other, and loses nothing.
#[tokio::test]
async fn a_turn_that_is_not_read_delays_nobody() {
    const DELTAS: usize = 10_000;
    let (codex, mut server) = connect().await;
    let one = start_thread(&codex, &mut server, "t").await;
    let two = start_thread(&codex, &mut server, "s").await;
    let mut unread = start_turn(&one, &mut server, "a").await;
    let mut read = start_turn(&two, &mut server, "b").await;
    for _ in 0..DELTAS {
        server.notify(DELTA, delta("a", "x"));
    }
    server
        .notify(COMPLETED, on("s", of_turn("b", "completed")))
        .notify("item/completed", crate::peer::message("a", "done"))
        .notify(COMPLETED, of_turn("a", "completed"));
    assert_eq!(methods(&mut read).await, [COMPLETED]);
    still_works(&codex, &mut server).await;
    assert_eq!(text(&mut unread).await.len(), DELTAS);
    assert_eq!(within(unread.run()).await.unwrap().text(), "done");
}

/// Five hundred streams at once on one thread of execution.
#[tokio::test]
async fn five_hundred_streams_share_one_thread() {
    const TURNS: usize = 500;
    let (codex, mut server) = connect().await;
    let mut readers = Vec::new();
    for n in 0..TURNS {
        let thread = start_thread(&codex, &mut server, &format!("t{n}")).await;
        let mut turn = start_turn(&thread, &mut server, &format!("u{n}")).await;
        readers.push(tokio::spawn(async move { text(&mut turn).await }));
    }
    for n in 0..TURNS {
        let (thread, turn) = (format!("t{n}"), format!("u{n}"));
        server
            .notify(DELTA, on(&thread, delta(&turn, &turn)))
            .notify(COMPLETED, on(&thread, of_turn(&turn, "completed")));
    }
    for (n, reader) in readers.into_iter().enumerate() {
        assert_eq!(within(reader).await.unwrap(), format!("u{n}"));
    }
}

/// One after the other, and none leaves anything behind.
#[tokio::test]
async fn five_hundred_turns_follow_each_other() {
    let (codex, mut server, thread) = stage().await;
    let mut globals = codex.notifications();
    for n in 0..500 {
        let id = format!("u{n}");
        let (starting, call) = begin_turn(&thread, &mut server).await;
        call.reply(turn_started(&id));
        let turn = joined(starting).await.unwrap();
        say(&mut server, &id, "fine");
        let result = within(turn.run()).await.unwrap();
        assert_eq!(
            (result.id, result.final_response),
            (id, Some("fine".into()))
        );
    }
    server.notify("nobody/knows", json!({}));
    let event = within(globals.next()).await.unwrap().unwrap();
    assert_eq!(event.method(), "nobody/knows");
    still_works(&codex, &mut server).await;
}

/// The end of the connection reaches everybody who waits and everybody who comes, within a second
/// and with the same words.
#[tokio::test]
async fn the_end_of_the_connection_reaches_everybody() {
    let config = CodexConfig::new().request_timeout(None).max_in_flight(3);
    let (codex, mut server, thread) = crate::peer::stage_with(config).await;
    let mut turn = start_turn(&thread, &mut server, "a").await;
    let mut joined_turn = thread.join_turn("a");
    let mut globals = codex.notifications();
    let logging_in = spawn({
        let codex = codex.clone();
        async move { codex.login_chatgpt().await }
    });
    let call = server.expect("account/login/start").await.unwrap();
    call.reply(json!({"type": "chatgpt", "loginId": "l", "authUrl": "http://127.0.0.1"}));
    let login = joined(logging_in).await.unwrap();
    let steering = spawn({
        let control = turn.control();
        async move { control.steer("x").await }
    });
    let interrupting = spawn({
        let control = turn.control();
        async move { control.interrupt().await }
    });
    let mut waiting = Vec::new();
    for _ in 0..5 {
        let codex = codex.clone();
        waiting.push(spawn(
            async move { codex.request_raw("x/y", json!({})).await },
        ));
    }
    for _ in 0..3 {
        server.expect("x/y").await.unwrap();
    }
    server.close_output();
    let soon = Duration::from_secs(1);
    let texts = tokio::time::timeout(soon, async {
        let mut texts = Vec::new();
        for waiting in waiting {
            texts.push(joined(waiting).await.unwrap_err().to_string());
        }
        texts.push(joined(steering).await.unwrap_err().to_string());
        texts.push(joined(interrupting).await.unwrap_err().to_string());
        texts.push(login.wait().await.unwrap_err().to_string());
        for turn in [&mut turn, &mut joined_turn] {
            texts.push(turn.next().await.unwrap().unwrap_err().to_string());
            assert!(turn.next().await.is_none());
        }
        texts.push(globals.next().await.unwrap().unwrap_err().to_string());
        texts.push(thread.run("x").await.unwrap_err().to_string());
        texts.push(
            thread
                .join_turn("b")
                .next()
                .await
                .unwrap()
                .unwrap_err()
                .to_string(),
        );
        texts.push(codex.login_api_key("sk").await.unwrap_err().to_string());
        texts
    });
    let texts = texts.await.expect("somebody was not told");
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:#?}");
    within(codex.close()).await.unwrap();
}

/// The completion of a login that comes before the wait for it is kept, and one without an id is
/// everybody's.
#[tokio::test]
async fn the_completion_of_a_login_waits_for_its_handle() {
    let (codex, mut server) = connect().await;
    let mut globals = codex.notifications();
    let logging_in = spawn({
        let codex = codex.clone();
        async move { codex.login_chatgpt_device_code().await }
    });
    let call = server.expect("account/login/start").await.unwrap();
    let done = |id| json!({"loginId": id, "success": true, "error": null});
    server
        .notify("account/login/completed", done(json!(null)))
        .notify("account/login/completed", done(json!("l")));
    call.reply(json!({
        "type": "chatgptDeviceCode", "loginId": "l", "verificationUrl": "http://127.0.0.1",
        "userCode": "ABCD",
    }));
    let login = joined(logging_in).await.unwrap();
    assert!(within(login.wait()).await.unwrap().success);
    let event = within(globals.next()).await.unwrap().unwrap();
    assert!(matches!(event, Notification::AccountLoginCompleted(done) if done.login_id.is_none()));
}

/// What the testkit has ready made is what the runtime says: all of it is typed.
#[tokio::test]
async fn a_canned_turn_is_a_whole_turn() {
    let (codex, mut server) = connect().await;
    let running = spawn({
        let codex = codex.clone();
        async move {
            let thread = codex.thread_start().await?;
            let mut turn = thread.turn("go").await?;
            let mut methods = Vec::new();
            while let Some(event) = turn.next().await {
                let event = event?;
                assert!(!matches!(event, Notification::Unknown(_)), "{event:?}");
                methods.push(event.method().to_owned());
            }
            Ok((methods, turn.run().await?))
        }
    });
    server.thread_started("t1").await.unwrap();
    server.turn_started("u1").await.unwrap();
    server.text_turn("t1", "u1", "Done.");
    let (methods, result) = joined(running).await.unwrap();
    let canned = codex_testkit::text_turn("t1", "u1", "Done.");
    assert_eq!(
        methods,
        canned.iter().map(|(method, _)| *method).collect::<Vec<_>>()
    );
    assert_eq!((result.text(), &*result.id), ("Done.", "u1"));
    assert_eq!(result.turn_usage().unwrap().total_tokens, 15);
}
