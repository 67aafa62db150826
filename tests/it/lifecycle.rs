//! The life of threads: started, resumed, forked, archived.

use codex_testkit::{Answer, Gate};
use futures_util::TryStreamExt;
use openai_codex::types::{
    AskForApproval, ReasoningEffort, SortDirection, ThreadItem, ThreadSortKey, ThreadSource,
};
use openai_codex::{Error, Notification, Notifications, RpcErrorKind, Sandbox};

use crate::items::{dialog, sandbox};
use crate::stage::{Stage, base_instructions, err, is_before, ok, supported, within};

/// A thread can be named.
#[tokio::test]
async fn a_thread_can_be_named() {
    let stage = Stage::new().await;
    stage.model.push(Answer::text("done"));
    let thread = stage.thread().await;
    ok(thread.run("go")).await;
    ok(thread.set_name("The parser")).await;
    let read = ok(thread.read()).await.thread;
    assert_eq!(read.id, thread.id());
    assert_eq!(read.name.as_deref(), Some("The parser"));
    assert_eq!(read.turns, []);
    stage.finish().await;
}

/// A thread is named, read, resumed, forked, archived and unarchived on one client.
#[tokio::test]
async fn a_thread_goes_through_its_whole_life() {
    let stage = Stage::new().await;
    stage.model.default_answer(Answer::text("done"));
    let codex = &stage.codex;
    let thread = stage.thread().await;
    ok(thread.run("go")).await;
    ok(thread.set_name("Everything")).await;
    assert_eq!(
        ok(thread.read()).await.thread.name.as_deref(),
        Some("Everything")
    );
    let resumed = ok(codex.thread_resume(thread.id())).await;
    assert_eq!(resumed.id(), thread.id());
    let forked = ok(codex.thread_fork(thread.id())).await;
    assert_ne!(forked.id(), thread.id());
    ok(forked.run("go on")).await;

    ok(codex.thread_archive(thread.id())).await;
    assert_eq!(listed(&stage, true).await, [thread.id()]);
    assert_eq!(listed(&stage, false).await, [forked.id()]);
    let back = ok(codex.thread_unarchive(thread.id())).await;
    assert_eq!(back.id(), thread.id());
    assert_eq!(listed(&stage, true).await, [""; 0]);
    assert_eq!(
        ok(back.read()).await.thread.name.as_deref(),
        Some("Everything")
    );
    stage.finish().await;
}

/// The ids of the stored threads.
async fn listed(stage: &Stage, archived: bool) -> Vec<String> {
    let page = ok(stage.codex.thread_list().archived(archived)).await;
    page.data
        .into_iter()
        .map(|thread| thread.id.into())
        .collect()
}

/// A fork is another thread, which knows where it is from and what was said.
#[tokio::test]
async fn a_fork_is_another_thread() {
    let stage = Stage::new().await;
    stage
        .model
        .push(Answer::text("one"))
        .push(Answer::text("two"))
        .push(Answer::text("three"));
    let thread = stage.thread().await;
    ok(thread.run("first")).await;
    let forked = ok(stage.codex.thread_fork(thread.id())).await;
    assert_ne!(forked.id(), thread.id());
    assert_eq!(
        forked.info().forked_from_id.as_deref(),
        Some(thread.id().as_str())
    );
    assert_eq!(thread.info().forked_from_id, None);
    ok(forked.run("second")).await;
    ok(thread.run("third")).await;
    let requests = stage.model.responses_requests();
    assert_eq!(requests[1].assistant_texts(), ["one"]);
    assert_eq!(requests[2].assistant_texts(), ["one"]);
    stage.finish().await;
}

