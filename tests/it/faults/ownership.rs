//! Ownership: where handles may be held, dropped and closed.

use std::time::{Duration, Instant};

use codex_testkit::{Script, ScriptedServer};
use openai_codex::{Codex, CodexConfig, blocking};
use serde_json::json;

use super::{runs, scripted};
use crate::peer::{
    COMPLETED, connect, joined, of_turn, spawn, stage, start_turn, still_works, within,
};

/// Its handle, its controls and everything else end with the same reason, and closing again
/// succeeds.
#[tokio::test]
async fn closing_during_a_turn_ends_it() {
    let (codex, mut server, thread) = stage().await;
    let mut turn = start_turn(&thread, &mut server, "a").await;
    let control = turn.control();
    let waiting = spawn(async move { control.interrupt().await });
    let reading = tokio::spawn(async move { turn.next().await });
    let (one, two) = within(async { tokio::join!(codex.close(), codex.close()) }).await;
    one.unwrap();
    two.unwrap();
    assert!(
        within(reading)
            .await
            .unwrap()
            .unwrap()
            .unwrap_err()
            .is_closed()
    );
    assert!(joined(waiting).await.unwrap_err().is_closed());
    assert!(within(thread.run("x")).await.unwrap_err().is_closed());
    within(codex.close()).await.unwrap();
}

/// Of clients, threads, turns, controls and subscriptions, in any order, none of which takes the
/// others along.
#[tokio::test]
async fn dropped_handles_take_nothing_along() {
    let (codex, mut server, thread) = stage().await;
    drop(codex.clone());
    drop(thread.clone());
    drop(codex.notifications());
    let turn = start_turn(&thread, &mut server, "a").await;
    drop(turn.control());
    drop(thread.join_turn("a"));
    drop(thread.join_turn("never heard of"));
    drop(thread.turn("never sent"));
    still_works(&codex, &mut server).await;
    assert!(
        !server
            .received_methods()
            .iter()
            .any(|method| method == "turn/interrupt")
    );
    // The turn alone keeps the client.
    drop(codex);
    drop(thread);
    server
        .notify("turn/started", of_turn("a", "inProgress"))
        .notify(COMPLETED, of_turn("a", "completed"));
    within(turn.run()).await.unwrap();
    server.closed().await.unwrap();
}

/// Of a thousand turns that run, all are interrupted, once each.
#[tokio::test]
async fn a_thousand_dropped_turns_are_interrupted_once_each() {
    const TURNS: usize = 1000;
    let (codex, mut server) = connect().await;
    server.always("turn/interrupt", json!({}));
    let mut turns = Vec::new();
    for n in 0..TURNS {
        let thread = crate::peer::start_thread(&codex, &mut server, &format!("t{n}")).await;
        let turn = start_turn(&thread, &mut server, &format!("u{n}")).await;
        let mut started = of_turn(turn.id(), "inProgress");
        started["threadId"] = json!(turn.thread_id());
        server.notify("turn/started", started);
        turns.push(turn);
    }
    still_works(&codex, &mut server).await;
    drop(turns);
    let interrupted = |server: &ScriptedServer| {
        let methods = server.received_methods();
        methods
            .iter()
            .filter(|method| *method == "turn/interrupt")
            .count()
    };
    within(async {
        while interrupted(&server) < TURNS {
            still_works(&codex, &mut server).await;
        }
    })
    .await;
    still_works(&codex, &mut server).await;
    assert_eq!(interrupted(&server), TURNS);
}

