//! What the runtime tells and asks outside of a turn's own stream.

use openai_codex::approval::{Approvals, Pending};
use openai_codex::{ApprovalMode, Codex, Error, Notifications, Result};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::event::Event;
use super::send;

/// Watches a new runtime until it ends.
pub(super) fn watch(
    codex: &Codex,
    approval: ApprovalMode,
    events: &UnboundedSender<Event>,
) -> Result<()> {
    if approval == ApprovalMode::UserReview {
        tokio::spawn(ask(codex.approvals()?, events.clone()));
    }
    tokio::spawn(listen(codex.notifications(), events.clone()));
    Ok(())
}

async fn listen(mut notifications: Notifications, events: UnboundedSender<Event>) {
    while let Some(notification) = notifications.next().await {
        match notification {
            Ok(notification) => send(&events, Event::Notification(Box::new(notification))),
            // Those that were missed are about no turn of ours.
            Err(Error::Lagged(_)) => {}
            // The last that comes: the end of the runtime.
            Err(error) => send(&events, Event::Closed(error.to_string())),
        }
    }
}

async fn ask(mut approvals: Approvals, events: UnboundedSender<Event>) {
    while let Some(pending) = approvals.next().await {
        tokio::spawn(decide(pending, events.clone()));
    }
}

/// Waits for the user's decision about one question. If none comes, the question is dropped, which declines.
async fn decide(pending: Pending, events: UnboundedSender<Event>) {
    let (answer, decision) = oneshot::channel();
    let key = pending.approval().key.clone();
    let approval = Box::new(pending.approval().clone());
    send(&events, Event::Asked { approval, answer });
    tokio::select! {
        decision = decision => {
            if let Ok(decision) = decision
                && let Err(error) = pending.answer(decision).await
                && !error.is_closed()
            {
                send(&events, Event::Failed(error));
            }
        }
        () = pending.resolved() => send(&events, Event::Resolved(key)),
    }
}
