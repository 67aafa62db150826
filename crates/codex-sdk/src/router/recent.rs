//! The turns that ended last.

use std::collections::VecDeque;

/// How many completed turns are remembered, so that a late question about one is not asked.
const MOST_REMEMBERED: usize = 128;

/// The ids of the turns that ended last, oldest first.
#[derive(Debug, Default)]
pub(crate) struct RecentTurns<const MOST: usize = MOST_REMEMBERED>(VecDeque<Box<str>>);

impl<const MOST: usize> RecentTurns<MOST> {
    /// Adds a turn that has ended.
    pub(crate) fn add(&mut self, turn: &str) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(turn.into());
    }

    /// Removes a turn that has begun: an id that is used again is that of a turn that runs.
    pub(crate) fn remove(&mut self, turn: &str) {
        self.0.retain(|other| **other != *turn);
    }

    pub(crate) fn contains(&self, turn: &str) -> bool {
        self.0.iter().any(|other| **other == *turn)
    }
}
