//! Processes that end at the wrong moment, or do not end at all.
#![cfg(unix)]

use std::time::{Duration, Instant};

use codex_testkit::{LogEvent, Script};
use openai_codex::{CloseReason, Codex, Error};
use serde_json::json;

use super::{gone, reason, runs, scripted};
use crate::peer::{a_turn, delta, joined, spawn, within};

fn a_thread() -> Script {
    Script::new().handshake().thread_started("t")
}

/// A script whose first turn is under way: one delta was sent.
fn a_turn_under_way() -> Script {
    a_thread()
        .turn_started("a")
        .notify(
            "turn/started",
            json!({"threadId": "t", "turn": a_turn("a", "inProgress")}),
        )
        .notify("item/agentMessage/delta", delta("a", "half a se"))
        .flushed()
}

/// In the middle of a turn, with the events that came before.
#[tokio::test]
async fn an_exit_in_a_turn_is_told_with_status_and_error_output() {
    let script = a_turn_under_way()
        .stderr("thread 'main' panicked at 'oh no'\n")
        .exit(42);
    let (_process, config) = scripted(&script);
    let codex = within(Codex::start_with(config)).await.unwrap();
    let thread = within(codex.thread_start().into_future()).await.unwrap();
    let mut turn = within(thread.turn("go").into_future()).await.unwrap();
    let mut seen = Vec::new();
    let error = loop {
        match within(turn.next()).await.unwrap() {
            Ok(event) => seen.push(event.method().to_owned()),
            Err(error) => break error,
        }
    };
    assert_eq!(seen, ["turn/started", "item/agentMessage/delta"]);
    let CloseReason::Exited {
        status,
        stderr_tail,
        ..
    } = reason(&error)
    else {
        panic!("{error:?}");
    };
    assert_eq!(status.and_then(|status| status.code()), Some(42));
    assert!(
        stderr_tail.ends_with("panicked at 'oh no'"),
        "{stderr_tail}"
    );
    assert!(error.to_string().contains("panicked at 'oh no'"), "{error}");
    // What `run` says of the same end.
    let again = within(turn.run()).await.unwrap_err();
    assert_eq!(again.to_string(), error.to_string());
    within(codex.close()).await.unwrap();
}

/// After the exit every call fails at once and the same way, also the builders', and closing
/// succeeds.
#[tokio::test]
async fn after_an_exit_every_call_fails_at_once() {
    let (_process, config) = scripted(&a_thread().exit(7));
    let codex = within(Codex::start_with(config)).await.unwrap();
    let thread = within(codex.thread_start().into_future()).await.unwrap();
    let ended = within(codex.closed()).await;
    let first = within(thread.run("x")).await.unwrap_err();
    assert!(std::ptr::eq(reason(&first), &*ended), "{ended:?}");
    let before = Instant::now();
    let errors = [
        thread.run("x").await.unwrap_err(),
        thread.read().await.unwrap_err(),
        codex.thread_start().await.unwrap_err(),
        codex.models().await.unwrap_err(),
        codex.account().await.unwrap_err(),
        codex.request_raw("x/y", json!({})).await.unwrap_err(),
        thread.join_turn("a").interrupt().await.unwrap_err(),
        thread.join_turn("a").steer("x").await.unwrap_err(),
        codex.approvals().unwrap_err(),
    ];
    assert!(before.elapsed() < Duration::from_millis(500));
    for error in errors {
        assert_eq!(error.to_string(), first.to_string());
    }
    within(codex.close()).await.unwrap();
}

/// In the middle of a turn; the process does not outlive the client.
#[tokio::test]
async fn a_runtime_that_goes_silent_for_good_is_ended() {
    let script = a_turn_under_way()
        .ignore_closing()
        .close_output()
        .hold("never");
    let (process, config) = scripted(&script);
    let codex = within(Codex::start_with(config)).await.unwrap();
    let thread = within(codex.thread_start().into_future()).await.unwrap();
    let turn = within(thread.turn("go").into_future()).await.unwrap();
    let error = within(turn.run()).await.unwrap_err();
    assert!(
        matches!(reason(&error), CloseReason::Exited { status: None, .. }),
        "{error:?}"
    );
    let before = Instant::now();
    assert!(
        within(codex.request_raw("x/y", json!({})))
            .await
            .unwrap_err()
            .is_closed()
    );
    assert!(before.elapsed() < Duration::from_millis(100));
    within(codex.close()).await.unwrap();
    assert!(!runs(process.starts()[0].pid));
}

/// Requests time out, however much is sent, and closing ends it.
#[tokio::test]
async fn a_runtime_that_stops_reading_holds_nobody_up() {
    let script = a_thread().stop_reading().ignore_closing().hold("never");
    let (process, config) = scripted(&script);
    let config = config.request_timeout(Some(Duration::from_millis(200)));
    let codex = within(Codex::start_with(config)).await.unwrap();
    let thread = within(codex.thread_start().into_future()).await.unwrap();
    within(process.reached("never")).await.unwrap();
    // More than the pipe holds.
    let big = json!({"text": "x".repeat(4 * 1024 * 1024)});
    for _ in 0..2 {
        let error = within(codex.request_raw("x/y", big.clone()))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    }
    let error = within(thread.run("x")).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    let before = Instant::now();
    within(codex.close()).await.unwrap();
    assert!(before.elapsed() < Duration::from_secs(8));
    assert!(!runs(process.starts()[0].pid));
}

