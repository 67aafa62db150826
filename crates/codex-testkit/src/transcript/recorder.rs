//! Writes traffic down while it passes.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Direction, TranscriptLine};
use crate::error::TestkitError;

/// Records the traffic of a connection as a [`Transcript`](crate::Transcript).
///
/// Wrap the client's two streams, and whatever passes is written down, a line
/// when it is complete. Clones write to the same recording. Recordings hold
/// what users and models said, and paths: look at one before you share it.
///
/// ```no_run
/// # async fn example(stdout: tokio::io::DuplexStream, stdin: tokio::io::DuplexStream)
/// #     -> Result<(), codex_testkit::TestkitError> {
/// use codex_testkit::Recorder;
/// use serde_json::json;
///
/// let recorder = Recorder::create("hello.jsonl", json!({"scenario": "hello"}))?;
/// let (read, write) = (recorder.server(stdout), recorder.client(stdin));
/// // … give `read` and `write` to the client, and at the end:
/// recorder.flush()?;
/// # let _ = (read, write);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Recorder {
    shared: Arc<Shared>,
}

struct Shared {
    start: Instant,
    output: Mutex<Output>,
}

struct Output {
    writer: Box<dyn Write + Send>,
    /// The first failure; a stream that is only watched must not fail for it.
    failure: Option<io::Error>,
}

impl Recorder {
    /// Starts a recording in a file; the members of `meta` go into its first line.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Io`] if the file cannot be made.
    pub fn create(path: impl AsRef<Path>, meta: Value) -> Result<Self, TestkitError> {
        let path = path.as_ref();
        let file =
            File::create(path).map_err(TestkitError::io(format!("create {}", path.display())))?;
        Ok(Self::to_writer(BufWriter::new(file), meta))
    }

    /// Starts a recording in any writer.
    pub fn to_writer(writer: impl Write + Send + 'static, meta: Value) -> Self {
        let recorder = Self {
            shared: Arc::new(Shared {
                start: Instant::now(),
                output: Mutex::new(Output {
                    writer: Box::new(writer),
                    failure: None,
                }),
            }),
        };
        let mut first = Map::new();
        first.insert("dir".to_owned(), json!("meta"));
        if let Value::Object(members) = meta {
            first.extend(members);
        }
        recorder.write(&Value::Object(first));
        recorder
    }

    /// Wraps the stream that the client reads: the runtime's output.
    pub fn server<S>(&self, stream: S) -> Tap<S> {
        self.tap(stream, Direction::ServerToClient)
    }

    /// Wraps the stream that the client writes: the runtime's input.
    pub fn client<S>(&self, stream: S) -> Tap<S> {
        self.tap(stream, Direction::ClientToServer)
    }

    /// Wraps the runtime's standard error.
    pub fn stderr<S>(&self, stream: S) -> Tap<S> {
        self.tap(stream, Direction::Stderr)
    }

    /// Writes a line of text: an exit status for example, or a note.
    pub fn note(&self, dir: Direction, text: impl Into<String>) {
        self.line(dir, None, Some(text.into()));
    }

    /// Writes everything out, and reports the first failure so far.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Io`] if any line could not be written.
    pub fn flush(&self) -> Result<(), TestkitError> {
        let mut output = self.lock();
        let flushed = match output.failure.take() {
            Some(failure) => Err(failure),
            None => output.writer.flush(),
        };
        flushed.map_err(TestkitError::io("write the recording"))
    }

    fn tap<S>(&self, stream: S, dir: Direction) -> Tap<S> {
        Tap {
            stream,
            recorder: self.clone(),
            dir,
            partial: Vec::new(),
        }
    }

    /// Records a line as it passed: as a message if it is JSON, else as text.
    fn record(&self, dir: &Direction, line: &[u8]) {
        let line = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
        if *dir == Direction::Stderr {
            return self.line(dir.clone(), None, Some(line));
        }
        match RawValue::from_string(line.clone()) {
            Ok(message) => self.line(dir.clone(), Some(message), None),
            Err(_) => self.line(dir.clone(), None, Some(line)),
        }
    }

    fn line(&self, dir: Direction, msg: Option<Box<RawValue>>, text: Option<String>) {
        let micros = self.shared.start.elapsed().as_micros();
        self.write(&TranscriptLine {
            t: micros as f64 / 1e6,
            dir,
            msg,
            text,
        });
    }

    fn write(&self, line: &impl serde::Serialize) {
        let mut output = self.lock();
        let written = serde_json::to_vec(line)
            .map_err(io::Error::other)
            .and_then(|mut line| {
                line.push(b'\n');
                output.writer.write_all(&line)
            });
        if let Err(error) = written {
            output.failure.get_or_insert(error);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Output> {
        let output = &self.shared.output;
        output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

/// Passes a stream on and records it; made by [`Recorder`].
#[derive(Debug)]
pub struct Tap<S> {
    stream: S,
    recorder: Recorder,
    dir: Direction,
    /// The bytes of a line that is not complete.
    partial: Vec<u8>,
}

impl<S> Tap<S> {
    fn pass(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.partial);
                self.recorder.record(&self.dir, &line);
            }
        }
    }
}

impl<S> Drop for Tap<S> {
    /// Records the line that was cut off, if there is one.
    fn drop(&mut self) {
        if !self.partial.is_empty() {
            let line = std::mem::take(&mut self.partial);
            self.recorder.record(&self.dir, &line);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.pass(&buffer.filled()[before..]);
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = &written {
            self.pass(&bytes[..*count]);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
