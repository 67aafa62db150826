//! Attached clients whose connection is lost, and whose runtime ends and is started again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use codex_testkit::Answer;
use openai_codex::approval::{Approval, Decision};
use openai_codex::remote::Reconnect;
use openai_codex::types::{ThreadItem, TurnStatus};
use openai_codex::{ApprovalMode, Error, Notification, RpcErrorKind, Sandbox};

use crate::remote::Attached;
use crate::stage::{err, is_before, ok, within};

/// Whether the runtime that is tested does not tell what was missed of a turn.
fn takes_up_no_turn() -> bool {
    is_before(151)
}

#[tokio::test]
async fn a_client_of_a_runtime_that_does_not_tell_what_was_missed_is_closed() {
    if !takes_up_no_turn() {
        return;
    }
    let stage = Attached::new().await;
    stage.model.push(Answer::exec_command("sleep 1"));
    let thread = stage.thread().await;
    let turn = ok(thread.turn("Wait a second.")).await;
    stage.proxy.cut();
    let error = err(turn.run()).await;
    assert!(
        error.is_closed() && error.to_string().contains("0.151.0"),
        "{error}"
    );
}

#[tokio::test]
async fn a_turn_goes_on_over_a_new_connection() {
    if takes_up_no_turn() {
        return;
    }
    let stage = Attached::new().await;
    stage
        .model
        .push(Answer::exec_command("sleep 1; echo made"))
        .push(Answer::text("It is made."));
    let thread = stage.thread().await;
    let mut turn = ok(thread.turn("Make it.")).await;
    let mut events = Vec::new();
    while let Some(event) = within(turn.next()).await {
        let event = event.unwrap();
        if let Notification::ItemStarted(started) = &event
            && matches!(started.item, ThreadItem::CommandExecution(_))
        {
            stage.proxy.cut();
        }
        events.push(event);
    }
    let result = ok(turn.run()).await;
    assert_eq!(result.text(), "It is made.");
    assert!(stage.proxy.connections() >= 2);
    let completed = events.iter().filter_map(|event| match event {
        Notification::ItemCompleted(completed) => completed.item.id(),
        _ => None,
    });
    let mut completed: Vec<_> = completed.collect();
    let all = completed.len();
    completed.sort_unstable();
    completed.dedup();
    assert_eq!(completed.len(), all, "an item is completed twice");
    assert_eq!(all, 3, "{events:?}");
    stage.finish().await;
}

#[tokio::test]
async fn a_client_that_gives_up_ends_with_one_reason() {
    let patience = Reconnect::new().give_up_after(Duration::from_secs(1));
    let stage = Attached::with(|config| config, |remote| remote.reconnect(patience)).await;
    let thread = stage.thread().await;
    stage.proxy.refuse(true);
    stage.proxy.cut();
    let error = err(thread.run("Hello?")).await;
    assert!(error.is_closed(), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("127.0.0.1"), "{text}");
    assert_eq!(err(thread.read()).await.to_string(), text);
    stage.finish().await;
}

