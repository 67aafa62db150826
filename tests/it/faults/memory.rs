//! Memory and threads of a client that is not read, or runs for very long.
//!
//! Each measure is taken in a process of its own, where no other test runs.
#![cfg(target_os = "linux")]

use std::process::Command;

use codex_testkit::ScriptedServer;
use openai_codex::{CodexConfig, Notification, blocking};
use serde_json::json;
use tokio::net::unix::pipe;

use crate::peer::{
    COMPLETED, DELTA, connect, delta, message, methods, of_turn, say, stage, start_thread,
    start_turn, still_works, within,
};

/// Set in the process that measures.
const ALONE: &str = "CODEX_TESTS_ALONE";

/// Runs the test of this name alone in a process, unless this is it; tells whether it is.
fn alone(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([&format!("faults::memory::{test}"), "--exact", "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    false
}

/// Reads a number of this process from the system.
fn status(field: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .unwrap();
    let digits: String = line.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

fn peak_kilobytes() -> usize {
    status("VmHWM:")
}

fn async_test(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test);
}

/// What is kept is their text, and nothing of it is lost.
#[test]
fn a_million_unread_deltas_cost_their_text() {
    if !alone("a_million_unread_deltas_cost_their_text") {
        return;
    }
    async_test(async {
        const DELTAS: usize = 1_000_000;
        let (codex, mut server, thread) = stage().await;
        let mut turn = start_turn(&thread, &mut server, "a").await;
        still_works(&codex, &mut server).await;
        let line = json!({"method": DELTA, "params": delta("a", "0123456789")}).to_string() + "\n";
        let before = peak_kilobytes();
        let chunk = line.repeat(1000);
        for _ in 0..DELTAS / 1000 {
            server.bytes(chunk.clone());
            // The peer's own queue is not what is measured.
            server.flushed().await.unwrap();
        }
        server
            .notify("item/completed", message("a", "done"))
            .notify(COMPLETED, of_turn("a", "completed"));
        still_works(&codex, &mut server).await;
        let grown = peak_kilobytes() - before;
        // Ten megabytes of text, in a buffer that doubles, and some slack.
        assert!(grown < 40 * 1024, "{grown} kB");
        let mut text = 0;
        let mut events = 0;
        while let Some(event) = within(turn.next()).await {
            events += 1;
            if let Notification::ItemAgentMessageDelta(delta) = event.unwrap() {
                text += delta.delta.len();
            }
        }
        assert_eq!(text, DELTAS * 10);
        assert!(events < 2000, "{events}");
        assert_eq!(within(turn.run()).await.unwrap().text(), "done");
    });
}

/// Notifications that nobody reads are not kept, and of those that somebody does not read only the
/// latest.
#[test]
fn unread_notifications_are_not_kept() {
    if !alone("unread_notifications_are_not_kept") {
        return;
    }
    async_test(async {
        let (codex, mut server) = connect().await;
        let text = "x".repeat(200);
        let warning = json!({"method": "warning", "params": {"message": text}});
        let chunk = format!("{warning}\n").repeat(1000);
        let before = peak_kilobytes();
        for subscribed in [false, true] {
            let notifications = subscribed.then(|| codex.notifications());
            for _ in 0..100 {
                server.bytes(chunk.clone());
                server.flushed().await.unwrap();
            }
            still_works(&codex, &mut server).await;
            drop(notifications);
        }
        let grown = peak_kilobytes() - before;
        assert!(grown < 10 * 1024, "{grown} kB");
    });
}

/// Memory and threads stay as they are, for the async client and its blocking twin.
#[test]
fn five_hundred_turns_leave_neither_memory_nor_threads() {
    if !alone("five_hundred_turns_leave_neither_memory_nor_threads") {
        return;
    }
    async_test(async {
        let (codex, mut server) = connect().await;
        let thread = start_thread(&codex, &mut server, "t").await;
        let mut before = (0, 0);
        for n in 0..600 {
            if n == 100 {
                before = (status("Threads:"), status("VmRSS:"));
            }
            let turn = start_turn(&thread, &mut server, &format!("u{n}")).await;
            say(&mut server, turn.id(), &"x".repeat(10_000));
            let mut turn = turn;
            assert_eq!(methods(&mut turn).await.len(), 3);
        }
        assert_eq!(status("Threads:"), before.0);
        // The peer logs what it receives: a few hundred bytes a turn.
        let grown = status("VmRSS:").saturating_sub(before.1);
        assert!(grown < 3 * 1024, "{grown} kB");
    });
    let (read, server_write) = std::io::pipe().unwrap();
    let (server_read, write) = std::io::pipe().unwrap();
    let peer = std::thread::spawn(move || {
        async_test(async move {
            let read = pipe::Receiver::from_owned_fd(server_read.into()).unwrap();
            let write = pipe::Sender::from_owned_fd(server_write.into()).unwrap();
            let mut server = ScriptedServer::over(read, write);
            server.handshake().await.unwrap();
            server.thread_started("t").await.unwrap();
            for n in 0..500 {
                server.turn_started(&format!("u{n}")).await.unwrap();
                say(&mut server, &format!("u{n}"), "fine");
            }
            server.closed().await.unwrap();
        });
    });
    let codex = blocking::Codex::connect(CodexConfig::new(), read, write).unwrap();
    let thread = codex.thread_start().send().unwrap();
    let threads = status("Threads:");
    for _ in 0..500 {
        assert_eq!(thread.run("go").unwrap().text(), "fine");
    }
    assert_eq!(status("Threads:"), threads);
    codex.close().unwrap();
    peer.join().unwrap();
}
