//! The life of a connection: what ends it, and how it is ended.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::process::ChildStderr;

use super::Shared;
use super::dispatch::Dispatch;
use super::task::Task;
use crate::child::{Child, StderrTail, drain_stderr};
use crate::error::CloseReason;
use crate::reader::{ReadEnd, read};
use crate::writer::write;

/// How long a process that closed its output may take to end before that is called an end
/// without a status. Calls wait no longer than this for the reason.
const STATUS_GRACE: Duration = Duration::from_millis(60);
/// How long the rest of a dead process's output may take: something it has started may hold the
/// pipe.
const OUTPUT_GRACE: Duration = Duration::from_millis(500);
/// How long the last lines to the runtime may take.
pub(super) const WRITE_GRACE: Duration = Duration::from_millis(500);

/// What ends a connection.
#[derive(Debug)]
enum End {
    Requested,
    Read(Option<ReadEnd>),
    Write(Option<io::Result<()>>),
    Exit(io::Result<ExitStatus>),
}

/// Everything that has to end with the connection.
struct Supervisor {
    shared: Arc<Shared>,
    reader: Task<ReadEnd>,
    writer: Task<io::Result<()>>,
    process: Option<Process>,
}

struct Process {
    child: Child,
    stderr: Task<()>,
    tail: StderrTail,
}

/// Starts the connection's tasks.
pub(super) fn spawn(
    shared: Arc<Shared>,
    input: impl AsyncRead + Send + Unpin + 'static,
    output: impl AsyncWrite + Send + Unpin + 'static,
    process: Option<(Child, ChildStderr)>,
) {
    let sink = Dispatch::new(Arc::clone(&shared));
    let longest = shared.config.max_line_bytes;
    let supervisor = Supervisor {
        reader: Task::spawn(read(input, longest, sink)),
        writer: Task::spawn(write(Arc::clone(&shared.outbox), output)),
        process: process.map(|(child, stderr)| {
            let tail = StderrTail::default();
            Process {
                child,
                stderr: Task::spawn(drain_stderr(
                    stderr,
                    tail.clone(),
                    Arc::clone(&shared.config.secrets),
                )),
                tail,
            }
        }),
        shared,
    };
    #[expect(clippy::disallowed_methods, reason = "a task of ARCHITECTURE.md")]
    tokio::spawn(supervisor.run());
}

impl Supervisor {
    async fn run(mut self) {
        match self.end().await {
            End::Requested => {}
            End::Read(end) => self.output_ended(end).await,
            End::Write(Some(Ok(()))) => {}
            End::Write(end) => self.input_failed(end).await,
            End::Exit(status) => self.exited(status).await,
        }
        self.finish().await;
        // `Drop` tells the rest.
    }

    /// Waits for the first thing that ends the connection.
    async fn end(&mut self) -> End {
        let shared = Arc::clone(&self.shared);
        let mut stop = pin!(shared.stop.notified());
        let mut time = pin!(shared.keep_time());
        let (reader, writer) = (&mut self.reader, &mut self.writer);
        let mut exit = pin!(async {
            match &mut self.process {
                Some(process) => process.child.wait().await,
                None => std::future::pending().await,
            }
        });
        // Priority: stop, exit status, reader, writer. Cancel safety: the losing futures hold no
        // partial work. It loops until one of the four ends.
        poll_fn(|cx| {
            if stop.as_mut().poll(cx).is_ready() {
                return Poll::Ready(End::Requested);
            }
            if let Poll::Ready(status) = exit.as_mut().poll(cx) {
                return Poll::Ready(End::Exit(status));
            }
            if let Poll::Ready(end) = reader.poll_end(cx) {
                return Poll::Ready(End::Read(end));
            }
            if let Poll::Ready(end) = writer.poll_end(cx) {
                return Poll::Ready(End::Write(end));
            }
            let Poll::Pending = time.as_mut().poll(cx);
            Poll::Pending
        })
        .await
    }

    async fn output_ended(&mut self, end: Option<ReadEnd>) {
        let reason = match end {
            Some(ReadEnd::Eof) => match &mut self.process {
                Some(process) => {
                    let status = process.child.wait_for(STATUS_GRACE).await;
                    process.exited(status, &self.shared).await
                }
                None => CloseReason::Io(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the other end closed the pipe",
                )),
            },
            Some(ReadEnd::Failed(error)) => CloseReason::Io(error),
            Some(ReadEnd::TooLong) => CloseReason::Protocol(format!(
                "a line is longer than {} bytes; `CodexConfig::max_line_bytes` sets that limit",
                self.shared.config.max_line_bytes
            )),
            None => CloseReason::Protocol(
                "the task that reads its output panicked, which is a fault of this library: report it".into(),
            ),
        };
        self.shared.close(reason);
    }

    async fn input_failed(&mut self, end: Option<io::Result<()>>) {
        let status = match &mut self.process {
            Some(process) => process.child.wait_for(STATUS_GRACE).await,
            None => None,
        };
        if status.is_some() {
            return self.exited_with(status).await;
        }
        let error = match end {
            Some(Err(error)) => error,
            _ => io::Error::other(
                "the task that writes to it panicked, which is a fault of this library: report it",
            ),
        };
        self.shared.close(CloseReason::Io(error));
    }

    async fn exited(&mut self, status: io::Result<ExitStatus>) {
        match status {
            Ok(status) => self.exited_with(Some(status)).await,
            Err(error) => self.shared.close(CloseReason::Io(error)),
        }
    }

    /// Reads what the process left in the pipe, then tells how it ended.
    async fn exited_with(&mut self, status: Option<ExitStatus>) {
        self.reader.end_within(OUTPUT_GRACE).await;
        if let Some(process) = &mut self.process {
            let reason = process.exited(status, &self.shared).await;
            self.shared.close(reason);
        }
    }

    /// Ends what still runs, in steps, and reaps the process.
    async fn finish(&mut self) {
        self.shared.outbox.close();
        self.writer.end_within(WRITE_GRACE).await;
        // The end of the writer is the end of the runtime's input; it drops the pipe.
        self.writer.stop().await;
        if let Some(process) = &mut self.process {
            // The reader goes on, so that a runtime with much to say is not held up.
            let status = process.child.end().await;
            tracing::debug!(?status, "the runtime has ended");
            process.stderr.stop().await;
        }
        self.reader.stop().await;
    }
}

impl Process {
    async fn exited(&mut self, status: Option<ExitStatus>, shared: &Shared) -> CloseReason {
        if status.is_some() {
            self.stderr.end_within(STATUS_GRACE).await;
        }
        CloseReason::Exited {
            program: self.child.program.clone(),
            at_start: !shared.is_ready.load(Ordering::Relaxed),
            status,
            stderr_tail: self.tail.text(),
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl Shared {
    /// Says that nothing of the connection is left.
    pub(super) fn end(self: &Arc<Self>) {
        // Reached early if the async runtime is shut down: no task must wait for it then.
        self.close(CloseReason::Io(io::Error::other(
            "the async runtime that drove the connection was shut down",
        )));
        self.outbox.close();
        self.ended.send_replace(true);
    }
}
