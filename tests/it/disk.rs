//! The sandbox modes, as the disk shows them.

use std::path::Path;

use codex_testkit::{Answer, HomeBuilder};
use openai_codex::types::{SandboxPolicy, TurnStatus, WorkspaceWriteSandboxPolicy};
use openai_codex::{ApprovalMode, Sandbox, Thread};
use serde_json::json;

use crate::stage::{Stage, ok};

/// Runs a turn in which the model writes to this path.
///
/// A command that the sandbox stops at once makes no item, so that the disk has to tell.
async fn write(stage: &Stage, thread: &Thread, path: &Path) {
    let command = format!("echo made > {}", path.display());
    let command = Answer::exec_command(command);
    stage.model.push(command).push(Answer::text("done"));
    let result = ok(thread.run("write it")).await;
    assert_eq!(result.status, TurnStatus::Completed);
}

/// Takes the folders for temporary files out of what a workspace sandbox allows: the checkout, and with
/// it the home of the test, may lie in one.
fn no_temporary_folders(home: HomeBuilder) -> HomeBuilder {
    home.config("sandbox_workspace_write.exclude_slash_tmp", json!(true))
        .config(
            "sandbox_workspace_write.exclude_tmpdir_env_var",
            json!(true),
        )
}

/// Makes a thread in which nothing beyond the sandbox is approved.
async fn confined(stage: &Stage, sandbox: Sandbox) -> Thread {
    let start = stage.codex.thread_start();
    ok(start.approval_mode(ApprovalMode::DenyAll).sandbox(sandbox)).await
}

/// Each sandbox allows what it says and nothing else, as the disk shows.
#[tokio::test]
async fn the_disk_shows_what_each_sandbox_allows() {
    let cases = [
        (Sandbox::ReadOnly, false, false),
        (Sandbox::WorkspaceWrite, true, false),
        (Sandbox::FullAccess, true, true),
    ];
    for (sandbox, within, outside) in cases {
        let stage = Stage::with_home(no_temporary_folders).await;
        let thread = confined(&stage, sandbox).await;
        let paths = [
            stage.home.workspace().join("made.txt"),
            stage.home.root().join("made.txt"),
        ];
        for path in &paths {
            write(&stage, &thread, path).await;
        }
        let made = paths.map(|path| path.exists());
        assert_eq!(made, [within, outside], "{sandbox:?}");
        stage.finish().await;
    }
}

/// A turn's full policy can allow one more folder.
#[tokio::test]
async fn a_policy_can_allow_one_more_folder() {
    let stage = Stage::new().await;
    let folder = stage.home.root().join("more");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("made.txt").display().to_string();
    let thread = confined(&stage, Sandbox::ReadOnly).await;
    let command = Answer::exec_command(format!("echo made > {path}"));
    stage.model.push(command).push(Answer::text("done"));
    let policy = WorkspaceWriteSandboxPolicy::default()
        .exclude_slash_tmp(true)
        .exclude_tmpdir_env_var(true)
        .writable_roots([folder.as_path().into()]);
    let turn = thread.turn("write it");
    let turn = turn.sandbox(SandboxPolicy::WorkspaceWrite(policy));
    let result = ok(turn.run()).await;
    assert_eq!(result.status, TurnStatus::Completed);
    assert!(folder.join("made.txt").exists());
    stage.finish().await;
}
