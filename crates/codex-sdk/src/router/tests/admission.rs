//! How many requests are under way, in which order the others follow, and until when.

use super::*;

fn answer(router: &mut TestRouter, id: i64) -> TestEffects {
    let mut fx = TestEffects::default();
    router.answer(id, Ok("{}".into()), &mut fx);
    fx
}

fn lines(fx: &TestEffects) -> &str {
    std::str::from_utf8(&fx.lines).unwrap()
}

#[test]
fn no_more_are_sent_than_may_be_and_the_others_follow_in_order() {
    let mut router = TestRouter::new(2);
    let admissions: Vec<Admission> = (1..=5)
        .map(|id| enter(&mut router, id, Then::Nothing).unwrap())
        .collect();
    let (now, later) = (Admission::Now, Admission::Later);
    assert_eq!(admissions, [now, now, later, later, later]);
    assert_eq!(lines(&answer(&mut router, 2)), "3\n");
    assert_eq!(lines(&answer(&mut router, 1)), "4\n");
    assert_eq!(lines(&answer(&mut router, 3)), "5\n");
    for id in [4, 5] {
        assert_eq!(lines(&answer(&mut router, id)), "");
    }
    assert!(router.is_idle());
    // There is room for as many as before.
    let admissions = [6, 7, 8].map(|id| enter(&mut router, id, Then::Nothing).unwrap());
    assert_eq!(admissions, [now, now, later]);
}

#[test]
fn what_is_given_up_makes_room_or_is_never_sent() {
    let mut router = TestRouter::new(1);
    let mut fx = TestEffects::default();
    for id in 1..=4 {
        enter(&mut router, id, Then::Nothing).unwrap();
    }
    assert_eq!(router.give_up(2, &mut fx), Some(2));
    assert_eq!(lines(&fx), "");
    assert_eq!(router.give_up(1, &mut fx), Some(1));
    assert_eq!(lines(&fx), "3\n");
    // Its answer comes late, and makes no room twice.
    assert_eq!(lines(&answer(&mut router, 1)), "");
    assert_eq!(router.counters().late_answers, 1);
    assert_eq!(lines(&answer(&mut router, 3)), "4\n");
    answer(&mut router, 4);
    assert!(router.is_idle());
}

#[test]
fn an_answer_to_what_was_not_sent_is_an_answer_to_nobody() {
    let mut router = TestRouter::new(1);
    enter(&mut router, 1, Then::Nothing).unwrap();
    enter(&mut router, 2, Then::Nothing).unwrap();
    assert!(answer(&mut router, 2).replies.is_empty());
    assert_eq!(lines(&answer(&mut router, 1)), "2\n");
    assert_eq!(answer(&mut router, 2).replies.len(), 1);
    assert!(router.is_idle());
}

#[test]
fn a_start_that_waits_keeps_nothing_until_it_is_sent() {
    let mut router = TestRouter::new(1);
    let mut fx = TestEffects::default();
    let (_, mut global) = router.subscribe_globally(10);
    enter(&mut router, 1, Then::Nothing).unwrap();
    enter(&mut router, 2, open_turn("t")).unwrap();
    let before = Event::new("t", "a", What::Item(1));
    let early = Event::new("t", "a", What::Item(2));
    router.event(before.clone(), &mut fx);
    answer(&mut router, 1);
    router.event(early.clone(), &mut fx);
    assert_eq!(drain(&mut global).0, [before]);
    router.answer(2, Ok("a".into()), &mut fx);
    let Some((2, Outcome::Result(_, Opened::Turn { mut events, .. }))) = fx.replies.pop() else {
        panic!("no turn was opened");
    };
    assert_eq!(drain(&mut events).0, [early]);
}

#[test]
fn interrupts_wait_for_nobody() {
    let mut router = TestRouter::new(1);
    enter(&mut router, 1, Then::Nothing).unwrap();
    let interrupt = Interrupt {
        thread_id: "t".into(),
        turn_id: "a".into(),
    };
    let admission = enter(&mut router, 2, Then::Interrupted(interrupt)).unwrap();
    assert_eq!(admission, Admission::Now);
    enter(&mut router, 3, Then::Nothing).unwrap();
    assert_eq!(lines(&answer(&mut router, 2)), "");
    assert_eq!(lines(&answer(&mut router, 1)), "3\n");
}

#[test]
fn requests_are_given_up_when_their_time_is_over() {
    let mut router = TestRouter::new(2);
    let mut fx = TestEffects::default();
    let seconds = Duration::from_secs;
    for (id, deadline) in [(1, Some(10)), (2, None), (3, Some(10)), (4, Some(20))] {
        enter_until(&mut router, id, Then::Nothing, deadline, &mut fx).unwrap();
    }
    // The clock is asked for once.
    assert!(fx.clock);
    assert_eq!(router.expire(seconds(9), &mut fx), Some(seconds(10)));
    assert!(fx.replies.is_empty());
    assert_eq!(router.expire(seconds(10), &mut fx), Some(seconds(20)));
    let timed_out: Vec<i64> = fx.replies.iter().map(|(id, _)| *id).collect();
    assert_eq!(timed_out, [3, 1]);
    assert!(
        fx.replies
            .iter()
            .all(|(_, out)| matches!(out, Outcome::TimedOut))
    );
    // The one that waited beyond its time is not sent, the other is.
    assert_eq!(lines(&fx), "4\n");
    assert_eq!(router.expire(seconds(30), &mut fx), None);
    answer(&mut router, 2);
    assert!(router.is_idle());

    let mut fx = TestEffects::default();
    enter_until(&mut router, 5, Then::Nothing, Some(40), &mut fx).unwrap();
    enter_until(
        &mut router,
        6,
        Then::Nothing,
        Some(40),
        &mut TestEffects::default(),
    )
    .unwrap();
    assert!(fx.clock);
}

#[test]
fn the_turn_of_a_start_that_timed_out_is_interrupted() {
    let mut router = router();
    let mut fx = TestEffects::default();
    enter_until(&mut router, 1, open_turn("t"), Some(1), &mut fx).unwrap();
    router.expire(Duration::from_secs(1), &mut fx);
    router.event(Event::new("t", "a", What::Started), &mut fx);
    router.answer(1, Ok("a".into()), &mut fx);
    assert_eq!(fx.interrupts.len(), 1);
}
