//! The blocking version of the notifications.

use std::sync::Arc;

use super::driver::Driver;
use crate::error::Result;
use crate::event::Notification;
use crate::notifications;

/// Every notification that belongs to no turn and no login, from the subscription on. The blocking version of
/// [`Notifications`](crate::Notifications).
///
/// It does not keep the client alive, and dropping it ends the subscription.
///
/// ```no_run
/// # fn example(codex: openai_codex::blocking::Codex) -> openai_codex::Result<()> {
/// for notification in codex.notifications() {
///     println!("{}", notification?.method());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Notifications {
    inner: notifications::Notifications,
    driver: Arc<Driver>,
}

impl Notifications {
    pub(super) fn new(inner: notifications::Notifications, driver: &Arc<Driver>) -> Self {
        let driver = Arc::clone(driver);
        Self { inner, driver }
    }
}

impl Iterator for Notifications {
    type Item = Result<Notification>;

    fn next(&mut self) -> Option<Self::Item> {
        self.driver.next(&mut self.inner)
    }
}
