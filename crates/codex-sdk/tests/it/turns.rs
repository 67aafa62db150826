//! Turns on the real runtime.

use std::time::Duration;

use codex_testkit::{Answer, Gate, Usage};
use futures_util::{StreamExt, TryStreamExt};
use openai_codex::types::{CodexErrorInfo, MessagePhase, ThreadItem, TurnStatus};
use openai_codex::{Error, ExternalMessage, InputItem, Notification, RpcErrorKind, TurnHandle};
use serde::Deserialize;
use serde_json::json;

use crate::stage::Stage;
use crate::within;

/// The texts of the agent's messages.
fn agent_texts(items: &[ThreadItem]) -> Vec<&str> {
    items
        .iter()
        .filter_map(|item| match item {
            ThreadItem::AgentMessage(message) => Some(message.text.as_str()),
            _ => None,
        })
        .collect()
}

async fn deltas(turn: TurnHandle) -> Vec<String> {
    within(turn.text_deltas().try_collect()).await.unwrap()
}

/// RUN-01, RUN-03, RUN-17.
#[tokio::test]
async fn run_returns_what_the_turn_came_to() {
    let usage = Usage::new(11, 7).cached(3).reasoning(5);
    let stage = Stage::new([Answer::text("Hello.").usage(usage)]);
    let (codex, thread) = stage.thread().await;
    let result = within(thread.run("hello")).await.unwrap();
    assert_eq!(result.status, TurnStatus::Completed);
    assert_eq!(result.error, None);
    assert_eq!(result.final_response.as_deref(), Some("Hello."));
    assert_eq!(result.text(), "Hello.");
    assert!(result.started_at <= result.completed_at && result.duration_ms.is_some());
    assert!(matches!(result.items[0], ThreadItem::UserMessage(_)));
    assert_eq!(agent_texts(&result.items), ["Hello."]);
    let last = result.usage.unwrap().last;
    assert_eq!(
        (
            last.input_tokens,
            last.cached_input_tokens,
            last.output_tokens
        ),
        (11, 3, 7)
    );
    let requests = stage.model.responses_requests();
    assert_eq!(requests[0].last_user_text(), Some("hello"));
    within(codex.close()).await.unwrap();
}

