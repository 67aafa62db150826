//! Who waits for which login.

use std::sync::Arc;

use super::queue::Queue;
use super::{Effects, Kind, Opened, QueueReader, Routed, Router, SubscriptionId};

impl<E: Routed, R> Router<E, R> {
    /// Opens the login that a start led to; its completion may have come before the answer.
    pub(super) fn open_login(
        &mut self,
        login: Option<Box<str>>,
        fx: &mut Effects<E, R>,
    ) -> Opened<E> {
        self.login_starts = self.login_starts.saturating_sub(1);
        let Some(login) = login else {
            self.release_logins(fx);
            return Opened::Nothing;
        };
        let queue = Arc::new(Queue::lossless());
        let subscription = self.subscription_id();
        let events = QueueReader::new(Arc::clone(&queue));
        let entry = self.logins.entry(login.clone()).or_default();
        entry.push((subscription, queue));
        let ours = |event: &E| event.kind() == Kind::LoginCompleted(&login);
        if let Some(at) = self.early_logins.iter().position(ours) {
            let event = self.early_logins.remove(at);
            self.complete_login(&login, event, fx);
        }
        self.release_logins(fx);
        Opened::Login {
            login_id: login,
            subscription,
            events,
        }
    }

    /// Routes the completion of a login: to its handle, to a start that may own it, or to
    /// everybody.
    pub(super) fn login_event(&mut self, login: &str, event: E, fx: &mut Effects<E, R>) {
        if self.logins.contains_key(login) {
            self.complete_login(login, event, fx);
        } else if self.login_starts > 0 {
            self.early_logins.push(event);
        } else {
            self.publish(event, fx);
        }
    }

    /// Delivers the completion of a login to those who wait for it, and ends their wait.
    fn complete_login(&mut self, login: &str, event: E, fx: &mut Effects<E, R>) {
        for (_, queue) in self.logins.remove(login).unwrap_or_default() {
            fx.wake(queue.push(event.clone()));
            fx.wake(queue.finish());
        }
    }

    /// Ends a login's subscription: its reader is gone.
    pub(crate) fn unsubscribe_login(&mut self, login: &str, id: SubscriptionId) {
        if let Some(entries) = self.logins.get_mut(login) {
            entries.retain(|(other, _)| *other != id);
            if entries.is_empty() {
                self.logins.remove(login);
            }
        }
    }

    /// Publishes early completions once no login start is pending that could own them.
    pub(super) fn release_logins(&mut self, fx: &mut Effects<E, R>) {
        if self.login_starts == 0 {
            for event in std::mem::take(&mut self.early_logins) {
                self.publish(event, fx);
            }
        }
    }
}
