//! The limit on requests in flight, their order, and their deadlines.

use super::*;

fn answer(router: &mut TestRouter, id: i64) -> TestEffects {
    let mut fx = fx();
    router.answer(id, result("{}"), &mut fx);
    fx
}

fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn no_more_are_sent_than_may_be_and_the_others_follow_in_order() {
    let mut router = TestRouter::new(2, None);
    let mut fx = fx();
    let ids: Vec<i64> = (1..=5)
        .map(|caller| enter(&mut router, caller, OnAnswer::Nothing, &mut fx).unwrap())
        .collect();
    assert_eq!(lines(&fx), ["1", "2"]);
    assert_eq!(lines(&answer(&mut router, ids[1])), ["3"]);
    assert_eq!(lines(&answer(&mut router, ids[0])), ["4"]);
    assert_eq!(lines(&answer(&mut router, ids[2])), ["5"]);
    for id in &ids[3..] {
        assert_eq!(lines(&answer(&mut router, *id)), none());
    }
    assert!(router.is_idle());
    // There is room for as many as before.
    let mut fx = at(0);
    for caller in 6..=8 {
        enter(&mut router, caller, OnAnswer::Nothing, &mut fx).unwrap();
    }
    assert_eq!(lines(&fx), ["6", "7"]);
}

#[test]
fn a_canceled_request_makes_room_or_is_never_sent() {
    let mut router = TestRouter::new(1, None);
    let ids: Vec<i64> = (1..=4)
        .map(|caller| call(&mut router, caller, OnAnswer::Nothing))
        .collect();
    let mut fx = fx();
    assert_eq!(router.cancel(ids[1], &mut fx), Some(2));
    assert_eq!(lines(&fx), none());
    assert_eq!(router.cancel(ids[0], &mut fx), Some(1));
    assert_eq!(lines(&fx), ["3"]);
    // Its answer comes late, and makes no room twice.
    assert_eq!(lines(&answer(&mut router, ids[0])), none());
    assert_eq!(router.late_answers(), 1);
    assert_eq!(lines(&answer(&mut router, ids[2])), ["4"]);
    answer(&mut router, ids[3]);
    assert!(router.is_idle());
}

#[test]
fn an_answer_to_a_request_that_was_not_sent_is_ignored() {
    let mut router = TestRouter::new(1, None);
    let first = call(&mut router, 1, OnAnswer::Nothing);
    let second = call(&mut router, 2, OnAnswer::Nothing);
    assert!(answer(&mut router, second).replies.is_empty());
    assert_eq!(lines(&answer(&mut router, first)), ["2"]);
    assert_eq!(answer(&mut router, second).replies.len(), 1);
    assert!(router.is_idle());
}

#[test]
fn a_start_that_waits_keeps_nothing_until_it_is_sent() {
    let mut router = TestRouter::new(1, None);
    let mut fx = fx();
    let (_, mut global) = router.subscribe_globally(10);
    let other = call(&mut router, 1, OnAnswer::Nothing);
    let start = call(&mut router, 2, open_turn("t"));
    let before = Event::new("t", "a", What::Item(1));
    let early = Event::new("t", "a", What::Item(2));
    router.event(before.clone(), &mut fx);
    answer(&mut router, other);
    router.event(early.clone(), &mut fx);
    assert_eq!(drain(&mut global).0, [before]);
    router.answer(start, result("a"), &mut fx);
    let Some((2, Ok((_, OpenedIds::Turn { mut events, .. })))) = fx.replies.pop() else {
        panic!("no turn was opened");
    };
    assert_eq!(drain(&mut events).0, [early]);
}

