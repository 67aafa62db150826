//! Steering and interrupting turns, and what becomes of abandoned ones.

use std::time::Duration;

use codex_testkit::{Answer, Gate};
use openai_codex::types::{ThreadItem, ThreadReadParams, TurnStatus};
use openai_codex::{Notification, RpcErrorKind, Thread};

use crate::items::{agent_texts, dialog, event, said};
use crate::stage::{Stage, err, ok, within};

/// Steering an active turn makes another model request with the steering text last.
#[tokio::test]
async fn steering_adds_to_what_was_asked() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    stage
        .model
        .push(Answer::text("before steer").gate_at_end(&gate))
        .push(Answer::text("after steer"));
    let thread = stage.thread().await;
    let mut turn = ok(thread.turn("Start a steerable turn.")).await;
    let id = turn.id().to_owned();
    said(&mut turn, "before steer").await;
    ok(turn.steer("Steer it.")).await;
    gate.open();
    let result = ok(turn.run()).await;

    assert_eq!(result.id, id);
    assert_eq!(result.status, TurnStatus::Completed);
    assert_eq!(agent_texts(&result.items), ["before steer", "after steer"]);
    assert_eq!(result.text(), "after steer");
    let requests = stage.model.responses_requests();
    let asked: Vec<_> = requests.iter().map(|ask| ask.last_user_text()).collect();
    assert_eq!(asked, [Some("Start a steerable turn."), Some("Steer it.")]);
    stage.finish().await;
}

/// A control steers from another task while the turn is read.
#[tokio::test]
async fn a_control_steers_from_another_task() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    stage
        .model
        .push(Answer::text("before steer").gate_at_end(&gate))
        .push(Answer::text("after steer"));
    let mut turn = ok(stage.thread().await.turn("start")).await;
    said(&mut turn, "before steer").await;
    let control = turn.control();
    let running = tokio::spawn(turn.run());
    ok(control.steer("Steer it.")).await;
    gate.open();
    let result = within(running).await.unwrap().unwrap();
    let lines = [
        "user: start",
        "agent: before steer",
        "user: Steer it.",
        "agent: after steer",
    ];
    assert_eq!(dialog(&result.items), lines);
    stage.finish().await;
}

/// A turn that has ended cannot be steered, and the error says so.
#[tokio::test]
async fn a_turn_that_has_ended_cannot_be_steered() {
    let stage = Stage::new().await;
    stage.model.push(Answer::text("done"));
    let turn = ok(stage.thread().await.turn("go")).await;
    let control = turn.control();
    ok(turn.run()).await;
    let error = err(control.steer("too late")).await;
    let kind = error.rpc().map(|error| error.kind());
    assert_eq!(kind, Some(RpcErrorKind::NoActiveTurn));
    stage.finish().await;
}

/// An interrupt ends the turn, and the thread goes on.
#[tokio::test]
async fn an_interrupted_thread_goes_on() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    let answer = Answer::deltas(["one ", "two"]).gate_after_delta(1, &gate);
    stage
        .model
        .push(answer)
        .push(Answer::text("after interrupt"));
    let thread = stage.thread().await;
    let turn = ok(thread.turn("count")).await;
    gate.reached().await.unwrap();
    ok(turn.interrupt()).await;
    assert_eq!(ok(turn.run()).await.status, TurnStatus::Interrupted);
    let result = ok(thread.run("and now?")).await;
    assert_eq!(result.status, TurnStatus::Completed);
    assert_eq!(result.text(), "after interrupt");
    stage.finish().await;
}

/// The interrupt of a turn that has ended is a success.
#[tokio::test]
async fn the_interrupt_of_a_turn_that_has_ended_is_a_success() {
    let stage = Stage::new().await;
    stage.model.push(Answer::text("done"));
    let thread = stage.thread().await;
    let turn = ok(thread.turn("go")).await;
    let control = turn.control();
    assert_eq!(ok(turn.run()).await.status, TurnStatus::Completed);
    ok(control.interrupt()).await;
    ok(control.interrupt()).await;
    stage.finish().await;
}

/// An interrupt ends a command that runs.
#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_ends_a_running_command() {
    let stage = Stage::with_home(|home| home.sandbox_mode("workspace-write")).await;
    let command = Answer::exec_command("sleep 600; touch made.txt");
    stage
        .model
        .push(command.argument("yield_time_ms", 30_000.into()));
    let thread = stage.thread().await;
    let mut turn = ok(thread.turn("take your time")).await;
    let begun = |event: &Notification| {
        matches!(event, Notification::ItemStarted(started)
            if matches!(started.item, ThreadItem::CommandExecution(_)))
    };
    event(&mut turn, begun).await;
    ok(turn.interrupt()).await;
    assert_eq!(ok(turn.run()).await.status, TurnStatus::Interrupted);
    assert_eq!(stage.home.read("made.txt"), None);
    stage.finish().await;
}

