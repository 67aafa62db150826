//! What has been delivered of the turns that run, so that the rest can be delivered after a lost connection.
//!
//! It stands before everything else that looks at events, and is a plain data structure: events in, events out.
//! Without a loss it passes them on as they are. After one, [`Ledger::resumed`] is told what the runtime has stored
//! of the turns meanwhile, and makes of it the events that were missed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use codex_types::{ItemId, ThreadItem, ThreadTokenUsage, Turn, TurnId, TurnItemsView, TurnStatus};

mod items;

use crate::event::{Delta, Notification, Text};
use crate::router::RecentTurns;
use items::{begun, forgotten, is_in_progress, rest, texts};

/// How many turns that ended are remembered, so that nothing of them is delivered once more.
const MOST_REMEMBERED: usize = 256;

/// What has been delivered, by thread.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    threads: HashMap<Box<str>, ThreadEntry>,
    over: RecentTurns<MOST_REMEMBERED>,
}

#[derive(Debug, Default)]
struct ThreadEntry {
    turns: HashMap<TurnId, TurnEntry>,
    /// The events that came since the connection was made again, while it is asked what was missed.
    held: Option<Vec<Notification>>,
}

#[derive(Debug, Default)]
struct TurnEntry {
    /// Whether the connection was lost since the turn began.
    cut: bool,
    /// Whether its start was delivered, or was before this client looked.
    started: bool,
    items: HashMap<ItemId, Item>,
    usage: Option<ThreadTokenUsage>,
}

#[derive(Debug)]
enum Item {
    Open(Box<Open>),
    Completed,
}

/// An item that is not complete.
#[derive(Debug, Default)]
struct Open {
    /// As it was when it started, if that was delivered.
    started: Option<ThreadItem>,
    /// The texts that were delivered, with their part.
    given: Vec<(Text, i64, String)>,
    /// Whether something of it was missed: its deltas are held back until its end.
    held: bool,
}

impl Ledger {
    /// Notes that the connection is lost.
    pub(super) fn lost(&mut self) {
        for thread in self.threads.values_mut() {
            // They are asked for once more.
            thread.held = None;
            for turn in thread.turns.values_mut() {
                turn.cut = true;
                for item in turn.items.values_mut() {
                    if let Item::Open(open) = item {
                        open.held = true;
                    }
                }
            }
        }
    }

    /// Holds the events of a thread back until [`Ledger::resumed`].
    pub(super) fn hold(&mut self, thread: &str) {
        let entry = self.threads.entry(thread.into()).or_default();
        entry.held.get_or_insert_default();
    }

    /// Passes an event on, unless it is held back or was delivered before.
    pub(super) fn pass(&mut self, event: Notification, out: &mut Vec<Notification>) {
        let held = event
            .thread_id()
            .and_then(|thread| self.threads.get_mut(thread)?.held.as_mut());
        match held {
            Some(held) => held.push(event),
            None => self.admit(event, out),
        }
    }

    /// Delivers what was missed of the turns of a thread, as they are stored now, and then what was held back.
    ///
    /// The turns are those that were running or wanted, oldest first, with all of their items.
    pub(super) fn resumed(&mut self, thread: &str, turns: Vec<Turn>, out: &mut Vec<Notification>) {
        let held = self
            .threads
            .get_mut(thread)
            .and_then(|entry| entry.held.take());
        let mut held = held.unwrap_or_default();
        for mut turn in turns {
            let id = turn.id.clone();
            if self.over.contains(&id) {
                continue;
            }
            let is_over = turn.status != TurnStatus::InProgress;
            let items = std::mem::take(&mut turn.items);
            self.begin(thread, &turn, out);
            for item in &items {
                self.stored(thread, &id, item, is_over, out);
            }
            if is_over {
                // What came of it before it was asked for, like its last usage, stands before its end.
                let of_it = |event: &mut Notification| {
                    event.turn_id() == Some(&id) && !matches!(event, Notification::TurnCompleted(_))
                };
                for event in held.extract_if(.., of_it) {
                    self.admit(event, out);
                }
                turn.items_view = TurnItemsView::NotLoaded;
                self.admit(Notification::of_turn(thread, turn), out);
            }
        }
        for event in held {
            self.admit(event, out);
        }
        if self
            .threads
            .get(thread)
            .is_some_and(|entry| entry.turns.is_empty())
        {
            self.threads.remove(thread);
        }
    }

