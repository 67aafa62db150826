//! Turns against a scripted runtime.

#![allow(clippy::disallowed_methods, reason = "tests may spawn")]

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use codex_testkit::{ScriptedServer, within};
use codex_types::{TurnStartParams, UserInput};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::client::Codex;
use crate::connection::{Cut, TurnEvents};
use crate::error::{Result, RpcErrorKind};
use crate::event::Notification;
use crate::router::Joining;
use crate::{CodexConfig, RetryPolicy};

async fn connect_with(config: CodexConfig) -> (Codex, ScriptedServer) {
    let (mut server, read, write) = ScriptedServer::pipe();
    let (codex, greeted) =
        within(async { tokio::join!(Codex::connect(config, read, write), server.handshake()) })
            .await;
    greeted.unwrap();
    (codex.unwrap(), server)
}

async fn connect() -> (Codex, ScriptedServer) {
    connect_with(CodexConfig::new()).await
}

fn start(codex: &Codex, thread: &str) -> JoinHandle<Result<TurnEvents>> {
    let codex = codex.clone();
    let params = TurnStartParams::new(vec![UserInput::text("go")], thread);
    tokio::spawn(async move { codex.start_turn(&params, Joining::Allowed).await })
}

fn turn(id: &str, status: &str) -> Value {
    json!({"turn": {"id": id, "items": [], "status": status, "error": null}})
}

fn of(thread: &str, mut turn: Value) -> Value {
    turn["threadId"] = json!(thread);
    turn
}

fn delta(thread: &str, turn: &str, text: &str) -> Value {
    json!({"threadId": thread, "turnId": turn, "itemId": "i", "delta": text})
}

const DELTA: &str = "item/agentMessage/delta";

async fn methods(mut events: TurnEvents) -> Vec<String> {
    let mut methods = Vec::new();
    while let Some(event) = within(events.next()).await {
        methods.push(match event {
            Ok(event) => event.method().to_owned(),
            Err(cut) => format!("{cut:?}"),
        });
    }
    methods
}

#[tokio::test]
async fn an_undecodable_completion_ends_the_turn_and_a_closed_pipe_is_told_once() {
    let (codex, mut server) = connect().await;
    for undecodable in [true, false] {
        let task = start(&codex, "t");
        server
            .expect("turn/start")
            .await
            .unwrap()
            .reply(turn("a", "inProgress"));
        let mut events = within(task).await.unwrap().unwrap();
        server.notify(DELTA, delta("t", "a", "x"));
        if undecodable {
            let params = json!({"threadId": "t", "turn": {"id": "a", "items": 5}});
            server.notify("turn/completed", params);
        } else {
            server.close_output();
        }
        assert!(within(events.next()).await.unwrap().is_ok());
        let last = within(events.next()).await.unwrap();
        match last {
            Ok(Notification::Unknown(unknown)) => assert!(undecodable && unknown.error.is_some()),
            Err(Cut::Closed(_)) => assert!(!undecodable),
            other => panic!("{other:?}"),
        }
        assert!(within(events.next()).await.is_none());
        assert!(within(events.next()).await.is_none());
    }
}

#[tokio::test]
async fn a_queued_start_that_is_dropped_sends_nothing() {
    let (codex, mut server) = connect().await;
    let first = start(&codex, "t");
    let call = server.expect("turn/start").await.unwrap();
    let queued = start(&codex, "t");
    tokio::task::yield_now().await;
    queued.abort();
    assert!(within(queued).await.unwrap_err().is_cancelled());
    call.reply(turn("a", "inProgress"));
    let _first = within(first).await.unwrap().unwrap();
    let third = start(&codex, "t");
    server
        .expect("turn/start")
        .await
        .unwrap()
        .reply(turn("a", "inProgress"));
    within(third).await.unwrap().unwrap();
    let starts = server.received_methods();
    assert_eq!(
        starts
            .iter()
            .filter(|method| *method == "turn/start")
            .count(),
        2
    );
}

#[tokio::test]
async fn dropping_a_handle_interrupts_its_turn_once_it_runs() {
    let (codex, mut server) = connect().await;
    let task = start(&codex, "t");
    server
        .expect("turn/start")
        .await
        .unwrap()
        .reply(turn("a", "inProgress"));
    drop(within(task).await.unwrap().unwrap());
    server.notify("turn/started", of("t", turn("a", "inProgress")));
    let call = server.expect("turn/interrupt").await.unwrap();
    assert_eq!(call.params(), &json!({"threadId": "t", "turnId": "a"}));
    call.reply(json!({}));
    within(codex.close()).await.unwrap();
}

