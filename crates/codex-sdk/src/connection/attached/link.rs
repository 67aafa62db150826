//! The tasks that read and write one socket.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use futures_util::StreamExt;

use crate::connection::Shared;
use crate::connection::dispatch::Dispatch;
use crate::connection::supervise::WRITE_GRACE;
use crate::connection::task::Task;
use crate::reader::ReadEnd;
use crate::socket::{self, Socket};

/// The tasks of a socket.
#[derive(Debug)]
pub(super) struct Link {
    reader: Task<ReadEnd>,
    writer: Task<io::Result<()>>,
}

impl Link {
    pub(super) fn new(shared: &Arc<Shared>, socket: Socket) -> Self {
        let heard = socket.get_ref().last();
        let (outgoing, incoming) = socket.split();
        let sink = Dispatch::new(Arc::clone(shared));
        Self {
            reader: Task::spawn(socket::read(incoming, heard, sink)),
            writer: Task::spawn(socket::write(Arc::clone(&shared.outbox), outgoing)),
        }
    }

    /// Waits until it is broken; returns why.
    pub(super) async fn broken(&mut self) -> String {
        poll_fn(|cx| {
            if let Poll::Ready(end) = self.reader.poll_end(cx) {
                return Poll::Ready(match end {
                    Some(ReadEnd::Eof) => "the other end closed it".into(),
                    Some(ReadEnd::Failed(error)) => error.to_string(),
                    Some(ReadEnd::TooLong) => "a message is longer than allowed".into(),
                    None => "the reader failed".into(),
                });
            }
            match self.writer.poll_end(cx) {
                Poll::Ready(Some(Err(error))) => Poll::Ready(error.to_string()),
                Poll::Ready(_) => Poll::Ready("the writer ended".into()),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Does something over it, unless it breaks first.
    pub(super) async fn unless_broken<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, String> {
        let mut work = pin!(work);
        let mut broken = pin!(self.broken());
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Ok(done)),
            Poll::Pending => broken.as_mut().poll(cx).map(Err),
        })
        .await
    }

    pub(super) async fn stop(&mut self) {
        self.reader.stop().await;
        self.writer.stop().await;
    }

    /// Waits until what is queued is written, for a limited time, and ends it.
    pub(super) async fn finish(&mut self) {
        self.writer.end_within(WRITE_GRACE).await;
        self.stop().await;
    }
}
