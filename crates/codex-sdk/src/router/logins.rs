//! Logins: their start, and their completion.

use std::sync::Arc;

use super::queue::Queue;
use super::{Effects, Kind, OpenedIds, QueueReader, Routed, Router, SubscriptionId};

impl<E: Routed, R> Router<E, R> {
    /// Opens the login that a start led to; its completion may have come before the answer.
    pub(super) fn open_login(
        &mut self,
        login: Option<Box<str>>,
        fx: &mut Effects<E, R>,
    ) -> OpenedIds<E> {
        let Some(login) = login else {
            self.login_start_ended(fx);
            return OpenedIds::Nothing;
        };
        let queue = Arc::new(Queue::lossless());
        let subscription = self.next_subscription();
        let events = QueueReader::new(Arc::clone(&queue));
        let entry = self.live.logins.entry(login.clone()).or_default();
        entry.push((subscription, queue));
        let ours = |event: &E| event.kind() == Kind::LoginCompleted(&login);
        if let Some(at) = self.live.early_logins.iter().position(ours) {
            let event = self.live.early_logins.remove(at);
            self.complete_login(&login, event, fx);
        }
        self.login_start_ended(fx);
        OpenedIds::Login {
            login_id: login,
            subscription,
            events,
        }
    }

    /// Routes the completion of a login: to its handle, to a start that may lead to it, or to the
    /// global subscriptions.
    pub(super) fn login_event(&mut self, login: &str, event: E, fx: &mut Effects<E, R>) {
        if self.live.logins.contains_key(login) {
            self.complete_login(login, event, fx);
        } else if self.live.login_starts > 0 {
            self.live.early_logins.push(event);
        } else {
            self.publish(Some(event), fx);
        }
    }

    /// Delivers the completion of a login to the handles that wait for it, and ends their wait.
    fn complete_login(&mut self, login: &str, event: E, fx: &mut Effects<E, R>) {
        for (_, queue) in self.live.logins.remove(login).unwrap_or_default() {
            fx.wake(queue.push(event.clone()));
            fx.wake(queue.finish());
        }
    }

    /// Ends a login's subscription: its reader is gone.
    pub(crate) fn unsubscribe_login(&mut self, login: &str, id: SubscriptionId) {
        if let Some(entries) = self.live.logins.get_mut(login) {
            entries.retain(|(other, _)| *other != id);
            if entries.is_empty() {
                self.live.logins.remove(login);
            }
        }
    }

    /// Notes the end of the start of a login; without another one in flight, early completions are
    /// of no login of this client.
    pub(super) fn login_start_ended(&mut self, fx: &mut Effects<E, R>) {
        self.live.login_starts -= 1;
        if self.live.login_starts == 0 {
            let early = std::mem::take(&mut self.live.early_logins);
            self.publish(early, fx);
        }
    }
}
