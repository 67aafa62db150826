//! The queue between the reader and one consumer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::buffer::Buffer;
use super::{Coalesce, Lost};
use crate::error::CloseReason;

/// What a consumer reads.
#[derive(Debug)]
pub(crate) enum Next<E> {
    /// The next event.
    Event(E),
    /// So many events were dropped before the next one.
    Lagged(u64),
    /// The connection ended; said once.
    Closed(Arc<CloseReason>),
    /// The turn ended without its completion; said once.
    Lost(Lost),
    /// Nothing comes any more.
    End,
}

/// The writing side, shared by the router and one [`QueueReader`].
///
/// Its lock is held for a push or for the exchange of two deques, never while anything is
/// decoded, dropped or awaited.
#[derive(Debug)]
pub(super) struct Queue<E: Coalesce> {
    state: Mutex<State<E>>,
    /// The most events that are kept; `None` keeps all and merges deltas.
    capacity: Option<usize>,
}

#[derive(Debug)]
struct State<E: Coalesce> {
    buffer: Buffer<E>,
    lagged: u64,
    end: Option<End>,
    waker: Option<Waker>,
}

#[derive(Clone, Debug)]
enum End {
    Finished,
    Lost(Lost),
    Closed(Arc<CloseReason>),
}

impl<E: Coalesce> Queue<E> {
    /// Makes a queue that loses nothing; what bounds it is [`Buffer`].
    pub(super) fn lossless() -> Self {
        Self::with(None)
    }

    /// Makes a queue that keeps the newest `capacity` events.
    pub(super) fn lagging(capacity: usize) -> Self {
        Self::with(Some(capacity))
    }

    fn with(capacity: Option<usize>) -> Self {
        Self {
            state: Mutex::new(State {
                buffer: Buffer::default(),
                lagged: 0,
                end: None,
                waker: None,
            }),
            capacity,
        }
    }

    /// Adds an event; returns the waker of the consumer.
    pub(super) fn push(&self, event: E) -> Option<Waker> {
        let mut state = self.lock();
        if state.end.is_some() {
            return None;
        }
        if self.capacity.is_some_and(|most| state.buffer.len() >= most) {
            state.buffer.drop_oldest();
            state.lagged += 1;
        }
        state.buffer.push(event);
        state.waker.take()
    }

    /// Ends the queue after what is in it; returns the waker of the consumer.
    pub(super) fn finish(&self) -> Option<Waker> {
        self.end(End::Finished)
    }

    /// Ends the queue, after what is in it, without a completion; returns the waker of the consumer.
    pub(super) fn lose(&self, lost: Lost) -> Option<Waker> {
        self.end(End::Lost(lost))
    }

    /// Ends the queue, after what is in it, with the reason; returns the waker of the consumer.
    pub(super) fn close(&self, reason: &Arc<CloseReason>) -> Option<Waker> {
        self.end(End::Closed(Arc::clone(reason)))
    }

    fn end(&self, end: End) -> Option<Waker> {
        let mut state = self.lock();
        state.end.get_or_insert(end);
        state.waker.take()
    }

    fn lock(&self) -> MutexGuard<'_, State<E>> {
        // The state is whole after every statement, so a panic elsewhere cannot have torn it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The reading side of a queue.
///
/// It takes all that is there at once, so that a consumer that keeps up takes the lock once a
/// batch.
#[derive(Debug)]
pub(crate) struct QueueReader<E: Coalesce> {
    queue: Arc<Queue<E>>,
    taken: VecDeque<E>,
    /// Set once [`Next::Closed`], [`Next::Lost`] or [`Next::End`] was returned.
    ended: bool,
}

impl<E: Coalesce> QueueReader<E> {
    pub(super) fn new(queue: Arc<Queue<E>>) -> Self {
        Self {
            queue,
            taken: VecDeque::new(),
            ended: false,
        }
    }

    /// Returns what is next, if anything is there.
    #[cfg(test)]
    pub(crate) fn try_next(&mut self) -> Option<Next<E>> {
        match self.take(None) {
            Poll::Ready(next) => Some(next),
            Poll::Pending => None,
        }
    }

    /// Returns what is next, or arranges for a wake-up.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next<E>> {
        self.take(Some(cx.waker()))
    }

    fn take(&mut self, waker: Option<&Waker>) -> Poll<Next<E>> {
        /// The memory that an emptied deque may keep, in events.
        const KEEP: usize = 2048;

        if let Some(event) = self.taken.pop_front() {
            return Poll::Ready(Next::Event(event));
        }
        if self.ended {
            return Poll::Ready(Next::End);
        }
        if self.taken.capacity() > KEEP {
            self.taken = VecDeque::new();
        }
        let mut state = self.queue.lock();
        if state.lagged > 0 {
            return Poll::Ready(Next::Lagged(std::mem::take(&mut state.lagged)));
        }
        if !state.buffer.is_empty() {
            state.buffer.swap(&mut self.taken);
            drop(state);
            return match self.taken.pop_front() {
                Some(event) => Poll::Ready(Next::Event(event)),
                None => Poll::Pending,
            };
        }
        match state.end.clone() {
            Some(end) => {
                drop(state);
                self.ended = true;
                Poll::Ready(match end {
                    End::Finished => Next::End,
                    End::Lost(lost) => Next::Lost(lost),
                    End::Closed(reason) => Next::Closed(reason),
                })
            }
            None => {
                if let Some(waker) = waker
                    && !state.waker.as_ref().is_some_and(|old| old.will_wake(waker))
                {
                    state.waker = Some(waker.clone());
                }
                Poll::Pending
            }
        }
    }
}
