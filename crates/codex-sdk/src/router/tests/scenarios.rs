//! Turns and logins, one behavior a test.

use std::task::{Context, Waker};

use super::*;

/// The turn that a start opened.
struct Turn {
    id: SubscriptionId,
    events: QueueReader<Event>,
    joined: bool,
}

/// Takes the turn that the only reply in `fx` opened.
fn opened(fx: &mut TestEffects) -> Turn {
    match fx.replies.pop() {
        Some((
            _,
            Ok((
                _,
                OpenedIds::Turn {
                    subscription,
                    events,
                    joined,
                    ..
                },
            )),
        )) => Turn {
            id: subscription,
            events,
            joined,
        },
        other => panic!("no turn was opened: {other:?}"),
    }
}

fn item(turn: &str, n: u32) -> Event {
    Event::new("t", turn, What::Item(n))
}

fn start(router: &mut TestRouter, caller: i64, turn: &str) -> Turn {
    let mut fx = fx();
    let id = call(router, caller, open_turn("t"));
    router.answer(id, result(turn), &mut fx);
    opened(&mut fx)
}

fn send(router: &mut TestRouter, event: Event) -> TestEffects {
    let mut fx = fx();
    router.event(event, &mut fx);
    fx
}

#[test]
fn early_events_and_completion_reach_the_turn() {
    let mut router = router();
    let mut fx = fx();
    let (_, mut global) = router.subscribe_globally(100);
    let call1 = call(&mut router, 1, open_turn("t"));
    for event in [
        item("a", 1),
        item("other", 9),
        Event::new("t", "a", What::Completed),
        item("a", 2),
    ] {
        router.event(event, &mut fx);
    }
    assert_eq!(drain(&mut global).0, []);
    router.answer(call1, result("a"), &mut fx);
    let mut turn = opened(&mut fx);
    let expected = vec![item("a", 1), Event::new("t", "a", What::Completed)];
    assert_eq!(drain(&mut turn.events), (expected, true, false));
    assert_eq!(drain(&mut global).0, [item("other", 9), item("a", 2)]);
    assert!(router.live.lanes.is_empty());
}

#[test]
fn a_failed_start_releases_what_came_early() {
    let mut router = router();
    let mut fx = fx();
    let call1 = call(&mut router, 1, open_turn("t"));
    router.event(item("a", 1), &mut fx);
    router.answer(call1, refusal(-32600), &mut fx);
    assert!(matches!(fx.replies[..], [(1, Err(Failure::Refused(_)))]));
    assert!(router.is_idle());
}

#[test]
fn a_second_start_on_a_busy_thread_joins_from_its_request_on() {
    let mut router = router();
    let mut first = start(&mut router, 1, "a");
    assert!(!first.joined);
    send(&mut router, item("a", 1));
    let call2 = call(&mut router, 2, open_turn("t"));
    send(&mut router, item("a", 2));
    let mut fx = fx();
    router.answer(call2, result("a"), &mut fx);
    let mut second = opened(&mut fx);
    assert!(second.joined);
    send(&mut router, Event::new("t", "a", What::Completed));
    let completed = Event::new("t", "a", What::Completed);
    let all = vec![item("a", 1), item("a", 2), completed.clone()];
    assert_eq!(drain(&mut first.events), (all, true, false));
    assert_eq!(
        drain(&mut second.events),
        (vec![item("a", 2), completed], true, false)
    );
    assert!(router.is_idle());
}

#[test]
fn dropping_the_starters_handle_interrupts_once_the_turn_runs() {
    let mut router = router();
    let turn = start(&mut router, 1, "a");
    let mut fx = fx();
    router.unsubscribe("t", "a", turn.id, &mut fx);
    assert_eq!(interrupts(&fx), []);
    let fx = send(&mut router, Event::new("t", "a", What::Started));
    assert_eq!(lines(&fx), ["a"]);
    answer_interrupts(&mut router, &fx);
    let again = send(&mut router, Event::new("t", "a", What::Started));
    assert_eq!(interrupts(&again), []);
    send(&mut router, Event::new("t", "a", What::Completed));
    assert!(router.is_idle());
}

