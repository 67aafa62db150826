//! The twins for code that is not async.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use codex_testkit::{Answer, Gate};
use openai_codex::blocking::{Codex, TurnHandle};
use openai_codex::types::TurnStatus;
use openai_codex::{Error, Notification, Sandbox};

use crate::LIMIT;
use crate::stage::Stage;

/// Runs a test on a thread, and waits for it with a limit.
fn bounded(test: impl FnOnce() + Send + 'static) {
    let (done, end) = mpsc::channel();
    let test = thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    match end.recv_timeout(LIMIT) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it takes too long"),
        // Done, or panicked, which the join tells.
        _ => test.join().unwrap(),
    }
}

fn start(stage: &Stage) -> Codex {
    Codex::start_with(stage.config()).unwrap()
}

fn text_of(events: impl Iterator<Item = openai_codex::Result<Notification>>) -> String {
    let mut text = String::new();
    for event in events {
        if let Notification::ItemAgentMessageDelta(delta) = event.unwrap() {
            text.push_str(&delta.delta);
        }
    }
    text
}

/// RUN-02, ASY-02.
#[test]
fn a_thread_runs_streams_and_is_read() {
    bounded(|| {
        let stage = Stage::new([
            Answer::text("one"),
            Answer::deltas(["t", "wo"]),
            Answer::deltas(["th", "ree"]),
        ]);
        let codex = start(&stage);
        let thread = codex.thread_start().sandbox(Sandbox::ReadOnly).send();
        let thread = thread.unwrap();
        assert_eq!(thread.run("first").unwrap().text(), "one");
        assert_eq!(text_of(thread.turn("second").send().unwrap()), "two");
        let deltas = thread.turn("third").send().unwrap().text_deltas();
        let deltas: openai_codex::Result<Vec<_>> = deltas.map(|delta| Ok(delta?.text)).collect();
        assert_eq!(deltas.unwrap(), ["th", "ree"]);
        assert_eq!(thread.turns().count(), 3);
        let fork = codex.thread_fork(thread.id()).send().unwrap();
        assert_eq!(fork.info().forked_from_id.as_deref(), Some(thread.id()));
        let listed = codex.thread_list().limit(1).iter().count();
        assert_eq!(listed, 2);
        assert!(!codex.models().send().unwrap().data.is_empty());
        codex.close().unwrap();
        codex.close().unwrap();
        assert!(thread.run("late").unwrap_err().is_closed());
    });
}

/// STR-05.
#[test]
fn two_streams_of_one_client_are_kept_apart() {
    bounded(|| {
        let stage = Stage::new([]);
        for name in ["a", "b"] {
            let answer = Answer::deltas([name, name, name]);
            let said = format!("say {name}");
            stage
                .model
                .when(move |request| request.last_user_text() == Some(&said))
                .push(answer);
        }
        let codex = start(&stage);
        let turn = |text: &str| -> TurnHandle {
            let thread = codex.thread_start().send().unwrap();
            thread.turn(text).send().unwrap()
        };
        let (mut a, mut b) = (turn("say a"), turn("say b"));
        let mut events = (Vec::new(), Vec::new());
        loop {
            match (a.next(), b.next()) {
                (None, None) => break,
                (one, other) => {
                    events.0.extend(one);
                    events.1.extend(other);
                }
            }
        }
        assert_eq!(text_of(events.0.into_iter()), "aaa");
        assert_eq!(text_of(events.1.into_iter()), "bbb");
    });
}

/// CTL-02, ASY-02.
#[test]
fn the_runtime_is_served_between_calls() {
    bounded(|| {
        let gate = Gate::new();
        let stage = Stage::new([Answer::text("x").gate_at_end(&gate)]);
        let codex = start(&stage);
        let thread = codex.thread_start().send().unwrap();
        let turn = thread.turn("go").send().unwrap();
        let control = turn.control();
        let interrupter = thread::spawn(move || control.interrupt());
        interrupter.join().unwrap().unwrap();
        assert_eq!(turn.run().unwrap().status, TurnStatus::Interrupted);
    });
}

#[test]
fn handles_outlive_the_client_and_can_be_dropped_in_any_order() {
    bounded(|| {
        let stage = Stage::new([Answer::deltas(["a", "b"]).delta_delay(Duration::from_millis(5))]);
        let turn = {
            let codex = start(&stage);
            let notifications = codex.notifications();
            let thread = codex.thread_start().send().unwrap();
            drop(codex);
            let turn = thread.turn("go").send().unwrap();
            drop(notifications);
            turn
        };
        assert_eq!(text_of(turn), "ab");
    });
}

#[test]
fn a_failed_start_leaves_nothing() {
    bounded(|| {
        let config = openai_codex::CodexConfig::new().codex_bin("/nonexistent/codex");
        let error = Codex::start_with(config).unwrap_err();
        assert!(matches!(error, Error::Runtime(_)), "{error:?}");
    });
}

#[test]
fn async_code_must_not_block_but_may_drop() {
    bounded(|| {
        let stage = Stage::new([Answer::text("x")]);
        let codex = start(&stage);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let refused = thread::spawn({
            let codex = codex.clone();
            move || {
                runtime.block_on(async {
                    // Blocking off the async threads is fine.
                    let other = codex.clone();
                    let started = tokio::task::spawn_blocking(move || {
                        other.thread_start().send().unwrap().run("go").unwrap()
                    });
                    assert_eq!(started.await.unwrap().text(), "x");
                    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        codex.account().is_ok()
                    }));
                    drop(codex);
                    refused
                })
            }
        });
        let panic = refused.join().unwrap().unwrap_err();
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.into()));
        assert!(text.unwrap().contains("runtime"));
        codex.close().unwrap();
    });
}