/// An interrupt right after the start, fifty times: no turn goes on, and the thread stays usable.
#[tokio::test]
async fn an_interrupt_right_after_the_start_never_misses() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    let never = Answer::text("never").gate(&gate);
    stage.model.default_answer(never);
    let thread = stage.thread().await;
    for _ in 0..50 {
        let turn = ok(thread.turn("go")).await;
        ok(turn.interrupt()).await;
        assert_eq!(ok(turn.run()).await.status, TurnStatus::Interrupted);
        assert!(!is_active(&thread).await);
    }
    stage.model.default_answer(Answer::text("after all"));
    assert_eq!(ok(thread.run("and now?")).await.text(), "after all");
    stage.finish().await;
}

/// Whether a turn runs on the thread.
async fn is_active(thread: &Thread) -> bool {
    use openai_codex::types::ThreadStatus;
    let status = ok(thread.read()).await.thread.status;
    matches!(status, ThreadStatus::Active(_))
}

/// A turn whose handle is dropped is interrupted.
#[tokio::test]
async fn a_dropped_handle_interrupts_its_turn() {
    let stage = Stage::new().await;
    let mut global = stage.codex.notifications();
    let gate = Gate::new();
    stage.model.push(Answer::text("never").gate(&gate));
    let thread = stage.thread().await;
    let turn = ok(thread.turn("go")).await;
    gate.reached().await.unwrap();
    let id = turn.id().to_owned();
    drop(turn);
    assert_eq!(end_of(&mut global, &id).await, TurnStatus::Interrupted);
    stage.finish().await;
}

/// A turn is interrupted when the future of its run is dropped.
#[tokio::test]
async fn a_dropped_run_interrupts_its_turn() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    stage
        .model
        .push(Answer::text("never").gate(&gate))
        .push(Answer::text("after all"));
    let thread = stage.thread().await;
    tokio::select! {
        biased;
        result = thread.run("go") => panic!("the turn ended: {result:?}"),
        reached = gate.reached() => reached.unwrap(),
    }
    let result = ok(thread.run("and now?")).await;
    assert_eq!(result.text(), "after all");
    let turns = ok(thread.read_with_turns()).await.thread.turns;
    let statuses: Vec<_> = turns.iter().map(|turn| turn.status.clone()).collect();
    assert_eq!(statuses, [TurnStatus::Interrupted, TurnStatus::Completed]);
    stage.finish().await;
}

/// A detached turn goes on.
#[tokio::test]
async fn a_detached_turn_goes_on() {
    let stage = Stage::new().await;
    let mut global = stage.codex.notifications();
    let gate = Gate::new();
    stage.model.push(Answer::text("finished alone").gate(&gate));
    let thread = stage.thread().await;
    let turn = ok(thread.turn("go")).await;
    gate.reached().await.unwrap();
    let id = turn.id().to_owned();
    turn.detach();
    gate.open();
    assert_eq!(end_of(&mut global, &id).await, TurnStatus::Completed);
    let params = ThreadReadParams::new(thread.id()).include_turns(true);
    let turns = ok(stage.codex.request(params)).await.thread.turns;
    assert_eq!(
        dialog(&turns[0].items),
        ["user: go", "agent: finished alone"]
    );
    stage.finish().await;
}

/// A turn that was joined goes on when the joined handle is dropped.
#[tokio::test]
async fn a_dropped_joined_handle_leaves_the_turn_alone() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    stage.model.push(Answer::text("done").gate(&gate));
    let thread = stage.thread().await;
    let turn = ok(thread.turn("go")).await;
    gate.reached().await.unwrap();
    drop(thread.join_turn(turn.id()));
    gate.open();
    let result = ok(turn.run()).await;
    assert_eq!(result.status, TurnStatus::Completed);
    assert_eq!(result.text(), "done");
    stage.finish().await;
}

/// How a turn ended that nobody follows.
async fn end_of(global: &mut openai_codex::Notifications, id: &str) -> TurnStatus {
    loop {
        let event = within(global.next()).await.expect("the client has ended");
        if let Notification::TurnCompleted(done) = event.unwrap()
            && done.turn.id == id
        {
            return done.turn.status;
        }
    }
}

/// A turn can be steered before the runtime says that it runs.
#[tokio::test]
async fn a_turn_can_be_steered_at_once() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    stage
        .model
        .push(Answer::text("one").gate_at_end(&gate))
        .push(Answer::text("two"));
    let turn = ok(stage.thread().await.turn("start")).await;
    ok(turn.steer("at once")).await;
    gate.open();
    ok(turn.run()).await;
    stage.finish().await;
}

/// A turn goes on when the client and the thread that it came from are dropped.
#[tokio::test]
async fn a_turn_outlives_the_handles_that_it_came_from() {
    let Stage { codex, home, model } = Stage::new().await;
    model.push(Answer::deltas(["a", "b"]).delta_delay(Duration::from_millis(20)));
    let turn = {
        let thread = ok(codex.thread_start()).await;
        drop(codex);
        ok(thread.turn("go")).await
    };
    assert_eq!(ok(turn.run()).await.text(), "ab");
    model.assert_exhausted();
    drop(home);
}
