//! The tokens of a turn alone.

use codex_testkit::{Answer, Gate, Usage};
use openai_codex::types::TokenUsageBreakdown;
use openai_codex::{Error, TurnResult};

use crate::items::said;
use crate::stage::{Stage, err, ok, supported, within};

/// Tokens in and out.
fn used(result: &TurnResult) -> Option<(i64, i64)> {
    let used: TokenUsageBreakdown = result.turn_usage()?;
    assert_eq!(used.total_tokens, used.input_tokens + used.output_tokens);
    Some((used.input_tokens, used.output_tokens))
}

fn answer(input: u64, output: u64) -> Answer {
    Answer::text("done").usage(Usage::new(input, output))
}

fn command(input: u64, output: u64) -> Answer {
    Answer::exec_command("true").usage(Usage::new(input, output))
}

#[tokio::test]
async fn each_turn_of_a_thread_has_its_own_tokens() {
    let stage = Stage::new().await;
    let usage = Usage::new(100, 10).cached(60).reasoning(4);
    stage
        .model
        .push(Answer::text("one").usage(usage))
        .push(answer(200, 20));
    let thread = stage.thread().await;
    let first = ok(thread.run("one")).await;
    assert_eq!(used(&first), Some((100, 10)));
    let tokens = first.turn_usage().unwrap();
    assert_eq!(
        (tokens.cached_input_tokens, tokens.reasoning_output_tokens),
        (60, 4)
    );
    let second = ok(thread.run("two")).await;
    assert_eq!(used(&second), Some((200, 20)));
    assert_eq!(second.usage.unwrap().total.input_tokens, 300);
    stage.finish().await;
}

#[tokio::test]
async fn all_requests_of_a_turn_count() {
    let stage = Stage::new().await;
    stage.model.push(answer(1, 1));
    stage
        .model
        .extend([command(10, 1), command(20, 2), answer(30, 3)]);
    let thread = stage.thread().await;
    ok(thread.run("one")).await;
    let mut turn = ok(thread.turn("two")).await;
    while let Some(event) = within(turn.next()).await {
        event.unwrap();
    }
    let result = ok(turn.run()).await;
    assert_eq!(used(&result), Some((60, 6)));
    assert_eq!(result.usage.unwrap().last.input_tokens, 30);
    stage.finish().await;
}

/// The runtime tells the earlier totals again where a request fails or its answer has no usage.
#[tokio::test]
async fn a_total_of_an_earlier_turn_is_not_counted() {
    let stage = Stage::new().await;
    stage
        .model
        .push(answer(100, 10))
        .push(Answer::text("two").without_usage())
        .push(Answer::failed("rate_limit_exceeded", "slow down"))
        .push(Answer::failed("context_length_exceeded", "too long"))
        // The next turn compacts the thread first, and goes on with a total of the runtime's own.
        .push(answer(40, 4))
        .push(answer(50, 5));
    let thread = stage.thread().await;
    assert_eq!(used(&ok(thread.run("one")).await), Some((100, 10)));
    assert_eq!(used(&ok(thread.run("two")).await), Some((0, 0)));
    for input in ["three", "four"] {
        let Error::TurnFailed(failure) = err(thread.run(input)).await else {
            panic!("no failed turn");
        };
        assert_eq!(used(&failure.result), Some((0, 0)), "{input}");
    }
    assert_eq!(used(&ok(thread.run("five")).await), Some((90, 9)));
    stage.finish().await;
}

#[tokio::test]
async fn a_turn_that_reached_no_model_on_a_new_thread_has_no_tokens() {
    let stage = Stage::new().await;
    let refusal = serde_json::json!({"error": {"message": "no"}});
    stage.model.push(Answer::http_error(401, refusal));
    let Error::TurnFailed(failure) = err(stage.thread().await.run("one")).await else {
        panic!("no failed turn");
    };
    assert_eq!(failure.result.usage, None);
    assert_eq!(used(&failure.result), None);
    stage.finish().await;
}

#[tokio::test]
async fn resumed_and_forked_threads_go_on_from_what_they_had_used() {
    let mut stage = Stage::new().await;
    stage.model.push(answer(100, 10));
    let thread = stage.thread().await;
    ok(thread.run("one")).await;
    stage.restart().await;
    for include_turns in [true, false] {
        stage.model.push(answer(20, 2)).push(answer(30, 3));
        let resumed = stage.codex.thread_resume(thread.id());
        let resumed = supported(resumed.include_turns(include_turns)).await;
        let Some(resumed) = resumed else {
            return stage.leave().await;
        };
        assert_eq!(used(&ok(resumed.run("two")).await), Some((20, 2)));
        let forked = stage.codex.thread_fork(thread.id());
        let forked = ok(forked.include_turns(include_turns)).await;
        assert_eq!(used(&ok(forked.run("three")).await), Some((30, 3)));
    }
    stage.finish().await;
}

#[tokio::test]
async fn a_joined_turn_has_all_of_its_tokens() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    let first = Answer::text("looking").and(Answer::exec_command("true"));
    stage
        .model
        .push(answer(1, 1))
        .push(first.usage(Usage::new(10, 1)))
        .push(
            Answer::text("thinking")
                .gate_at_end(&gate)
                .usage(Usage::new(20, 2)),
        );
    let thread = stage.thread().await;
    ok(thread.run("one")).await;
    let mut turn = ok(thread.turn("two")).await;
    said(&mut turn, "thinking").await;
    let joined = thread.join_turn(turn.id());
    gate.open();
    let (whole, joined) = within(async { tokio::join!(turn.run(), joined.run()) }).await;
    assert_eq!(used(&whole.unwrap()), Some((30, 3)));
    assert_eq!(used(&joined.unwrap()), Some((30, 3)));
    stage.finish().await;
}
