//! The names of notifications that matter even where their payload is not, or not yet, decoded.
//!
//! Everything else takes its name from its generated type.

/// The notification that ends the handshake; it has no params and no generated type.
pub(crate) const INITIALIZED: &str = "initialized";
pub(crate) const TURN_STARTED: &str = "turn/started";
pub(crate) const TURN_COMPLETED: &str = "turn/completed";
pub(crate) const THREAD_CLOSED: &str = "thread/closed";
pub(crate) const THREAD_DELETED: &str = "thread/deleted";
pub(crate) const LOGIN_COMPLETED: &str = "account/login/completed";
pub(crate) const REQUEST_RESOLVED: &str = "serverRequest/resolved";

/// The notifications that turns, logins and request handlers cannot do without.
pub(crate) const NEEDED: &[&str] = &[
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
        for name in NEEDED.iter().chain(&[THREAD_CLOSED, THREAD_DELETED]) {
            assert!(codex_types::NOTIFICATION_METHODS.contains(name), "{name}");
        }
    }
}
