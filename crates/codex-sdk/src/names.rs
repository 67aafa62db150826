//! The names of notifications that matter even where their payload is not, or not yet, decoded.
//!
//! Everything else takes its name from its generated type.

/// The notification that ends the handshake; it has no params and no generated type.
pub(crate) const INITIALIZED: &str = "initialized";
pub(crate) const ITEM_STARTED: &str = "item/started";
pub(crate) const TURN_STARTED: &str = "turn/started";
pub(crate) const TURN_COMPLETED: &str = "turn/completed";
pub(crate) const ERROR: &str = "error";
pub(crate) const THREAD_STATUS: &str = "thread/status/changed";
pub(crate) const THREAD_ARCHIVED: &str = "thread/archived";
pub(crate) const THREAD_CLOSED: &str = "thread/closed";
pub(crate) const THREAD_DELETED: &str = "thread/deleted";
pub(crate) const LOGIN_COMPLETED: &str = "account/login/completed";
/// The request after which no event of a thread comes any more.
pub(crate) const UNSUBSCRIBE: &str = "thread/unsubscribe";
pub(crate) const REQUEST_RESOLVED: &str = "serverRequest/resolved";

/// The notifications that turns, logins and request handlers cannot do without.
pub(crate) const REQUIRED_NOTIFICATIONS: &[&str] = &[
    LOGIN_COMPLETED,
    "item/completed",
    REQUEST_RESOLVED,
    "thread/tokenUsage/updated",
    TURN_COMPLETED,
    TURN_STARTED,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_methods_of_the_protocol() {
        let ends = [THREAD_ARCHIVED, THREAD_CLOSED, THREAD_DELETED];
        for name in
            REQUIRED_NOTIFICATIONS
                .iter()
                .chain(&ends)
                .chain(&[ERROR, ITEM_STARTED, THREAD_STATUS])
        {
            assert!(codex_types::NOTIFICATION_METHODS.contains(name), "{name}");
        }
        assert!(codex_types::CLIENT_METHODS.contains(&UNSUBSCRIBE));
    }
}
