//! One resume at a time per thread.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

type Gates = Arc<Mutex<HashMap<Box<str>, Arc<AsyncMutex<()>>>>>;

/// The threads of which a resume is in progress or waits.
#[derive(Debug, Default)]
pub(super) struct Resumes {
    gates: Gates,
}

/// The right to resume a thread; the next resume gets it on drop.
#[derive(Debug)]
pub(crate) struct ResumeGuard {
    // In this order: the entry of the thread is dropped after the lock is released.
    _guard: OwnedMutexGuard<()>,
    _entry: Entry,
}

/// A use of a thread's gate; the last one removes it.
#[derive(Debug)]
struct Entry {
    gates: Gates,
    thread_id: Box<str>,
}

impl Resumes {
    /// Waits for the right, in the order of the calls.
    pub(super) async fn acquire(&self, thread_id: &str) -> ResumeGuard {
        let (gate, entry) = {
            let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
            let gate = Arc::clone(gates.entry(thread_id.into()).or_default());
            let entry = Entry {
                gates: Arc::clone(&self.gates),
                thread_id: thread_id.into(),
            };
            (gate, entry)
        };
        ResumeGuard {
            _guard: gate.lock_owned().await,
            _entry: entry,
        }
    }

    /// Tells whether no resume is in progress or waits.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.gates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        // Every waiter and holder has a reference of its own, taken under this lock.
        if let Some(gate) = gates.get(&self.thread_id)
            && Arc::strong_count(gate) == 1
        {
            gates.remove(&self.thread_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::task::{Context, Poll, Waker};

    #[tokio::test]
    async fn resumes_of_a_thread_take_turns_and_leave_nothing() {
        let resumes = Resumes::default();
        let mut cx = Context::from_waker(Waker::noop());
        let first = resumes.acquire("a").await;
        let _other = resumes.acquire("b").await;
        let mut second = Box::pin(resumes.acquire("a"));
        let mut third = Box::pin(resumes.acquire("a"));
        assert!(second.as_mut().poll(&mut cx).is_pending());
        assert!(third.as_mut().poll(&mut cx).is_pending());
        drop(first);
        assert!(third.as_mut().poll(&mut cx).is_pending());
        drop(second);
        let Poll::Ready(third) = third.as_mut().poll(&mut cx) else {
            panic!("the next resume does not get its turn");
        };
        drop(third);
        assert_eq!(resumes.gates.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_waiter_that_is_dropped_last_leaves_nothing() {
        let resumes = Resumes::default();
        let mut cx = Context::from_waker(Waker::noop());
        let first = resumes.acquire("a").await;
        let mut second = Box::pin(resumes.acquire("a"));
        assert!(second.as_mut().poll(&mut cx).is_pending());
        drop(first);
        drop(second);
        assert!(resumes.gates.lock().unwrap().is_empty());
    }
}
