//! Failed turns: their kind, and whether a second try may succeed.

use codex_testkit::Answer;
use openai_codex::error::TurnFailureKind::{self, *};
use openai_codex::{Error, TurnFailure};
use serde_json::{Value, json};

use crate::stage::{Stage, err, is_before};

/// Fails a turn on each answer, and compares kind and advice.
async fn compare(rows: impl IntoIterator<Item = (Answer, TurnFailureKind, bool)>) {
    let stage = Stage::new().await;
    for (answer, kind, retryable) in rows {
        stage.model.push(answer);
        // A thread whose context is full would compact first.
        let error = err(stage.thread().await.run("fail")).await;
        let advice = error.is_retryable();
        let Error::TurnFailed(failure) = error else {
            panic!("{error}");
        };
        // Older runtimes do not tell every reason.
        if is_before(166) && matches!(failure.kind(), Connection | Other) {
            continue;
        }
        // Before 0.155 a refusal as too many is one, whatever its reason is.
        if is_before(155) && (failure.kind(), kind) == (RateLimited, UsageLimit) {
            continue;
        }
        assert_eq!(failure.kind(), kind, "{failure}");
        assert_eq!(advice, retryable, "{failure}");
        assert_eq!(failure.is_retryable(), retryable, "{failure}");
        let error: Box<dyn std::error::Error> = failure;
        assert!(error.is::<TurnFailure>());
    }
    stage.finish().await;
}

fn body(code: &str) -> Value {
    json!({"error": {"message": "not now", "code": code, "type": code}})
}

#[tokio::test]
async fn the_status_of_a_refused_request_decides_about_the_kind() {
    compare([
        (
            Answer::http_error(400, body("invalid_request")),
            BadRequest,
            false,
        ),
        (
            Answer::http_error(401, body("invalid_key")),
            Unauthorized,
            false,
        ),
        (
            Answer::http_error(403, body("forbidden")),
            Unauthorized,
            false,
        ),
        (
            Answer::http_error(404, body("model_not_found")),
            BadRequest,
            false,
        ),
        (
            Answer::http_error(413, json!("too large")),
            BadRequest,
            false,
        ),
        (
            Answer::http_error(429, body("rate_limit_exceeded")),
            RateLimited,
            true,
        ),
        (
            Answer::http_error(429, body("insufficient_quota")),
            UsageLimit,
            false,
        ),
        (Answer::http_error(500, body("internal")), Overloaded, true),
        (
            Answer::http_error(502, json!("bad gateway")),
            Connection,
            true,
        ),
        (
            Answer::http_error(503, body("server_is_overloaded")),
            Overloaded,
            true,
        ),
        (Answer::http_error(503, json!("")), Overloaded, true),
        (Answer::http_error(504, json!("")), Connection, true),
    ])
    .await;
}

#[tokio::test]
async fn the_code_of_a_failed_response_decides_about_the_kind() {
    compare([
        (
            Answer::failed("server_is_overloaded", "no"),
            Overloaded,
            true,
        ),
        (Answer::failed("flex_unavailable", "no"), Overloaded, true),
        (
            Answer::failed("rate_limit_exceeded", "no"),
            RateLimited,
            true,
        ),
        (
            Answer::failed("insufficient_quota", "no"),
            UsageLimit,
            false,
        ),
        (
            Answer::failed("usage_not_included", "no"),
            UsageLimit,
            false,
        ),
        (
            Answer::failed("context_length_exceeded", "no"),
            ContextWindow,
            false,
        ),
        (Answer::failed("cyber_policy", "no"), Policy, false),
        (Answer::failed("model_not_found", "no"), BadRequest, false),
        (Answer::failed("invalid_prompt", "no"), Other, false),
        (Answer::incomplete("max_output_tokens"), Other, false),
        (Answer::incomplete("content_filter"), Policy, false),
    ])
    .await;
}

#[tokio::test]
async fn a_stream_that_broke_may_succeed_at_a_second_try() {
    let half = || Answer::deltas(["half"]).unfinished();
    compare([
        (half().and(Answer::broken_connection()), Connection, true),
        (half().and(Answer::ended_early()), Connection, true),
        (Answer::broken_connection(), Connection, true),
        (Answer::ended_early(), Connection, true),
        (
            Answer::failed("server_error", "upstream broke"),
            Connection,
            true,
        ),
        (Answer::http_error(200, json!("<html>")), Connection, true),
    ])
    .await;
}
