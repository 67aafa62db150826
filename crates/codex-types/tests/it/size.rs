//! The size of an event.

use codex_types::ServerNotification;

/// An event is moved a dozen times on its way to a consumer, and what has more than 128 bytes costs
/// a multiple.
#[test]
fn an_event_has_at_most_128_bytes() {
    assert!(size_of::<ServerNotification>() <= 128);
}
