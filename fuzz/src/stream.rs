//! Plays a runtime that says anything while a turn runs: the input, cut into chunks at each zero.
//!
//! Whatever comes, the turn ends with its completion, its failure or the end of the connection,
//! exactly once, and what the client writes are messages.

#![no_main]

use std::time::Duration;

use codex_testkit::ScriptedServer;
use libfuzzer_sys::fuzz_target;
use openai_codex::{Codex, CodexConfig, Error, Notification, TurnHandle};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

/// Far longer than an input takes; what takes longer hangs.
const LIMIT: Duration = Duration::from_secs(20);

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
}

fuzz_target!(|input: &[u8]| {
    RUNTIME.with(|runtime| {
        let played = runtime.block_on(async { tokio::time::timeout(LIMIT, play(input)).await });
        played.expect("it hangs");
    });
});

async fn play(input: &[u8]) {
    let (mut server, read, write) = ScriptedServer::pipe();
    let (codex, greeted) = tokio::join!(
        Codex::connect(CodexConfig::new(), read, write),
        server.handshake()
    );
    greeted.expect("a handshake");
    let codex = codex.expect("a client");
    let mut everything = codex.notifications();
    let turn = start(&codex, &mut server).await;

    for chunk in input.split(|byte| *byte == 0) {
        server.bytes(chunk);
        server.flushed().await.expect("the client reads");
    }
    server.close_output();

    read_to_its_end(turn).await;
    while everything.next().await.is_some() {}
    // Whatever it was asked, it answered with one JSON object a line, or this fails.
    for message in server.received() {
        assert!(message.is_object(), "{message}");
    }
    let _ = codex.close().await;
}

async fn start(codex: &Codex, server: &mut ScriptedServer) -> TurnHandle {
    let thread = json!({
        "thread": {
            "id": "t", "sessionId": "t", "preview": "", "ephemeral": false, "modelProvider": "p",
            "createdAt": 1, "updatedAt": 1, "status": {"type": "idle"}, "cwd": "/w", "turns": [],
            "cliVersion": "0", "source": "vscode", "historyMode": "legacy",
        },
        "model": "m", "modelProvider": "p", "cwd": "/w", "approvalPolicy": "never",
        "approvalsReviewer": "user", "sandbox": {"type": "readOnly"}, "instructionSources": [],
        "disabledPluginIds": [],
    });
    let turn = json!({"turn": {"id": "u", "items": [], "status": "inProgress"}});
    let answers = async {
        for (method, answer) in [("thread/start", thread), ("turn/start", turn)] {
            let call = server.expect(method).await.expect("a request");
            call.reply(answer);
        }
    };
    let turn = async { codex.thread_start().await?.turn("go").await };
    let ((), turn) = tokio::join!(answers, turn);
    turn.expect("a turn")
}

async fn read_to_its_end(mut turn: TurnHandle) {
    let mut completed = false;
    let mut failed = false;
    let mut closed = false;
    while let Some(event) = turn.next().await {
        assert!(!completed && !failed && !closed, "{event:?} after the end");
        match event {
            Ok(Notification::TurnCompleted(end)) => completed = end.turn.id == "u",
            Ok(Notification::Unknown(event)) => completed = event.method == "turn/completed",
            Ok(_) => {}
            Err(Error::Closed(_)) => closed = true,
            Err(Error::TurnFailed(_)) => failed = true,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(completed || failed || closed, "the turn has no end");
    assert_eq!(
        turn.run().await.is_err_and(|error| error.is_closed()),
        closed
    );
}
