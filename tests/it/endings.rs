//! Turns that end without their completion, and turns that are joined when they are over.

use codex_testkit::{Answer, Gate};
use openai_codex::types::{
    BaseBranchReviewTarget, ReviewStartParams, ReviewTarget, ThreadUnsubscribeParams, TurnStatus,
};
use openai_codex::{Error, TurnFailure, TurnResult};

use crate::items::{dialog, said};
use crate::stage::{Stage, err, is_before, is_too_old, ok, supported, within};

fn failure(outcome: openai_codex::Result<TurnResult>) -> TurnFailure {
    match outcome {
        Err(Error::TurnFailed(failure)) => *failure,
        other => panic!("{other:?}"),
    }
}

/// The runtime gives such a review up with an error, and never completes it.
#[tokio::test]
async fn a_review_outside_of_a_repository_ends_with_its_error() {
    let stage = Stage::new().await;
    let thread = stage.thread().await;
    let target = ReviewTarget::BaseBranch(BaseBranchReviewTarget::new("main"));
    let review = ReviewStartParams::new(target, thread.id());
    let turn = ok(stage.codex.request(review)).await.turn;
    let joined = within(thread.join_turn(&*turn.id).run()).await;
    if joined.as_ref().is_err_and(is_too_old) {
        return stage.leave().await;
    }
    let failure = failure(joined);
    assert!(
        failure.error.message.contains("is not a git repository"),
        "{failure}"
    );
    // Older runtimes tell a second time that the review failed, to the turn after it.
    if !is_before(169) {
        // The thread goes on.
        stage.model.push(Answer::text("fine"));
        assert_eq!(ok(thread.run("go")).await.text(), "fine");
        // By now nothing is left of the review.
        let error = err(thread.join_turn(&*turn.id).run()).await;
        assert!(matches!(error, Error::TurnOver { .. }), "{error:?}");
    }
    stage.finish().await;
}

#[tokio::test]
async fn a_turn_whose_thread_the_client_leaves_ends_with_that() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    stage
        .model
        .push(Answer::text("on its way").gate_at_end(&gate));
    let thread = stage.thread().await;
    let mut turn = ok(thread.turn("go")).await;
    said(&mut turn, "on its way").await;
    ok(stage
        .codex
        .request(ThreadUnsubscribeParams::new(thread.id())))
    .await;
    let failure = failure(within(turn.run()).await);
    assert!(
        failure.to_string().contains("thread/unsubscribe"),
        "{failure}"
    );
    assert_eq!(
        dialog(&failure.result.items),
        ["user: go", "agent: on its way"]
    );
    gate.open();
    stage.finish().await;
}

#[tokio::test]
async fn a_turn_that_is_over_can_be_joined_for_what_it_was() {
    let mut stage = Stage::new().await;
    stage
        .model
        .push(Answer::text("one"))
        .push(Answer::text("two"));
    let thread = stage.thread().await;
    let first = ok(thread.run("first")).await;
    let second = ok(thread.run("second")).await;
    for turn in [&first, &second] {
        let Some(joined) = supported(thread.join_turn(&*turn.id).run()).await else {
            return stage.leave().await;
        };
        assert_eq!(joined.id, turn.id);
        assert_eq!(joined.status, TurnStatus::Completed);
        assert_eq!(joined.text(), turn.text());
        assert_eq!(dialog(&joined.items), dialog(&turn.items));
        assert_eq!(joined.completed_at, turn.completed_at);
    }
    // Also by a client that has never heard of it.
    stage.restart().await;
    let thread = ok(stage.codex.thread_resume(thread.id())).await;
    let joined = ok(thread.join_turn(&*first.id).run()).await;
    assert_eq!(joined.text(), "one");
    let error = err(thread.join_turn("never heard of").run()).await;
    assert!(matches!(error, Error::TurnOver { .. }), "{error:?}");
    stage.finish().await;
}

#[tokio::test]
async fn a_detached_turn_can_be_joined_at_any_time() {
    let stage = Stage::new().await;
    let thread = stage.thread().await;
    let gate = Gate::new();
    stage.model.push(Answer::text("alone").gate(&gate));
    let turn = ok(thread.turn("go")).await;
    let id = turn.id().to_owned();
    gate.reached().await.unwrap();
    turn.detach();
    let running = thread.join_turn(&*id);
    gate.open();
    assert_eq!(ok(running.run()).await.text(), "alone");
    if let Some(joined) = supported(thread.join_turn(&*id).run()).await {
        assert_eq!(joined.text(), "alone");
    }
    stage.finish().await;
}

#[tokio::test]
async fn a_turn_of_an_ephemeral_thread_leaves_nothing_to_join() {
    let stage = Stage::new().await;
    let thread = ok(stage.codex.thread_start().ephemeral(true)).await;
    stage.model.push(Answer::text("gone"));
    let turn = ok(thread.run("go")).await;
    match err(thread.join_turn(&*turn.id).run()).await {
        Error::TurnOver { turn_id } => assert_eq!(*turn_id, *turn.id),
        other => assert!(is_too_old(&other), "{other:?}"),
    }
    stage.finish().await;
}

#[tokio::test]
async fn a_turn_after_a_compaction_waits_for_it() {
    let stage = Stage::new().await;
    stage
        .model
        .extend(["one", "a summary", "two"].map(Answer::text));
    let thread = stage.thread().await;
    ok(thread.run("first")).await;
    ok(thread.compact()).await;
    let result = ok(thread.run("second")).await;
    assert_eq!(dialog(&result.items), ["user: second", "agent: two"]);
    stage.finish().await;
}
