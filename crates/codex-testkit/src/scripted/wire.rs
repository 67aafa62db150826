//! The two tasks that carry the bytes of a scripted server.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, oneshot, watch};

use super::inbox::Inbox;

/// What the writer does next.
#[derive(Debug)]
pub(super) enum Outgoing {
    Bytes(Vec<u8>),
    /// Reports when everything before it was written.
    Flush(oneshot::Sender<()>),
    /// Ends the output; what comes later is dropped.
    Close,
}

/// Queues what the server writes. Only the script bounds the queue: a client
/// that does not read must not stop the test.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    queue: mpsc::UnboundedSender<Outgoing>,
}

impl Outbox {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Outgoing>) {
        let (queue, receiver) = mpsc::unbounded_channel();
        (Self { queue }, receiver)
    }

    /// Queues an action; if the writer has ended, the client has gone, and the
    /// next expectation says so.
    pub(super) fn push(&self, action: Outgoing) {
        let _ = self.queue.send(action);
    }

    pub(super) fn message(&self, message: &Value) {
        let mut line = message.to_string().into_bytes();
        line.push(b'\n');
        self.push(Outgoing::Bytes(line));
    }

    pub(super) fn reply(&self, id: &Value, result: &Value) {
        self.message(&json!({"id": id, "result": result}));
    }

    /// Waits until everything queued was written; `false` if it cannot be.
    pub(super) async fn flush(&self) -> bool {
        let (done, flushed) = oneshot::channel();
        self.push(Outgoing::Flush(done));
        flushed.await.is_ok()
    }
}

/// Writes until the output is closed or every sender has gone.
pub(super) async fn write(
    mut output: impl AsyncWrite + Unpin,
    mut queue: mpsc::UnboundedReceiver<Outgoing>,
) {
    while let Some(action) = queue.recv().await {
        let written = match action {
            Outgoing::Bytes(bytes) => output.write_all(&bytes).await,
            Outgoing::Flush(done) => {
                let flushed = output.flush().await;
                let _ = done.send(());
                flushed
            }
            Outgoing::Close => break,
        };
        if written.is_err() {
            break;
        }
        if queue.is_empty() && output.flush().await.is_err() {
            break;
        }
    }
    let _ = output.shutdown().await;
}

/// Reads lines into the inbox until the client closes; reads nothing while
/// `reading` is false.
pub(super) async fn read(
    mut input: impl AsyncRead + Unpin,
    inbox: Arc<Inbox>,
    outbox: Outbox,
    mut reading: watch::Receiver<bool>,
) {
    let mut line = Vec::new();
    let mut chunk = vec![0; 16 * 1024];
    loop {
        if reading.wait_for(|reading| *reading).await.is_err() {
            return;
        }
        // Both are cancel safe. A change of `reading` is looked at first, so
        // that a paused server takes nothing more.
        let count = tokio::select! {
            biased;
            changed = reading.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            count = input.read(&mut chunk) => count.unwrap_or(0),
        };
        if count == 0 {
            break;
        }
        for piece in chunk[..count].split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                if let Some((id, result)) = inbox.file(line.trim_ascii()) {
                    outbox.reply(&id, &result);
                }
                line.clear();
            }
        }
    }
    inbox.end();
}