#[tokio::test]
async fn dropping_a_start_interrupts_what_it_started() {
    let (codex, mut server) = connect().await;
    let task = start(&codex, "t");
    let call = server.expect("turn/start").await.unwrap();
    task.abort();
    assert!(within(task).await.unwrap_err().is_cancelled());
    call.reply(turn("a", "inProgress"));
    server.notify("turn/started", of("t", turn("a", "inProgress")));
    server.expect("turn/interrupt").await.unwrap();
    drop(codex);
    server.closed().await.unwrap();
}

#[tokio::test]
async fn a_detached_or_joined_turn_goes_on() {
    let (codex, mut server) = connect().await;
    let task = start(&codex, "t");
    server
        .expect("turn/start")
        .await
        .unwrap()
        .reply(turn("a", "inProgress"));
    server.notify("turn/started", of("t", turn("a", "inProgress")));
    let mut started = within(task).await.unwrap().unwrap();
    assert_eq!(
        within(started.next()).await.unwrap().unwrap().method(),
        "turn/started"
    );
    drop(codex.connection().join("t", "a").0);
    started.detach();
    drop(codex);
    server.closed().await.unwrap();
    assert!(
        !server
            .received_methods()
            .contains(&"turn/interrupt".to_owned())
    );
}

#[tokio::test]
async fn an_interrupt_waits_until_the_turn_runs() {
    let (codex, mut server) = connect().await;
    let task = start(&codex, "t");
    server
        .expect("turn/start")
        .await
        .unwrap()
        .reply(turn("a", "inProgress"));
    let started = within(task).await.unwrap().unwrap();
    let interrupt = tokio::spawn({
        let codex = codex.clone();
        async move { codex.interrupt_turn("t", "a").await }
    });
    tokio::task::yield_now().await;
    server.notify("turn/started", of("t", turn("a", "inProgress")));
    // The runtime may still be a moment from where it can be interrupted.
    server
        .expect("turn/interrupt")
        .await
        .unwrap()
        .error(-32600, "no active turn to interrupt");
    server
        .expect("turn/interrupt")
        .await
        .unwrap()
        .reply(json!({}));
    within(interrupt).await.unwrap().unwrap();
    server.notify("turn/completed", of("t", turn("a", "interrupted")));
    assert_eq!(methods(started).await, ["turn/started", "turn/completed"]);

    // A turn that is over counts as interrupted.
    let interrupt = tokio::spawn(async move { codex.interrupt_turn("t", "a").await });
    server
        .expect("turn/interrupt")
        .await
        .unwrap()
        .error(-32600, "no active turn to interrupt");
    within(interrupt).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_start_is_repeated_only_when_it_was_not_taken() {
    let quick = RetryPolicy::new().initial_delay(Duration::from_millis(1));
    let (codex, mut server) = connect_with(CodexConfig::new().retry(quick)).await;
    let task = start(&codex, "t");
    let call = server.expect("turn/start").await.unwrap();
    call.error(-32001, "Server overloaded; retry later.");
    server
        .expect("turn/start")
        .await
        .unwrap()
        .error(-32603, "failed to submit turn input");
    let error = within(task).await.unwrap().unwrap_err();
    assert_eq!(
        error.rpc().map(|error| error.kind()),
        Some(RpcErrorKind::Internal)
    );
}

#[tokio::test]
async fn a_start_dropped_at_any_point_leaves_nothing() {
    // Polls once more in each round, then drops.
    for polls in 0..6 {
        let (codex, mut server) = connect().await;
        let params = TurnStartParams::new(vec![UserInput::text("go")], "t");
        let mut future = Box::pin(codex.start_turn(&params, Joining::Allowed));
        for _ in 0..polls {
            let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
            if polled {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(future);
        if polls > 0 {
            let call = server.expect("turn/start").await.unwrap();
            server.notify("turn/started", of("t", turn("a", "inProgress")));
            call.reply(turn("a", "inProgress"));
            server
                .expect("turn/interrupt")
                .await
                .unwrap()
                .reply(json!({}));
            server.notify("turn/completed", of("t", turn("a", "interrupted")));
        }
        server.always("x/y", json!({}));
        let (reply, _) = within(async {
            tokio::join!(codex.request_raw("x/y", json!({})), async {
                let end = server.expect("nothing");
                tokio::time::timeout(Duration::from_millis(20), end).await
            })
        })
        .await;
        reply.unwrap();
        assert!(codex.connection().is_idle(), "after {polls} polls");
    }
}
