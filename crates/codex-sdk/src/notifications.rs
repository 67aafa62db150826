//! The stream of what belongs to no turn and no login.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::connection::GlobalEvents;
use crate::error::Result;
use crate::event::Notification;

/// Every notification that belongs to no turn and no login, from the subscription on.
///
/// Warnings, account and thread changes, and the events of turns that have no handle. A reader
/// that falls behind by more than 1024 of them loses the oldest and is told how many, with
/// [`Error::Lagged`](crate::Error::Lagged), at the place where they are missing. When the
/// connection ends there is one [`Error::Closed`](crate::Error::Closed), then nothing.
///
/// It does not keep the client alive, and dropping it ends the subscription.
///
/// ```no_run
/// # async fn example() -> openai_codex::Result<()> {
/// let codex = openai_codex::Codex::start().await?;
/// let mut notifications = codex.notifications();
/// while let Some(notification) = notifications.next().await {
///     println!("{}", notification?.method());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Notifications {
    events: GlobalEvents,
}

impl Notifications {
    pub(crate) fn new(events: GlobalEvents) -> Self {
        Self { events }
    }

    /// Waits for the next notification.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Notification>> {
        poll_fn(|cx| self.events.poll_next(cx)).await
    }
}

impl Stream for Notifications {
    type Item = Result<Notification>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_next(cx)
    }
}
