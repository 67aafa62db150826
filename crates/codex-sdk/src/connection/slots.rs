//! One start at a time per thread.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

type Gates = Arc<Mutex<HashMap<Box<str>, Arc<AsyncMutex<()>>>>>;

/// The threads on which a start is under way or waits.
#[derive(Debug, Default)]
pub(super) struct Slots {
    gates: Gates,
}

/// The right to start a turn on a thread; the next start gets it on drop.
#[derive(Debug)]
pub(crate) struct Slot {
    // In this order: the entry of the thread goes after the right is given back.
    _guard: OwnedMutexGuard<()>,
    _entry: Entry,
}

/// A use of a thread's gate; the last one removes it.
#[derive(Debug)]
struct Entry {
    gates: Gates,
    thread_id: Box<str>,
}

impl Slots {
    /// Waits for the right, first come first served.
    pub(super) async fn acquire(&self, thread_id: &str) -> Slot {
        let (gate, entry) = {
            let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
            let gate = Arc::clone(gates.entry(thread_id.into()).or_default());
            let entry = Entry {
                gates: Arc::clone(&self.gates),
                thread_id: thread_id.into(),
            };
            (gate, entry)
        };
        Slot {
            _guard: gate.lock_owned().await,
            _entry: entry,
        }
    }

    /// Tells whether no start is under way or waits.
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
        // Whoever waits or holds has a reference of its own, taken under this lock.
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
    async fn starts_of_a_thread_take_turns_and_leave_nothing() {
        let slots = Slots::default();
        let mut cx = Context::from_waker(Waker::noop());
        let first = slots.acquire("a").await;
        let _other = slots.acquire("b").await;
        let mut second = Box::pin(slots.acquire("a"));
        let mut third = Box::pin(slots.acquire("a"));
        assert!(second.as_mut().poll(&mut cx).is_pending());
        assert!(third.as_mut().poll(&mut cx).is_pending());
        drop(first);
        assert!(third.as_mut().poll(&mut cx).is_pending());
        drop(second);
        let Poll::Ready(third) = third.as_mut().poll(&mut cx) else {
            panic!("the next start does not get its turn");
        };
        drop(third);
        assert_eq!(slots.gates.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_waiter_that_is_dropped_last_leaves_nothing() {
        let slots = Slots::default();
        let mut cx = Context::from_waker(Waker::noop());
        let first = slots.acquire("a").await;
        let mut second = Box::pin(slots.acquire("a"));
        assert!(second.as_mut().poll(&mut cx).is_pending());
        drop(first);
        drop(second);
        assert!(slots.gates.lock().unwrap().is_empty());
    }
}
