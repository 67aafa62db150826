//! Tests of a connection with settings that are not public.

#![allow(clippy::disallowed_methods, reason = "tests may spawn")]

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::*;
use crate::handler::Handlers;
use crate::retry::RetryPolicy;

#[tokio::test]
async fn a_line_without_end_closes_the_connection_with_a_clear_reason() {
    let config = ConnectionConfig {
        timeout: None,
        max_in_flight: 1,
        retry: RetryPolicy::none(),
        handlers: Handlers::default(),
        max_line_bytes: 1_000_000,
        too_long_message: None,
        secrets: Default::default(),
        announces_items: true,
    };
    let (read, mut peer) = tokio::io::duplex(64 * 1024);
    let (_peer_read, write) = tokio::io::duplex(1024);
    let connection = Connection::open(config, read, write, None);
    let mut events = connection.subscribe();
    let feeding = tokio::spawn(async move { while peer.write_all(&[b'x'; 4096]).await.is_ok() {} });
    let end = tokio::time::timeout(
        Duration::from_secs(20),
        std::future::poll_fn(|cx| events.poll_next(cx)),
    );
    let error = end.await.unwrap().unwrap().unwrap_err().to_string();
    assert!(
        error.contains("a line is longer than 1000000 bytes; `CodexConfig::max_line_bytes`"),
        "{error}"
    );
    connection.close().await;
    tokio::time::timeout(Duration::from_secs(20), feeding)
        .await
        .unwrap()
        .unwrap();
}
