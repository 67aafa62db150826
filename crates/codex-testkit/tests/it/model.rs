//! The scripted model as the real runtime sees it.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use codex_testkit::{Answer, Gate, MockModel, Usage};
use serde_json::{Value, json};

use crate::stage::Stage;

#[tokio::test]
async fn a_text_answer_becomes_a_turn() {
    let mut stage = Stage::new(json!({})).await;
    let usage = Usage::new(11, 7).cached(3).reasoning(5);
    stage.model.push(Answer::deltas(["he", "llo"]).usage(usage));
    let turn = stage.run("say hello").await;

    assert_eq!(turn["status"], "completed");
    assert_eq!(stage.runtime.agent_texts(), ["hello"]);
    let deltas: Vec<&str> = stage
        .runtime
        .seen
        .iter()
        .filter(|message| message["method"] == "item/agentMessage/delta")
        .map(|message| message["params"]["delta"].as_str().unwrap())
        .collect();
    assert_eq!(deltas, ["he", "llo"]);
    let used = stage
        .runtime
        .seen
        .iter()
        .find(|message| message["method"] == "thread/tokenUsage/updated")
        .map(|message| message["params"]["tokenUsage"]["last"].clone());
    assert_eq!(
        used,
        Some(json!({
            "totalTokens": 18,
            "inputTokens": 11,
            "cachedInputTokens": 3,
            "cacheWriteInputTokens": 0,
            "outputTokens": 7,
            "reasoningOutputTokens": 5,
        }))
    );
    let requests = stage.model.responses_requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].model(), Some("mock-model"));
    assert_eq!(requests[0].last_user_text(), Some("say hello"));
    assert_eq!(requests[0].body_json["stream"], true);
    assert!(requests[0].tool_names().contains(&"exec_command"));
    stage.model.assert_exhausted();
}

#[tokio::test]
async fn a_message_is_whole_however_much_of_it_is_streamed() {
    for streamed in 0..=2 {
        let mut stage = Stage::new(json!({})).await;
        let answer = Answer::deltas(["he", "llo"]).streams(streamed);
        stage.model.push(answer);
        stage.run("say hello").await;
        assert_eq!(stage.runtime.agent_texts(), ["hello"]);
        let deltas = stage.runtime.seen.iter();
        let deltas = deltas.filter(|message| message["method"] == "item/agentMessage/delta");
        assert_eq!(deltas.count(), streamed);
    }
}

#[tokio::test]
async fn several_items_stand_in_one_answer() {
    let mut stage = Stage::new(json!({})).await;
    stage.model.push(
        Answer::reasoning_deltas(["thinking ", "about it"])
            .raw_reasoning("raw thought")
            .and(Answer::text("working").id("msg-first").phase("commentary"))
            .and(Answer::text("the answer").phase("final_answer")),
    );
    let turn = stage.run("think").await;

    assert_eq!(turn["status"], "completed");
    let reasoning = stage.runtime.items("reasoning");
    assert_eq!(reasoning[0]["summary"], json!(["thinking about it"]));
    assert_eq!(reasoning[0]["content"], json!(["raw thought"]));
    let messages: Vec<(Value, Value)> = stage
        .runtime
        .items("agentMessage")
        .iter()
        .map(|item| (item["text"].clone(), item["phase"].clone()))
        .collect();
    assert_eq!(
        messages,
        [
            (json!("working"), json!("commentary")),
            (json!("the answer"), json!("final_answer")),
        ]
    );
    assert_eq!(stage.runtime.items("agentMessage")[0]["id"], "msg-first");
}

#[tokio::test]
async fn a_command_runs_and_the_model_is_told_its_output() {
    let mut stage = Stage::new(json!({})).await;
    let command = Answer::exec_command("echo from the shell").id("call-echo");
    stage.model.push(command).push(Answer::text("done"));
    let turn = stage.run("run it").await;

    assert_eq!(turn["status"], "completed");
    let commands = stage.runtime.items("commandExecution");
    assert_eq!(commands[0]["aggregatedOutput"], "from the shell\n");
    let outputs = stage.model.responses_requests()[1].function_call_outputs();
    assert_eq!(outputs.len(), 1);
    assert_eq!(outputs[0].call_id.as_deref(), Some("call-echo"));
    assert!(outputs[0].text().contains("from the shell"), "{outputs:?}");
    stage.model.assert_exhausted();
}

#[tokio::test]
async fn a_patch_changes_the_workspace() {
    let mut stage = Stage::new(json!({"sandbox": "workspace-write"})).await;
    let patch = Answer::add_file("new.txt", "hello\nworld\n");
    stage.model.push(patch).push(Answer::text("patched"));
    let turn = stage.run("patch it").await;

    assert_eq!(turn["status"], "completed");
    assert_eq!(stage.runtime.items("fileChange")[0]["status"], "completed");
    assert_eq!(
        stage.home.read("new.txt").as_deref(),
        Some("hello\nworld\n")
    );
}

