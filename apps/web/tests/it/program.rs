//! The program itself: the demo from its first line to SIGTERM.

use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::client::{Client, completed};
use crate::stage::within;

/// Starts the demo; returns it with the address and the token that it prints.
async fn demo() -> (Child, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codex-web"));
    command.args(["--demo", "--listen", "127.0.0.1:0"]);
    let mut child = command
        .env("RUST_LOG", "warn")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = within(lines.next_line()).await.unwrap().unwrap();
    let url = line.strip_prefix("Open ").unwrap();
    let (origin, token) = url.split_once("/?token=").unwrap();
    (child, origin.to_owned(), token.to_owned())
}

/// The demo works as often as wanted, and SIGTERM in the middle of a turn ends it in good order.
#[tokio::test]
async fn the_demo_runs_until_it_is_told_to_stop() {
    let (mut child, origin, token) = demo().await;
    let client = Client::new(origin, &token);
    let thread = client.thread().await;
    let mut events = client.events(&thread, None).await;
    for file in ["README.md", "NOTES.md", "NOTES.md"] {
        client.say(&thread, "show me").await;
        let ask = events.question().await;
        client.answer(ask["key"].as_str().unwrap(), "accept").await;
        let all = events.until("turn_completed").await;
        let output = completed(&all, "command")[0]["output"].as_str().unwrap();
        assert!(output.contains("README.md"), "{output}");
        let change = completed(&all, "file_change")[0];
        let path = change["changes"][0]["path"].as_str().unwrap();
        assert!(path.ends_with(file), "{change}");
        assert_eq!(change["status"], "completed", "{change}");
        // One before the question, and these.
        assert_eq!(completed(&all, "message").len(), 2);
    }
    client.say(&thread, "once more").await;
    events.question().await;
    let id = child.id().unwrap().to_string();
    let kill = within(Command::new("kill").args(["-TERM", &id]).status()).await;
    assert!(kill.unwrap().success());
    let end = events.until("turn_completed").await.pop().unwrap();
    assert_eq!(end.json["status"], json!("interrupted"));
    assert!(within(child.wait()).await.unwrap().success());
}
