//! A WebSocket in the place of a pipe: one message a text frame, read and written as lines are.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};

use crate::reader::{ReadEnd, Sink, step};
use crate::writer::Outbox;

/// The runtime closes a connection on a message of this size.
pub(crate) const TOO_LONG_MESSAGE: usize = 64 * 1024 * 1024;
/// The size from which a message is sent in several frames: the runtime closes a connection on one of 16 MiB.
const LONGEST_FRAME: usize = 8 * 1024 * 1024;
/// How often the other end is asked for a sign of life.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// How long nothing may come before the other end counts as gone.
const SILENCE: Duration = Duration::from_secs(30);

/// A WebSocket over any byte stream.
pub(crate) type Socket = WebSocketStream<Heard>;
/// Its reading half.
pub(crate) type Incoming = SplitStream<Socket>;
/// Its writing half.
pub(crate) type Outgoing = SplitSink<Socket, Message>;

/// A byte stream.
pub(crate) trait Bidirectional: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bidirectional for T {}

/// A byte stream that notes when something came.
///
/// Bytes count, not messages: a long message over a slow line is no silence.
pub(crate) struct Heard {
    stream: Box<dyn Bidirectional>,
    last: LastHeard,
}

/// When something came last.
#[derive(Clone, Debug)]
pub(crate) struct LastHeard {
    began: Instant,
    /// Milliseconds since then.
    at: Arc<AtomicU64>,
}

impl Heard {
    pub(crate) fn new(stream: impl Bidirectional + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            last: LastHeard {
                began: Instant::now(),
                at: Arc::default(),
            },
        }
    }

    pub(crate) fn last(&self) -> LastHeard {
        self.last.clone()
    }
}

impl LastHeard {
    fn note(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.at.store(now, Ordering::Relaxed);
    }

    fn silent_at(&self) -> Instant {
        self.began + Duration::from_millis(self.at.load(Ordering::Relaxed)) + SILENCE
    }

    /// Waits, but not for longer than the other end may be silent.
    async fn unless_silent<T>(&self, waiting: impl Future<Output = T>) -> Option<T> {
        let mut waiting = pin!(waiting);
        loop {
            let outcome = timeout_at(self.silent_at(), &mut waiting).await;
            match outcome {
                Ok(outcome) => return Some(outcome),
                Err(_) if self.silent_at() <= Instant::now() => return None,
                Err(_) => {}
            }
        }
    }
}

impl AsyncRead for Heard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.last.note();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Heard {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Returns the settings of a socket whose messages have at most so many bytes.
///
/// The runtime sends each message as one frame.
pub(crate) fn settings(longest: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(longest))
        .max_frame_size(Some(longest))
}

/// Reads until the end, whatever consumers do, as [`crate::reader::read`] does.
pub(crate) async fn read(mut socket: Incoming, heard: LastHeard, mut sink: impl Sink) -> ReadEnd {
    /// Messages that are there are handed on together, up to about so many bytes.
    const CHUNK: usize = 64 * 1024;

    loop {
        let mut next = heard.unless_silent(socket.next()).await;
        let (mut count, mut bytes) = (0, 0);
        let end = loop {
            match next {
                Some(Some(Ok(Message::Text(text)))) => {
                    count += 1;
                    bytes += text.len();
                    sink.line(text.as_bytes());
                }
                // The runtime sends no binary messages; pings are answered by the socket.
                Some(Some(Ok(
                    Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_),
                ))) => {}
                Some(Some(Ok(Message::Close(_))) | None) => break Some(ReadEnd::Eof),
                Some(Some(Err(error))) => break Some(end_of(error)),
                None => break Some(ReadEnd::Failed(silent())),
            }
            if bytes >= CHUNK {
                break None;
            }
            next = match socket.next().now_or_never() {
                Some(next) => Some(next),
                None => break None,
            };
        };
        let woken = sink.flush();
        if let Some(end) = end {
            return end;
        }
        step(woken, count, bytes).await;
    }
}

fn silent() -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("nothing came from the other end for {SILENCE:?}"),
    )
}

fn end_of(error: Error) -> ReadEnd {
    match error {
        // The runtime says no farewell.
        Error::ConnectionClosed | Error::AlreadyClosed | Error::Protocol(_) => ReadEnd::Eof,
        Error::Capacity(_) => ReadEnd::TooLong,
        Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => ReadEnd::Eof,
        Error::Io(error) => ReadEnd::Failed(error),
        error => ReadEnd::Failed(io::Error::other(error)),
    }
}

/// Writes what comes into the outbox until it is closed or writing fails, and pings the other end.
pub(crate) async fn write(outbox: Arc<Outbox>, mut socket: Outgoing) -> io::Result<()> {
    let mut batch = Vec::new();
    let mut ping_at = Instant::now() + PING_INTERVAL;
    loop {
        match timeout_at(ping_at, outbox.take(&mut batch)).await {
            Ok(true) => {
                let batch = Bytes::from(std::mem::take(&mut batch));
                for line in lines(&batch) {
                    for message in messages(line)? {
                        socket.feed(message).await.map_err(failure)?;
                    }
                }
                socket.flush().await.map_err(failure)?;
            }
            Ok(false) => break,
            Err(_) => {
                socket
                    .send(Message::Ping(Bytes::new()))
                    .await
                    .map_err(failure)?;
                ping_at = Instant::now() + PING_INTERVAL;
            }
        }
    }
    socket.close().await.map_err(failure)
}

