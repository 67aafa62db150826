//! The changes of files that the runtime has announced and not made yet.

use std::collections::HashMap;
use std::sync::Arc;

use codex_types::{FileUpdateChange, ItemId, ThreadItem, TurnId};

use crate::event::Notification;
use crate::router::{Kind, Routed};

/// How many are kept; a runtime has one or two a turn.
const MOST: usize = 256;

/// The announced changes, by turn and item.
#[derive(Debug, Default)]
pub(super) struct Changes {
    announced: HashMap<(TurnId, ItemId), Arc<[FileUpdateChange]>>,
}

impl Changes {
    /// Updates them with what an event announces or ends.
    pub(super) fn observe(&mut self, event: &Notification) {
        match event {
            Notification::ItemStarted(started) => {
                if let ThreadItem::FileChange(item) = &started.item {
                    self.announce(&started.turn_id, &item.id, &item.changes);
                }
            }
            Notification::ItemFileChangePatchUpdated(updated) => {
                self.announce(&updated.turn_id, &updated.item_id, &updated.changes);
            }
            Notification::ItemCompleted(completed) => {
                if let ThreadItem::FileChange(item) = &completed.item {
                    let key = (completed.turn_id.clone(), item.id.clone());
                    self.announced.remove(&key);
                }
            }
            _ if !self.announced.is_empty() && event.kind() == Kind::TurnCompleted => {
                let turn = event.turn_id();
                self.announced
                    .retain(|(of, _), _| Some(of.as_str()) != turn);
            }
            _ => {}
        }
    }

    fn announce(&mut self, turn: &TurnId, item: &ItemId, changes: &[FileUpdateChange]) {
        let key = (turn.clone(), item.clone());
        // An approval of a change that is not kept is declined.
        if self.announced.len() < MOST || self.announced.contains_key(&key) {
            self.announced.insert(key, changes.into());
        }
    }

    /// Returns the changes of an item.
    pub(super) fn of(&self, turn: &str, item: &str) -> Option<Arc<[FileUpdateChange]>> {
        let key = (TurnId::from(turn), ItemId::from(item));
        self.announced.get(&key).cloned()
    }
}