#[tokio::test]
async fn a_gate_holds_an_answer_in_the_middle() {
    let mut stage = Stage::new(json!({})).await;
    let gate = Gate::new();
    let answer = Answer::deltas(["one ", "two"]).gate_after_delta(1, &gate);
    stage.model.push(answer);
    let turn = stage.start_turn("count").await;
    gate.reached().await.unwrap();
    let delta = stage
        .runtime
        .wait_for_method("item/agentMessage/delta")
        .await;
    assert_eq!(delta["params"]["delta"], "one ");
    assert!(stage.runtime.agent_texts().is_empty());

    gate.open();
    let turn = stage.runtime.end_of_turn(&turn).await;
    assert_eq!(turn["status"], "completed");
    assert_eq!(stage.runtime.agent_texts(), ["one two"]);
    assert_eq!(gate.arrivals(), 1);
}

#[tokio::test]
async fn an_interrupted_turn_leaves_its_answer_at_the_gate() {
    let mut stage = Stage::new(json!({})).await;
    let gate = Gate::new();
    let held = Answer::text("never seen").gate(&gate);
    stage.model.push(held).push(Answer::text("after"));
    let turn = stage.start_turn("wait").await;
    gate.reached().await.unwrap();
    let params = json!({"threadId": stage.thread, "turnId": turn});
    stage.runtime.call("turn/interrupt", params).await;
    assert_eq!(
        stage.runtime.end_of_turn(&turn).await["status"],
        "interrupted"
    );

    assert_eq!(stage.run("go on").await["status"], "completed");
    assert_eq!(stage.runtime.agent_texts(), ["after"]);
}

#[tokio::test]
async fn rules_keep_concurrent_turns_apart() {
    let mut stage = Stage::new(json!({})).await;
    let other = stage.runtime.start_thread(json!({})).await;
    let (first_gate, second_gate) = (Gate::new(), Gate::new());
    let model = &stage.model;
    model
        .when(|request| request.last_user_text() == Some("first"))
        .push(Answer::text("answer one").gate(&first_gate));
    model
        .when(|request| request.last_user_text() == Some("second"))
        .push(Answer::text("answer two").gate(&second_gate));
    let first = stage.start_turn("first").await;
    first_gate.reached().await.unwrap();
    let second = stage.runtime.start_turn(&other, "second").await;
    second_gate.reached().await.unwrap();
    second_gate.open();
    stage.runtime.end_of_turn(&second).await;
    first_gate.open();
    stage.runtime.end_of_turn(&first).await;

    assert_eq!(stage.runtime.agent_texts(), ["answer two", "answer one"]);
    stage.model.assert_exhausted();
}

#[tokio::test]
async fn the_default_answer_repeats_and_gives_way_to_the_queue() {
    let mut stage = Stage::new(json!({})).await;
    stage.model.default_answer(Answer::text("always"));
    stage.model.push(Answer::text("once"));
    for _ in 0..3 {
        stage.run("again").await;
    }
    assert_eq!(stage.runtime.agent_texts(), ["once", "always", "always"]);
    stage.model.assert_exhausted();
}

#[tokio::test]
async fn an_unscripted_request_fails_and_is_named() {
    let mut stage = Stage::new(json!({})).await;
    let turn = stage.run("nobody expects this").await;

    assert_eq!(turn["status"], "failed");
    assert_eq!(stage.model.unexpected().len(), 1);
    let error = stage.model.check_exhausted().unwrap_err().to_string();
    let expected = "no answer was scripted for POST /v1/responses, \
                    last user text \"nobody expects this\"";
    assert!(error.starts_with(expected), "{error}");
}

#[tokio::test]
async fn an_answer_left_over_is_counted() {
    let stage = Stage::new(json!({})).await;
    stage.model.push(Answer::text("unused"));
    stage.model.when(|_| false).push(Answer::text("unused too"));
    let error = stage.model.check_exhausted().unwrap_err().to_string();
    assert_eq!(
        error,
        "2 scripted answers were never asked for; the model was asked: []"
    );
}

#[tokio::test]
async fn a_wait_for_requests_that_do_not_come_ends() {
    let stage = Stage::new(json!({})).await;
    let limit = Duration::from_millis(20);
    let waited = stage.model.wait_for_requests_within(1, limit).await;
    assert_eq!(
        waited.unwrap_err().to_string(),
        "model request 1 (there were 0) did not happen within 20ms"
    );
}

