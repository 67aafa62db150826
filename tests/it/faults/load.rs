//! Load and violence on the real runtime.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::time::{Duration, Instant};

use codex_testkit::{Answer, Gate, Home};
use futures_util::future::join_all;
use openai_codex::types::ModelListParams;
use openai_codex::{CloseReason, Codex, Sandbox};

use super::{gone, reason};
use crate::stage::{Stage, config, ok, within};

/// All are answered.
#[tokio::test]
async fn two_thousand_requests_at_once_are_all_answered() {
    let stage = Stage::new().await;
    let requests = (0..2000).map(|_| stage.codex.request(ModelListParams::default()));
    let answers = within(join_all(requests)).await;
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert!(
        refused.is_empty(),
        "{} failed: {}",
        refused.len(),
        refused[0]
    );
    stage.finish().await;
}

/// Each with a runtime of its own, at the same time.
#[tokio::test]
async fn two_clients_run_turns_at_the_same_time() {
    let stages = [Stage::new().await, Stage::new().await];
    let runs = stages.iter().enumerate().map(|(n, stage)| async move {
        stage.model.push(Answer::text(format!("I am {n}.")));
        let thread = stage.thread().await;
        ok(thread.run("Who are you?")).await.text().to_owned()
    });
    assert_eq!(join_all(runs).await, ["I am 0.", "I am 1."]);
    let [one, two] = stages;
    one.finish().await;
    two.model.push(Answer::text("Still here."));
    let thread = two.thread().await;
    assert_eq!(ok(thread.run("Are you?")).await.text(), "Still here.");
    two.finish().await;
}

/// The turn ends with the signal, and the thread goes on in the next process.
#[tokio::test]
async fn a_killed_runtime_ends_its_turn_and_the_thread_goes_on() {
    let mut stage = Stage::new().await;
    let gate = Gate::new();
    stage.model.push(Answer::text("Before."));
    let thread = stage.thread().await;
    ok(thread.run("First")).await;
    stage
        .model
        .push(Answer::deltas(["half ", "a sentence"]).gate_after_delta(1, &gate));
    let running = tokio::spawn({
        let thread = thread.clone();
        async move { thread.run("Second").await }
    });
    gate.reached().await.unwrap();
    codex_testkit::kill(stage.codex.process_id().unwrap()).unwrap();
    let error = within(running).await.unwrap().unwrap_err();
    let CloseReason::Exited { status, .. } = reason(&error) else {
        panic!("{error:?}");
    };
    assert!(status.is_some_and(|status| status.to_string().contains("signal: 9")));
    gate.open();
    assert!(within(thread.run("x")).await.unwrap_err().is_closed());

    stage.restart().await;
    stage.model.push(Answer::text("After."));
    let thread = ok(stage.codex.thread_resume(thread.id())).await;
    assert_eq!(ok(thread.run("Third")).await.text(), "After.");
    ok(stage.codex.close()).await;
    // The runtime is reaped by now; what it had started was killed with it and goes at once.
    for pid in processes(&stage.home) {
        gone(pid).await;
    }
}

/// , "leaves grandchildren": closing while a command runs ends the command too; dropping does it as
/// well.
#[tokio::test]
async fn a_running_command_ends_with_the_client() {
    for dropped in [false, true] {
        let stage = Stage::new().await;
        stage.model.push(Answer::exec_command(
            "echo > began; sleep 100; echo > ended",
        ));
        let thread = ok(stage.codex.thread_start().sandbox(Sandbox::FullAccess)).await;
        let running = tokio::spawn({
            let thread = thread.clone();
            async move { thread.run("Wait.").await }
        });
        within(async {
            while stage.home.read("began").is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        let processes = processes(&stage.home);
        assert!(processes.len() > 1, "no command runs: {processes:?}");
        let before = Instant::now();
        if dropped {
            running.abort();
            let _ = running.await;
            drop((thread, stage.codex));
        } else {
            ok(stage.codex.close()).await;
            assert!(within(running).await.unwrap().unwrap_err().is_closed());
        }
        for pid in processes {
            gone(pid).await;
        }
        assert!(before.elapsed() < Duration::from_secs(10));
        assert_eq!(stage.home.read("ended"), None);
    }
}

/// With all of it switched on, and nobody who reads it but the client, turns go on.
#[tokio::test]
async fn a_runtime_that_logs_everything_does_not_stall() {
    let stage = Stage::with_config(|config| config.env("RUST_LOG", "trace")).await;
    let thread = stage.thread().await;
    for n in 0..5 {
        stage.model.push(Answer::text(format!("{n}")));
        assert_eq!(ok(thread.run("go")).await.text(), n.to_string());
    }
    stage.finish().await;
}

/// A client that is dropped during its start leaves no process.
#[tokio::test]
async fn a_start_that_is_given_up_leaves_no_process() {
    let stage = Stage::new().await;
    let home = Home::new(&stage.model).unwrap();
    for millis in [0, 1, 5, 20, 60] {
        let start = Codex::start_with(config(&home, &stage.model));
        let codex = tokio::time::timeout(Duration::from_millis(millis), start).await;
        drop(codex);
        for pid in processes(&home) {
            gone(pid).await;
        }
    }
    stage.finish().await;
}

/// The processes of a home: the runtime and what it has started.
fn processes(home: &Home) -> Vec<u32> {
    let root = home.root().to_string_lossy().into_owned();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let of_home = |pid: &u32| {
        let folder = Path::new("/proc").join(pid.to_string());
        let inside = std::fs::read_link(folder.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&root));
        let environment = std::fs::read(folder.join("environ")).unwrap_or_default();
        inside || String::from_utf8_lossy(&environment).contains(&root)
    };
    pids.filter(of_home).collect()
}