/// STR-01, STR-02, STR-07, RUN-13.
#[tokio::test]
async fn a_stream_has_the_deltas_and_ends_with_the_completion() {
    let stage = Stage::new([Answer::deltas(["he", "llo"])]);
    let (_codex, thread) = stage.thread().await;
    let mut turn = within(thread.turn("hello").into_future()).await.unwrap();
    assert_eq!(turn.thread_id(), thread.id());
    let mut events = Vec::new();
    while let Some(event) = within(turn.next()).await {
        events.push(event.unwrap());
    }
    let deltas: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Notification::ItemAgentMessageDelta(delta) => Some(delta.delta.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(deltas, ["he", "llo"]);
    assert!(matches!(events[0], Notification::TurnStarted(_)));
    assert!(matches!(
        events.last(),
        Some(Notification::TurnCompleted(_))
    ));
    assert!(within(turn.next()).await.is_none());
    // What was read is in the result all the same.
    let id = turn.id().to_owned();
    let result = within(turn.run()).await.unwrap();
    assert_eq!(
        (result.id, result.final_response),
        (id, Some("hello".into()))
    );
}

/// STR-04, ASY-03.
#[tokio::test]
async fn a_request_is_answered_while_a_stream_is_open() {
    let gate = Gate::new();
    let stage = Stage::new([Answer::deltas(["a", "b", "c"]).gate_after_delta(1, &gate)]);
    let (codex, thread) = stage.thread().await;
    let turn = within(thread.turn("go").into_future()).await.unwrap();
    let mut text = turn.text_deltas();
    assert_eq!(within(text.next()).await.unwrap().unwrap(), "a");
    within(codex.models().into_future()).await.unwrap();
    gate.open();
    let rest: Vec<_> = within(text.try_collect()).await.unwrap();
    assert_eq!(rest, ["b", "c"]);
}

/// RUN-09, D-18.
#[tokio::test]
async fn a_failed_turn_is_an_error_that_says_whether_to_try_again() {
    let stage = Stage::new([
        Answer::failed("server_is_overloaded", "try later"),
        Answer::failed("server_error", "boom"),
        Answer::failed("server_error", "boom again"),
        Answer::text("fine"),
    ]);
    let (_codex, thread) = stage.thread().await;
    let error = within(thread.run("one")).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    match error {
        Error::TurnFailed(failure) => {
            assert_eq!(
                failure.error.codex_error_info,
                Some(CodexErrorInfo::ServerOverloaded)
            );
            assert_eq!(failure.result.status, TurnStatus::Failed);
            assert_eq!(failure.turn_id, failure.result.id);
        }
        other => panic!("{other:?}"),
    }
    let error = within(thread.run("two")).await.unwrap_err();
    assert!(
        error.to_string().contains("boom") && !error.is_retryable(),
        "{error}"
    );
    let turn = within(thread.turn("three").into_future()).await.unwrap();
    let outcome: Vec<_> = within(turn.text_deltas().collect()).await;
    assert!(
        matches!(outcome.last(), Some(Err(Error::TurnFailed(_)))),
        "{outcome:?}"
    );
    assert_eq!(within(thread.run("four")).await.unwrap().text(), "fine");
}

/// RUN-07.
#[tokio::test]
async fn phases_survive_and_decide_the_final_response() {
    let stage = Stage::new([Answer::text("Looking.")
        .phase("commentary")
        .and(Answer::text("Found it.").phase("final_answer"))]);
    let (_codex, thread) = stage.thread().await;
    let result = within(thread.run("find it")).await.unwrap();
    assert_eq!(result.text(), "Found it.");
    let phases: Vec<_> = result
        .items
        .iter()
        .filter_map(|item| match item {
            ThreadItem::AgentMessage(message) => message.phase.clone(),
            _ => None,
        })
        .collect();
    assert_eq!(
        phases,
        [MessagePhase::Commentary, MessagePhase::FinalAnswer]
    );
}

/// RUN-14.
#[tokio::test]
async fn an_output_schema_reaches_the_model_and_its_answer_is_parsed() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Answered {
        number: u8,
    }
    let stage = Stage::new([Answer::text(r#"{"number":42}"#), Answer::text("no JSON")]);
    let (_codex, thread) = stage.thread().await;
    let schema = json!({
        "type": "object", "properties": {"number": {"type": "integer"}},
        "required": ["number"], "additionalProperties": false,
    });
    let result = within(thread.turn("answer").output_schema(schema.clone()).run());
    let result = result.await.unwrap();
    assert_eq!(result.parse::<Answered>().unwrap(), Answered { number: 42 });
    let requests = stage.model.responses_requests();
    assert_eq!(requests[0].output_schema(), Some(&schema));
    let result = within(thread.run("talk")).await.unwrap();
    assert!(matches!(result.parse::<Answered>(), Err(Error::Output(_))));
}

/// CTL-01.
#[tokio::test]
async fn steering_adds_a_request_with_the_text_last() {
    let gate = Gate::new();
    let stage = Stage::new([
        Answer::text("before steer").gate_at_end(&gate),
        Answer::text("after steer"),
    ]);
    let (_codex, thread) = stage.thread().await;
    let mut turn = within(thread.turn("start").into_future()).await.unwrap();
    // What the runtime has not read when it is steered is cut off: the message comes first.
    while let Some(event) = within(turn.next()).await {
        if let Notification::ItemCompleted(completed) = event.unwrap()
            && agent_texts(std::slice::from_ref(&completed.item)) == ["before steer"]
        {
            break;
        }
    }
    within(turn.steer("and this")).await.unwrap();
    gate.open();
    let control = turn.control();
    let result = within(turn.run()).await.unwrap();
    assert_eq!(agent_texts(&result.items), ["before steer", "after steer"]);
    let requests = stage.model.responses_requests();
    assert_eq!(requests[1].last_user_text(), Some("and this"));
    let error = within(control.steer("too late")).await.unwrap_err();
    let kind = error.rpc().map(|error| error.kind());
    assert_eq!(kind, Some(RpcErrorKind::NoActiveTurn), "{error}");
}

#[tokio::test]
async fn a_turn_can_be_steered_at_once() {
    let gate = Gate::new();
    let stage = Stage::new([Answer::text("one").gate_at_end(&gate), Answer::text("two")]);
    let (_codex, thread) = stage.thread().await;
    let turn = within(thread.turn("start").into_future()).await.unwrap();
    within(turn.steer("at once")).await.unwrap();
    gate.open();
    within(turn.run()).await.unwrap();
}

/// CTL-02, RUN-11, D-20.
#[tokio::test]
async fn an_interrupt_right_after_the_start_takes_hold() {
    let stage = Stage::new([]);
    stage
        .model
        .default_answer(Answer::text("x").gate_at_end(&Gate::new()));
    let (_codex, thread) = stage.thread().await;
    for _ in 0..10 {
        let turn = within(thread.turn("go").into_future()).await.unwrap();
        let control = turn.control();
        within(control.interrupt()).await.unwrap();
        let result = within(turn.run()).await.unwrap();
        assert_eq!(result.status, TurnStatus::Interrupted);
        // A turn that is over is a success too.
        within(control.interrupt()).await.unwrap();
    }
    stage.model.default_answer(Answer::text("after"));
    assert_eq!(within(thread.run("again")).await.unwrap().text(), "after");
}

/// D-22, D-26.
#[tokio::test]
async fn a_dropped_handle_interrupts_and_a_detached_one_does_not() {
    let gate = Gate::new();
    let stage = Stage::new([
        Answer::text("x").gate_at_end(&Gate::new()),
        Answer::text("detached").gate_at_end(&gate),
    ]);
    let (_codex, thread) = stage.thread().await;
    let turn = within(thread.turn("dropped").into_future()).await.unwrap();
    let mut joined = thread.join_turn(turn.id());
    assert!(joined.is_joined());
    drop(turn);
    // Nobody may read it when it is dropped: the joined one keeps it running.
    stage.model.wait_for_requests(1).await.unwrap();
    within(joined.interrupt()).await.unwrap();
    while within(joined.next()).await.is_some() {}
    let turn = within(thread.turn("detached").into_future()).await.unwrap();
    let joined = thread.join_turn(turn.id());
    turn.detach();
    gate.open();
    let result = within(joined.run()).await.unwrap();
    assert_eq!(result.text(), "detached");
}

/// D-26.
#[tokio::test]
async fn dropping_run_interrupts_the_turn() {
    let stage = Stage::new([Answer::text("x").gate_at_end(&Gate::new())]);
    let (codex, thread) = stage.thread().await;
    let mut notifications = codex.notifications();
    let run = tokio::spawn({
        let thread = thread.clone();
        async move { thread.run("go").await }
    });
    stage.model.wait_for_requests(1).await.unwrap();
    run.abort();
    // Its completion belongs to nobody now.
    loop {
        match within(notifications.next()).await.unwrap().unwrap() {
            Notification::TurnCompleted(completed) => {
                assert_eq!(completed.turn.status, TurnStatus::Interrupted);
                break;
            }
            _ => continue,
        }
    }
}

/// INP-11, D-22.
#[tokio::test]
async fn a_second_start_joins_and_both_handles_see_the_end() {
    let gate = Gate::new();
    let stage = Stage::new([
        Answer::text("one").gate_at_end(&gate),
        Answer::text("two").phase("final_answer"),
    ]);
    let (_codex, thread) = stage.thread().await;
    let first = within(thread.turn("first").into_future()).await.unwrap();
    gate.reached().await.unwrap();
    let message = ExternalMessage::new("notifications", "the build is green").namespace("ci");
    let second = within(thread.turn(message).into_future()).await.unwrap();
    assert_eq!(first.id(), second.id());
    assert!(second.is_joined() && !first.is_joined());
    gate.open();
    let (first, second) = within(async { tokio::join!(first.run(), second.run()) }).await;
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.final_response, second.final_response);
    assert_eq!(first.usage, second.usage);
    assert_eq!(first.text(), "two");
    let requests = stage.model.responses_requests();
    let outputs = requests[1].function_call_outputs();
    assert!(
        outputs
            .iter()
            .any(|output| output.text() == "the build is green")
    );
}

/// INP-04, INP-05.
#[tokio::test]
async fn images_reach_the_model() {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82";
    let stage = Stage::new([Answer::text("a dot")]);
    let (_codex, thread) = stage.thread().await;
    let path = stage.home.workspace().join("dot.png");
    std::fs::write(&path, PNG).unwrap();
    let input = vec![
        InputItem::text("What is it?"),
        InputItem::image_bytes("image/png", PNG),
        InputItem::local_image(path),
    ];
    assert_eq!(within(thread.run(input)).await.unwrap().text(), "a dot");
    let requests = stage.model.responses_requests();
    let urls = requests[0].image_urls();
    assert_eq!(urls.len(), 2);
    assert!(
        urls.iter()
            .all(|url| url.starts_with("data:image/png;base64,")),
        "{urls:?}"
    );
}

#[tokio::test]
async fn the_turn_outlives_the_client_handles() {
    let stage = Stage::new([Answer::deltas(["a", "b"]).delta_delay(Duration::from_millis(20))]);
    let turn = {
        let (_codex, thread) = stage.thread().await;
        within(thread.turn("go").into_future()).await.unwrap()
    };
    assert_eq!(deltas(turn).await, ["a", "b"]);
}

/// ROU-29, RUN-10.
#[tokio::test]
async fn a_runtime_that_closes_ends_the_turn_with_one_error() {
    let stage = Stage::new([Answer::text("x").gate_at_end(&Gate::new())]);
    let (codex, thread) = stage.thread().await;
    let mut turn = within(thread.turn("go").into_future()).await.unwrap();
    stage.model.wait_for_requests(1).await.unwrap();
    within(codex.close()).await.unwrap();
    let mut errors = 0;
    while let Some(event) = within(turn.next()).await {
        errors += usize::from(event.is_err_and(|error| error.is_closed()));
    }
    assert_eq!(errors, 1);
    assert!(within(turn.run()).await.unwrap_err().is_closed());
    assert!(within(thread.run("more")).await.unwrap_err().is_closed());
}
