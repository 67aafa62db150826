//! Builds a [`TurnResult`] from the events of a turn.

use std::borrow::Cow;
use std::io;

use codex_types::{
    MessagePhase, ThreadItem, ThreadTokenUsage, Turn, TurnError, TurnStatus, UnknownNotification,
};

use serde_json::Value;

use crate::connection::TurnUsage;
use crate::error::{Error, RawPayload, Result, TurnFailure};
use crate::event::Notification;
use crate::result::TurnResult;
use crate::router::{Kind, Lost, Routed};
use crate::secrets::without_values;

/// Collects the result of a turn, event by event.
///
/// Items that are handed out are copied, for a result that is asked for later; but no more than
/// [`MOST_COPIED`], so that a stream costs a bounded amount of memory however long its turn is.
#[derive(Debug, Default)]
pub(super) struct Collector {
    /// The completed items, without those that were handed out if they were too many.
    items: Vec<ThreadItem>,
    /// The size of the copies of those that were handed out, in bytes of JSON.
    copied: usize,
    /// The final response among the items that were handed out and are not kept.
    response: Option<Response<String>>,
    usage: Option<ThreadTokenUsage>,
    used: TurnUsage,
    /// Whether events were handed out.
    handed_out: bool,
    end: Option<Result<Turn>>,
    /// Why the runtime gave the turn up, until its completion says so.
    error: Option<TurnError>,
}

/// How many bytes of JSON the items may be that are copied for the result.
const MOST_COPIED: usize = 4 << 20;

/// A message that is the final response, unless a later one is.
#[derive(Debug)]
struct Response<T> {
    /// Whether it has the phase `final_answer`.
    is_final: bool,
    text: T,
}

impl Collector {
    pub(super) fn new(used: TurnUsage) -> Self {
        Self {
            used,
            ..Self::default()
        }
    }

    /// Updates the result with an event that is handed out.
    pub(super) fn observe(&mut self, event: &Notification) {
        self.handed_out = true;
        self.update(event);
    }

    /// Tells whether events were handed out.
    pub(super) fn handed_out(&self) -> bool {
        self.handed_out
    }

    fn update(&mut self, event: &Notification) {
        match event {
            Notification::ItemCompleted(completed) => self.keep_copy(&completed.item),
            Notification::ItemStarted(started) => self.used.started(&started.item),
            Notification::ThreadTokenUsageUpdated(updated) => {
                self.used.update(&updated.token_usage);
                self.usage = Some(updated.token_usage.clone());
            }
            Notification::TurnCompleted(completed) => {
                self.end = Some(Ok(completed.turn.clone()));
            }
            Notification::Error(error) if event.kind() == Kind::TurnFailed => {
                self.error = Some(error.error.clone());
            }
            Notification::Unknown(unknown) if event.kind() == Kind::TurnCompleted => {
                self.end = Some(Err(undecodable(unknown)));
            }
            _ => {}
        }
    }

    /// Updates the result with an event that is not handed out.
    pub(super) fn absorb(&mut self, event: Notification) {
        match event {
            Notification::ItemCompleted(completed) => self.items.push(completed.item),
            other => self.update(&other),
        }
    }

    /// Ends the turn without its completion.
    pub(super) fn lose(&mut self, turn_id: &str, lost: Lost) {
        let error = match (lost, self.error.take()) {
            (Lost::Failed, Some(error)) => error,
            (Lost::Failed, None) => TurnError::new("the runtime gave it up"),
            (Lost::Gone, _) => TurnError::new(
                "the connection was lost meanwhile, and the runtime has nothing of the turn any more",
            ),
            (Lost::Thread(what), _) => TurnError::new(format!(
                "it did not complete before the end of its thread's events ({what})"
            )),
        };
        self.end = Some(Ok(Turn::failed(turn_id, error)));
    }

    /// Returns the result; `None` if the completion was not among the events.
    pub(super) fn finish(self) -> Option<Result<TurnResult>> {
        let turn = match self.end? {
            Ok(turn) => turn,
            Err(error) => return Some(Err(error)),
        };
        let kept = self.items.iter().filter_map(response);
        let kept = kept.reduce(|earlier, later| match later.replaces(&earlier) {
            true => later,
            false => earlier,
        });
        let final_response = match (self.response, kept) {
            (Some(earlier), Some(later)) if !later.replaces(&earlier) => Some(earlier.text),
            (_, Some(later)) => Some(later.text.to_owned()),
            (earlier, None) => earlier.map(|earlier| earlier.text),
        };
        let result = TurnResult {
            final_response,
            id: turn.id.into(),
            status: turn.status,
            error: turn.error,
            started_at: turn.started_at,
            completed_at: turn.completed_at,
            duration_ms: turn.duration_ms,
            items: self.items,
            usage: self.usage,
            used: self.used.finish(),
        };
        Some(if result.status == TurnStatus::Failed {
            failure(result)
        } else {
            Ok(result)
        })
    }

    /// Copies an item that is handed out, while there is room; from then on, and of those before,
    /// only what can be the final response.
    fn keep_copy(&mut self, item: &ThreadItem) {
        if self.copied <= MOST_COPIED {
            self.copied += bytes(item);
            if self.copied <= MOST_COPIED {
                return self.items.push(item.clone());
            }
            for item in std::mem::take(&mut self.items) {
                self.keep_response(&item);
            }
        }
        self.keep_response(item);
    }

    fn keep_response(&mut self, item: &ThreadItem) {
        let Some(later) = response(item) else {
            return;
        };
        match &mut self.response {
            Some(earlier) if later.replaces(earlier) => {
                earlier.is_final = later.is_final;
                // Uses the memory again: messages may be long, and many.
                later.text.clone_into(&mut earlier.text);
            }
            Some(_) => {}
            None => {
                self.response = Some(Response {
                    is_final: later.is_final,
                    text: later.text.to_owned(),
                });
            }
        }
    }
}

impl<T> Response<T> {
    /// Tells whether this message is the final response, now that it has come after another.
    fn replaces<U>(&self, earlier: &Response<U>) -> bool {
        self.is_final >= earlier.is_final
    }
}

/// Returns how long an item is as JSON.
fn bytes(item: &ThreadItem) -> usize {
    struct Count(usize);

    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut count = Count(0);
    // What was decoded can be encoded, and counting does not fail.
    let _ = serde_json::to_writer(&mut count, item);
    count.0
}

/// Returns the text of a message that may be the final response: one of phase `final_answer`, or
/// else one without a phase that this version knows. Commentary never is.
fn response(item: &ThreadItem) -> Option<Response<&str>> {
    let ThreadItem::AgentMessage(message) = item else {
        return None;
    };
    let is_final = match message.phase {
        Some(MessagePhase::FinalAnswer) => true,
        None | Some(MessagePhase::Unrecognized(_)) => false,
        Some(_) => return None,
    };
    Some(Response {
        is_final,
        text: &message.text,
    })
}

fn failure(result: TurnResult) -> Result<TurnResult> {
    let error = result.error.clone().unwrap_or_else(|| TurnError::new(""));
    let failure = TurnFailure::new(result.id.clone(), error, result);
    Err(Error::TurnFailed(Box::new(failure)))
}

fn undecodable(unknown: &UnknownNotification) -> Error {
    let reason = match &unknown.error {
        Some(reason) => reason.to_string(),
        None => "unknown method".into(),
    };
    Error::Decode {
        method: Cow::Owned(unknown.method.clone()),
        source: without_values(serde::de::Error::custom(reason)),
        raw: RawPayload::new(match &unknown.params {
            // What no value can hold is there as its text.
            Value::String(text) => text.clone(),
            params => params.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests;