    /// Forgets a turn of which nothing comes any more.
    pub(super) fn forget(&mut self, thread: &str, turn: &str) {
        if let Some(entry) = self.threads.get_mut(thread) {
            entry.turns.retain(|id, _| *id != *turn);
        }
    }

    fn turn(&mut self, thread: &str, turn: &TurnId) -> &mut TurnEntry {
        let entry = self.threads.entry(thread.into()).or_default();
        entry.turns.entry(turn.clone()).or_default()
    }

    /// Delivers the start of a turn that was missed.
    fn begin(&mut self, thread: &str, turn: &Turn, out: &mut Vec<Notification>) {
        let entry = self.turn(thread, &turn.id);
        entry.cut = true;
        if !std::mem::replace(&mut entry.started, true) {
            let mut turn = turn.clone();
            turn.status = TurnStatus::InProgress;
            turn.items_view = TurnItemsView::NotLoaded;
            turn.completed_at = None;
            turn.duration_ms = None;
            turn.error = None;
            out.push(Notification::of_turn_start(thread, turn));
        }
    }

    /// Delivers what was missed of a stored item.
    fn stored(
        &mut self,
        thread: &str,
        turn: &TurnId,
        item: &ThreadItem,
        turn_is_over: bool,
        out: &mut Vec<Notification>,
    ) {
        let Some(id) = item.id().map(ItemId::from) else {
            return;
        };
        if turn_is_over || !is_in_progress(item) {
            let at = item.completed_at_ms().unwrap_or_default();
            return self.admit(Notification::of_item(thread, turn, item.clone(), at), out);
        }
        let entry = self.turn(thread, turn);
        if let Entry::Vacant(vacant) = entry.items.entry(id) {
            let open = Open {
                started: Some(item.clone()),
                held: true,
                ..Open::default()
            };
            vacant.insert(Item::Open(Box::new(open)));
            out.push(Notification::of_item_start(thread, turn, item.clone()));
        }
    }

    /// Delivers an event, unless it was before.
    fn admit(&mut self, event: Notification, out: &mut Vec<Notification>) {
        let (Some(thread), Some(turn)) = (event.thread_id(), event.turn_id()) else {
            return out.push(event);
        };
        let (thread, turn) = (Box::<str>::from(thread), TurnId::from(turn));
        if self.over.contains(&turn) {
            // The runtime replays the last usage of a turn that is over; a command may end after its turn.
            let is_said = matches!(
                event,
                Notification::TurnStarted(_)
                    | Notification::TurnCompleted(_)
                    | Notification::ThreadTokenUsageUpdated(_)
            );
            if !is_said {
                out.push(event);
            }
            return;
        }
        if let Notification::TurnStarted(_) = event {
            let entry = self.turn(&thread, &turn);
            if !std::mem::replace(&mut entry.started, true) {
                out.push(event);
            }
            return;
        }
        if let Notification::TurnCompleted(_) = event {
            return self.complete(&thread, &turn, event, out);
        }
        let entry = self.turn(&thread, &turn);
        // Of a turn whose start was not seen, this client has joined the rest.
        entry.started = true;
        match &event {
            Notification::ItemStarted(started) => {
                if let Some(id) = started.item.id() {
                    match entry.items.get_mut(id) {
                        Some(Item::Completed) => return,
                        // It was found in the history, and comes from its beginning after all.
                        Some(Item::Open(open))
                            if open.started.is_some() && is_in_progress(&started.item) =>
                        {
                            open.held = !open.given.is_empty();
                            return;
                        }
                        _ => {}
                    }
                    // One that is open begins anew: the runtime has lost its connection to the model.
                    let open = Open {
                        started: Some(started.item.clone()),
                        ..Open::default()
                    };
                    entry.items.insert(id.into(), Item::Open(Box::new(open)));
                }
            }
            Notification::ItemCompleted(completed) => {
                if let Some(id) = completed.item.id().map(ItemId::from) {
                    let before = entry.items.insert(id, Item::Completed);
                    match before {
                        Some(Item::Completed) => return,
                        Some(Item::Open(open)) if open.held => {
                            missed(&thread, &turn, &open, &completed.item, out);
                        }
                        None if entry.cut => {
                            missed(&thread, &turn, &Open::default(), &completed.item, out);
                        }
                        _ => {}
                    }
                }
            }
            Notification::ThreadTokenUsageUpdated(usage) => {
                if entry.usage.as_ref() == Some(&usage.token_usage) {
                    return;
                }
                entry.usage = Some(usage.token_usage.clone());
            }
            _ => {
                if let Some(delta) = Delta::of(&event)
                    && !entry.gives(&delta)
                {
                    return;
                }
            }
        }
        out.push(event);
    }