/// Cuts lines at their ends.
fn lines(batch: &Bytes) -> impl Iterator<Item = Bytes> + use<> {
    let mut rest = batch.clone();
    std::iter::from_fn(move || {
        let end = memchr::memchr(b'\n', &rest)?;
        let line = rest.split_to(end);
        rest = rest.slice(1..);
        Some(line)
    })
}

/// Makes a message of a line, in several frames if it is long.
fn messages(line: Bytes) -> io::Result<impl Iterator<Item = Message>> {
    let (whole, long) = if line.len() <= LONGEST_FRAME {
        let text = Utf8Bytes::try_from(line);
        let text = text.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        (Some(Message::Text(text)), Bytes::new())
    } else {
        (None, line)
    };
    let frames = (0..long.len()).step_by(LONGEST_FRAME).map(move |start| {
        let end = long.len().min(start + LONGEST_FRAME);
        let kind = if start == 0 {
            Data::Text
        } else {
            Data::Continue
        };
        let frame = Frame::message(
            long.slice(start..end),
            OpCode::Data(kind),
            end == long.len(),
        );
        Message::Frame(frame)
    });
    Ok(whole.into_iter().chain(frames))
}

fn failure(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        error => io::Error::other(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::Woken;
    use tokio_tungstenite::tungstenite::protocol::Role;

    struct Lines(Vec<String>);

    impl Sink for &mut Lines {
        fn line(&mut self, line: &[u8]) {
            self.0.push(String::from_utf8(line.to_vec()).unwrap());
        }

        fn flush(&mut self) -> Woken {
            Woken::None
        }
    }

    type Peer = WebSocketStream<tokio::io::DuplexStream>;

    async fn pair(longest: usize) -> (Socket, Peer) {
        let (near, far) = tokio::io::duplex(1024);
        let config = Some(settings(longest));
        let near = WebSocketStream::from_raw_socket(Heard::new(near), Role::Client, config);
        let far = WebSocketStream::from_raw_socket(far, Role::Server, None);
        tokio::join!(near, far)
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_answers_pings_is_alive_and_one_that_does_not_is_gone() {
        // Between two pings.
        const STOPS_AFTER: Duration = Duration::from_secs(105);

        let (socket, mut peer) = pair(1000).await;
        let heard = socket.get_ref().last();
        let (outgoing, incoming) = socket.split();
        let outbox = Arc::new(Outbox::default());
        let writing = write(Arc::clone(&outbox), outgoing);
        let mut lines = Lines(Vec::new());
        let reading = read(incoming, heard, &mut lines);
        let began = Instant::now();
        let peer = async {
            // Reading answers pings. Then it does nothing any more, but keeps the connection.
            let reading = async { while peer.next().await.is_some() {} };
            assert!(tokio::time::timeout(STOPS_AFTER, reading).await.is_err());
            std::future::pending::<()>().await;
        };
        let end = tokio::select! {
            end = reading => end,
            _ = writing => panic!("the writer ended"),
            () = peer => panic!("the peer ended"),
        };
        assert!(
            matches!(&end, ReadEnd::Failed(error) if error.kind() == io::ErrorKind::TimedOut),
            "{end:?}"
        );
        let silent = began.elapsed() - STOPS_AFTER;
        assert!(
            silent > SILENCE - PING_INTERVAL && silent <= SILENCE,
            "{silent:?}"
        );
    }

    #[tokio::test]
    async fn messages_are_lines_until_one_is_too_long() {
        let (socket, mut peer) = pair(10).await;
        let heard = socket.get_ref().last();
        let (_outgoing, incoming) = socket.split();
        let mut lines = Lines(Vec::new());
        let sending = async {
            peer.send(Message::text("{}")).await.unwrap();
            peer.send(Message::binary(vec![1, 2])).await.unwrap();
            peer.send(Message::text("0123456789")).await.unwrap();
            peer.send(Message::text("01234567890")).await.unwrap();
        };
        let (end, ()) = tokio::join!(read(incoming, heard, &mut lines), sending);
        assert!(matches!(end, ReadEnd::TooLong), "{end:?}");
        assert_eq!(lines.0, ["{}", "0123456789"]);
    }

    #[test]
    fn long_messages_are_cut_into_frames() {
        let line = Bytes::from(vec![b'x'; 2 * LONGEST_FRAME + 1]);
        let frames: Vec<Message> = messages(line).unwrap().collect();
        let size = |message: &Message| match message {
            Message::Frame(frame) => frame.payload().len(),
            _ => panic!("no frame"),
        };
        let sizes: Vec<usize> = frames.iter().map(size).collect();
        assert_eq!(sizes, [LONGEST_FRAME, LONGEST_FRAME, 1]);
        let last: Vec<bool> = frames
            .iter()
            .map(|frame| match frame {
                Message::Frame(frame) => frame.header().is_final,
                _ => panic!("no frame"),
            })
            .collect();
        assert_eq!(last, [false, false, true]);
        let short = messages(Bytes::from_static(b"{}")).unwrap();
        assert_eq!(short.collect::<Vec<_>>(), [Message::text("{}")]);
    }

    #[test]
    fn batches_are_cut_into_lines() {
        let batch = Bytes::from_static(b"{}\n[]\n");
        assert_eq!(lines(&batch).collect::<Vec<_>>(), ["{}", "[]"]);
    }
}
