//! A client of a scripted peer: connecting it, starting threads and turns, and what the peer says.
//!
//! The peer is in this process, at the other end of a pipe. The tests of the real runtime include
//! this file too, for faults that no healthy runtime has.

#![allow(
    dead_code,
    reason = "two test programs include this file, and neither uses all of it"
)]

use std::future::Future;

pub(crate) use codex_testkit::within;
use codex_testkit::{Call, ScriptedServer, thread_started, turn_started};
use openai_codex::{Codex, CodexConfig, Notification, Result, Thread, TurnHandle};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

pub(crate) const DELTA: &str = "item/agentMessage/delta";
pub(crate) const COMPLETED: &str = "turn/completed";

/// Waits for the outcome of a call that runs on a task.
pub(crate) async fn joined<T>(task: JoinHandle<Result<T>>) -> Result<T> {
    within(task).await.expect("the task panicked")
}

/// Starts a call on a task, for the peer to answer meanwhile.
pub(crate) fn spawn<T, F>(call: F) -> JoinHandle<F::Output>
where
    F: Future<Output = Result<T>> + Send + 'static,
    T: Send + 'static,
{
    tokio::spawn(call)
}

/// Connects a client to a scripted peer, through the handshake.
pub(crate) async fn connect_with(config: CodexConfig) -> (Codex, ScriptedServer) {
    let (server, read, write) = ScriptedServer::pipe();
    greet(config, server, read, write).await
}

pub(crate) async fn connect() -> (Codex, ScriptedServer) {
    connect_with(CodexConfig::new()).await
}

/// Connects a client to a peer that says that it is a runtime of this version.
pub(crate) async fn connect_to_version(version: &str) -> (Codex, ScriptedServer) {
    connect_to_version_with(version, CodexConfig::new()).await
}

pub(crate) async fn connect_to_version_with(
    version: &str,
    config: CodexConfig,
) -> (Codex, ScriptedServer) {
    let (mut server, read, write) = ScriptedServer::pipe();
    server.version(version);
    greet(config, server, read, write).await
}

async fn greet(
    config: CodexConfig,
    mut server: ScriptedServer,
    read: tokio::io::DuplexStream,
    write: tokio::io::DuplexStream,
) -> (Codex, ScriptedServer) {
    let both = async { tokio::join!(Codex::connect(config, read, write), server.handshake()) };
    let (codex, greeted) = within(both).await;
    greeted.unwrap();
    (codex.unwrap(), server)
}

/// Connects a client to a scripted peer, and starts a thread.
pub(crate) async fn stage() -> (Codex, ScriptedServer, Thread) {
    stage_with(CodexConfig::new()).await
}

pub(crate) async fn stage_with(config: CodexConfig) -> (Codex, ScriptedServer, Thread) {
    let (codex, mut server) = connect_with(config).await;
    let thread = start_thread(&codex, &mut server, "t").await;
    (codex, server, thread)
}

pub(crate) async fn start_thread(codex: &Codex, server: &mut ScriptedServer, id: &str) -> Thread {
    let start = codex.thread_start();
    let starting = spawn(async move { start.await });
    server.thread_started(id).await.unwrap();
    joined(starting).await.unwrap()
}

/// Starts a turn; the peer has answered the request and said no more.
pub(crate) async fn start_turn(
    thread: &Thread,
    server: &mut ScriptedServer,
    id: &str,
) -> TurnHandle {
    let (starting, call) = begin_turn(thread, server).await;
    call.reply(turn_started(id));
    joined(starting).await.unwrap()
}

/// Sends the request of a turn; the peer has not answered it.
pub(crate) async fn begin_turn(
    thread: &Thread,
    server: &mut ScriptedServer,
) -> (JoinHandle<Result<TurnHandle>>, Call) {
    let start = thread.turn("go");
    let starting = spawn(async move { start.await });
    (starting, server.expect("turn/start").await.unwrap())
}

/// A whole thread, as the runtime describes it.
pub(crate) fn a_thread(id: &str) -> Value {
    thread_started(id)["thread"].take()
}

pub(crate) fn a_turn(id: &str, status: &str) -> Value {
    let mut turn = turn_started(id)["turn"].take();
    turn["status"] = json!(status);
    turn
}

/// The params of `turn/started` and `turn/completed`, on thread `t`.
pub(crate) fn of_turn(id: &str, status: &str) -> Value {
    json!({"threadId": "t", "turn": a_turn(id, status)})
}

/// The params of a delta of item `i` on thread `t`.
pub(crate) fn delta(turn: &str, text: &str) -> Value {
    json!({"threadId": "t", "turnId": turn, "itemId": "i", "delta": text})
}

/// The params of `item/completed` for a message of the agent, on thread `t`.
pub(crate) fn message(turn: &str, text: &str) -> Value {
    let item = json!({"type": "agentMessage", "id": "i", "text": text});
    json!({"threadId": "t", "turnId": turn, "item": item, "completedAtMs": 1})
}

/// Says what a whole turn says: that it runs, a message, its end.
pub(crate) fn say(server: &mut ScriptedServer, turn: &str, text: &str) {
    server
        .notify("turn/started", of_turn(turn, "inProgress"))
        .notify("item/completed", message(turn, text))
        .notify(COMPLETED, of_turn(turn, "completed"));
}

/// Reads a turn to its end: methods, and errors by their text.
pub(crate) async fn methods(turn: &mut TurnHandle) -> Vec<String> {
    let mut methods = Vec::new();
    while let Some(event) = within(turn.next()).await {
        methods.push(match event {
            Ok(event) => event.method().to_owned(),
            Err(error) => error.to_string(),
        });
    }
    methods
}

/// Reads the text of a turn's deltas to its end.
pub(crate) async fn text(turn: &mut TurnHandle) -> String {
    let mut text = String::new();
    while let Some(event) = within(turn.next()).await {
        if let Notification::ItemAgentMessageDelta(delta) = event.unwrap() {
            text.push_str(&delta.delta);
        }
    }
    text
}

/// Checks that requests are still answered, and that nothing unexpected was sent before.
pub(crate) async fn still_works(codex: &Codex, server: &mut ScriptedServer) {
    let asking = spawn({
        let codex = codex.clone();
        async move { codex.request_raw("still/works", json!({})).await }
    });
    let call = within(server.find("still/works")).await.unwrap();
    call.reply(json!({"ok": true}));
    assert_eq!(joined(asking).await.unwrap(), json!({"ok": true}));
}
