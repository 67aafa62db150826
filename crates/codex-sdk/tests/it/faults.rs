//! A peer that sends garbage or goes away.

use openai_codex::{CloseReason, Codex, CodexConfig, Error, Notification};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::peer::{connect, joined, within};

/// What is no message is skipped, and what follows is read.
#[tokio::test]
async fn bad_lines_are_skipped() {
    let (codex, mut server) = connect().await;
    let mut notifications = codex.notifications();
    let task = tokio::spawn({
        let codex = codex.clone();
        async move { codex.request_raw("x/y", json!({})).await }
    });
    let call = server.expect("x/y").await.unwrap();
    let id = call.id().to_string();
    for line in [
        "Welcome to codex!",
        "",
        "\r",
        "[]",
        "[{\"method\":\"a\"}]",
        "5",
        "null",
        "{",
        "{}",
        "{\"id\":null,\"result\":{}}",
        "{\"id\":\"nope\",\"result\":{}}",
        "{\"id\":12345,\"result\":{}}",
        "{\"id\":1e400}",
    ] {
        server.line(line);
    }
    server.bytes(b"\xff\xfe\xfd\n".to_vec());
    server.line(format!("{{\"result\":{{\"ok\":1}},\"id\":{id}}}\r"));
    // The same answer again is one to nobody.
    server.line(format!("{{\"result\":{{\"ok\":2}},\"id\":{id}}}"));
    server.notify("nobody/knows", json!({}));
    assert_eq!(joined(task).await.unwrap(), json!({"ok": 1}));
    let seen = within(notifications.next()).await.unwrap().unwrap();
    assert_eq!(seen.method(), "nobody/knows");
}

/// A long line is a line.
#[tokio::test]
async fn a_line_of_64_megabytes_is_read() {
    let (codex, mut server) = connect().await;
    let mut notifications = codex.notifications();
    let text = "x".repeat(64 * 1024 * 1024);
    server.notify("nobody/knows", json!({"text": text}));
    let Notification::Unknown(unknown) = within(notifications.next()).await.unwrap().unwrap()
    else {
        panic!("it is known");
    };
    assert_eq!(
        unknown.params["text"].as_str().map(str::len),
        Some(text.len())
    );
}

/// The end is told to everybody, in the same words.
#[tokio::test]
async fn a_peer_that_closes_its_output_ends_every_call() {
    let (codex, mut server) = connect().await;
    let mut notifications = codex.notifications();
    let pending = tokio::spawn({
        let codex = codex.clone();
        async move { codex.request_raw("x/y", json!({})).await }
    });
    server.expect("x/y").await.unwrap();
    server.close_output();
    let error = joined(pending).await.unwrap_err();
    assert!(
        matches!(&error, Error::Closed(reason) if matches!(**reason, CloseReason::Io(_))),
        "{error}"
    );
    assert!(matches!(
        within(notifications.next()).await,
        Some(Err(Error::Closed(_)))
    ));
    assert!(within(notifications.next()).await.is_none());
    let later = within(codex.request_raw("x/y", json!({})))
        .await
        .unwrap_err();
    assert_eq!(later.to_string(), error.to_string());
    within(codex.close()).await.unwrap();
}

/// The handshake has a deadline.
#[tokio::test]
async fn a_peer_that_never_greets_is_given_up() {
    let (_read, write) = tokio::io::duplex(1024);
    let (read, _write) = tokio::io::duplex(1024);
    let config = CodexConfig::new().request_timeout(Some(std::time::Duration::from_millis(50)));
    let error = within(Codex::connect(config, read, write))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Timeout { method, .. } if method == "initialize"),
        "{error}"
    );
}

/// The handshake must say who answers.
#[tokio::test]
async fn a_greeting_without_a_user_agent_is_an_error() {
    let (read, mut to_client) = tokio::io::duplex(1024);
    let (mut from_client, write) = tokio::io::duplex(1024);
    let connecting = tokio::spawn(Codex::connect(CodexConfig::new(), read, write));
    let mut byte = [0];
    within(from_client.read_exact(&mut byte)).await.unwrap();
    to_client
        .write_all(b"{\"id\":0,\"result\":{}}\n")
        .await
        .unwrap();
    let error = within(connecting).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error}");
    // The pipe is closed before the error is returned.
    let mut rest = Vec::new();
    within(from_client.read_to_end(&mut rest)).await.unwrap();
}

#[test]
fn a_client_can_be_dropped_after_its_async_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (codex, server) = runtime.block_on(connect());
    let mut notifications = codex.notifications();
    drop(server);
    drop(runtime);
    // The connection has no driver any more, and nothing waits forever for it.
    let other = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    other.block_on(async {
        let error = within(codex.request_raw("x/y", json!({}))).await;
        assert!(matches!(error, Err(Error::Closed(_))));
        let last = within(notifications.next()).await;
        assert!(matches!(last, Some(Err(Error::Closed(_)))));
        within(codex.close()).await.unwrap();
    });
    drop(codex);
}
