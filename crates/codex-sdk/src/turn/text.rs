//! The text of a turn alone.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::TurnHandle;
use crate::error::Result;
use crate::event::Notification;

/// The deltas of a turn's agent messages.
#[derive(Debug)]
pub(super) struct TextDeltas {
    turn: TurnHandle,
    ended: bool,
}

impl TextDeltas {
    pub(super) fn new(turn: TurnHandle) -> Self {
        Self { turn, ended: false }
    }
}

impl Stream for TextDeltas {
    type Item = Result<String>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while !self.ended {
            match ready!(self.turn.poll_unseen(cx)) {
                Some(Ok(Notification::ItemAgentMessageDelta(delta))) => {
                    return Poll::Ready(Some(Ok(delta.delta)));
                }
                Some(Ok(event)) => self.turn.seen.take(event),
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    self.ended = true;
                    if let Err(error) = self.turn.result() {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
            }
        }
        Poll::Ready(None)
    }
}