#[test]
fn starts_of_a_thread_take_turns_and_other_threads_do_not_wait() {
    let mut router = router();
    let mut sent = fx();
    let starts = [(1, "t"), (2, "t"), (3, "t"), (4, "u")];
    let [first, second, third, _] = starts
        .map(|(caller, thread)| enter(&mut router, caller, open_turn(thread), &mut sent).unwrap());
    assert_eq!(lines(&sent), ["1", "4"]);
    // One that waits and is canceled is never sent.
    assert_eq!(router.cancel(second, &mut fx()), Some(2));
    let mut refused = fx();
    router.answer(first, refusal(-32600), &mut refused);
    assert_eq!(lines(&refused), ["3"]);
    // The next one is sent in the moment in which the start before it is canceled.
    let mut canceled = fx();
    enter(&mut router, 5, open_turn("t"), &mut canceled).unwrap();
    assert_eq!(router.cancel(third, &mut canceled), Some(3));
    assert_eq!(lines(&canceled), ["5"]);
}

#[test]
fn a_start_that_may_not_join_is_refused_as_it_would_be_sent() {
    let refused = OnAnswer::OpenTurn {
        thread_id: "t".into(),
        joining: Joining::Refused,
    };
    let busy = |fx: &mut TestEffects| match fx.replies.pop() {
        Some((caller, Err(Failure::Busy(turn)))) => (caller, turn.to_string()),
        other => panic!("{other:?}"),
    };
    let mut router = TestRouter::new(1, None);
    let mut fx = fx();
    let first = enter(&mut router, 1, refused.clone(), &mut fx).unwrap();
    assert_eq!(lines(&fx), ["1"]);
    enter(&mut router, 2, refused.clone(), &mut fx).unwrap();
    let third = enter(&mut router, 3, open_turn("t"), &mut fx).unwrap();
    let mut fx = at(0);
    router.answer(first, result("a"), &mut fx);
    let opened = fx.replies.remove(fx.replies.len() - 1);
    assert!(matches!(opened, (1, Ok((_, OpenedIds::Turn { .. })))));
    // The one after it joins, and goes at once.
    assert_eq!(busy(&mut fx), (2, "a".into()));
    assert_eq!(lines(&fx), ["3"]);
    // Also where the turn begins while it waits for others to be answered.
    enter(
        &mut router,
        4,
        OnAnswer::OpenTurn {
            thread_id: "u".into(),
            joining: Joining::Refused,
        },
        &mut fx,
    )
    .unwrap();
    router.event(Event::new("u", "b", What::Started), &mut fx);
    let mut fx = at(0);
    router.answer(third, result("a"), &mut fx);
    let at = fx
        .replies
        .iter()
        .position(|(caller, _)| *caller == 4)
        .unwrap();
    let reply = fx.replies.remove(at);
    assert!(matches!(reply, (4, Err(Failure::Busy(turn))) if *turn == *"b"));
    assert_eq!(lines(&fx), none());
}

#[test]
fn interrupts_do_not_wait_for_room() {
    let mut router = TestRouter::new(1, None);
    let start = call(&mut router, 1, open_turn("t"));
    let mut fx = fx();
    router.event(Event::new("t", "a", What::Started), &mut fx);
    router.answer(start, result("a"), &mut fx);
    let Some((1, Ok((_, OpenedIds::Turn { subscription, .. })))) = fx.replies.pop() else {
        panic!("no turn was opened");
    };
    let other = call(&mut router, 2, OnAnswer::Nothing);
    let mut fx = at(0);
    router.unsubscribe("t", "a", subscription, &mut fx);
    assert_eq!(lines(&fx), ["a"]);
    // Its answer makes no room.
    call(&mut router, 3, OnAnswer::Nothing);
    answer_interrupts(&mut router, &fx);
    assert_eq!(lines(&answer(&mut router, other)), ["3"]);
}

#[test]
fn requests_time_out() {
    let timeout = Some(Duration::from_secs(10));
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let mut router = TestRouter::new(2, timeout);
    let mut first = at(0);
    for caller in 1..=3 {
        enter(&mut router, caller, OnAnswer::Nothing, &mut first).unwrap();
    }
    // The timer is armed once.
    assert!(first.arm_timer);
    let mut fourth = at(10);
    enter(&mut router, 4, OnAnswer::Nothing, &mut fourth).unwrap();
    assert!(!fourth.arm_timer);
    let mut early = at(9);
    assert_eq!(router.expire(&mut early), seconds(10));
    assert!(early.replies.is_empty());
    let mut fx = at(10);
    assert_eq!(router.expire(&mut fx), seconds(20));
    let timed_out: Vec<i64> = fx.replies.iter().map(|(caller, _)| *caller).collect();
    assert_eq!(timed_out, [3, 1, 2]);
    let timed_out = |reply: &(i64, TestOutcome)| matches!(reply.1, Err(Failure::TimedOut));
    assert!(fx.replies.iter().all(timed_out));
    // The one that waited beyond its time is not sent, the other is.
    assert_eq!(lines(&fx), ["4"]);
    assert_eq!(router.expire(&mut at(30)), None);
    assert!(router.is_idle());

    let mut again = at(30);
    enter(&mut router, 5, OnAnswer::Nothing, &mut again).unwrap();
    assert!(again.arm_timer);
}