/// Ten turns, each with a command that is asked about, over a connection that is cut fifty times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn approvals_are_asked_once_over_a_connection_that_is_cut_again_and_again() {
    const TURNS: usize = 10;
    if takes_up_no_turn() {
        return;
    }
    let asked = Arc::new(Mutex::new(Vec::new()));
    let decide = {
        let asked = Arc::clone(&asked);
        move |ask: Approval| {
            asked.lock().unwrap().push(ask.item_id.to_string());
            async {
                tokio::time::sleep(Duration::from_millis(30)).await;
                Decision::Accept
            }
        }
    };
    let quick = Duration::from_millis(10);
    let policy = Reconnect::new().pauses(quick, quick);
    let stage = Attached::with(
        |config| config.on_approval(decide),
        |remote| remote.reconnect(policy),
    )
    .await;
    for turn in 0..TURNS {
        let command = format!("echo made {turn}; sleep 0.1; echo it");
        let call = Answer::exec_command(&command).escalated("May I?");
        stage
            .model
            .push(call)
            .push(Answer::text(format!("Turn {turn} is done.")));
    }
    let start = stage.codex.thread_start().cwd(stage.home.workspace());
    let thread = ok(start.approval_mode(ApprovalMode::UserReview)).await;
    let proxy = Arc::new(stage.proxy);
    let cutting = tokio::spawn({
        let proxy = Arc::clone(&proxy);
        async move {
            for number in 0..50 {
                proxy.cut_after(number * 131 % 4000);
                tokio::time::sleep(Duration::from_millis(60)).await;
            }
        }
    });
    for number in 0..TURNS {
        let mut turn = ok(thread.turn("Make it.")).await;
        let mut completed = Vec::new();
        while let Some(event) = within(turn.next()).await {
            if let Notification::ItemCompleted(done) = event.unwrap() {
                completed.push(done.item);
            }
        }
        let result = ok(turn.run()).await;
        assert_eq!(result.text(), format!("Turn {number} is done."));
        let commands: Vec<_> = completed
            .iter()
            .filter_map(|item| match item {
                ThreadItem::CommandExecution(command) => command.aggregated_output.as_deref(),
                _ => None,
            })
            .collect();
        assert_eq!(
            commands,
            [format!("made {number}\nit\n")],
            "turn {number}: {completed:?}"
        );
        assert!(result.usage.is_some());
    }
    cutting.await.unwrap();
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked.len(), TURNS, "{asked:?}");
    assert!(proxy.connections() > 10, "{}", proxy.connections());
    // Nothing was prompted twice.
    assert_eq!(stage.model.responses_requests().len(), 2 * TURNS);
    drop(thread);
    ok(stage.codex.close()).await;
    stage.model.assert_exhausted();
}

/// Such a thread cannot be resumed: it is stored with its first turn.
#[tokio::test]
async fn the_first_turn_of_a_thread_is_read_after_a_lost_connection() {
    if takes_up_no_turn() {
        return;
    }
    let stage = Attached::new().await;
    stage
        .model
        .push(Answer::exec_command("echo made"))
        .push(Answer::text("First."));
    let thread = stage.thread().await;
    stage.proxy.cut();
    let mut turn = ok(thread.turn("One.")).await;
    let (mut started, mut completed) = (0, 0);
    while let Some(event) = within(turn.next()).await {
        match event.unwrap() {
            Notification::ItemStarted(_) => started += 1,
            Notification::ItemCompleted(_) => completed += 1,
            _ => {}
        }
    }
    let result = ok(turn.run()).await;
    assert_eq!(result.text(), "First.");
    assert_eq!((started, completed), (3, 3));
    stage.model.push(Answer::text("Second."));
    assert_eq!(ok(thread.run("Two.")).await.text(), "Second.");
    drop(thread);
    stage.finish().await;
}

/// A runtime that is started again has the thread on disk, and nothing of the connection.
#[tokio::test]
async fn a_runtime_may_be_started_again_while_nothing_runs() {
    if takes_up_no_turn() {
        return;
    }
    let mut stage = Attached::new().await;
    stage
        .model
        .push(Answer::text("First."))
        .push(Answer::text("Second."));
    let thread = stage.thread().await;
    assert_eq!(ok(thread.run("One.")).await.text(), "First.");
    stage.restart();
    assert_eq!(ok(thread.run("Two.")).await.text(), "Second.");
    drop(thread);
    stage.finish().await;
}

/// A runtime that reads a thread from its store takes the sandbox from its own configuration.
#[tokio::test]
async fn a_thread_keeps_its_options_when_the_runtime_is_started_again() {
    if takes_up_no_turn() {
        return;
    }
    let mut stage = Attached::with_home(
        |home| home.sandbox_mode("workspace-write"),
        |config| config,
        |remote| remote,
    )
    .await;
    let start = stage.thread_start().sandbox(Sandbox::ReadOnly);
    let thread = ok(start.approval_mode(ApprovalMode::DenyAll)).await;
    let write = || Answer::exec_command("touch made.txt; echo tried");
    stage.model.push(write()).push(Answer::text("One."));
    ok(thread.turn("Write.").model("later-model").run()).await;
    assert_eq!(stage.home.read("made.txt"), None);
    stage.restart();
    stage.model.push(write()).push(Answer::text("Two."));
    ok(thread.run("Write.")).await;
    assert_eq!(stage.home.read("made.txt"), None);
    let requests = stage.model.responses_requests();
    assert_eq!(requests.last().unwrap().body_json["model"], "later-model");
    assert!(
        requests
            .last()
            .unwrap()
            .function_call_outputs()
            .last()
            .unwrap()
            .text()
            .contains("tried")
    );
    drop(thread);
    stage.finish().await;
}

