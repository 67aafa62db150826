//! Looks in the history for what became of turns and requests.

use std::sync::Arc;
use std::time::Duration;

use codex_types::request::ClientRequest;
use codex_types::{
    SortDirection, ThreadItem, ThreadTurnsListParams, Turn, TurnItemsView, TurnStatus,
};
use tokio::time::sleep;

use super::{Trouble, describe};
use crate::connection::Shared;
use crate::error::RpcErrorKind;
use crate::message::Refusal;
use crate::router::{Doubt, Failure};

/// How many turns are asked for at a time, the newest first.
const PAGE: u32 = 8;
/// How often a message that is not in the history is looked for before it is sent again: the runtime may be about to
/// take the first one.
const LOOKS: u32 = 3;
/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// The turns of a thread that matter, and what was not found among them.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Oldest first.
    pub(super) turns: Vec<Turn>,
    /// The requests whose message is in a turn, with the place of that.
    pub(super) taken: Vec<(i64, usize)>,
    pub(super) not_taken: Vec<i64>,
    pub(super) gone: Vec<Box<str>>,
}

impl Shared {
    /// Looks in the history of a thread for what is not known of it.
    pub(super) async fn look(self: &Arc<Self>, doubt: &Doubt) -> Result<Found, Trouble> {
        if doubt.turns.is_empty() && doubt.messages.is_empty() {
            return Ok(Found::default());
        }
        let mut look = 1;
        loop {
            let found = self.look_once(doubt).await?;
            if found.not_taken.is_empty() && found.gone.is_empty() || look == LOOKS {
                return Ok(found);
            }
            look += 1;
            sleep(PAUSE).await;
        }
    }

    async fn look_once(self: &Arc<Self>, doubt: &Doubt) -> Result<Found, Trouble> {
        let mut params = ThreadTurnsListParams::new(&*doubt.thread)
            .items_view(TurnItemsView::Full)
            .sort_direction(SortDirection::Desc)
            .limit(PAGE);
        let mut missing: Vec<&str> = doubt.turns.iter().map(|turn| &**turn).collect();
        let mut turns = Vec::new();
        loop {
            let text = match self.ask_first(&params).await {
                Ok(text) => text,
                // Before 0.151 the method is one of the experimental API, and what is read otherwise has other ids
                // than what was sent.
                Err(Failure::Refused(Refusal::Rpc(error)))
                    if error.kind() == RpcErrorKind::ExperimentalRequired =>
                {
                    return Err(Trouble::for_good(
                        "a runtime before 0.151.0 does not tell what was missed of a turn; update it",
                    ));
                }
                // A thread without a turn has no history, nor has one that is ephemeral.
                Err(Failure::Refused(Refusal::Rpc(_))) => break,
                Err(failure) => {
                    return Err(format!("thread/turns/list failed: {}", describe(&failure)).into());
                }
            };
            // What cannot be read would not be the next time either: it counts as gone.
            let Ok(page) = ThreadTurnsListParams::decode_response(&text) else {
                tracing::warn!("the history of a thread cannot be read");
                break;
            };
            keep_wanted(doubt, page.data, &mut missing, &mut turns);
            // A message that is looked for is among the newest turns.
            match page.next_cursor {
                Some(cursor) if !missing.is_empty() && params.cursor.as_ref() != Some(&cursor) => {
                    params.cursor = Some(cursor);
                }
                _ => break,
            }
        }
        turns.reverse();
        let mut found = Found {
            gone: missing.into_iter().map(Box::from).collect(),
            ..Found::default()
        };
        for (id, message) in &doubt.messages {
            match turns.iter().position(|turn| holds(turn, message)) {
                Some(at) => found.taken.push((*id, at)),
                None => found.not_taken.push(*id),
            }
        }
        found.turns = turns;
        Ok(found)
    }
}

/// Keeps of these turns, the newest first, what matters.
fn keep_wanted(doubt: &Doubt, some: Vec<Turn>, missing: &mut Vec<&str>, turns: &mut Vec<Turn>) {
    for turn in some {
        let was_known = missing.contains(&&*turn.id);
        missing.retain(|id| *turn.id != **id);
        let mut messages = doubt.messages.iter();
        let is_wanted = turn.status == TurnStatus::InProgress
            || messages.any(|(_, message)| holds(&turn, message));
        if was_known || is_wanted {
            turns.push(turn);
        }
    }
}

/// Tells whether a message of this client is in a turn.
fn holds(turn: &Turn, message: &str) -> bool {
    turn.items.iter().any(|item| match item {
        ThreadItem::UserMessage(said) => said.client_id.as_deref() == Some(message),
        _ => false,
    })
}

/// Makes the answer of a start, or of an addition, that has led to a turn: it serves for both.
pub(super) fn answer(turn: &Turn) -> String {
    serde_json::json!({"turn": turn, "turnId": turn.id}).to_string()
}
