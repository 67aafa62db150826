//! Threads on the real runtime.

use codex_testkit::Answer;
use futures_util::TryStreamExt;
use openai_codex::types::{
    ApprovalsReviewer, AskForApproval, SandboxPolicy, SortDirection, ThreadItem, ThreadSortKey,
    Turn,
};
use openai_codex::{ApprovalMode, Codex, Sandbox, Thread};

use crate::stage::Stage;
use crate::within;

/// What was said, in order.
fn texts(turns: &[Turn]) -> Vec<String> {
    let items = turns.iter().flat_map(|turn| &turn.items);
    let texts = items.filter_map(|item| match item {
        ThreadItem::UserMessage(message) => Some(
            serde_json::json!(message)["content"][0]["text"]
                .as_str()
                .unwrap()
                .to_owned(),
        ),
        ThreadItem::AgentMessage(message) => Some(message.text.clone()),
        _ => None,
    });
    texts.collect()
}

/// What the thread has by now.
async fn policy_of(codex: &Codex, thread: &Thread) -> AskForApproval {
    let resumed = within(codex.thread_resume(thread.id()).into_future()).await;
    resumed.unwrap().info().approval_policy.clone()
}

/// D-24.
#[tokio::test]
async fn the_answer_to_the_start_is_kept() {
    let stage = Stage::new([]);
    let codex = stage.codex().await;
    let start = codex.thread_start().sandbox(Sandbox::WorkspaceWrite);
    let thread = within(start.into_future()).await.unwrap();
    let info = thread.info();
    assert_eq!(info.thread.id, thread.id());
    assert_eq!(info.model, "mock-model");
    assert_eq!(info.model_provider, "mock_provider");
    assert_eq!(info.cwd, stage.home.workspace());
    assert_eq!(info.approval_policy, AskForApproval::OnRequest);
    assert_eq!(info.approvals_reviewer, ApprovalsReviewer::AutoReview);
    assert!(matches!(info.sandbox, SandboxPolicy::WorkspaceWrite(_)));
    assert_eq!(info.forked_from_id, None);
}

/// LIF-04, D-28.
#[tokio::test]
async fn history_is_read_in_order_and_by_page() {
    let answers = (0..30).map(|n| Answer::text(format!("answer {n}")));
    let stage = Stage::new(answers);
    let (_codex, thread) = stage.thread().await;
    let turns: Vec<_> = within(thread.turns().try_collect()).await.unwrap();
    assert!(turns.is_empty());
    let mut said = Vec::new();
    for n in 0..30 {
        within(thread.run(format!("question {n}"))).await.unwrap();
        said.extend([format!("question {n}"), format!("answer {n}")]);
    }
    let turns: Vec<_> = within(thread.turns().try_collect()).await.unwrap();
    assert_eq!(texts(&turns), said);
    let read = within(thread.read_with_turns()).await.unwrap();
    assert_eq!(texts(&read.thread.turns), said);
    let read = within(thread.read()).await.unwrap();
    assert!(read.thread.turns.is_empty());
}

/// LIF-01, LIF-05, LIF-06, LIF-07, LIF-08, D-23.
#[tokio::test]
async fn a_thread_goes_through_its_life() {
    let stage = Stage::new([
        Answer::text("one"),
        Answer::text("two"),
        Answer::text("three"),
        Answer::text("summary"),
    ]);
    let (codex, thread) = stage.thread().await;
    within(thread.run("first")).await.unwrap();
    within(thread.set_name("a name")).await.unwrap();
    let read = within(thread.read()).await.unwrap();
    assert_eq!(read.thread.name.as_deref(), Some("a name"));

    let fork = within(codex.thread_fork(thread.id()).into_future()).await;
    let fork = fork.unwrap();
    assert_ne!(fork.id(), thread.id());
    assert_eq!(fork.info().forked_from_id.as_deref(), Some(thread.id()));
    assert_eq!(within(fork.run("second")).await.unwrap().text(), "two");

    within(codex.thread_archive(thread.id())).await.unwrap();
    let archived = codex.thread_list().archived(true).stream();
    let archived: Vec<_> = within(archived.try_collect()).await.unwrap();
    assert_eq!(archived.len(), 1);
    let back = within(codex.thread_unarchive(thread.id())).await.unwrap();
    assert_eq!(back.id(), thread.id());
    // It is usable at once, and its information is complete from then on.
    assert_eq!(within(back.run("third")).await.unwrap().text(), "three");
    assert_eq!(back.info().model, "mock-model");
    assert_eq!(
        back.info().approvals_reviewer,
        ApprovalsReviewer::AutoReview
    );

    within(back.compact()).await.unwrap();
    stage.model.wait_for_requests(4).await.unwrap();
}

/// RUN-14, RUN-16.
#[tokio::test]
async fn a_thread_is_resumed_by_another_client() {
    let stage = Stage::new([Answer::text("one"), Answer::text("two")]);
    let (codex, thread) = stage.thread().await;
    within(thread.run("first")).await.unwrap();
    within(codex.close()).await.unwrap();

    let codex = stage.codex().await;
    let resume = codex.thread_resume(thread.id()).include_turns(true);
    let resumed = within(resume.into_future()).await.unwrap();
    assert_eq!(texts(&resumed.info().thread.turns), ["first", "one"]);
    assert_eq!(within(resumed.run("second")).await.unwrap().text(), "two");
    let resume = codex.thread_resume(thread.id()).include_turns(false);
    let resumed = within(resume.into_future()).await.unwrap();
    assert!(resumed.info().thread.turns.is_empty());
}

/// APP-08.
#[tokio::test]
async fn approval_modes_are_kept_until_changed() {
    let stage = Stage::new([Answer::text("one"), Answer::text("two")]);
    let (codex, thread) = stage.thread().await;
    let turn = thread.turn("first").approval_mode(ApprovalMode::DenyAll);
    within(turn.run()).await.unwrap();
    assert_eq!(policy_of(&codex, &thread).await, AskForApproval::Never);
    within(thread.run("second")).await.unwrap();
    assert_eq!(policy_of(&codex, &thread).await, AskForApproval::Never);
}

/// D-28, MOD-01, MOD-03.
#[tokio::test]
async fn lists_go_through_every_page() {
    let stage = Stage::new((0..5).map(|_| Answer::text("x")));
    let codex = stage.codex().await;
    let mut started = Vec::new();
    for _ in 0..5 {
        let thread = within(codex.thread_start().into_future()).await.unwrap();
        within(thread.run("go")).await.unwrap();
        started.push(thread.id().to_owned());
    }
    let list = codex
        .thread_list()
        .limit(2)
        .cwd(stage.home.workspace())
        .sort_key(ThreadSortKey::CreatedAt)
        .sort_direction(SortDirection::Asc);
    let page = within(list.clone().into_future()).await.unwrap();
    assert_eq!((page.data.len(), page.next_cursor.is_some()), (2, true));
    let threads: Vec<_> = within(list.stream().try_collect()).await.unwrap();
    let mut listed: Vec<_> = threads.into_iter().map(|thread| thread.id).collect();
    listed.sort_unstable();
    started.sort_unstable();
    assert_eq!(listed, started);

    let models = codex.models().include_hidden(true);
    let all = within(models.clone().into_future()).await.unwrap().data;
    let paged: Vec<_> = within(models.limit(1).stream().try_collect())
        .await
        .unwrap();
    assert_eq!(paged, all);
}
