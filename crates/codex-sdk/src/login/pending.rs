//! A login that waits for its user.

use std::borrow::Cow;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};

use codex_types::{
    AccountLoginCompletedNotification, CancelLoginAccountParams, CancelLoginAccountResponse,
};
use tokio::sync::OnceCell;

use crate::client::Codex;
use crate::connection::LoginEvents;
use crate::error::{CloseReason, Error, RawPayload, Result};
use crate::event::Notification;
use crate::secrets::without_values;

/// A login that waits for its user.
#[derive(Debug)]
pub(super) struct PendingLogin {
    codex: Codex,
    id: String,
    /// Locked only while it is polled, by the one who fills the outcome.
    events: Mutex<LoginEvents>,
    outcome: OnceCell<AccountLoginCompletedNotification>,
}

impl PendingLogin {
    pub(super) fn new(codex: Codex, events: LoginEvents) -> Self {
        Self {
            codex,
            id: events.login_id().to_owned(),
            events: Mutex::new(events),
            outcome: OnceCell::new(),
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) async fn wait(&self) -> Result<AccountLoginCompletedNotification> {
        self.outcome
            .get_or_try_init(|| self.completion())
            .await
            .cloned()
    }

    pub(super) async fn cancel(&self) -> Result<CancelLoginAccountResponse> {
        let params = CancelLoginAccountParams::new(&self.id);
        self.codex.request(params).await
    }

    async fn completion(&self) -> Result<AccountLoginCompletedNotification> {
        let event = poll_fn(|cx| {
            let events = self.events.lock();
            events.unwrap_or_else(PoisonError::into_inner).poll_next(cx)
        });
        match event.await {
            Some(Ok(Notification::AccountLoginCompleted(completed))) => Ok(completed),
            Some(Ok(event)) => Err(undecodable(&event)),
            Some(Err(error)) => Err(error),
            // It was told before that the connection has ended, or what cannot be understood.
            None => Err(Error::Closed(
                self.codex.connection().closed().unwrap_or_else(|| {
                    Arc::new(CloseReason::Protocol(
                        "the events of the login ended without its result".into(),
                    ))
                }),
            )),
        }
    }
}

fn undecodable(event: &Notification) -> Error {
    let (reason, raw) = match event {
        Notification::Unknown(unknown) => (
            unknown.error.as_ref().map(ToString::to_string),
            unknown.params.to_string(),
        ),
        _ => (None, String::new()),
    };
    Error::Decode {
        method: Cow::Owned(event.method().to_owned()),
        source: without_values(serde::de::Error::custom(reason.unwrap_or_default())),
        raw: RawPayload::new(raw),
    }
}
