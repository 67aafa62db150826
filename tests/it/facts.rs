//! Behavior of the runtime that its protocol does not describe, as in `docs/runtime-facts.md`.

use std::net::TcpListener;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use codex_testkit::Answer;
use openai_codex::approval::{Approval, Decision};
use openai_codex::types::{
    CodexErrorInfo, ThreadItem, ThreadListParams, ThreadSortKey, TurnStatus,
};
use openai_codex::{ApprovalMode, Notification, Sandbox};
use serde_json::json;

use crate::items::{commands, completed, event, events};
use crate::stage::{Stage, config, err, is_before, ok, within};

#[tokio::test]
async fn the_first_output_of_a_command_is_in_its_item_only() {
    let stage = Stage::new().await;
    for command in ["echo one", "echo one; sleep 0.5; echo two"] {
        stage
            .model
            .push(Answer::exec_command(command))
            .push(Answer::text("done"));
        let thread = stage.thread().await;
        let events = events(&mut ok(thread.turn("go")).await).await;
        let streamed: String = events
            .iter()
            .filter_map(|event| match event {
                Notification::ItemCommandExecutionOutputDelta(delta) => Some(&*delta.delta),
                _ => None,
            })
            .collect();
        let items = completed(&events);
        let mut items = items.iter().filter_map(|item| match item {
            ThreadItem::CommandExecution(item) => Some(item),
            _ => None,
        });
        let Some(item) = items.next() else {
            // That of a command that ends at once may not come at all.
            assert!(is_before(147), "{events:?}");
            continue;
        };
        let whole = item.aggregated_output.as_deref().unwrap();
        // In older runtimes it is nowhere.
        assert!(whole.starts_with("one\n") || is_before(159));
        assert!(
            whole.ends_with(&streamed) && !streamed.contains("one"),
            "{streamed}"
        );
    }
    stage.finish().await;
}

#[tokio::test]
async fn a_command_that_the_sandbox_stops_makes_no_item_where_nobody_is_asked() {
    let stage = Stage::new().await;
    stage
        .model
        .push(Answer::exec_command("touch outside"))
        .push(Answer::exec_command("touch outside").escalated("May I?"))
        .push(Answer::exec_command("exit 3"))
        .push(Answer::text("done"));
    let thread = stage.codex.thread_start().sandbox(Sandbox::ReadOnly);
    let thread = ok(thread.approval_mode(ApprovalMode::DenyAll)).await;
    let events = events(&mut ok(thread.turn("go")).await).await;
    // The one that failed for another reason has an item.
    assert_eq!(commands(&completed(&events)).len(), 1);
    let started = events.iter().filter(|event| {
        matches!(event, Notification::ItemStarted(started)
            if matches!(started.item, ThreadItem::CommandExecution(_)))
    });
    assert_eq!(started.count(), 1);
    // The model is told.
    let request = stage.model.responses_requests().pop().unwrap();
    let told: Vec<_> = request.function_call_outputs();
    assert!(told[0].output.to_string().contains("Read-only file system"));
    assert!(
        told[1]
            .output
            .to_string()
            .contains("approval policy is Never")
    );
    stage.finish().await;
}

/// Whoever decides is asked only where the model asks to leave the sandbox.
#[tokio::test]
async fn a_command_that_the_sandbox_stops_makes_no_item_and_no_question_where_a_person_decides() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let decide = move |_: Approval| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Decision::Accept }
    };
    let stage = Stage::with_config(|config| config.on_approval(decide)).await;
    stage
        .model
        .push(Answer::exec_command("touch outside"))
        .push(Answer::text("done"));
    let start = stage.codex.thread_start().sandbox(Sandbox::ReadOnly);
    let thread = ok(start.approval_mode(ApprovalMode::UserReview)).await;
    let result = ok(thread.run("go")).await;
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    let is_command = |item: &ThreadItem| matches!(item, ThreadItem::CommandExecution(_));
    assert!(!result.items.iter().any(is_command), "{:?}", result.items);
    let request = stage.model.responses_requests().pop().unwrap();
    let told = request.function_call_outputs()[0].output.to_string();
    assert!(told.contains("Read-only file system"), "{told}");
    stage.finish().await;
}