#[tokio::test]
async fn every_kind_of_failure_ends_the_turn_as_the_runtime_maps_it() {
    let cases = [
        (Answer::failed("server_error", "boom"), json!("other")),
        (
            Answer::failed("insufficient_quota", "no"),
            json!("usageLimitExceeded"),
        ),
        (
            Answer::failed("server_is_overloaded", "no"),
            json!("serverOverloaded"),
        ),
        (
            Answer::failed("rate_limit_exceeded", "no"),
            json!("rateLimitExceeded"),
        ),
        (
            Answer::http_error(500, json!({})),
            json!("internalServerError"),
        ),
        (
            Answer::http_error(401, json!("bad key")).header("x-request-id", "req-1"),
            json!({"httpConnectionFailed": {"httpStatusCode": 401}}),
        ),
        (Answer::incomplete("max_output_tokens"), json!("other")),
        (Answer::ended_early(), json!("other")),
        (Answer::broken_connection(), json!("other")),
        (
            Answer::failed("context_length_exceeded", "no"),
            json!("contextWindowExceeded"),
        ),
    ];
    let mut stage = Stage::new(json!({})).await;
    for (failure, info) in cases {
        let shown = format!("{failure:?}");
        stage
            .model
            .push(Answer::text("partial").unfinished().and(failure));
        let turn = stage.run("fail").await;
        assert_eq!(turn["status"], "failed", "{shown}");
        assert_eq!(turn["error"]["codexErrorInfo"], info, "{shown}");
    }
    stage.model.assert_exhausted();
}

#[tokio::test]
async fn the_delay_goes_between_the_deltas() {
    let mut stage = Stage::new(json!({})).await;
    let delay = Duration::from_millis(30);
    let answer = Answer::deltas(["a", "b", "c"]).delta_delay(delay);
    stage.model.push(answer);
    let turn = stage.run("slowly").await;
    assert!(turn["durationMs"].as_u64().unwrap() >= 60, "{turn}");
    assert_eq!(stage.runtime.agent_texts(), ["abc"]);
}

#[test]
fn a_model_stops_when_it_is_dropped() {
    let model = MockModel::start_blocking().unwrap();
    let address = ("127.0.0.1", model.port());
    let mut connection = std::net::TcpStream::connect(address).unwrap();
    drop(model);
    let mut rest = Vec::new();
    // The connection ends, in good order or not, and nothing was answered.
    let _ = connection.read_to_end(&mut rest);
    assert!(rest.is_empty());
}

#[test]
fn a_test_that_blocks_its_thread_is_served_too() {
    let model = MockModel::start_blocking().unwrap();
    let gate = Gate::new();
    model.push(Answer::text("hi").gate(&gate).header("x-extra", "yes"));
    let mut connection = std::net::TcpStream::connect(("127.0.0.1", model.port())).unwrap();
    let request = "POST /v1/responses HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                   content-length: 2\r\n\r\n{}";
    connection.write_all(request.as_bytes()).unwrap();
    gate.reached_blocking().unwrap();
    assert_eq!(model.wait_for_requests_blocking(1).unwrap()[0].body, b"{}");
    gate.open();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\r\nx-extra: yes\r\n"), "{answer}");
    assert!(answer.contains("event: response.completed\n"), "{answer}");
}

/// Nobody opens the gate: before the answer, in its middle, and before an error.
#[test]
fn a_gate_that_is_forgotten_fails_loudly() {
    for answer in [
        Answer::text("hi").gate(&Gate::within(Duration::from_millis(20))),
        Answer::deltas(["a", "b"]).gate_after_delta(1, &Gate::within(Duration::from_millis(20))),
        Answer::http_error(429, json!({})).gate(&Gate::within(Duration::from_millis(20))),
    ] {
        let model = MockModel::start_blocking().unwrap();
        model.push(answer);
        let mut connection = std::net::TcpStream::connect(("127.0.0.1", model.port())).unwrap();
        let request = "POST /v1/responses HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                       content-length: 2\r\n\r\n{}";
        connection.write_all(request.as_bytes()).unwrap();
        let mut told = String::new();
        let _ = connection.read_to_string(&mut told);
        assert!(!told.contains("response.completed"), "{told}");
        let fault = model.check_exhausted().unwrap_err().to_string();
        assert!(
            fault.contains(
                "the opening of a gate at which an answer stands did not happen within 20ms"
            ),
            "{fault}"
        );
    }
}

#[test]
fn other_paths_have_pages() {
    let model = MockModel::start_blocking().unwrap();
    model.page("/api/usage", 200, json!({"left": 3}));
    for (path, status, body) in [
        (
            "/v1/models",
            "200 OK",
            r#"{"data":[],"models":[],"object":"list"}"#,
        ),
        ("/api/usage", "200 OK", r#"{"left":3}"#),
        ("/other", "404 Not Found", "{}"),
    ] {
        let mut connection = std::net::TcpStream::connect(("127.0.0.1", model.port())).unwrap();
        write!(
            connection,
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        assert!(answer.ends_with(body), "{answer}");
    }
    model.assert_exhausted();
}