/// The turn is stored as interrupted, and told as such.
#[tokio::test]
async fn a_turn_of_a_runtime_that_is_killed_ends_as_interrupted() {
    if takes_up_no_turn() {
        return;
    }
    let mut stage = Attached::new().await;
    stage.model.push(Answer::exec_command("sleep 60"));
    let thread = stage.thread().await;
    let mut turn = ok(thread.turn("Wait.")).await;
    loop {
        let event = within(turn.next()).await.unwrap().unwrap();
        if let Notification::ItemStarted(started) = &event
            && matches!(started.item, ThreadItem::CommandExecution(_))
        {
            break;
        }
    }
    stage.restart();
    let result = ok(turn.run()).await;
    assert_eq!(result.status, TurnStatus::Interrupted);
    stage.model.push(Answer::text("On."));
    assert_eq!(ok(thread.run("Go on.")).await.text(), "On.");
    drop(thread);
    stage.finish().await;
}

/// A runtime that is told to end waits for its turn, whose completion it then often does not tell.
#[cfg(unix)]
#[tokio::test]
async fn a_turn_that_ends_while_its_runtime_drains_is_complete() {
    if takes_up_no_turn() {
        return;
    }
    let mut stage = Attached::new().await;
    stage
        .model
        .push(Answer::exec_command("sleep 2"))
        .push(Answer::text("Done."));
    let thread = stage.thread().await;
    let turn = ok(thread.turn("Wait two seconds.")).await;
    let running = tokio::spawn(turn.run());
    stage.model.wait_for_requests(1).await.unwrap();
    stage.runtime.drain().unwrap();
    // Until the signal has come, threads are started.
    let draining = loop {
        if let Err(error) = within(stage.thread_start()).await {
            break error;
        }
    };
    assert!(
        matches!(&draining, Error::Rpc { source, .. } if source.kind() == RpcErrorKind::ShuttingDown),
        "{draining:?}"
    );
    stage.runtime.wait().unwrap();
    stage.listen_again();
    let result = within(running).await.unwrap().unwrap();
    assert_eq!(result.text(), "Done.");
    assert_eq!(result.status, TurnStatus::Completed);
    assert!(result.usage.is_some());
    drop(thread);
    stage.finish().await;
}

/// The interrupt waits for the connection.
#[tokio::test]
async fn a_turn_that_is_dropped_while_the_connection_is_lost_is_interrupted() {
    if takes_up_no_turn() {
        return;
    }
    let stage = Attached::new().await;
    stage.model.push(Answer::exec_command("sleep 30"));
    let thread = stage.thread().await;
    let turn = ok(thread.turn("Wait.")).await;
    stage.model.wait_for_requests(1).await.unwrap();
    stage.proxy.refuse(true);
    stage.proxy.cut();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let id = turn.id().clone();
    drop(turn);
    stage.proxy.refuse(false);
    let result = ok(thread.join_turn(id).run()).await;
    assert_eq!(result.status, TurnStatus::Interrupted);
    drop(thread);
    stage.finish().await;
}

/// Calls wait for the connection, as long as they may.
#[tokio::test]
async fn calls_wait_for_the_connection_up_to_their_deadline() {
    let stage = Attached::with(
        |config| config.request_timeout(Some(Duration::from_secs(2))),
        |remote| {
            let pause = Duration::from_millis(50);
            remote.reconnect(Reconnect::new().pauses(pause, pause))
        },
    )
    .await;
    let thread = stage.thread().await;
    stage.proxy.refuse(true);
    stage.proxy.cut();
    let error = err(thread.read()).await;
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    let waiting = tokio::spawn({
        let thread = thread.clone();
        async move { thread.read().await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    stage.proxy.refuse(false);
    ok(async { within(waiting).await.unwrap() }).await;
    drop(thread);
    stage.finish().await;
}
