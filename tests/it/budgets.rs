//! Budgets of turns: by tokens, time and commands.

use std::time::Duration;

use codex_testkit::{Answer, Gate, Usage};
use openai_codex::error::{Amount, BudgetExceeded};
use openai_codex::types::{CommandExecutionStatus, TurnStatus};
use openai_codex::{Budget, Error, Notification, TurnResult};

use crate::items::commands;
use crate::stage::{Stage, err, ok, within};

fn command(tokens: u64) -> Answer {
    Answer::exec_command("true").usage(Usage::new(tokens, 0))
}

fn exceeded(error: Error) -> BudgetExceeded {
    match error {
        Error::BudgetExceeded(exceeded) => *exceeded,
        other => panic!("{other:?}"),
    }
}

fn tokens(result: &TurnResult) -> i64 {
    result.turn_usage().unwrap().total_tokens
}

/// A turn that has used more tokens is interrupted, and the tokens of earlier turns do not count.
#[tokio::test]
async fn tokens_are_those_of_the_turn() {
    let stage = Stage::new().await;
    let thread = stage.thread().await;
    let budget = Budget::new().tokens(100);
    let answer = Answer::text("fine").usage(Usage::new(90, 10));
    stage.model.push(answer.clone()).push(answer);
    for _ in 0..2 {
        // Exactly as many are not too many.
        let result = ok(thread.turn("go").budget(budget.clone()).run()).await;
        assert_eq!(tokens(&result), 100);
    }
    stage.model.push(command(60)).push(command(60));
    stage.model.default_answer(Answer::hold(&Gate::new()));
    let over = exceeded(err(thread.turn("go").budget(budget).run()).await);
    assert_eq!(
        (over.limit, over.used),
        (Amount::Tokens(100), Amount::Tokens(120))
    );
    assert_eq!(over.result.status, TurnStatus::Interrupted);
    assert_eq!(tokens(&over.result), 120);
    assert!(
        over.to_string()
            .ends_with("has used 120 tokens, more than its budget of 100 tokens")
    );
    // The thread goes on.
    stage.model.default_answer(Answer::text("on"));
    assert_eq!(ok(thread.run("go on")).await.text(), "on");
    ok(stage.codex.close()).await;
}

/// A turn whose last request uses too much ends by itself, and has used too much all the same.
#[tokio::test]
async fn a_turn_that_ends_with_too_much_has_its_result_in_the_error() {
    let stage = Stage::new().await;
    let thread = stage.thread().await;
    let answer = Answer::text("done").usage(Usage::new(900, 100));
    stage.model.push(answer);
    let turn = ok(thread.turn("go").budget(Budget::new().tokens(10))).await;
    let over = exceeded(err(turn.run()).await);
    assert_eq!(over.used, Amount::Tokens(1000));
    assert_eq!(over.result.text(), "done");
    stage.finish().await;
}

/// The command that is too many is interrupted; input to a command that runs is none.
#[tokio::test]
async fn commands_are_counted() {
    let stage = Stage::new().await;
    let thread = stage.thread().await;
    stage.model.extend([command(1), command(1)]);
    stage.model.push(Answer::text("done"));
    let budget = Budget::new().commands(2);
    let result = ok(thread.turn("go").budget(budget).run()).await;
    assert_eq!(
        commands(&result.items),
        [const { CommandExecutionStatus::Completed }; 2]
    );
    stage
        .model
        .push(command(1))
        .push(Answer::exec_command("sleep 30"));
    let budget = Budget::new().commands(1);
    let over = exceeded(err(thread.turn("go").budget(budget).run()).await);
    assert_eq!(
        (over.limit, over.used),
        (Amount::Commands(1), Amount::Commands(2))
    );
    assert_eq!(over.result.status, TurnStatus::Interrupted);
    stage.finish().await;
}

/// Time passes whether or not anybody reads, and also for a handle that is detached.
#[tokio::test]
async fn time_passes_without_a_reader() {
    let stage = Stage::new().await;
    let thread = stage.thread().await;
    let gate = Gate::new();
    stage.model.default_answer(Answer::text("late").gate(&gate));
    let limit = Duration::from_millis(300);
    let budget = Budget::new().time(limit);
    let mut turn = ok(thread.turn("go").budget(budget.clone())).await;
    let mut last = None;
    while let Some(event) = within(turn.next()).await {
        last = Some(event.unwrap());
    }
    let Some(Notification::TurnCompleted(completed)) = last else {
        panic!("{last:?}");
    };
    assert_eq!(completed.turn.status, TurnStatus::Interrupted);
    let over = exceeded(err(turn.run()).await);
    assert_eq!(over.limit, Amount::Time(limit));
    assert!(matches!(over.used, Amount::Time(used) if used >= limit));

    let turn = ok(thread.turn("go").budget(budget)).await;
    let id = turn.id().clone();
    turn.detach();
    let result = ok(thread.join_turn(id).run()).await;
    assert_eq!(result.status, TurnStatus::Interrupted);
    gate.open();
    ok(stage.codex.close()).await;
}

/// A budget is for a turn of its own: a start that has one joins no other.
#[tokio::test]
async fn a_start_with_a_budget_joins_no_turn() {
    let stage = Stage::new().await;
    let thread = stage.thread().await;
    let gate = Gate::new();
    stage.model.push(Answer::text("first").gate(&gate));
    let turn = ok(thread.turn("go")).await;
    within(gate.reached()).await.unwrap();
    let refused = err(thread.turn("more").budget(Budget::new().commands(1))).await;
    assert!(
        matches!(&refused, Error::ThreadBusy { turn_id } if turn_id == turn.id()),
        "{refused:?}"
    );
    gate.open();
    assert_eq!(ok(turn.run()).await.text(), "first");
    stage.finish().await;
}

/// A turn that fails by itself is told as failed.
#[tokio::test]
async fn a_failure_is_no_excess() {
    let stage = Stage::new().await;
    let thread = stage.thread().await;
    stage.model.push(Answer::http_error(
        400,
        serde_json::json!({"error": {"message": "no"}}),
    ));
    let budget = Budget::new().tokens(1).time(Duration::from_secs(60));
    let failed = err(thread.turn("go").budget(budget).run()).await;
    assert!(matches!(failed, Error::TurnFailed(_)), "{failed:?}");
    stage.finish().await;
}