#[test]
fn many_dropped_turns_are_interrupted_a_few_at_a_time() {
    let mut router = router();
    let mut fx = fx();
    for n in 0..100 {
        let (thread, turn) = (format!("t{n}"), format!("u{n}"));
        let id = call(&mut router, n, open_turn(&thread));
        router.answer(id, result(&turn), &mut fx);
        let opened = opened(&mut fx);
        router.event(Event::new(&thread, &turn, What::Started), &mut fx);
        router.unsubscribe(&thread, &turn, opened.id, &mut fx);
    }
    assert_eq!(interrupts(&fx).len(), 32);
    // Every other one is refused at first, for lack of capacity.
    let mut asked = 0;
    while !fx.lines.is_empty() {
        let sent = std::mem::replace(&mut fx, at(0));
        for (id, _) in interrupts(&sent) {
            asked += 1;
            let refused = asked <= 100 && asked % 2 == 0;
            let answer = if refused {
                refusal(-32001)
            } else {
                result("{}")
            };
            router.answer(id, answer, &mut fx);
        }
    }
    assert_eq!(asked, 150);
    for n in 0..100 {
        let completed = Event::new(&format!("t{n}"), &format!("u{n}"), What::Completed);
        router.event(completed, &mut fx);
    }
    assert!(router.is_idle());
}

#[test]
fn a_turn_with_another_reader_is_not_interrupted() {
    let mut router = router();
    let first = start(&mut router, 1, "a");
    send(&mut router, Event::new("t", "a", What::Started));
    let second = start(&mut router, 2, "a");
    let mut fx = fx();
    router.unsubscribe("t", "a", first.id, &mut fx);
    assert_eq!(interrupts(&fx), []);
    router.unsubscribe("t", "a", second.id, &mut fx);
    assert_eq!(lines(&fx), ["a"]);
}

#[test]
fn a_joined_or_detached_turn_is_left_alone() {
    let mut router = router();
    let mut fx = fx();
    let (joined, _events) = router.join("t", "b");
    router.unsubscribe("t", "b", joined, &mut fx);
    let turn = start(&mut router, 1, "a");
    send(&mut router, Event::new("t", "a", What::Started));
    router.detach("t", "a", turn.id, &mut fx);
    let late = start(&mut router, 2, "a");
    assert!(late.joined);
    router.unsubscribe("t", "a", late.id, &mut fx);
    assert_eq!(interrupts(&fx), []);
}

#[test]
fn a_start_whose_caller_is_gone_is_interrupted_by_its_answer() {
    let mut router = router();
    let mut fx = fx();
    let call1 = call(&mut router, 1, open_turn("t"));
    assert_eq!(router.cancel(call1, &mut fx), Some(1));
    router.event(Event::new("t", "a", What::Started), &mut fx);
    assert_eq!(interrupts(&fx), []);
    router.answer(call1, result("a"), &mut fx);
    assert_eq!(lines(&fx), ["a"]);
    answer_interrupts(&mut router, &fx);
    fx.lines.clear();

    // One that has completed meanwhile leaves nothing.
    router.event(Event::new("t", "a", What::Completed), &mut fx);
    let call2 = call(&mut router, 2, open_turn("t"));
    router.event(Event::new("t", "b", What::Started), &mut fx);
    assert_eq!(router.cancel(call2, &mut fx), Some(2));
    router.event(Event::new("t", "b", What::Completed), &mut fx);
    router.answer(call2, result("b"), &mut fx);
    assert_eq!(interrupts(&fx), []);
    assert!(router.is_idle());
}

#[test]
fn an_abandoned_turn_that_the_next_start_joins_goes_on() {
    let mut router = router();
    let mut fx = fx();
    let call1 = call(&mut router, 1, open_turn("t"));
    assert_eq!(router.cancel(call1, &mut fx), Some(1));
    let call2 = call(&mut router, 2, open_turn("t"));
    router.event(Event::new("t", "a", What::Started), &mut fx);
    router.answer(call1, result("a"), &mut fx);
    router.answer(call2, result("a"), &mut fx);
    assert_eq!(interrupts(&fx), []);
    let turn = opened(&mut fx);
    router.unsubscribe("t", "a", turn.id, &mut fx);
    assert_eq!(lines(&fx), ["a"]);
}

#[test]
fn the_phase_of_a_turn_can_be_waited_for() {
    let mut router = router();
    let _turn = start(&mut router, 1, "a");
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(router.poll_phase("t", "a", &mut cx), Phase::Accepted);
    let fx = send(&mut router, Event::new("t", "a", What::Started));
    assert_eq!(fx.wakers.len(), 1);
    assert_eq!(router.poll_phase("t", "a", &mut cx), Phase::Running);
    send(&mut router, Event::new("t", "a", What::Completed));
    assert_eq!(router.poll_phase("t", "a", &mut cx), Phase::Unknown);

    // A turn does not outlive its thread.
    let _turn = start(&mut router, 2, "b");
    assert_eq!(router.poll_phase("t", "b", &mut cx), Phase::Accepted);
    let mut gone = Event::new("t", "b", What::Gone);
    gone.turn = None;
    assert_eq!(send(&mut router, gone).wakers.len(), 1);
    assert_eq!(router.poll_phase("t", "b", &mut cx), Phase::Unknown);
}