#[tokio::test]
async fn the_diff_of_an_added_or_deleted_file_is_its_content() {
    let stage = Stage::new().await;
    let patch = |hunk: &str| Answer::apply_patch(format!("*** Begin Patch\n{hunk}\n*** End Patch"));
    stage
        .model
        .push(patch("*** Add File: a.txt\n+one\n+two"))
        .push(patch("*** Update File: a.txt\n@@\n-one\n+1\n two"))
        .push(patch("*** Delete File: a.txt"))
        .push(Answer::text("done"));
    let thread = stage.codex.thread_start().sandbox(Sandbox::WorkspaceWrite);
    let result = ok(ok(thread).await.run("go")).await;
    let diffs: Vec<_> = result
        .items
        .iter()
        .filter_map(|item| match item {
            ThreadItem::FileChange(change) => Some(&*change.changes[0].diff),
            _ => None,
        })
        .collect();
    let update = "@@ -1,2 +1,2 @@\n-one\n+1\n two\n";
    assert_eq!(diffs, ["one\ntwo\n", update, "1\ntwo\n"]);
    stage.finish().await;
}

#[tokio::test]
async fn a_misspelt_setting_is_a_warning_among_the_notifications() {
    let stage = Stage::with_home(|home| home.config("modle", json!("x"))).await;
    let mut notifications = stage.codex.notifications();
    let thread = stage.thread().await;
    // Older runtimes do not tell a thread's client.
    if is_before(159) {
        return stage.leave().await;
    }
    loop {
        let event = within(notifications.next()).await.unwrap().unwrap();
        if let Notification::Warning(warning) = event
            && warning.message.contains("modle")
        {
            let of = warning.thread_id.unwrap();
            assert_eq!(of, thread.id());
            break;
        }
    }
    stage.finish().await;
}

#[tokio::test]
async fn threads_are_listed_by_creation_unless_asked_otherwise() {
    let stage = Stage::new().await;
    stage.model.default_answer(Answer::text("done"));
    let (older, newer) = (stage.thread().await, stage.thread().await);
    ok(older.run("one")).await;
    ok(newer.run("two")).await;
    // The times are whole seconds.
    let second = || async {
        let threads = ok(stage.codex.request(ThreadListParams::default())).await;
        threads
            .data
            .iter()
            .map(|thread| thread.updated_at)
            .max()
            .unwrap()
    };
    let before = second().await;
    while second().await == before {
        ok(older.run("three")).await;
    }
    let ids = |key: Option<ThreadSortKey>| {
        let mut list = stage.codex.thread_list();
        if let Some(key) = key {
            list = list.sort_key(key);
        }
        async move {
            let threads = ok(list).await.data.into_iter();
            threads
                .map(|thread| thread.id.to_string())
                .collect::<Vec<_>>()
        }
    };
    let by_creation = [newer.id(), older.id()];
    assert_eq!(ids(None).await, by_creation);
    assert_eq!(ids(Some(ThreadSortKey::CreatedAt)).await, by_creation);
    let by_update = [older.id(), newer.id()];
    assert_eq!(ids(Some(ThreadSortKey::UpdatedAt)).await, by_update);
    stage.finish().await;
}

#[tokio::test]
async fn a_turn_waits_for_a_model_that_cannot_be_reached() {
    let stage = Stage::new().await;
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", port.local_addr().unwrap());
    drop(port);
    let mut client = config(&stage.home, &stage.model);
    client = client.config_override("model_providers.mock_provider.base_url", url);
    let codex = ok(openai_codex::Codex::start_with(client)).await;
    let thread = ok(codex.thread_start()).await;
    let mut turn = ok(thread.turn("go")).await;
    let is_error = |event: &Notification| matches!(event, Notification::Error(_));
    let Notification::Error(error) = event(&mut turn, is_error).await else {
        panic!("no error");
    };
    if is_before(151) {
        // It fails at once.
        assert!(!error.will_retry);
        let error = err(turn.run()).await;
        assert!(
            matches!(error, openai_codex::Error::TurnFailed(_)),
            "{error}"
        );
        ok(codex.close()).await;
        return stage.finish().await;
    }
    assert!(error.will_retry);
    let info = error.error.codex_error_info;
    assert!(
        matches!(info, Some(CodexErrorInfo::ResponseStreamDisconnected(_))),
        "{info:?}"
    );
    ok(turn.interrupt()).await;
    assert_eq!(ok(turn.run()).await.status, TurnStatus::Interrupted);
    ok(codex.close()).await;
    stage.finish().await;
}