    /// Delivers the end of a turn, before it the ends of items that the runtime has forgotten.
    fn complete(
        &mut self,
        thread: &str,
        turn: &TurnId,
        event: Notification,
        out: &mut Vec<Notification>,
    ) {
        let entry = self
            .threads
            .get_mut(thread)
            .and_then(|entry| entry.turns.remove(turn));
        if let Some(entry) = entry.filter(|entry| entry.cut) {
            let open = entry.items.into_values().filter_map(|item| match item {
                Item::Open(open) => open.started,
                Item::Completed => None,
            });
            for item in open.filter_map(forgotten) {
                out.push(Notification::of_item(thread, turn, item, 0));
            }
        }
        out.push(event);
        self.over.add(turn);
        let idle = |entry: &ThreadEntry| entry.turns.is_empty() && entry.held.is_none();
        if self.threads.get(thread).is_some_and(idle) {
            self.threads.remove(thread);
        }
    }
}

impl TurnEntry {
    /// Notes a delta; tells whether it is delivered.
    fn gives(&mut self, delta: &Delta<'_>) -> bool {
        let cut = self.cut;
        let item = self.items.entry(delta.item.clone()).or_insert_with(|| {
            // One that began while the connection was away.
            Item::Open(Box::new(Open {
                held: cut,
                ..Open::default()
            }))
        });
        let Item::Open(open) = item else {
            return false;
        };
        if open.held {
            return false;
        }
        let mut given = open.given.iter_mut();
        match given.find(|(text, part, _)| (*text, *part) == (delta.text, delta.part)) {
            Some((_, _, text)) => text.push_str(delta.delta),
            None => {
                let text = delta.delta.to_owned();
                open.given.push((delta.text, delta.part, text));
            }
        }
        true
    }
}

/// Delivers what was missed of an item that is complete: its start, and the rest of its texts.
fn missed(
    thread: &str,
    turn: &TurnId,
    open: &Open,
    item: &ThreadItem,
    out: &mut Vec<Notification>,
) {
    let id = item.id().unwrap_or_default();
    if open.started.is_none() && open.given.is_empty() {
        out.push(Notification::of_item_start(thread, turn, begun(item)));
    }
    for (text, part, whole) in texts(item) {
        let mut given = open.given.iter();
        let given = given.find(|given| (given.0, given.1) == (text, part));
        let given = given
            .map(|(_, _, given)| given.as_str())
            .unwrap_or_default();
        let rest = rest(whole, given);
        if rest.is_empty() {
            continue;
        }
        out.push(match text {
            Text::AgentMessage => Notification::of_message_delta(thread, turn, id, rest),
            Text::Plan => Notification::of_plan_delta(thread, turn, id, rest),
            Text::Reasoning => Notification::of_reasoning_delta(thread, turn, id, part, rest),
            Text::ReasoningSummary => Notification::of_summary_delta(thread, turn, id, part, rest),
            Text::CommandOutput => Notification::of_output_delta(thread, turn, id, rest),
            // No item has that text.
            Text::FileChangeOutput => continue,
        });
    }
}