/// , "leaves grandchildren": closing ends it and what it has started, and waits for that.
#[tokio::test]
async fn a_stubborn_runtime_and_its_children_end_with_close() {
    let script = a_turn_under_way()
        .ignore_closing()
        .ignore_signals()
        .leave_a_child(Duration::from_secs(100))
        .hold("never");
    let (process, config) = scripted(&script);
    let codex = within(Codex::start_with(config)).await.unwrap();
    let thread = within(codex.thread_start().into_future()).await.unwrap();
    let turn = within(thread.turn("go").into_future()).await.unwrap();
    let running = spawn(turn.run());
    within(process.reached("never")).await.unwrap();
    let pids = pids(&process);
    assert_eq!(pids.len(), 2);
    assert!(pids.iter().all(|pid| runs(*pid)));
    let before = Instant::now();
    within(codex.close()).await.unwrap();
    assert!(before.elapsed() < Duration::from_secs(8));
    assert!(joined(running).await.unwrap_err().is_closed());
    assert!(!runs(pids[0]));
    gone(pids[1]).await;
    let told = |event: &LogEvent| matches!(event, LogEvent::Closed | LogEvent::Signaled { .. });
    let told: Vec<_> = process
        .log()
        .into_iter()
        .filter(|line| told(&line.event))
        .collect();
    assert_eq!(told.len(), 2, "it was asked in kindness first: {told:?}");
}

/// Dropping the client does the same in the background.
#[tokio::test]
async fn a_runtime_and_its_children_end_with_the_last_handle() {
    let script = a_turn_under_way()
        .leave_a_child(Duration::from_secs(100))
        .hold("never");
    let (process, config) = scripted(&script);
    let codex = within(Codex::start_with(config)).await.unwrap();
    let thread = within(codex.thread_start().into_future()).await.unwrap();
    let turn = within(thread.turn("go").into_future()).await.unwrap();
    within(process.reached("never")).await.unwrap();
    let pids = pids(&process);
    drop(codex);
    drop(thread);
    // A handle still needs the runtime.
    assert!(pids.iter().all(|pid| runs(*pid)));
    drop(turn);
    for pid in pids {
        gone(pid).await;
    }
}

/// Ten megabytes of it, in the middle of a turn.
#[tokio::test]
async fn a_flood_of_error_output_does_not_stop_a_turn() {
    let line = format!("{}\n", "noise ".repeat(100));
    let flood = Script::new().stderr(line.repeat(100));
    let script = a_turn_under_way()
        .repeat(170, flood)
        .notify(
            "turn/completed",
            json!({"threadId": "t", "turn": a_turn("a", "completed")}),
        )
        .closed();
    let (_process, config) = scripted(&script);
    let codex = within(Codex::start_with(config)).await.unwrap();
    let thread = within(codex.thread_start().into_future()).await.unwrap();
    within(thread.run("go")).await.unwrap();
    within(codex.close()).await.unwrap();
}

/// A start that fails leaves no process, and the next one can succeed.
#[tokio::test]
async fn a_start_that_fails_can_be_repeated() {
    let bad = Script::new()
        .expect("initialize")
        .reply(json!({}))
        .hold("never");
    let good = Script::new().handshake().closed();
    let executable = env!("CARGO_BIN_EXE_scripted-app-server");
    let process = codex_testkit::ScriptedProcess::with_runs(executable, &[bad, good]).unwrap();
    let config = openai_codex::CodexConfig::new().codex_bin(process.program());
    let error = within(Codex::start_with(config.clone())).await.unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    assert!(!runs(process.starts()[0].pid));
    let codex = within(Codex::start_with(config)).await.unwrap();
    within(codex.close()).await.unwrap();
    process.check().unwrap();
}

/// The start is given up in time, and leaves no process.
#[tokio::test]
async fn a_runtime_that_never_greets_is_given_up() {
    let (process, config) = scripted(&Script::new().expect("initialize").hold("never"));
    let config = config.request_timeout(Some(Duration::from_millis(300)));
    let error = within(Codex::start_with(config)).await.unwrap_err();
    assert!(
        matches!(&error, Error::Timeout { method, .. } if method == "initialize"),
        "{error:?}"
    );
    assert!(!runs(process.starts()[0].pid));
}

/// The scripted process and the one that it left.
fn pids(process: &codex_testkit::ScriptedProcess) -> Vec<u32> {
    let pids = process
        .log()
        .into_iter()
        .filter_map(|line| match line.event {
            LogEvent::Started(start) => Some(start.pid),
            LogEvent::LeftChild { pid } => Some(pid),
            _ => None,
        });
    pids.collect()
}