/// A fork can end at an earlier turn.
#[tokio::test]
async fn a_fork_can_end_at_an_earlier_turn() {
    let stage = Stage::new().await;
    stage
        .model
        .push(Answer::text("one"))
        .push(Answer::text("two"));
    let thread = stage.thread().await;
    let first = ok(thread.run("first")).await;
    ok(thread.run("second")).await;
    let fork = stage.codex.thread_fork(thread.id());
    let fork = supported(fork.last_turn_id(first.id).include_turns(true)).await;
    let Some(forked) = fork else {
        return stage.leave().await;
    };
    let turns = &forked.info().thread.turns;
    let lines: Vec<_> = turns.iter().flat_map(|turn| dialog(&turn.items)).collect();
    assert_eq!(lines, ["user: first", "agent: one"]);
    stage.finish().await;
}

/// An archived thread comes back, can be read, and runs a turn at once.
#[tokio::test]
async fn an_unarchived_thread_is_usable_at_once() {
    let mut stage = Stage::new().await;
    stage
        .model
        .push(Answer::text("before"))
        .push(Answer::text("after"));
    let thread = stage.thread().await;
    ok(thread.run("first")).await;
    let id = thread.id().to_owned();
    drop(thread);
    ok(stage.codex.thread_archive(&id)).await;
    stage.restart().await;

    let thread = ok(stage.codex.thread_unarchive(&id)).await;
    assert_eq!(thread.id(), id);
    assert_eq!(ok(thread.read()).await.thread.id, id);
    assert_eq!(ok(thread.run("second")).await.text(), "after");
    let request = &stage.model.responses_requests()[1];
    assert_eq!(request.assistant_texts(), ["before"]);
    // The reviewer of the thread's start; before 0.151 the policy of the configuration.
    let policy = match is_before(151) {
        true => AskForApproval::Never,
        false => AskForApproval::OnRequest,
    };
    assert_eq!(thread.info().approval_policy, policy);
    stage.finish().await;
}

/// Compacting is answered at once and asks the model once more.
#[tokio::test]
async fn compacting_asks_the_model_for_a_summary() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    stage
        .model
        .push(Answer::text("a long story"))
        .push(Answer::text("in short").gate(&gate))
        .push(Answer::text("and on"));
    let thread = stage.thread().await;
    ok(thread.run("tell")).await;
    let mut global = stage.codex.notifications();
    ok(thread.compact()).await;
    gate.reached().await.unwrap();
    gate.open();
    compacted(&mut global).await;
    let requests = stage.model.responses_requests();
    assert_eq!(requests.len(), 2);
    ok(thread.run("and then?")).await;
    let request = &stage.model.responses_requests()[2];
    let texts = request.user_texts();
    assert!(
        texts.iter().any(|text| text.contains("in short")),
        "{texts:?}"
    );
    assert_eq!(request.assistant_texts(), [""; 0]);
    stage.finish().await;
}

/// Waits for the end of the turn that compacts, which no handle follows.
async fn compacted(global: &mut Notifications) {
    let mut compacted = false;
    loop {
        match within(global.next())
            .await
            .expect("the client has ended")
            .unwrap()
        {
            Notification::ItemCompleted(done) => {
                compacted |= matches!(done.item, ThreadItem::ContextCompaction(_));
            }
            Notification::TurnCompleted(_) => break,
            _ => {}
        }
    }
    assert!(compacted);
}

/// A thread is known by the runtime's id, in a new runtime too.
#[tokio::test]
async fn a_thread_is_resumed_in_a_new_runtime() {
    let mut stage = Stage::new().await;
    stage
        .model
        .push(Answer::text("one"))
        .push(Answer::text("two"));
    let thread = stage.thread().await;
    ok(thread.run("first")).await;
    let id = thread.id().to_owned();
    drop(thread);
    stage.restart().await;

    let thread = ok(stage.codex.thread_resume(&id)).await;
    assert_eq!(thread.id(), id);
    let lines: Vec<_> = thread
        .info()
        .thread
        .turns
        .iter()
        .map(|turn| dialog(&turn.items))
        .collect();
    assert_eq!(lines, [["user: first", "agent: one"]]);
    assert_eq!(ok(thread.run("second")).await.text(), "two");
    let request = &stage.model.responses_requests()[1];
    assert_eq!(request.assistant_texts(), ["one"]);
    stage.finish().await;
}

