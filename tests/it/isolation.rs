//! The isolation of a runtime under test from the machine around it.

use std::collections::BTreeSet;

use codex_testkit::Answer;
use openai_codex::types::ThreadLoadedListParams;

use crate::stage::{Stage, err, ok};

/// Whatever a client does, the runtime asks nobody but the model.
#[tokio::test]
async fn nothing_leaves_the_machine() {
    let stage = Stage::with_home(|home| home.requires_openai_auth()).await;
    let codex = &stage.codex;
    let command = Answer::exec_command("echo made > made.txt").escalated("May I?");
    stage
        .model
        .push(command)
        .push(Answer::text("made"))
        .push(Answer::text("in short"));
    let reviewer = stage.model.when_reviewer();
    reviewer.push(Answer::reviewer_allows("harmless"));
    ok(codex.login_api_key("sk-not-a-key")).await;
    let thread = stage.thread().await;
    ok(thread.run("make it")).await;
    ok(thread.compact()).await;
    stage.model.wait_for_requests(4).await.unwrap();
    ok(thread.set_name("Everything")).await;
    ok(thread.read()).await;
    ok(codex.thread_list()).await;
    ok(codex.models().include_hidden(true)).await;
    ok(codex.account()).await;
    ok(codex.logout()).await;
    ok(codex.close()).await;

    let requests = stage.model.requests();
    let asked: BTreeSet<String> = requests
        .iter()
        .map(|request| format!("{} {}", request.method, request.path))
        .collect();
    assert_eq!(asked, BTreeSet::from(["POST /v1/responses".to_owned()]));
    let host = format!("127.0.0.1:{}", stage.model.port());
    assert!(requests.iter().all(|ask| ask.header("host") == Some(&host)));
    stage.finish().await;
}

/// What a thread leaves behind is in the runtime's own home, and goes with it.
#[tokio::test]
async fn what_is_stored_is_in_the_home() {
    let stage = Stage::new().await;
    stage.model.push(Answer::text("done"));
    let thread = stage.thread().await;
    ok(thread.run("go")).await;
    let path = ok(thread.read()).await.thread.path.unwrap();
    assert!(stage.home.codex_home().join("sessions").is_dir());
    let root = stage.home.root().to_owned();
    assert!(std::path::Path::new(&path).starts_with(&root), "{path}");
    stage.finish().await;
    assert!(!root.exists());
}

/// Clones of a client share one runtime, and its end.
#[tokio::test]
async fn clones_share_one_runtime() {
    let stage = Stage::new().await;
    let clone = stage.codex.clone();
    let thread = stage.thread().await;
    let loaded = clone.request(ThreadLoadedListParams::default());
    assert_eq!(ok(loaded).await.data, [thread.id()]);
    ok(clone.close()).await;
    let loaded = stage.codex.request(ThreadLoadedListParams::default());
    assert!(err(loaded).await.is_closed());
    stage.finish().await;
}
