//! `run` and what it returns.

use codex_testkit::{Answer, Gate, Usage};
use openai_codex::Error;
use openai_codex::types::{CodexErrorInfo, MessagePhase, TurnStatus};
use serde_json::{json, to_value};

use crate::items::{agent_texts, dialog, phases};
use crate::stage::{Stage, err, is_before, ok, supported};

/// The input reaches the model, and the answer is the result.
#[tokio::test]
async fn run_asks_the_model_and_returns_its_answer() {
    let stage = Stage::new().await;
    stage.model.push(Answer::text("Hello back."));
    let thread = stage.thread().await;
    let result = ok(thread.run("hello")).await;

    assert_eq!(result.status, TurnStatus::Completed);
    assert_eq!(result.error, None);
    assert_eq!(result.final_response.as_deref(), Some("Hello back."));
    assert_eq!(result.text(), "Hello back.");
    assert_eq!(dialog(&result.items), ["user: hello", "agent: Hello back."]);
    let used = result.usage.clone().unwrap().last.total_tokens;
    assert_eq!(used, 15);
    let request = &stage.model.responses_requests()[0];
    assert_eq!(request.model(), Some("mock-model"));
    assert_eq!(request.body_json["stream"], true);
    assert_eq!(request.last_user_text(), Some("hello"));
    stage.finish().await;
}

/// Runs of several threads at once keep apart.
#[tokio::test]
async fn runs_at_the_same_time_keep_apart() {
    let stage = Stage::new().await;
    for name in ["one", "two", "three"] {
        let rule = stage.model.when(move |request| {
            let ask = format!("I am {name}");
            request.last_user_text() == Some(&ask)
        });
        rule.push(Answer::deltas(["Hello ", name]));
    }
    let run = async |name: &str| {
        let thread = stage.thread().await;
        let result = ok(thread.run(format!("I am {name}"))).await;
        (thread.id().to_owned(), result.text().to_owned())
    };
    let (one, two, three) = tokio::join!(run("one"), run("two"), run("three"));
    let texts = [&*one.1, &*two.1, &*three.1];
    assert_eq!(texts, ["Hello one", "Hello two", "Hello three"]);
    assert!(one.0 != two.0 && two.0 != three.0 && one.0 != three.0);
    stage.finish().await;
}

/// Overrides cross the boundary, and the tokens are counted.
#[tokio::test]
async fn overrides_and_usage_cross_the_boundary() {
    let stage = Stage::new().await;
    let usage = Usage::new(11, 7).cached(3).reasoning(5);
    stage.model.push(Answer::text("counted").usage(usage));
    let thread = stage.thread().await;
    let result = ok(thread.turn("count").model("other-model").run()).await;

    let request = &stage.model.responses_requests()[0];
    assert_eq!(request.model(), Some("other-model"));
    let mut counted = json!({
        "inputTokens": 11, "outputTokens": 7, "cachedInputTokens": 3,
        "cacheWriteInputTokens": 0, "reasoningOutputTokens": 5, "totalTokens": 18,
    });
    if is_before(147) {
        // Not counted.
        counted
            .as_object_mut()
            .unwrap()
            .remove("cacheWriteInputTokens");
    }
    let usage = to_value(result.usage.unwrap()).unwrap();
    assert_eq!(usage["last"], counted);
    assert_eq!(usage["total"], counted);

    let usage = Usage::new(1, 2);
    stage.model.push(Answer::text("again").usage(usage));
    let usage = ok(thread.run("again")).await.usage.unwrap();
    assert_eq!((usage.last.total_tokens, usage.total.total_tokens), (3, 21));
    stage.finish().await;
}

/// Without phases the last message is the final response.
#[tokio::test]
async fn without_phases_the_last_message_wins() {
    let stage = Stage::new().await;
    let both = Answer::text("First").and(Answer::text("Second"));
    stage.model.push(both);
    let result = ok(stage.thread().await.run("say two things")).await;
    assert_eq!(result.final_response.as_deref(), Some("Second"));
    assert_eq!(agent_texts(&result.items), ["First", "Second"]);
    stage.finish().await;
}