/// Everything can be dropped where no async code runs, and the process ends.
#[test]
fn everything_can_be_dropped_outside_of_async_code() {
    let script = Script::new()
        .handshake()
        .thread_started("t")
        .turn_started("a")
        .closed();
    let (process, config) = scripted(&script);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (codex, thread, turn, notifications) = runtime.block_on(async {
        let codex = within(Codex::start_with(config)).await.unwrap();
        let thread = within(codex.thread_start().into_future()).await.unwrap();
        let turn = within(thread.turn("go").into_future()).await.unwrap();
        let notifications = codex.notifications();
        (codex, thread, turn, notifications)
    });
    let before = Instant::now();
    drop(turn);
    drop(notifications);
    drop(thread);
    drop(codex);
    assert!(before.elapsed() < Duration::from_secs(1), "dropping blocks");
    let pid = process.starts()[0].pid;
    while runs(pid) {
        assert!(before.elapsed() < Duration::from_secs(10), "it still runs");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// It panics with a text that says what to do, and never hangs; dropping is fine.
#[tokio::test]
async fn blocking_in_async_code_panics_with_advice() {
    let panic_text = |act: Box<dyn FnOnce() + Send>| {
        let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act)).unwrap_err();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or_default()
            .to_owned()
    };
    let (_process, config) = scripted(&Script::new().handshake().closed());
    let start = config.clone();
    let text = panic_text(Box::new(move || drop(blocking::Codex::start_with(start))));
    assert!(text.contains("runtime") || text.contains("async"), "{text}");
    let made = tokio::task::spawn_blocking(move || blocking::Codex::start_with(config));
    let codex = within(made).await.unwrap().unwrap();
    let clone = codex.clone();
    let text = panic_text(Box::new(move || drop(clone.request_raw("x/y", json!({})))));
    assert!(text.contains("runtime") || text.contains("async"), "{text}");
    let clone = codex.clone();
    let text = panic_text(Box::new(move || drop(clone.close())));
    assert!(text.contains("runtime") || text.contains("async"), "{text}");
    drop(codex);
}

/// What happens to one does not happen to the other.
#[tokio::test]
async fn two_clients_do_not_touch_each_other() {
    let (_one, first) = scripted(&Script::new().handshake().closed());
    let script = Script::new()
        .handshake()
        .expect("x/y")
        .reply(json!({"n": 2}))
        .closed();
    let (_two, second) = scripted(&script);
    let (first, second) =
        within(async { tokio::join!(Codex::start_with(first), Codex::start_with(second)) }).await;
    let (first, second) = (first.unwrap(), second.unwrap());
    within(first.close()).await.unwrap();
    let answer = within(second.request_raw("x/y", json!({}))).await.unwrap();
    assert_eq!(answer, json!({"n": 2}));
    assert!(
        within(first.request_raw("x/y", json!({})))
            .await
            .unwrap_err()
            .is_closed()
    );
    within(second.close()).await.unwrap();
}

/// A client outlives the async runtime that drove it without hanging anybody, and its process does
/// not.
#[test]
fn a_runtime_that_goes_away_takes_the_process_along() {
    let (process, config) = scripted(&Script::new().handshake().ignore_closing().hold("never"));
    let start = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let runtime = start();
    let codex = runtime.block_on(within(Codex::start_with(config))).unwrap();
    drop(runtime);
    let error = start()
        .block_on(within(codex.request_raw("x/y", json!({}))))
        .unwrap_err();
    assert!(error.is_closed(), "{error:?}");
    start().block_on(within(codex.close())).unwrap();
    let before = Instant::now();
    while runs(process.starts()[0].pid) {
        assert!(before.elapsed() < Duration::from_secs(10), "it still runs");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Nonsense settings hang nobody.
#[tokio::test]
async fn odd_limits_are_survived() {
    for config in [
        CodexConfig::new().max_in_flight(0),
        CodexConfig::new().max_in_flight(usize::MAX),
        CodexConfig::new().request_timeout(None),
        CodexConfig::new().request_timeout(Some(Duration::MAX)),
        CodexConfig::new().max_line_bytes(usize::MAX),
    ] {
        let (codex, mut server) = crate::peer::connect_with(config).await;
        still_works(&codex, &mut server).await;
        within(codex.close()).await.unwrap();
    }
}
