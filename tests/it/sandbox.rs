//! Sandbox policies: what is sent to the runtime, and what the disk shows.

use codex_testkit::Answer;
use openai_codex::Sandbox;

use crate::items::{sandbox, state};
use crate::stage::{Stage, is_before, ok};

/// The sandbox of a turn stays for later turns.
#[tokio::test]
async fn the_sandbox_of_a_turn_stays() {
    let stage = Stage::new().await;
    stage.model.default_answer(Answer::text("done"));
    let start = stage.codex.thread_start();
    let thread = ok(start.sandbox(Sandbox::WorkspaceWrite)).await;
    assert_eq!(sandbox(thread.info()), "workspaceWrite");
    ok(thread.turn("look").sandbox(Sandbox::ReadOnly).run()).await;
    ok(thread.run("look again")).await;
    let info = state(&stage.codex, &thread).await;
    assert_eq!(sandbox(&info), "readOnly");
    let turn = thread.turn("act").sandbox(Sandbox::FullAccess);
    ok(turn.run()).await;
    let info = state(&stage.codex, &thread).await;
    assert_eq!(sandbox(&info), "dangerFullAccess");
    stage.finish().await;
}

/// Without a sandbox the configured one applies.
#[tokio::test]
async fn without_a_sandbox_the_configured_one_applies() {
    let stage = Stage::with_home(|home| home.sandbox_mode("workspace-write")).await;
    assert_eq!(sandbox(stage.thread().await.info()), "workspaceWrite");
    stage.finish().await;
}

/// A thread that is resumed by the next process has its own sandbox, not that of the configuration.
#[tokio::test]
async fn a_resumed_thread_keeps_its_sandbox() {
    let is_kept = !is_before(163);
    for (own, name) in [
        (Sandbox::ReadOnly, "readOnly"),
        (Sandbox::FullAccess, "dangerFullAccess"),
    ] {
        let mut stage = Stage::with_home(|home| home.sandbox_mode("workspace-write")).await;
        stage.model.default_answer(Answer::text("done"));
        let thread = ok(stage.codex.thread_start().sandbox(own)).await;
        ok(thread.run("look")).await;
        stage.restart().await;
        let thread = ok(stage.codex.thread_resume(thread.id())).await;
        let expected = if is_kept { name } else { "workspaceWrite" };
        assert_eq!(sandbox(thread.info()), expected);
        stage.finish().await;
    }
}
