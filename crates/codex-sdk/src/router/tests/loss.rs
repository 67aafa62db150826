//! A connection that is lost and made again.

use super::*;
use crate::message::Again;

/// Enters a request of which this is to be done after a loss, and sends it.
fn sent(router: &mut TestRouter, caller: i64, on_answer: OnAnswer, again: Again) -> i64 {
    let mut request = Request::new("call".into(), &caller).unwrap();
    request.again = again;
    router
        .call(&mut request, on_answer, caller, &mut fx())
        .unwrap()
}

fn looked_for(message: &str) -> Again {
    Again::Unless {
        thread: "t".into(),
        message: message.into(),
    }
}

fn lose(router: &mut TestRouter) -> TestEffects {
    let mut fx = fx();
    router.lost(&mut fx);
    fx
}

fn resumed(router: &mut TestRouter) -> Vec<String> {
    let mut fx = fx();
    router.resumed(&mut fx);
    lines(&fx)
}

#[test]
fn what_was_in_flight_is_sent_again_before_the_rest_or_fails() {
    let mut router = TestRouter::new(2, None);
    let first = sent(&mut router, 1, OnAnswer::Nothing, Again::Always);
    sent(&mut router, 2, OnAnswer::Nothing, Again::Never);
    sent(&mut router, 3, OnAnswer::Nothing, Again::Never);
    let fx = lose(&mut router);
    let failed: Vec<i64> = fx.replies.iter().map(|(caller, _)| *caller).collect();
    assert_eq!(failed, [2]);
    assert!(matches!(fx.replies[0].1, Err(Failure::Lost)));
    // Nothing is sent meanwhile but what goes first.
    let mut hello = Request::new("call".into(), &9).unwrap();
    let mut fx = at(0);
    router.call_first(&mut hello, 9, &mut fx);
    assert_eq!(lines(&fx), ["9"]);
    assert_eq!(resumed(&mut router), ["1"]);
    let mut fx = at(0);
    router.answer(first, result("{}"), &mut fx);
    assert_eq!(lines(&fx), ["3"]);
}

#[test]
fn a_start_that_was_taken_is_answered_with_its_turn() {
    let mut router = router();
    let call = sent(&mut router, 1, open_turn("t"), looked_for("m"));
    lose(&mut router);
    let doubts = router.doubts();
    assert_eq!(doubts.len(), 1);
    assert_eq!(doubts[0].messages, [(call, "m".into())]);
    let mut fx = at(0);
    router.event(Event::new("t", "a", What::Started), &mut fx);
    router.event(Event::new("t", "a", What::Item(1)), &mut fx);
    router.found(call, "a", "a", &mut fx);
    let Some((
        1,
        Ok((
            _,
            OpenedIds::Turn {
                events: mut read,
                joined,
                ..
            },
        )),
    )) = fx.replies.pop()
    else {
        panic!("no turn");
    };
    assert!(!joined);
    assert!(matches!(read.try_next(), Some(Next::Event(event)) if event.what == What::Started));
    assert!(matches!(read.try_next(), Some(Next::Event(event)) if event.what == What::Item(1)));
    assert_eq!(resumed(&mut router), Vec::<String>::new());
}

#[test]
fn a_start_that_was_not_taken_is_sent_again() {
    let mut router = router();
    let call = sent(&mut router, 1, open_turn("t"), looked_for("m"));
    lose(&mut router);
    router.not_found(call, &mut fx());
    assert_eq!(resumed(&mut router), ["1"]);
    let mut fx = at(0);
    router.answer(call, result("a"), &mut fx);
    assert!(matches!(
        fx.replies[0],
        (1, Ok((_, OpenedIds::Turn { .. })))
    ));
}

#[test]
fn the_turn_of_a_start_that_was_canceled_meanwhile_is_interrupted() {
    let mut router = router();
    let call = sent(&mut router, 1, open_turn("t"), looked_for("m"));
    lose(&mut router);
    assert_eq!(router.cancel(call, &mut fx()), Some(1));
    assert_eq!(router.doubts()[0].messages, [(call, "m".into())]);
    router.event(Event::new("t", "a", What::Started), &mut fx());
    router.found(call, "a", "a", &mut fx());
    assert_eq!(resumed(&mut router), ["a"]);
}

#[test]
fn an_answer_waits_until_its_request_comes_again() {
    let mut router = router();
    let enter = |router: &mut TestRouter, id: &str, question: &str| {
        let mut fx = at(0);
        let entering = router.enter_request(id.into(), Some("a".into()), Some(question), &mut fx);
        (entering, fx)
    };
    let (Entering::New(entered), _) = enter(&mut router, "0", "may I?") else {
        panic!("no handler");
    };
    lose(&mut router);
    let mut fx = at(0);
    assert!(router.request_answered(entered.key, b"yes\n", &mut fx));
    assert!(fx.lines.is_empty());
    // It reaches no handler twice, and its answer is sent as often as it comes.
    for _ in 0..2 {
        let (entering, fx) = enter(&mut router, "0", "may I?");
        assert!(matches!(entering, Entering::Known));
        assert_eq!(fx.lines, b"yes\n");
    }
    // A runtime that is started again counts from zero: that is another question.
    lose(&mut router);
    let (entering, fx) = enter(&mut router, "0", "may I do more?");
    assert!(matches!(entering, Entering::New(_)));
    assert!(fx.lines.is_empty());
}

#[test]
fn an_answer_is_sent_where_the_turn_goes_on_and_is_not_asked_again() {
    let mut router = router();
    let entering = router.enter_request("0".into(), Some("a".into()), Some("may I?"), &mut fx());
    let Entering::New(entered) = entering else {
        panic!("no handler");
    };
    lose(&mut router);
    router.request_answered(entered.key, b"yes\n", &mut fx());
    let mut fx = at(0);
    router.still_asked("b", &mut fx);
    assert!(fx.lines.is_empty());
    router.still_asked("a", &mut fx);
    assert_eq!(fx.lines, b"yes\n");
}
