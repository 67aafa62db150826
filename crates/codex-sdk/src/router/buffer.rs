//! Events in order, with the deltas of one item merged once there are many.

use std::collections::{HashMap, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;

/// An event that may continue an earlier one.
pub(crate) trait Coalesce: Sized {
    /// What a delta continues: the kind of text and the item it belongs to.
    type Key: Eq + Hash + Debug;

    /// Returns what this event continues; `None` for anything that is not a delta.
    fn key(&self) -> Option<Self::Key>;

    /// Appends the text of a later delta with the same key to this one.
    fn absorb(&mut self, later: Self);
}

/// From how many events on deltas are merged.
///
/// A consumer that keeps up never has that many waiting, so it sees each delta as it was sent.
pub(super) const MERGE_FROM: usize = 1024;

/// A buffer that loses nothing, and grows by no more than the text once it is long.
///
/// A delta is merged into the last one with its key, if nothing but deltas came since: between
/// the deltas of several items only their order relative to each other is given up, never the
/// order within an item, and never the order relative to anything else.
#[derive(Debug)]
pub(super) struct Buffer<T: Coalesce> {
    events: VecDeque<T>,
    /// Where the deltas after the last event that is none are, by what they continue.
    open: HashMap<T::Key, usize>,
}

impl<T: Coalesce> Default for Buffer<T> {
    fn default() -> Self {
        Self {
            events: VecDeque::new(),
            open: HashMap::new(),
        }
    }
}

impl<T: Coalesce> Buffer<T> {
    pub(super) fn push(&mut self, event: T) {
        if self.events.len() >= MERGE_FROM {
            match event.key() {
                None => self.open.clear(),
                Some(key) => match self.open.get(&key).and_then(|at| self.events.get_mut(*at)) {
                    Some(earlier) => return earlier.absorb(event),
                    None => {
                        self.open.insert(key, self.events.len());
                    }
                },
            }
        }
        self.events.push_back(event);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Removes the oldest event. The buffer must not be one that merges.
    pub(super) fn drop_oldest(&mut self) {
        self.open.clear();
        self.events.pop_front();
    }

    /// Exchanges the events with an empty deque, whose memory is used from now on.
    pub(super) fn swap(&mut self, empty: &mut VecDeque<T>) {
        self.open.clear();
        std::mem::swap(&mut self.events, empty);
    }

    pub(super) fn into_events(self) -> VecDeque<T> {
        self.events
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.events.iter()
    }
}
