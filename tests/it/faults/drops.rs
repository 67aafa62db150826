//! Futures that are dropped at each of their await points.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use codex_testkit::{Script, ScriptedServer, thread_started, turn_started};
use openai_codex::{Codex, CodexConfig, Thread, TurnHandle};
use serde_json::json;
use tokio::sync::watch;

use super::{gone, scripted};
use crate::peer::{COMPLETED, message, of_turn, start_thread, within};

/// Polls a future at most so many times, each time when it was woken, and drops it; returns its
/// outcome if it came to one.
async fn dropped_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A client, a thread, and a peer that answers.
struct Rig {
    codex: Codex,
    thread: Thread,
    /// How many turns run at the peer.
    running: watch::Receiver<usize>,
}

impl Rig {
    async fn new() -> Self {
        // A permit that is not given back stops everything.
        let config = CodexConfig::new().max_in_flight(1);
        let (codex, mut server) = crate::peer::connect_with(config).await;
        let thread = start_thread(&codex, &mut server, "t").await;
        let (count, running) = watch::channel(0);
        tokio::spawn(serve(server, count));
        Self {
            codex,
            thread,
            running,
        }
    }

    async fn long_turn(&self) -> TurnHandle {
        within(self.thread.turn("long").into_future())
            .await
            .unwrap()
    }

    /// Checks that nothing that was dropped is left, and that everything still works.
    async fn check(mut self, n: usize) {
        let answer = within(self.codex.request_raw("x/y", json!({}))).await;
        assert_eq!(answer.unwrap(), json!({}), "after {n} polls");
        // What is abandoned is interrupted.
        within(self.running.wait_for(|running| *running == 0))
            .await
            .unwrap();
        let result = within(self.thread.run("short")).await.unwrap();
        assert_eq!(result.text(), "fine", "after {n} polls");
        within(self.codex.close()).await.unwrap();
    }
}

