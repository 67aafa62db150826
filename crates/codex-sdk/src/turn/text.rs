//! The text of a turn's messages.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use codex_types::{
    AgentMessageDeltaNotification, AgentMessageThreadItem, ItemId, MessagePhase, ThreadItem,
};
use futures_core::Stream;

use super::TurnHandle;
use crate::error::Result;
use crate::event::Notification;

/// A piece of the text of one of the agent's messages.
///
/// It is displayed as its text.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TextDelta {
    /// The text.
    pub text: String,
    /// Whether the message is commentary or the final answer, if the provider of the model tells.
    pub phase: Option<MessagePhase>,
    /// The id of the message.
    pub item_id: ItemId,
    /// Whether the message begins again with this text: what came of it before does not count.
    ///
    /// It is false, but for a message that the model writes anew and differently after a lost
    /// connection, and one that is completed with another text than was streamed.
    pub restarted: bool,
}

impl fmt::Display for TextDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The text of the agent's messages as it is written, made by [`TurnHandle::text_deltas`].
///
/// The stream ends with the turn; a failed turn ends it with
/// [`Error::TurnFailed`](crate::Error::TurnFailed). Dropping it drops the handle of the turn.
#[must_use = "a turn whose handle is dropped is interrupted"]
pub struct TextDeltas {
    turn: TurnHandle,
    texts: Texts,
    ended: bool,
}

impl TextDeltas {
    pub(super) fn new(turn: TurnHandle) -> Self {
        let late = turn.is_joined() || turn.collector.handed_out();
        Self {
            turn,
            texts: Texts::new(late),
            ended: false,
        }
    }
}

impl Stream for TextDeltas {
    type Item = Result<TextDelta>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(delta) = self.texts.ready.pop_front() {
                return Poll::Ready(Some(Ok(delta)));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            match ready!(self.turn.poll_uncollected(cx)) {
                Some(Ok(Notification::ItemAgentMessageDelta(delta))) => self.texts.delta(delta),
                Some(Ok(event)) => {
                    self.texts.event(&event);
                    self.turn.collector.absorb(event);
                }
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    // An error comes after the text that was held back until now.
                    if self.texts.release() {
                        continue;
                    }
                    self.ended = true;
                    if let Err(error) = self.turn.result() {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
            }
        }
    }
}

impl fmt::Debug for TextDeltas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextDeltas")
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}

/// Turns the events of a turn into deltas that add up to the text of each message.
#[derive(Default)]
struct Texts {
    /// The messages that have begun and are not complete.
    open: Vec<Open>,
    /// Whether messages may have begun before the first event.
    late: bool,
    ready: VecDeque<TextDelta>,
}

/// A message that is being written.
struct Open {
    id: ItemId,
    phase: Option<MessagePhase>,
    /// Its text so far.
    text: String,
    /// Where in `text` the next delta belongs, while the text comes once more.
    repeats: Option<usize>,
    /// Whether its beginning was missed: its text is held back until all of it is known.
    held: bool,
}

impl Texts {
    fn new(late: bool) -> Self {
        Self {
            late,
            ..Self::default()
        }
    }

    fn event(&mut self, event: &Notification) {
        match event {
            Notification::ItemStarted(started) => {
                if let ThreadItem::AgentMessage(message) = &started.item {
                    self.started(message);
                }
            }
            Notification::ItemCompleted(completed) => {
                if let ThreadItem::AgentMessage(message) = &completed.item {
                    self.completed(message);
                }
            }
            _ => {}
        }
    }

    fn started(&mut self, message: &AgentMessageThreadItem) {
        let message_id = &*message.id;
        match self.open.iter_mut().find(|open| open.id == *message_id) {
            // The connection to the model was lost, and the message is written once more.
            Some(open) => {
                open.repeats = Some(0);
                open.phase = message.phase.clone().or_else(|| open.phase.take());
                if std::mem::take(&mut open.held) {
                    open.text.clear();
                }
            }
            // A text that the item has already comes again, as deltas or with its completion.
            None => self.open.push(Open {
                id: ItemId::from(message_id),
                phase: message.phase.clone(),
                text: String::new(),
                repeats: None,
                held: false,
            }),
        }
    }

    fn delta(&mut self, delta: AgentMessageDeltaNotification) {
        let AgentMessageDeltaNotification { delta, item_id, .. } = delta;
        if delta.is_empty() {
            return;
        }
        let at = match self.open.iter().position(|open| open.id == item_id) {
            Some(at) => at,
            None => {
                self.open.push(Open {
                    id: item_id,
                    phase: None,
                    text: String::new(),
                    repeats: None,
                    held: self.late,
                });
                self.open.len() - 1
            }
        };
        let open = &mut self.open[at];
        if let Some(new) = open.add(delta) {
            self.ready.push_back(new);
        }
    }

    fn completed(&mut self, message: &AgentMessageThreadItem) {
        let message_id = &*message.id;
        let at = self.open.iter().position(|open| open.id == *message_id);
        let open = at.map(|at| self.open.remove(at));
        let (given, phase) = match open {
            Some(open) if open.held => (String::new(), open.phase),
            Some(open) => (open.text, open.phase),
            None => (String::new(), None),
        };
        let (text, restarted) = match message.text.strip_prefix(&*given) {
            Some("") => return,
            Some(rest) => (rest, false),
            None => (&*message.text, true),
        };
        self.ready.push_back(TextDelta {
            text: text.to_owned(),
            phase: message.phase.clone().or(phase),
            item_id: ItemId::from(message_id),
            restarted,
        });
    }

    /// Hands out the text that is held back, at the end of the turn; tells whether there is any.
    fn release(&mut self) -> bool {
        for open in std::mem::take(&mut self.open) {
            if open.held {
                self.ready.push_back(TextDelta {
                    text: open.text,
                    phase: open.phase,
                    item_id: open.id,
                    restarted: false,
                });
            }
        }
        !self.ready.is_empty()
    }
}

impl Open {
    /// Adds a delta; returns what of it is new.
    fn add(&mut self, mut delta: String) -> Option<TextDelta> {
        if self.held {
            self.text.push_str(&delta);
            return None;
        }
        let mut restarted = false;
        if let Some(at) = self.repeats {
            let rest = self.text.get(at..).unwrap_or_default();
            if rest.len() > delta.len() && rest.starts_with(&*delta) {
                self.repeats = Some(at + delta.len());
                return None;
            }
            self.repeats = None;
            if let Some(new) = delta.strip_prefix(rest) {
                delta = new.to_owned();
                if delta.is_empty() {
                    return None;
                }
            } else {
                self.text.truncate(at);
                delta.insert_str(0, &self.text);
                self.text.clear();
                restarted = true;
            }
        }
        self.text.push_str(&delta);
        Some(TextDelta {
            text: delta,
            phase: self.phase.clone(),
            item_id: self.id.clone(),
            restarted,
        })
    }
}

#[cfg(test)]
mod tests;
