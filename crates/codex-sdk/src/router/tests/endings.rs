//! Turns that end without their completion, and starts that wait for compactions.

use super::*;

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

/// Routes an event at a second; tells whether the timer is to be armed.
fn send(router: &mut TestRouter, second: u64, what: What) -> bool {
    let mut event = Event::new("t", "a", what);
    if matches!(event.what, What::Busy | What::Idle | What::Gone) {
        event.turn = None;
    }
    let mut fx = at(second);
    router.event(event, &mut fx);
    fx.arm_timer
}

fn expire(router: &mut TestRouter, second: u64) -> Option<Duration> {
    router.expire(&mut at(second))
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
        send(&mut router, 0, What::Busy);
        let steps = match failed_first {
            true => [What::Failed, What::Idle],
            false => [What::Idle, What::Failed],
        };
        let armed = steps.map(|what| send(&mut router, 5, what));
        assert_eq!(armed, [false, true], "the second of them is the end");
        assert_eq!(expire(&mut router, 5), seconds(7));
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
        send(&mut router, 0, what);
    }
    assert_eq!(expire(&mut router, 1), None);
    assert_eq!(drain(&mut events).0.len(), 3);
    assert!(router.is_idle(), "{router:?}");
}

#[test]
fn neither_a_failure_nor_a_thread_that_is_not_active_is_the_end_alone() {
    let mut router = router();
    let (_, mut events) = router.join("t", "a");
    send(&mut router, 0, What::Started);
    send(&mut router, 0, What::Failed);
    assert_eq!(expire(&mut router, 1), None);
    // The thread is active again within the grace.
    send(&mut router, 1, What::Idle);
    assert_eq!(expire(&mut router, 1), seconds(3));
    send(&mut router, 2, What::Busy);
    assert_eq!(expire(&mut router, 100), None);
    send(&mut router, 100, What::Completed);
    assert_eq!(drain(&mut events).0.len(), 3);

    let (_, mut events) = router.join("t", "a");
    send(&mut router, 100, What::Started);
    send(&mut router, 100, What::Idle);
    assert_eq!(expire(&mut router, 200), None);
    assert_eq!(drain(&mut events).0.len(), 1);
}

#[test]
fn the_end_of_a_thread_ends_its_turns_unless_it_comes_back() {
    let mut router = router();
    let (_, mut events) = router.join("t", "a");
    let (_, mut other) = router.join("other", "b");
    send(&mut router, 0, What::Started);
    assert!(send(&mut router, 1, What::Gone));
    assert_eq!(expire(&mut router, 2), seconds(3));
    assert_eq!(expire(&mut router, 3), None);
    assert_eq!(end(&mut events), Some(Lost::Thread("gone")));
    assert_eq!(end(&mut other), None);

    let change = |router: &mut TestRouter, second, on_answer| {
        let id = call(router, 1, on_answer);
        router.answer(id, result(""), &mut at(second));
    };
    let (_, mut events) = router.join("t", "c");
    change(&mut router, 4, OnAnswer::Unsubscribed("t".into()));
    assert_eq!(expire(&mut router, 5), seconds(6));
    change(&mut router, 5, OnAnswer::Subscribed("t".into()));
    assert_eq!(expire(&mut router, 100), None);
    assert_eq!(end(&mut events), None);

    change(&mut router, 100, OnAnswer::Unsubscribed("t".into()));
    assert_eq!(expire(&mut router, 102), None);
    let unsubscribed = Lost::Thread("thread/unsubscribe");
    assert_eq!(end(&mut events), Some(unsubscribed));
}

#[test]
fn starts_wait_for_a_compaction_and_no_longer() {
    let mut router = router();
    let compact = |router: &mut TestRouter, second| {
        let mut fx = at(second);
        let id = enter(router, 1, OnAnswer::Compacted("t".into()), &mut fx).unwrap();
        assert!(fx.arm_timer);
        id
    };
    // Enters a start, and tells whether it is sent at once.
    let start = |router: &mut TestRouter| {
        let mut fx = fx();
        let id = enter(router, 2, open_turn("t"), &mut fx).unwrap();
        (id, !fx.lines.is_empty())
    };

    // From the request to the end of the turn that it begins.
    let compaction = compact(&mut router, 0);
    let (waiting, sent) = start(&mut router);
    assert!(!sent);
    router.answer(compaction, result(""), &mut at(0));
    send(&mut router, 0, What::Started);
    // One that has begun takes its time.
    assert_eq!(expire(&mut router, 1000), None);
    assert!(matches!(router.cancel(waiting, &mut at(0)), Some(2)));
    let (waiting, sent) = start(&mut router);
    assert!(!sent);
    let mut fx = at(0);
    router.event(Event::new("t", "a", What::Completed), &mut fx);
    assert_eq!(lines(&fx), ["2"]);
    router.answer(waiting, refusal(-32600), &mut at(0));

    // One that is refused, that does not begin in time, or whose thread ends.
    let compaction = compact(&mut router, 0);
    router.answer(compaction, refusal(-32600), &mut at(0));
    let (id, sent) = start(&mut router);
    assert!(sent);
    router.answer(id, refusal(-32600), &mut at(0));

    let compaction = compact(&mut router, 0);
    router.answer(compaction, result(""), &mut at(0));
    let (id, sent) = start(&mut router);
    assert!(!sent);
    assert_eq!(expire(&mut router, 1), seconds(10));
    let mut fx = at(10);
    assert_eq!(router.expire(&mut fx), None);
    assert_eq!(lines(&fx), ["2"]);
    router.answer(id, refusal(-32600), &mut at(0));

    let compaction = compact(&mut router, 0);
    router.answer(compaction, result(""), &mut at(0));
    send(&mut router, 0, What::Gone);
    let (id, sent) = start(&mut router);
    assert!(sent);
    router.answer(id, refusal(-32600), &mut at(0));
    assert!(router.is_idle(), "{router:?}");
}

#[test]
fn only_the_last_turns_that_ended_are_remembered() {
    let mut router = router();
    for n in 0..300 {
        let turn = format!("turn-{n}");
        router.event(Event::new("t", &turn, What::Completed), &mut fx());
        assert!(router.is_over(&turn));
    }
    assert!(!router.is_over("turn-0"));
    // A name that is used again is that of a turn that runs.
    router.event(Event::new("t", "turn-299", What::Started), &mut fx());
    assert!(!router.is_over("turn-299"));
}