/// An empty last message is a final response, not a missing one.
#[tokio::test]
async fn an_empty_last_message_stays() {
    let stage = Stage::new().await;
    stage
        .model
        .push(Answer::text("First").and(Answer::text("")));
    let result = ok(stage.thread().await.run("say nothing")).await;
    assert_eq!(result.final_response.as_deref(), Some(""));
    assert_eq!(agent_texts(&result.items), ["First", ""]);
    stage.finish().await;
}

/// The final answer wins over commentary, before or after it.
#[tokio::test]
async fn the_final_answer_wins_over_commentary() {
    let stage = Stage::new().await;
    stage.model.push(
        Answer::text("Looking.")
            .phase("commentary")
            .and(Answer::text("Final answer").phase("final_answer")),
    );
    let result = ok(stage.thread().await.run("think, then say")).await;
    assert_eq!(result.final_response.as_deref(), Some("Final answer"));
    assert_eq!(agent_texts(&result.items), ["Looking.", "Final answer"]);
    let expected = [MessagePhase::Commentary, MessagePhase::FinalAnswer];
    assert_eq!(phases(&result.items), expected.map(Some));
    stage.finish().await;
}

/// Commentary alone is no final response.
#[tokio::test]
async fn commentary_alone_is_no_final_response() {
    let stage = Stage::new().await;
    let commentary = Answer::text("Looking.").phase("commentary");
    stage.model.push(commentary);
    let result = ok(stage.thread().await.run("think")).await;
    assert_eq!(result.final_response, None);
    assert_eq!(result.text(), "");
    stage.finish().await;
}

/// A failed turn is an error with the runtime's reason and what there is of the turn.
#[tokio::test]
async fn a_failed_turn_is_an_error_with_its_parts() {
    let stage = Stage::new().await;
    let half = Answer::text("half").and(Answer::failed("server_error", "boom from the model"));
    stage.model.push(half);
    let thread = stage.thread().await;
    let turn = ok(thread.turn("fail")).await;
    let id = turn.id().to_owned();
    let error = err(turn.run()).await;

    assert!(error.to_string().contains("boom from the model"), "{error}");
    // The runtime takes an unknown failure of a stream for a stream that broke.
    assert!(error.is_retryable());
    let Error::TurnFailed(failure) = error else {
        panic!("{error}");
    };
    assert_eq!(failure.turn_id, id);
    assert_eq!(failure.error.codex_error_info, Some(CodexErrorInfo::Other));
    assert!(failure.error.message.contains("boom from the model"));
    assert_eq!(failure.result.id, id);
    assert_eq!(failure.result.status, TurnStatus::Failed);
    assert_eq!(failure.result.error, Some(failure.error.clone()));
    assert_eq!(dialog(&failure.result.items), ["user: fail", "agent: half"]);

    stage.model.push(Answer::text("fine again"));
    assert_eq!(ok(thread.run("go on")).await.text(), "fine again");
    stage.finish().await;
}

/// Why a turn failed is typed, and tells whether to try again.
#[tokio::test]
async fn the_reason_of_a_failed_turn_is_typed() {
    let cases = [
        (
            "server_is_overloaded",
            CodexErrorInfo::ServerOverloaded,
            true,
        ),
        (
            "rate_limit_exceeded",
            CodexErrorInfo::RateLimitExceeded,
            true,
        ),
        (
            "insufficient_quota",
            CodexErrorInfo::UsageLimitExceeded,
            false,
        ),
        (
            "context_length_exceeded",
            CodexErrorInfo::ContextWindowExceeded,
            false,
        ),
        ("server_error", CodexErrorInfo::Other, true),
    ];
    for (code, info, retryable) in cases {
        let stage = Stage::new().await;
        stage.model.push(Answer::failed(code, "not now"));
        let error = err(stage.thread().await.run("fail")).await;
        assert_eq!(error.is_retryable(), retryable, "{code}");
        let Error::TurnFailed(failure) = error else {
            panic!("{error}");
        };
        let told = failure.error.codex_error_info;
        let untold = is_before(151) && told == Some(CodexErrorInfo::Other);
        assert!(untold || told == Some(info), "{code}");
        stage.finish().await;
    }
}