#[test]
fn a_login_completes_for_its_handle_even_early() {
    let login = |id: &str| Event {
        thread: None,
        turn: None,
        login: Some(id.into()),
        what: What::Login,
    };
    let mut router = router();
    let mut fx = fx();
    let (_, mut global) = router.subscribe_globally(10);
    let call1 = call(&mut router, 1, OnAnswer::OpenLogin);
    router.event(login("mine"), &mut fx);
    router.event(login("old"), &mut fx);
    router.answer(call1, result("mine"), &mut fx);
    let Some((_, Ok((_, OpenedIds::Login { mut events, .. })))) = fx.replies.pop() else {
        panic!("no login was opened");
    };
    assert_eq!(drain(&mut events), (vec![login("mine")], true, false));
    assert_eq!(drain(&mut global).0, [login("old")]);
    assert!(router.live.logins.is_empty() && router.live.early_logins.is_empty());
}

#[test]
fn closing_reaches_all_callers_and_readers_and_stays() {
    let mut router = router();
    let mut fx = fx();
    let mut turn = start(&mut router, 1, "a");
    let (_, mut joined) = router.join("t", "a");
    let (_, mut global) = router.subscribe_globally(10);
    router.event(item("a", 1), &mut fx);
    call(&mut router, 2, OnAnswer::Nothing);
    call(&mut router, 3, open_turn("u"));
    call(&mut router, 4, OnAnswer::OpenLogin);
    router.close(Arc::new(CloseReason::Requested), &mut fx);
    router.close(Arc::new(CloseReason::Protocol("later".into())), &mut fx);
    fx.replies.sort_by_key(|(id, _)| *id);
    assert!(matches!(
        fx.replies[..],
        [
            (2, Err(Failure::Closed(_))),
            (3, Err(Failure::Closed(_))),
            (4, Err(Failure::Closed(_)))
        ]
    ));
    assert_eq!(drain(&mut turn.events), (vec![item("a", 1)], true, true));
    assert_eq!(drain(&mut joined), (vec![item("a", 1)], true, true));
    assert_eq!(drain(&mut global), (vec![], true, true));
    assert!(router.is_idle());

    let reason = enter(&mut router, 5, OnAnswer::Nothing, &mut fx).unwrap_err();
    assert!(matches!(*reason, CloseReason::Requested));
    assert_eq!(drain(&mut router.join("t", "z").1), (vec![], true, true));
    assert_eq!(
        drain(&mut router.subscribe_globally(1).1),
        (vec![], true, true)
    );
    assert!(router.is_idle());
}

#[test]
fn a_global_subscriber_that_does_not_read_loses_the_oldest_and_is_told() {
    let mut router = router();
    let (id, mut global) = router.subscribe_globally(10);
    for n in 0..100 {
        send(&mut router, item("nobody", n));
    }
    assert!(matches!(global.try_next(), Some(Next::Lagged(90))));
    let expected: Vec<Event> = (90..100).map(|n| item("nobody", n)).collect();
    assert_eq!(drain(&mut global).0, expected);
    router.unsubscribe_globally(id);
    assert!(router.is_idle());
}

#[test]
fn a_million_unread_deltas_cost_their_text() {
    let mut router = router();
    let mut turn = start(&mut router, 1, "a");
    for n in 0..1_000_000_u32 {
        let delta = What::Delta((n % 3) as u8, "x".into());
        send(&mut router, Event::new("t", "a", delta));
    }
    send(&mut router, item("a", 7));
    send(
        &mut router,
        Event::new("t", "a", What::Delta(0, "y".into())),
    );
    send(&mut router, Event::new("t", "a", What::Completed));
    let (events, ended, _) = drain(&mut turn.events);
    assert!(ended);
    assert!(events.len() < 1100, "{}", events.len());
    let text = |item| {
        let deltas = events.iter().filter_map(move |event| match &event.what {
            What::Delta(of, text) if *of == item => Some(text.as_str()),
            _ => None,
        });
        deltas.collect::<String>()
    };
    assert_eq!(text(0), format!("{}y", "x".repeat(333_334)));
    assert_eq!(text(1).len(), 333_333);
    let tail = &events[events.len() - 3..];
    assert_eq!(tail[0], item("a", 7));
    assert_eq!(tail[1].what, What::Delta(0, "y".into()));
}
