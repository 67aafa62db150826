//! Answers that come late, twice, out of order, or never.

use std::time::{Duration, Instant};

use codex_testkit::turn_started;
use futures_util::future::join_all;
use openai_codex::{CodexConfig, Error};
use serde_json::json;

use crate::peer::{
    COMPLETED, DELTA, begin_turn, connect, delta, joined, methods, of_turn, say, spawn, stage,
    stage_with, start_turn, still_works, text, within,
};

const SOON: Duration = Duration::from_millis(100);

fn impatient() -> CodexConfig {
    CodexConfig::new().request_timeout(Some(SOON))
}

fn timed_out(error: &Error, of: &str) {
    assert!(
        matches!(error, Error::Timeout { method, .. } if method == of),
        "{error:?}"
    );
}

/// A start that is not answered is given up; the turn that it turns out to have started is
/// interrupted, and the thread is free.
#[tokio::test]
async fn a_turn_start_that_is_answered_late_is_interrupted() {
    let (codex, mut server, thread) = stage_with(impatient()).await;
    let (starting, call) = begin_turn(&thread, &mut server).await;
    timed_out(&joined(starting).await.unwrap_err(), "turn/start");
    call.reply(turn_started("late"));
    server.notify("turn/started", of_turn("late", "inProgress"));
    let interrupt = within(server.expect("turn/interrupt")).await.unwrap();
    assert_eq!(
        interrupt.params(),
        &json!({"threadId": "t", "turnId": "late"})
    );
    interrupt.reply(json!({}));
    server.notify(COMPLETED, of_turn("late", "interrupted"));
    let turn = start_turn(&thread, &mut server, "a").await;
    let running = spawn(turn.run());
    say(&mut server, "a", "fine");
    assert_eq!(joined(running).await.unwrap().text(), "fine");
    still_works(&codex, &mut server).await;
}

/// A turn has no deadline, but whoever waits for it can give up, and steering and interrupting one
/// that never runs end in time.
#[tokio::test]
async fn a_turn_that_never_runs_holds_nobody_up() {
    let (codex, mut server, thread) = stage_with(impatient()).await;
    let mut turn = start_turn(&thread, &mut server, "a").await;
    let before = Instant::now();
    assert!(tokio::time::timeout(SOON, turn.next()).await.is_err());
    let control = turn.control();
    let steering = spawn({
        let control = control.clone();
        async move { control.steer("faster").await }
    });
    let interrupting = spawn(async move { control.interrupt().await });
    // Both are asked anyway, and neither is answered.
    server.find("turn/steer").await.unwrap();
    server.find("turn/interrupt").await.unwrap();
    timed_out(&joined(steering).await.unwrap_err(), "turn/steer");
    timed_out(&joined(interrupting).await.unwrap_err(), "turn/interrupt");
    assert!(before.elapsed() < Duration::from_secs(5));
    still_works(&codex, &mut server).await;
    drop(turn);
}

/// Starts that wait behind one that is not answered get their turn, and other threads do not wait
/// at all.
#[tokio::test]
async fn an_unanswered_start_does_not_block_the_next_one() {
    let (codex, mut server, thread) = stage_with(impatient()).await;
    let (first, _) = begin_turn(&thread, &mut server).await;
    let second = spawn({
        let start = thread.turn("go");
        async move { start.await }
    });
    timed_out(&joined(first).await.unwrap_err(), "turn/start");
    let call = within(server.expect("turn/start")).await.unwrap();
    call.reply(turn_started("a"));
    joined(second).await.unwrap().detach();
    still_works(&codex, &mut server).await;
}

/// Nothing is lost, through `run` and through the stream.
#[tokio::test]
async fn what_comes_before_the_response_is_not_lost() {
    let (_codex, mut server, thread) = stage().await;
    for streamed in [false, true] {
        let (starting, call) = begin_turn(&thread, &mut server).await;
        server
            .notify(DELTA, delta("a", "fi"))
            .notify(DELTA, delta("a", "ne"));
        say(&mut server, "a", "fine");
        call.reply(turn_started("a"));
        let mut turn = joined(starting).await.unwrap();
        if streamed {
            assert_eq!(text(&mut turn).await, "fine");
        }
        assert_eq!(within(turn.run()).await.unwrap().text(), "fine");
    }
}

/// Without a completion, the end of the connection is what the handle reports.
#[tokio::test]
async fn a_connection_that_ends_before_the_response_is_reported() {
    let (_codex, mut server, thread) = stage().await;
    let (starting, call) = begin_turn(&thread, &mut server).await;
    server.notify(DELTA, delta("a", "fi"));
    call.reply(turn_started("a"));
    server.close_output();
    let error = match joined(starting).await {
        Ok(turn) => within(turn.run()).await.unwrap_err(),
        Err(error) => error,
    };
    assert!(error.is_closed(), "{error:?}");
}

/// Each caller gets its own answer.
#[tokio::test]
async fn a_hundred_answers_in_reverse_reach_their_callers() {
    let config = CodexConfig::new().max_in_flight(100);
    let (codex, mut server) = crate::peer::connect_with(config).await;
    let asking = join_all((0..100).map(|n| {
        let codex = codex.clone();
        async move { codex.request_raw("x/y", json!({"n": n})).await }
    }));
    let asking = tokio::spawn(asking);
    let mut calls = Vec::new();
    for _ in 0..100 {
        calls.push(server.expect("x/y").await.unwrap());
    }
    for call in calls.iter().rev() {
        call.reply(call.params().clone());
        // Answered twice: the second one is nobody's.
        call.reply(json!({"n": "again"}));
    }
    for (n, answer) in within(asking).await.unwrap().into_iter().enumerate() {
        assert_eq!(answer.unwrap(), json!({"n": n}));
    }
    still_works(&codex, &mut server).await;
}

/// A stream that waits does not keep other calls waiting.
#[tokio::test]
async fn a_waiting_stream_does_not_block_other_calls() {
    let (codex, mut server, thread) = stage().await;
    let mut turn = start_turn(&thread, &mut server, "a").await;
    let reading = tokio::spawn(async move { methods(&mut turn).await });
    for _ in 0..3 {
        server.notify(DELTA, delta("a", "x"));
        still_works(&codex, &mut server).await;
        assert!(!reading.is_finished());
    }
    server.notify(COMPLETED, of_turn("a", "completed"));
    assert_eq!(within(reading).await.unwrap().len(), 4);
}

/// , the wait for ever: dropping the connect ends it.
#[tokio::test]
async fn a_connect_that_is_given_up_closes_the_pipe() {
    let (mut server, read, write) = codex_testkit::ScriptedServer::pipe();
    let config = CodexConfig::new().request_timeout(None);
    let connecting = spawn(openai_codex::Codex::connect(config, read, write));
    server.expect("initialize").await.unwrap();
    connecting.abort();
    assert!(within(connecting).await.unwrap_err().is_cancelled());
    server.closed().await.unwrap();
}

/// Against a peer that answers nothing any more.
#[tokio::test]
async fn closing_does_not_wait_for_answers() {
    let (codex, mut server) = connect().await;
    let pending = spawn({
        let codex = codex.clone();
        async move { codex.request_raw("x/y", json!({})).await }
    });
    server.expect("x/y").await.unwrap();
    let before = Instant::now();
    within(codex.close()).await.unwrap();
    assert!(before.elapsed() < Duration::from_secs(2));
    assert!(joined(pending).await.unwrap_err().is_closed());
}
