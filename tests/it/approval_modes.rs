//! The approval mode of a thread, and how long it is kept.

use codex_testkit::Answer;
use openai_codex::types::{ApprovalsReviewer, AskForApproval};
use openai_codex::{ApprovalMode, Thread};

use crate::items::{policy, state};
use crate::stage::{Stage, is_before, ok};

/// What a thread that was started with `own` has once it is resumed or forked; before 0.151 runtimes fall back
/// to their configuration.
fn kept(own: AskForApproval, configured: AskForApproval) -> AskForApproval {
    if is_before(151) { configured } else { own }
}

/// Sets up with a policy that the threads do not have from themselves, and a model that answers
/// whatever it is asked.
async fn stage(policy: &str) -> Stage {
    let stage = Stage::with_home(|home| home.approval_policy(policy)).await;
    stage.model.default_answer(Answer::text("done"));
    stage
}

/// Starts a thread in which everything is denied, and stores it by a turn.
async fn denying(stage: &Stage) -> Thread {
    let start = stage.codex.thread_start();
    let thread = ok(start.approval_mode(ApprovalMode::DenyAll)).await;
    assert_eq!(thread.info().approval_policy, AskForApproval::Never);
    ok(thread.run("go")).await;
    thread
}

/// A new thread has the reviewer, and so do its resumed self and its fork.
#[tokio::test]
async fn the_reviewer_is_the_default_and_is_inherited() {
    let mut stage = stage("never").await;
    let thread = stage.thread().await;
    let expected = (AskForApproval::OnRequest, ApprovalsReviewer::AutoReview);
    let info = thread.info();
    assert_eq!(
        (
            info.approval_policy.clone(),
            info.approvals_reviewer.clone()
        ),
        expected
    );
    ok(thread.run("go")).await;
    let id = thread.id().to_owned();
    stage.restart().await;

    let resumed = ok(stage.codex.thread_resume(&id)).await;
    let forked = ok(stage.codex.thread_fork(&id)).await;
    for info in [resumed.info(), forked.info()] {
        let policy = kept(expected.0.clone(), AskForApproval::Never);
        assert_eq!(info.approval_policy, policy);
        // Before 0.147 a fork does not keep the reviewer either.
        assert!(info.approvals_reviewer == expected.1 || is_before(147));
    }
    stage.finish().await;
}

/// What the reviewer denies in a resumed and in a forked thread does not run either.
#[tokio::test]
async fn the_inherited_reviewer_reviews() {
    let stage = Stage::with_home(|home| home.approval_policy("never")).await;
    let thread = stage.thread().await;
    stage.model.push(Answer::text("ready"));
    ok(thread.run("get ready")).await;
    let resumed = ok(stage.codex.thread_resume(thread.id())).await;
    let forked = ok(stage.codex.thread_fork(thread.id())).await;
    // A thread that falls back to the configured policy denies without a review.
    let reviewed = forked.info().approval_policy != AskForApproval::Never;
    assert_eq!(reviewed, !is_before(151));
    for thread in [Some(resumed), reviewed.then_some(forked)] {
        let Some(thread) = thread else { continue };
        let reviewer = stage.model.when_reviewer();
        reviewer.push(Answer::reviewer_denies("too risky"));
        let command = Answer::exec_command("echo made > made.txt").escalated("May I?");
        stage.model.push(command).push(Answer::text("not made"));
        assert_eq!(ok(thread.run("make it")).await.text(), "not made");
        assert_eq!(stage.home.read("made.txt"), None);
    }
    let requests = stage.model.responses_requests();
    let reviews = requests.iter().filter(|request| request.is_reviewer());
    assert_eq!(reviews.count(), 1 + usize::from(reviewed));
    stage.finish().await;
}

/// A resumed thread keeps that everything is denied, in a new runtime too.
#[tokio::test]
async fn a_resumed_thread_keeps_its_mode() {
    let mut stage = stage("on-request").await;
    let thread = denying(&stage).await;
    assert_eq!(policy(&stage.codex, &thread).await, AskForApproval::Never);

    let id = thread.id().to_owned();
    stage.restart().await;
    let resumed = ok(stage.codex.thread_resume(&id)).await;
    assert_eq!(resumed.id(), id);
    let policy = kept(AskForApproval::Never, AskForApproval::OnRequest);
    assert_eq!(resumed.info().approval_policy, policy);
    stage.finish().await;
}

/// A fork inherits that everything is denied, and is another thread.
#[tokio::test]
async fn a_fork_inherits_the_mode() {
    let stage = stage("on-request").await;
    let thread = denying(&stage).await;
    let forked = ok(stage.codex.thread_fork(thread.id())).await;
    assert_ne!(forked.id(), thread.id());
    let kept = kept(AskForApproval::Never, AskForApproval::OnRequest);
    assert_eq!(forked.info().approval_policy, kept);
    assert_eq!(policy(&stage.codex, &forked).await, kept);
    stage.finish().await;
}

/// A fork may override the mode.
#[tokio::test]
async fn a_fork_may_override_the_mode() {
    let stage = stage("on-request").await;
    let thread = denying(&stage).await;
    let fork = stage.codex.thread_fork(thread.id());
    let forked = ok(fork.approval_mode(ApprovalMode::AutoReview)).await;
    let info = forked.info();
    assert_eq!(info.approval_policy, AskForApproval::OnRequest);
    assert_eq!(info.approvals_reviewer, ApprovalsReviewer::AutoReview);
    assert_eq!(policy(&stage.codex, &thread).await, AskForApproval::Never);
    stage.finish().await;
}

/// The mode of a turn stays until another one is given.
#[tokio::test]
async fn the_mode_of_a_turn_stays_until_the_next_one() {
    let stage = stage("on-request").await;
    let thread = stage.thread().await;
    let turn = thread.turn("go").approval_mode(ApprovalMode::DenyAll);
    ok(turn.run()).await;
    assert_eq!(policy(&stage.codex, &thread).await, AskForApproval::Never);
    ok(thread.run("go on")).await;
    assert_eq!(policy(&stage.codex, &thread).await, AskForApproval::Never);

    let turn = thread.turn("go").approval_mode(ApprovalMode::AutoReview);
    ok(turn.run()).await;
    let info = state(&stage.codex, &thread).await;
    assert_eq!(info.approval_policy, AskForApproval::OnRequest);
    assert_eq!(info.approvals_reviewer, ApprovalsReviewer::AutoReview);
    ok(thread.run("go on")).await;
    assert_eq!(
        policy(&stage.codex, &thread).await,
        AskForApproval::OnRequest
    );
    stage.finish().await;
}