#[test]
fn the_time_of_a_start_counts_from_when_its_thread_is_free() {
    let mut router = TestRouter::new(10, Some(Duration::from_secs(10)));
    let first = enter(&mut router, 1, open_turn("t"), &mut at(0)).unwrap();
    enter(&mut router, 2, open_turn("t"), &mut at(0)).unwrap();
    let mut fx = at(9);
    router.answer(first, result("a"), &mut fx);
    assert_eq!(lines(&fx), ["2"]);
    assert_eq!(router.expire(&mut at(18)), Some(Duration::from_secs(19)));
    let mut fx = at(19);
    assert_eq!(router.expire(&mut fx), None);
    assert!(matches!(fx.replies[..], [(2, Err(Failure::TimedOut))]));
}

#[test]
fn the_turn_of_a_start_that_timed_out_is_interrupted() {
    let mut router = TestRouter::new(10, Some(Duration::from_secs(1)));
    let start = call(&mut router, 1, open_turn("t"));
    let mut fx = at(1);
    router.expire(&mut fx);
    router.event(Event::new("t", "a", What::Started), &mut fx);
    router.answer(start, result("a"), &mut fx);
    assert_eq!(lines(&fx), ["a"]);
}

#[test]
fn handlers_stop_with_their_turn_their_request_and_the_connection() {
    let mut router = router();
    let enter = |router: &mut TestRouter, id: &str, turn: Option<&str>| match router.enter_request(
        id.into(),
        turn.map(Box::from),
        None,
        &mut at(0),
    ) {
        Entering::New(entered) => Some(entered),
        _ => None,
    };
    let mut entered = [
        enter(&mut router, "1", Some("a")),
        enter(&mut router, "\"2\"", Some("b")),
        enter(&mut router, "3", None),
        enter(&mut router, "4", Some("c")),
    ]
    .map(Option::unwrap);
    let stopped = |entered: &mut [Entered; 4]| {
        let ended = |entered: &mut Entered| entered.stopped.has_changed().is_err();
        let closed =
            |entered: &mut Entered| ended(entered) && entered.stopped.has_changed().is_err();
        entered.each_mut().map(closed)
    };
    let mut fx = at(0);
    router.event(Event::new("t", "a", What::Completed), &mut fx);
    let mut resolved = Event::new("t", "x", What::Resolved("\"2\"".into()));
    resolved.turn = None;
    router.event(resolved, &mut fx);
    drop(fx);
    assert_eq!(stopped(&mut entered), [true, true, false, false]);
    assert!(!router.request_answered(entered[0].key, b"", &mut at(0)));
    assert!(router.request_answered(entered[2].key, b"", &mut at(0)));
    // Of a turn that is over no handler starts.
    assert!(enter(&mut router, "5", Some("a")).is_none());
    // Nor is a turn waited for that ended without its completion.
    for what in [What::Started, What::Failed, What::Idle] {
        router.event(Event::new("t", "c", what), &mut at(0));
    }
    router.expire(&mut at(2));
    assert_eq!(stopped(&mut entered), [true, true, true, true]);
    let last = enter(&mut router, "6", None).unwrap();
    router.close(Arc::new(CloseReason::Requested), &mut at(3));
    let closed = last.stopped.has_changed().is_err();
    assert!(closed);
    assert!(enter(&mut router, "7", None).is_none());
    assert!(router.is_idle());
}
