//! The state of a conversation, made of its events.

use std::collections::VecDeque;

use serde::Serialize;

use crate::events::{Ask, Body, Event, Item, Usage};

/// The state of a conversation: all that a page shows.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct View {
    /// How many items are left out at the beginning.
    omitted: u64,
    items: VecDeque<Item>,
    /// The questions that wait for an answer.
    approvals: Vec<Ask>,
    /// The id of the turn that runs.
    running: Option<String>,
    usage: Option<Usage>,
    #[serde(skip)]
    notices: u64,
    #[serde(skip)]
    size: usize,
}

impl View {
    /// Applies an event, and then leaves out the oldest items until the rest takes no more than `limit` bytes.
    pub(crate) fn apply(&mut self, event: &Event, limit: usize) {
        match event {
            Event::TurnStarted { turn_id } => self.running = Some(turn_id.clone()),
            Event::TextDelta { item_id, delta } | Event::ReasoningDelta { item_id, delta } => {
                self.change(item_id, |body| {
                    if let Body::Message { text } | Body::Reasoning { text } = body {
                        text.push_str(delta);
                    }
                });
            }
            Event::CommandOutput { item_id, delta } => self.change(item_id, |body| {
                if let Body::Command(command) = body {
                    command.add_output(delta);
                }
            }),
            Event::FileChange { item_id, changes } => self.change(item_id, |body| {
                if let Body::FileChange { changes: old, .. } = body {
                    old.clone_from(changes);
                }
            }),
            Event::ItemStarted { item } | Event::ItemCompleted { item } => self.put(item.clone()),
            Event::ApprovalAsked { approval } => self.approvals.push(approval.clone()),
            Event::ApprovalResolved { key, .. } => self.approvals.retain(|ask| ask.key != *key),
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::TurnCompleted { message, .. } => {
                self.running = None;
                if let Some(message) = message {
                    self.note(message.clone());
                }
            }
            Event::Error { message, .. } | Event::Notice { message } => self.note(message.clone()),
        }
        while self.size > limit && self.items.len() > 1 {
            if let Some(oldest) = self.items.pop_front() {
                self.size -= oldest.body.size();
                self.omitted += 1;
            }
        }
    }

    fn note(&mut self, text: String) {
        self.notices += 1;
        let id = format!("notice-{}", self.notices);
        self.put(Item {
            id,
            body: Body::Notice { text },
        });
    }

    /// Adds an item, or replaces the one with its id.
    fn put(&mut self, item: Item) {
        self.size += item.body.size();
        match self.find(&item.id) {
            Some(at) => {
                self.size -= self.items[at].body.size();
                self.items[at] = item;
            }
            None => self.items.push_back(item),
        }
    }

    fn change(&mut self, id: &str, change: impl FnOnce(&mut Body)) {
        if let Some(at) = self.find(id) {
            let body = &mut self.items[at].body;
            self.size -= body.size();
            change(body);
            self.size += body.size();
        }
    }

    fn find(&self, id: &str) -> Option<usize> {
        // The item of an event is among the last ones.
        self.items.iter().rposition(|item| item.id == id)
    }
}
