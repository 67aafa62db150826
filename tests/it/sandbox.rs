//! Sandbox policies: what is sent to the runtime, and what the disk shows.

use codex_testkit::Answer;
use openai_codex::Sandbox;

use crate::items::{sandbox, state};
use crate::stage::{Stage, ok};

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
