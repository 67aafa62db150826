//! Turns that end without their completion, and starts that wait for compactions.

use std::task::{Context, Waker};

use super::*;
use crate::error::RpcError;

const GRACE: Duration = Duration::from_secs(2);

fn send(router: &mut TestRouter, what: What) -> bool {
    let mut event = Event::new("t", "a", what);
    if matches!(event.what, What::Busy | What::Idle | What::Gone) {
        event.turn = None;
    }
    let mut fx = TestEffects::default();
    router.event(event, &mut fx);
    fx.clock
}

fn expire(router: &mut TestRouter, seconds: u64) -> Option<Duration> {
    router.expire(Duration::from_secs(seconds), &mut TestEffects::default())
}

/// What a reader is told at the end, without the events before it.
fn end(reader: &mut QueueReader<Event>) -> Option<Lost> {
    let mut lost = None;
    while let Some(next) = reader.try_next() {
        match next {
            Next::Event(_) => {}
            Next::Lost(why) => lost = Some(why),
            Next::End => break,
            other => panic!("{other:?}"),
        }
    }
    lost
}

#[test]
fn a_failed_turn_of_an_inactive_thread_ends_after_a_grace() {
    for failed_first in [true, false] {
        let mut router = router();
        let (_, mut events) = router.join("t", "a");
        send(&mut router, What::Busy);
        let steps = match failed_first {
            true => [What::Failed, What::Idle],
            false => [What::Idle, What::Failed],
        };
        let asked = steps.map(|what| send(&mut router, what));
        assert_eq!(asked, [false, true], "the second of them is the end");
        assert_eq!(expire(&mut router, 5), Some(Duration::from_secs(5) + GRACE));
        assert_eq!(end(&mut events), None);
        assert_eq!(expire(&mut router, 7), None);
        assert_eq!(end(&mut events), Some(Lost::Failed));
        assert!(router.is_over("a"));
        assert!(router.is_idle(), "{router:?}");
    }
}

#[test]
fn a_completion_within_the_grace_is_the_end() {
    let mut router = router();
    let (_, mut events) = router.join("t", "a");
    for what in [What::Started, What::Failed, What::Idle, What::Completed] {
        send(&mut router, what);
    }
    assert_eq!(expire(&mut router, 1), None);
    assert_eq!(drain(&mut events).0.len(), 3);
    assert!(router.is_idle(), "{router:?}");
}

#[test]
fn neither_a_failure_nor_a_thread_that_is_not_active_is_the_end_alone() {
    let mut router = router();
    let (_, mut events) = router.join("t", "a");
    send(&mut router, What::Started);
    send(&mut router, What::Failed);
    assert_eq!(expire(&mut router, 1), None);
    // The thread is at it again within the grace.
    send(&mut router, What::Idle);
    expire(&mut router, 1);
    send(&mut router, What::Busy);
    assert_eq!(expire(&mut router, 100), None);
    send(&mut router, What::Completed);
    assert_eq!(drain(&mut events).0.len(), 3);

    let (_, mut events) = router.join("t", "a");
    send(&mut router, What::Started);
    send(&mut router, What::Idle);
    assert_eq!(expire(&mut router, 100), None);
    assert_eq!(drain(&mut events).0.len(), 1);
}

#[test]
fn the_end_of_a_thread_ends_its_turns_unless_it_comes_back() {
    let mut router = router();
    let (_, mut events) = router.join("t", "a");
    let (_, mut other) = router.join("other", "b");
    send(&mut router, What::Started);
    assert!(send(&mut router, What::Gone));
    expire(&mut router, 1);
    expire(&mut router, 3);
    assert_eq!(end(&mut events), Some(Lost::Thread("gone")));
    assert_eq!(end(&mut other), None);

    let (_, mut events) = router.join("t", "c");
    enter(&mut router, 1, Then::Unsubscribed("t".into())).unwrap();
    router.answer(1, Ok("".into()), &mut TestEffects::default());
    expire(&mut router, 4);
    enter(&mut router, 2, Then::Subscribed("t".into())).unwrap();
    router.answer(2, Ok("".into()), &mut TestEffects::default());
    assert_eq!(expire(&mut router, 100), None);
    assert_eq!(end(&mut events), None);

    enter(&mut router, 3, Then::Unsubscribed("t".into())).unwrap();
    router.answer(3, Ok("".into()), &mut TestEffects::default());
    expire(&mut router, 101);
    expire(&mut router, 103);
    assert_eq!(end(&mut events), Some(Lost::Thread("thread/unsubscribe")));
}

#[test]
fn starts_wait_for_a_compaction_and_no_longer() {
    let mut router = router();
    let mut cx = Context::from_waker(Waker::noop());
    let mut waits = |router: &mut TestRouter| router.poll_compacted("t", &mut cx).is_pending();
    let compact = |router: &mut TestRouter, id| {
        enter(router, id, Then::Compacted("t".into())).unwrap();
    };
    let answer = |router: &mut TestRouter, id| {
        router.answer(id, Ok("".into()), &mut TestEffects::default());
    };

    // From the request to the end of the turn that it begins.
    compact(&mut router, 1);
    assert!(waits(&mut router));
    answer(&mut router, 1);
    send(&mut router, What::Started);
    // One that has begun takes its time.
    expire(&mut router, 1);
    assert_eq!(expire(&mut router, 1000), None);
    assert!(waits(&mut router));
    send(&mut router, What::Completed);
    assert!(!waits(&mut router));

    // One that is refused, that does not begin in time, or whose thread ends.
    compact(&mut router, 2);
    let refusal = Err(Outcome::Error(RpcError::new(-32600, "no")));
    router.answer(2, refusal, &mut TestEffects::default());
    assert!(!waits(&mut router));
    compact(&mut router, 3);
    answer(&mut router, 3);
    assert_eq!(expire(&mut router, 0), Some(Duration::from_secs(10)));
    assert!(waits(&mut router));
    assert_eq!(expire(&mut router, 10), None);
    assert!(!waits(&mut router));
    compact(&mut router, 4);
    answer(&mut router, 4);
    send(&mut router, What::Gone);
    assert!(!waits(&mut router));
    assert!(router.is_idle(), "{router:?}");
}

#[test]
fn only_the_last_turns_that_ended_are_remembered() {
    let mut router = router();
    for n in 0..300 {
        let turn = format!("turn-{n}");
        let event = Event::new("t", &turn, What::Completed);
        router.event(event, &mut TestEffects::default());
        assert!(router.is_over(&turn));
    }
    assert!(!router.is_over("turn-0"));
    // A name that is used again is that of a turn that runs.
    let event = Event::new("t", "turn-299", What::Started);
    router.event(event, &mut TestEffects::default());
    assert!(!router.is_over("turn-299"));
}