/// What does not exist is named in the error.
#[tokio::test]
async fn a_thread_that_does_not_exist_is_an_error() {
    let stage = Stage::new().await;
    let id = "01a20682-4d91-7193-80bb-942b578db90a";
    for error in [
        err(stage.codex.thread_resume(id)).await,
        err(stage.codex.thread_fork(id)).await,
        err(stage.codex.thread_archive(id)).await,
        err(stage.codex.thread_unarchive(id)).await,
    ] {
        let error = error.rpc().expect("an answer of the runtime");
        assert!(error.message.contains(id), "{error}");
        assert_eq!(error.kind(), RpcErrorKind::ThreadNotFound, "{error}");
    }
    stage.finish().await;
}

/// What the runtime answered at the start is kept.
#[tokio::test]
async fn the_answer_to_the_start_is_kept() {
    let stage = Stage::with_home(|home| home.file("AGENTS.md", "Count to three.")).await;
    let folder = stage.home.write("sub/note.txt", "").unwrap();
    let folder = folder.parent().unwrap();
    let start = stage.codex.thread_start().model("other-model").cwd(folder);
    let thread = ok(start.sandbox(Sandbox::WorkspaceWrite)).await;
    let info = thread.info();
    assert_eq!(info.model, "other-model");
    assert_eq!(info.model_provider, "mock_provider");
    assert_eq!(info.cwd, folder);
    assert_eq!(info.approval_policy, AskForApproval::OnRequest);
    assert_eq!(sandbox(info), "workspaceWrite");
    assert_eq!(info.forked_from_id, None);
    assert_eq!(info.thread.id, thread.id());
    stage.finish().await;
}

/// The options of a new thread reach the runtime and the model.
#[tokio::test]
async fn the_options_of_a_new_thread_are_used() {
    let stage = Stage::new().await;
    stage.model.push(Answer::text("done"));
    let mut config = serde_json::Map::new();
    config.insert("model_reasoning_effort".into(), "high".into());
    let start = stage
        .codex
        .thread_start()
        .base_instructions("You are a parrot.")
        .developer_instructions("Repeat everything.")
        .config(config)
        .ephemeral(true)
        .service_name("parrots")
        .thread_source(ThreadSource::User);
    let thread = ok(start).await;
    assert_eq!(thread.info().reasoning_effort, Some(ReasoningEffort::High));
    assert!(thread.info().thread.ephemeral);
    ok(thread.run("hello")).await;
    let request = &stage.model.responses_requests()[0];
    let told = request.developer_texts();
    assert_eq!(base_instructions(request), "You are a parrot.");
    assert!(
        told.iter().any(|text| text.contains("Repeat everything.")),
        "{told:?}"
    );
    assert_eq!(listed(&stage, false).await, [""; 0]);
    stage.finish().await;
}

/// Threads are listed by page, and streamed over all pages.
#[tokio::test]
async fn threads_are_streamed_over_all_pages() {
    let stage = Stage::new().await;
    stage.model.default_answer(Answer::text("done"));
    let mut ids = Vec::new();
    for number in 0..5 {
        let thread = stage.thread().await;
        ok(thread.run(format!("thread {number}"))).await;
        ids.push(thread.id().to_owned());
    }
    let list = || {
        let list = stage.codex.thread_list().limit(2);
        list.sort_key(ThreadSortKey::CreatedAt)
            .sort_direction(SortDirection::Asc)
    };
    let page = ok(list()).await;
    assert_eq!(page.data.len(), 2);
    // The cursors of older runtimes lose threads of the same second; the stream does not.
    if !is_before(169) {
        let next = ok(list().cursor(page.next_cursor.unwrap())).await;
        assert_ne!(next.data[0].id, page.data[0].id);
    }
    let all: Vec<_> = within(list().stream().try_collect()).await.unwrap();
    let mut listed: Vec<String> = all.into_iter().map(|thread| thread.id.into()).collect();
    listed.sort();
    ids.sort();
    assert_eq!(listed, ids);
    stage.finish().await;
}

