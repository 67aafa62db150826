//! Finds out whether a turn that was joined is over, and what the runtime has stored of it.

use std::collections::{HashSet, VecDeque};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use codex_types::{SortDirection, ThreadTurnsListParams, Turn, TurnId, TurnItemsView, TurnStatus};
use tokio::time::sleep;

use super::history;
use crate::client::Codex;
use crate::error::{Error, Result};
use crate::event::Notification;

/// How often the history is read before a turn that is not in it counts as over: the runtime
/// stores a turn a moment after it has accepted it, and its end a moment after it has told it.
const ATTEMPTS: u32 = 5;
/// How long to wait between two attempts.
const PAUSE: Duration = Duration::from_millis(100);
/// How many turns are asked for at a time, the newest first.
const PAGE: u32 = 8;

type Asking = Pin<Box<dyn Future<Output = Result<Found>> + Send>>;

/// The question whether a turn is over.
pub(super) struct Inquiry {
    /// `None` once it is answered. Never locked: a mutex makes a handle shareable, so that
    /// futures that borrow it can be sent.
    asking: Option<Mutex<Asking>>,
    /// The items that the handle has delivered meanwhile.
    delivered: HashSet<String>,
    thread_id: Box<str>,
    /// The events of a turn that is over, made of what is stored of it.
    past: VecDeque<Notification>,
}

enum Found {
    Runs,
    Over(Box<Turn>),
}

/// What is found out about a turn.
pub(super) enum Standing {
    /// It runs: its events come.
    Runs,
    /// It is over: what is left of it comes from [`Inquiry::next_past`].
    Over,
}

impl Inquiry {
    pub(super) fn new(codex: Codex, thread_id: &str, turn_id: &TurnId) -> Self {
        let asking = ask(codex, thread_id.to_owned(), turn_id.clone());
        Self {
            asking: Some(Mutex::new(Box::pin(asking))),
            delivered: HashSet::new(),
            thread_id: thread_id.into(),
            past: VecDeque::new(),
        }
    }

    /// Notes an event that is delivered before the answer is known.
    pub(super) fn observe(&mut self, event: &Notification) {
        if let Notification::ItemCompleted(completed) = event
            && let Some(id) = completed.item.id()
        {
            self.delivered.insert(id.to_owned());
        }
    }

    /// Polls for the answer; of a turn that is over it stays the same.
    ///
    /// # Errors
    ///
    /// [`Error::TurnOver`] if the turn is over and nothing is stored of it; what the requests fail
    /// with.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Standing>> {
        if let Some(asking) = &mut self.asking {
            let asking = asking.get_mut().unwrap_or_else(PoisonError::into_inner);
            match ready!(asking.as_mut().poll(cx))? {
                Found::Runs => return Poll::Ready(Ok(Standing::Runs)),
                Found::Over(turn) => {
                    self.asking = None;
                    self.past = events(&self.thread_id, *turn, &self.delivered);
                }
            }
        }
        Poll::Ready(Ok(Standing::Over))
    }

    /// Returns the next event of a turn that is over.
    pub(super) fn next_past(&mut self) -> Option<Notification> {
        self.past.pop_front()
    }
}

/// Makes the events of a turn that is over, without the items that were delivered already.
fn events(thread: &str, mut turn: Turn, delivered: &HashSet<String>) -> VecDeque<Notification> {
    let ended = turn.completed_at.unwrap_or_default().saturating_mul(1000);
    let items = std::mem::take(&mut turn.items).into_iter();
    let items = items.filter(|item| !item.id().is_some_and(|id| delivered.contains(id)));
    let mut events: VecDeque<_> = items
        .map(|item| {
            let at = item.completed_at_ms().unwrap_or(ended);
            Notification::of_item(thread, &turn.id, item, at)
        })
        .collect();
    events.push_back(Notification::of_turn(thread, turn));
    events
}

async fn ask(codex: Codex, thread_id: String, turn_id: TurnId) -> Result<Found> {
    let mut attempt = 1;
    loop {
        let stored = stored(&codex, &thread_id, &turn_id).await?;
        // What was said of the turn before the answer is known by now.
        if codex.connection().is_running(&thread_id, &turn_id) {
            return Ok(Found::Runs);
        }
        match stored {
            Some(turn) if turn.status != TurnStatus::InProgress => {
                return Ok(Found::Over(Box::new(turn)));
            }
            // Another client has started it, and its events come here too.
            Some(_) if !codex.connection().is_over(&turn_id) => return Ok(Found::Runs),
            _ if attempt == ATTEMPTS => return Err(Error::TurnOver { turn_id }),
            _ => {}
        }
        attempt += 1;
        sleep(PAUSE).await;
    }
}

/// Reads a turn from the history of its thread; `None` where it is not, or there is no history.
async fn stored(codex: &Codex, thread_id: &str, turn_id: &TurnId) -> Result<Option<Turn>> {
    let mut params = ThreadTurnsListParams::new(thread_id)
        .items_view(TurnItemsView::Full)
        .sort_direction(SortDirection::Desc)
        .limit(PAGE);
    loop {
        let page = match codex.request(params.clone()).await {
            Ok(page) => page,
            // An ephemeral thread stores nothing, and one without a turn has stored nothing yet.
            Err(Error::Rpc { .. }) => return Ok(None),
            Err(Error::UnsupportedRuntime { .. }) => {
                let turns = history::of_old_runtime(codex, thread_id).await?;
                return Ok(turns.into_iter().find(|turn| *turn_id == *turn.id));
            }
            Err(error) => return Err(error),
        };
        if let Some(turn) = page.data.into_iter().find(|turn| *turn_id == *turn.id) {
            return Ok(Some(turn));
        }
        match page.next_cursor {
            Some(cursor) if params.cursor.as_ref() != Some(&cursor) => params.cursor = Some(cursor),
            _ => return Ok(None),
        }
    }
}
