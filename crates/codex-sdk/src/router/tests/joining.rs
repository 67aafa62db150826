//! Several readers of one turn, and what is left once they are done.

use super::*;

fn item(n: u32) -> Event {
    Event::new("t", "a", What::Item(n))
}

fn send(router: &mut TestRouter, event: Event) {
    router.event(event, &mut fx());
}

/// A joined handle has what comes from its joining on.
#[test]
fn a_joined_handle_starts_where_it_joins() {
    let mut router = router();
    send(&mut router, item(1));
    let (_, mut events) = router.join("t", "a");
    send(&mut router, item(2));
    assert_eq!(drain(&mut events), (vec![item(2)], false, false));
}

/// A turn that nobody reads leaves nothing when it completes.
#[test]
fn a_completed_turn_that_nobody_reads_leaves_nothing() {
    let mut router = router();
    for what in [What::Started, What::Item(1), What::Completed] {
        send(&mut router, Event::new("t", "a", what));
    }
    assert!(router.is_idle());
}

/// Each handle keeps what it has not read, and only that.
#[test]
fn what_one_handle_has_read_another_still_has() {
    let mut router = router();
    let ((_, mut fast), (_, mut slow)) = (router.join("t", "a"), router.join("t", "a"));
    let mut sent = Vec::new();
    for n in 0..1_000 {
        send(&mut router, item(n));
        sent.push(item(n));
        assert_eq!(drain(&mut fast), (vec![item(n)], false, false));
    }
    assert_eq!(drain(&mut slow), (sent, false, false));
    assert_eq!(drain(&mut slow), (vec![], false, false));
}

/// A handle that goes takes nothing from the others, and nothing of it stays.
#[test]
fn a_handle_that_goes_leaves_the_others_alone() {
    let mut router = router();
    let ((gone, _), (_, mut stays)) = (router.join("t", "a"), router.join("t", "a"));
    router.unsubscribe("t", "a", gone, &mut fx());
    let done = Event::new("t", "a", What::Completed);
    send(&mut router, item(1));
    send(&mut router, done.clone());
    assert_eq!(drain(&mut stays), (vec![item(1), done], true, false));
    assert!(router.is_idle());
}