/// A resumed thread has its turns in the answer, or not, as the caller wants.
#[tokio::test]
async fn a_resumed_thread_has_its_turns_if_they_are_asked_for() {
    let stage = Stage::new().await;
    stage.model.push(Answer::text("one"));
    let thread = stage.thread().await;
    ok(thread.run("first")).await;
    for include in [true, false] {
        let resume = stage.codex.thread_resume(thread.id());
        let resumed = supported(resume.include_turns(include)).await;
        let Some(resumed) = resumed else {
            return stage.leave().await;
        };
        assert_eq!(resumed.info().thread.turns.len(), usize::from(include));
    }
    stage.finish().await;
}

/// The thread that was updated last is resumed, of all folders or of one.
#[tokio::test]
async fn the_latest_thread_is_resumed() {
    let mut stage = Stage::new().await;
    stage.model.default_answer(Answer::text("done"));
    let none = err(stage.codex.thread_resume_latest()).await;
    assert!(matches!(none, Error::InvalidInput(_)), "{none:?}");

    let other = stage.home.workspace().join("other");
    std::fs::create_dir(&other).unwrap();
    let first = stage.thread().await;
    let elsewhere = ok(stage.codex.thread_start().cwd(&other)).await;
    let second = stage.thread().await;
    for thread in [&first, &second, &elsewhere, &first] {
        ok(thread.run("go")).await;
    }
    // What was updated, and not what was made last; also in another process.
    for _ in 0..2 {
        let latest = ok(stage.codex.thread_resume_latest()).await;
        assert_eq!(latest.id(), first.id());
        let latest = ok(stage.codex.thread_resume_latest().cwd(&other)).await;
        assert_eq!(latest.id(), elsewhere.id());
        let here = stage.home.workspace();
        let latest = ok(stage.codex.thread_resume_latest().cwd(here)).await;
        assert_eq!(latest.id(), first.id());
        stage.restart().await;
    }
    ok(latest_run(&stage)).await;
    let empty = stage.home.workspace().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let none = err(stage.codex.thread_resume_latest().cwd(&empty)).await;
    assert!(none.to_string().contains("empty"), "{none}");
    stage.finish().await;
}

/// A thread that was found is a thread like any other.
async fn latest_run(stage: &Stage) -> openai_codex::Result<()> {
    let latest = stage.codex.thread_resume_latest().await?;
    assert_eq!(latest.run("more").await?.text(), "done");
    // In older runtimes a thread that is resumed is updated by that.
    if !is_before(166) {
        assert_eq!(latest.read_with_turns().await?.thread.turns.len(), 3);
    }
    Ok(())
}

/// The running turn of a thread is found by its events, from any handle of the thread.
#[tokio::test]
async fn the_running_turn_is_found() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    stage.model.push(Answer::text("fine").gate(&gate));
    let thread = stage.thread().await;
    assert!(thread.running().is_none());
    let turn = ok(thread.turn("go")).await;
    within(gate.reached()).await.unwrap();
    let resumed = ok(stage.codex.thread_resume(thread.id())).await;
    let running = resumed.running().unwrap();
    assert_eq!(running.id(), turn.id());
    assert!(running.is_joined());
    // Dropping it leaves the turn alone.
    drop(thread.running());
    gate.open();
    assert_eq!(ok(running.run()).await.text(), "fine");
    assert_eq!(ok(turn.run()).await.text(), "fine");
    assert!(thread.running().is_none());
    assert!(resumed.running().is_none());
    stage.finish().await;
}