/// Answers everything: turns that are to be short end at once, the others when interrupted.
async fn serve(mut server: ScriptedServer, running: watch::Sender<usize>) {
    let mut turns = 0;
    while let Ok(call) = server.next_call().await {
        let input = call.params()["input"][0]["text"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        match (call.method(), &*input) {
            ("thread/start", _) => call.reply(thread_started("t")),
            ("turn/start", kind) => {
                turns += 1;
                let turn = format!("u{turns}");
                running.send_modify(|running| *running += 1);
                call.reply(turn_started(&turn));
                // The client gets a look at each step.
                tokio::task::yield_now().await;
                server.notify("turn/started", of_turn(&turn, "inProgress"));
                if kind == "short" {
                    tokio::task::yield_now().await;
                    server.notify("item/completed", message(&turn, "fine"));
                    tokio::task::yield_now().await;
                    server.notify(COMPLETED, of_turn(&turn, "completed"));
                    running.send_modify(|running| *running -= 1);
                }
            }
            ("turn/interrupt", _) => {
                let turn = call.params()["turnId"].as_str().unwrap().to_owned();
                call.reply(json!({}));
                server.notify(COMPLETED, of_turn(&turn, "interrupted"));
                running.send_modify(|running| *running = running.saturating_sub(1));
            }
            ("turn/steer", _) => call.reply(json!({"turnId": call.params()["expectedTurnId"]})),
            ("account/login/start", _) => {
                call.reply(json!({"type": "chatgpt", "loginId": "l", "authUrl": "http://x"}));
                let done = json!({"loginId": "l", "success": true, "error": null});
                server.notify("account/login/completed", done);
            }
            ("thread/list", _) => call.reply(json!({"data": [], "nextCursor": null})),
            _ => call.reply(json!({})),
        }
    }
}

/// Drops what `call` makes after no poll, one, two and so on, until it comes to an end.
async fn at_every_point<T, F>(call: impl Fn(Codex, Thread) -> F)
where
    F: Future<Output = T>,
{
    for n in 0..100 {
        let rig = Rig::new().await;
        let done = dropped_after(n, call(rig.codex.clone(), rig.thread.clone()));
        let done = within(done).await.is_some();
        rig.check(n).await;
        if done {
            assert!(n > 1, "it has no await points");
            return;
        }
    }
    panic!("it never comes to an end");
}

/// Requests.
#[tokio::test]
async fn requests_can_be_dropped_anywhere() {
    at_every_point(|codex, _| async move { codex.request_raw("x/y", json!({})).await }).await;
    at_every_point(|codex, _| async move { codex.thread_start().await }).await;
    at_every_point(|codex, _| async move { codex.thread_list().await }).await;
    at_every_point(|_, thread| async move { thread.set_name("n").await }).await;
}

/// Turns, which are interrupted.
#[tokio::test]
async fn turns_can_be_dropped_anywhere() {
    at_every_point(|_, thread| async move { thread.turn("short").await }).await;
    at_every_point(|_, thread| async move { thread.turn("long").await }).await;
    at_every_point(|_, thread| async move { thread.run("short").await }).await;
    at_every_point(|_, thread| async move {
        let (one, two) = tokio::join!(thread.run("short"), thread.run("short"));
        one.unwrap();
        two.unwrap();
    })
    .await;
    // This one never ends by itself: it is dropped while it runs, or waits for what never comes.
    for n in 0..12 {
        let rig = Rig::new().await;
        let thread = rig.thread.clone();
        let running = dropped_after(n, async { thread.run("long").await });
        let soon = Duration::from_millis(20);
        let done = tokio::time::timeout(soon, running).await;
        assert!(!matches!(done, Ok(Some(_))), "{done:?}");
        rig.check(n).await;
    }
}

/// What is done to a running turn.
#[tokio::test]
async fn controls_of_turns_can_be_dropped_anywhere() {
    for n in 0..100 {
        let rig = Rig::new().await;
        let mut turn = rig.long_turn().await;
        let steered = dropped_after(n, turn.steer("left")).await.is_some();
        let stepped = dropped_after(n, turn.next()).await.is_some();
        let control = turn.control();
        let interrupted = dropped_after(n, control.interrupt()).await.is_some();
        drop(turn);
        rig.check(n).await;
        if steered && stepped && interrupted {
            return;
        }
    }
    panic!("they never come to an end");
}

/// Logins, and the wait for them.
#[tokio::test]
async fn logins_can_be_dropped_anywhere() {
    at_every_point(|codex, _| async move { codex.login_chatgpt().await }).await;
    at_every_point(|codex, _| async move {
        let login = codex.login_chatgpt().await.unwrap();
        login.wait().await.unwrap()
    })
    .await;
}

/// Closing goes on without its caller.
#[tokio::test]
async fn closing_can_be_dropped_anywhere() {
    for n in 0..100 {
        let rig = Rig::new().await;
        let turn = rig.long_turn().await;
        let done = dropped_after(n, rig.codex.close()).await.is_some();
        if n > 0 {
            assert!(within(turn.run()).await.unwrap_err().is_closed());
            assert!(
                within(rig.thread.run("short"))
                    .await
                    .unwrap_err()
                    .is_closed()
            );
        }
        within(rig.codex.close()).await.unwrap();
        if done {
            return;
        }
    }
    panic!("it never comes to an end");
}

/// Connecting closes the pipe.
#[tokio::test]
async fn connecting_can_be_dropped_anywhere() {
    for n in 0..100 {
        let (mut server, read, write) = ScriptedServer::pipe();
        let answering = tokio::spawn(async move {
            let _ = server.handshake().await;
            server.closed().await
        });
        let connecting = Codex::connect(CodexConfig::new(), read, write);
        let codex = dropped_after(n, connecting).await;
        let done = codex.is_some();
        drop(codex);
        within(answering).await.unwrap().unwrap();
        if done {
            return;
        }
    }
    panic!("it never comes to an end");
}

/// Starting leaves no process.
#[tokio::test]
async fn starting_can_be_dropped_anywhere() {
    for n in 0..100 {
        let (process, config) = scripted(&Script::new().handshake().closed());
        let codex = dropped_after(n, Codex::start_with(config)).await;
        let done = codex.is_some();
        drop(codex);
        // One that was not started by now never will be.
        tokio::time::sleep(Duration::from_millis(20)).await;
        for start in process.starts() {
            gone(start.pid).await;
        }
        if done {
            return;
        }
    }
    panic!("it never comes to an end");
}
