//! Reads what the runtime sends, a chunk at a time.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use tokio::io::{AsyncRead, AsyncReadExt};

mod lines;

pub(crate) use lines::{Lines, TooLong};

/// How a reader ended.
#[derive(Debug)]
pub(crate) enum ReadEnd {
    /// The runtime closed its output.
    Eof,
    /// Reading failed.
    Failed(io::Error),
    /// A line is longer than allowed.
    TooLong,
}

/// The tasks that a chunk has woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// No task.
    None,
    /// Callers and consumers.
    Waiting,
    /// A handler of the user, which may block its thread.
    Handler,
}

/// What a reader does with the lines of a chunk.
pub(crate) trait Sink: Send {
    /// Takes one line; it may keep what it makes of it until [`Sink::flush`].
    fn line(&mut self, line: &[u8]);

    /// Ends a chunk: hands on what its lines brought. Tells whom that may have woken.
    fn flush(&mut self) -> Woken;
}

/// Reads until the end, whatever consumers do.
///
/// All lines of a chunk are handed on together, and others get a turn before the next chunk is
/// read if it woke them or was work: on a runtime with one thread they would otherwise wait for a
/// pause in the stream, which a flood of lines that wake no task need not have.
pub(crate) async fn read(
    mut pipe: impl AsyncRead + Unpin,
    longest: usize,
    mut sink: impl Sink,
) -> ReadEnd {
    let mut lines = Lines::new(longest);
    loop {
        let read = match pipe.read_buf(lines.room()).await {
            Ok(0) => {
                // A last line without an end may be whole.
                let rest = lines.rest();
                if !rest.is_empty() {
                    sink.line(rest);
                    sink.flush();
                }
                return ReadEnd::Eof;
            }
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return ReadEnd::Failed(error),
        };
        let mut count = 0;
        loop {
            match lines.next_line() {
                Ok(Some(line)) => {
                    count += 1;
                    sink.line(line);
                }
                Ok(None) => break,
                Err(TooLong) => {
                    sink.flush();
                    return ReadEnd::TooLong;
                }
            }
        }
        step(sink.flush(), count, read).await;
    }
}

/// Gives others a turn after a chunk of so many lines and bytes, if it woke them or was work.
pub(crate) async fn step(woken: Woken, count: usize, bytes: usize) {
    /// A chunk of more bytes than this counts as work.
    const WORK: usize = 4096;
    /// A chunk of more lines than this is worth a second worker, on which its consumers run while
    /// the next chunk is decoded.
    const MANY: usize = 256;

    match woken {
        Woken::Handler => step_aside().await,
        Woken::Waiting if count > MANY => step_aside().await,
        Woken::None if bytes <= WORK => {}
        // This one comes back after timers and IO had their turn.
        Woken::None | Woken::Waiting => tokio::task::yield_now().await,
    }
}

/// Lets other tasks run first.
///
/// Unlike with `tokio::task::yield_now` the task is queued again at once and not when its worker is
/// idle, so that another worker can take over the reader, or what it has woken: a handler of the
/// user may block its thread, and the consumer of many events takes as long as decoding them.
async fn step_aside() {
    let mut stepped = false;
    poll_fn(|cx| {
        if stepped {
            return Poll::Ready(());
        }
        stepped = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