/// A turn that failed on overload can be tried again with the same helper as a request.
#[tokio::test]
async fn an_overloaded_turn_is_tried_again() {
    let stage = Stage::new().await;
    stage
        .model
        .push(Answer::failed("server_is_overloaded", "not now"))
        .push(Answer::text("now"));
    let thread = stage.thread().await;
    let policy = openai_codex::RetryPolicy::default();
    let run = || thread.run("try");
    let result = ok(openai_codex::retry_on_overload(&policy, run)).await;
    assert_eq!(result.text(), "now");
    stage.finish().await;
}

/// The model's HTTP failure fails the turn.
#[tokio::test]
async fn an_http_failure_of_the_model_fails_the_turn() {
    let stage = Stage::new().await;
    let failure = Answer::http_error(500, json!({"error": {"message": "down"}}));
    stage.model.push(failure);
    let error = err(stage.thread().await.run("fail")).await;
    let Error::TurnFailed(failure) = error else {
        panic!("{error}");
    };
    let info = Some(CodexErrorInfo::InternalServerError);
    assert_eq!(failure.error.codex_error_info, info);
    stage.finish().await;
}

/// An interrupted turn is a result.
#[tokio::test]
async fn an_interrupted_turn_is_a_result() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    let answer = Answer::deltas(["one ", "two"]).gate_after_delta(1, &gate);
    stage.model.push(answer);
    let thread = stage.thread().await;
    let turn = ok(thread.turn("count")).await;
    gate.reached().await.unwrap();
    ok(turn.interrupt()).await;
    let result = ok(turn.run()).await;
    assert_eq!(result.status, TurnStatus::Interrupted);
    assert_eq!(result.error, None);
    assert_eq!(dialog(&result.items), ["user: count"]);
    assert_eq!(result.final_response, None);
    stage.finish().await;
}

/// A handle that is run gives the turn's result.
#[tokio::test]
async fn a_handle_runs_to_the_result_of_its_turn() {
    let stage = Stage::new().await;
    stage.model.push(Answer::text("turn complete"));
    let thread = stage.thread().await;
    let turn = ok(thread.turn("go")).await;
    assert_eq!(turn.thread_id(), thread.id());
    let id = turn.id().to_owned();
    let result = ok(turn.run()).await;
    assert_eq!(result.id, id);
    assert_eq!(result.status, TurnStatus::Completed);
    assert_eq!(result.text(), "turn complete");
    stage.finish().await;
}

/// The newer options work against the runtime.
#[tokio::test]
async fn newer_options_are_taken() {
    let stage = Stage::new().await;
    stage.model.push(Answer::text("with options"));
    let thread = stage.thread().await;
    let turn = thread.turn("go").turn_service_tier("default");
    let turn = turn.source("automation");
    let Some(result) = supported(turn.run()).await else {
        return stage.leave().await;
    };
    assert_eq!(result.text(), "with options");

    let resumed = ok(stage.codex.thread_resume(thread.id()).include_turns(false)).await;
    assert_eq!(resumed.info().thread.turns, []);
    let forked = ok(stage.codex.thread_fork(thread.id()).include_turns(true)).await;
    let items: Vec<_> = forked
        .info()
        .thread
        .turns
        .iter()
        .map(|turn| dialog(&turn.items))
        .collect();
    assert_eq!(items, [["user: go", "agent: with options"]]);
    assert_eq!(stage.model.responses_requests().len(), 1);
    stage.finish().await;
}

/// The times come from the runtime.
#[tokio::test]
async fn the_times_of_a_turn_are_set() {
    let stage = Stage::new().await;
    stage.model.push(Answer::text("done"));
    let result = ok(stage.thread().await.run("go")).await;
    let (started, completed) = (result.started_at.unwrap(), result.completed_at.unwrap());
    assert!(started > 1_700_000_000 && completed >= started);
    assert!((0..60_000).contains(&result.duration_ms.unwrap()));
    stage.finish().await;
}
