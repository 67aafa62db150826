//! Tools that are closures of the program.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use codex_testkit::Answer;
use openai_codex::tool::{Tool, ToolCall, ToolError, ToolOutput};
use openai_codex::types::{DynamicToolCallStatus, ThreadItem, TurnStatus};
use openai_codex::{ApprovalMode, Codex, Error, blocking};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Barrier, mpsc};

use crate::stage::{Stage, config, err, is_before, ok, within};

async fn stage() -> Stage {
    Stage::with_config(|config| config.experimental_api(true)).await
}

/// The weather of a place.
#[derive(Debug, Deserialize, JsonSchema)]
struct Weather {
    /// The name of the place.
    place: String,
    /// How many days ahead.
    #[serde(default)]
    #[schemars(range(max = 5))]
    days: u8,
}

fn weather() -> Tool {
    Tool::new(
        "weather",
        "Tells the weather of a place.",
        |asked: Weather, _call| async move {
            Ok(format!("{} in {} days: 21 °C", asked.place, asked.days))
        },
    )
}

/// Runs a turn in which the model calls a tool, and returns what the model is told.
async fn told(stage: &Stage, thread: &openai_codex::Thread, call: Answer) -> Value {
    let asked = stage.model.responses_requests().len();
    stage.model.push(call).push(Answer::text("I see."));
    let result = ok(thread.run("Use it.")).await;
    assert_eq!(result.status, TurnStatus::Completed);
    let requests = stage.model.responses_requests();
    let outputs = requests[asked + 1].function_call_outputs();
    outputs.last().unwrap().output.clone()
}

fn call(arguments: Value) -> Answer {
    Answer::function_call("weather", arguments)
}

/// The model sees the tool with its schema, and is told what the closure returns, whatever the approval mode is.
#[tokio::test]
async fn the_model_calls_a_closure() {
    let stage = stage().await;
    let start = stage.codex.thread_start().tools([weather()]);
    let thread = ok(start.approval_mode(ApprovalMode::DenyAll)).await;
    let output = told(&stage, &thread, call(json!({"place": "Bern", "days": 2}))).await;
    assert_eq!(output, "Bern in 2 days: 21 °C");

    let request = &stage.model.responses_requests()[0];
    let tools = request.body_json["tools"].as_array().unwrap();
    let tool = tools.iter().find(|tool| tool["name"] == "weather").unwrap();
    assert_eq!(tool["description"], "Tells the weather of a place.");
    let days = &tool["parameters"]["properties"]["days"];
    assert_eq!(days["type"], "integer");
    assert_eq!(
        days["description"],
        "How many days ahead. (default: 0, maximum: 5, minimum: 0)"
    );
    assert_eq!(tool["parameters"]["required"], json!(["place"]));
    stage.finish().await;
}

/// Arguments are checked against the type and its bounds; the model is told what is wrong, and the turn goes on.
#[tokio::test]
async fn arguments_that_do_not_fit_are_a_failed_call() {
    let stage = stage().await;
    let thread = ok(stage.codex.thread_start().tools([weather()])).await;
    for (arguments, why) in [
        (
            json!({"place": 5}),
            "at /place: 5 is not of type \"string\"",
        ),
        (json!({}), "\"place\" is a required property"),
        (
            json!({"place": "Bern", "days": 6}),
            "at /days: 6 is greater than the maximum of 5",
        ),
    ] {
        let output = told(&stage, &thread, call(arguments)).await;
        let output = output.as_str().unwrap();
        assert!(output.contains(why), "{output}");
        assert!(output.starts_with("the arguments do not fit"), "{output}");
    }
    stage.finish().await;
}

/// Errors and panics are failed calls that the model is told about.
#[tokio::test]
async fn errors_and_panics_are_failed_calls() {
    let stage = stage().await;
    let fail = Tool::new("fail", "Fails.", |(): (), _call| async move {
        let number: u8 = "many".parse()?;
        Ok(number.to_string())
    });
    let panic = Tool::new("panic", "Panics.", |(): (), _call| async move {
        match std::env::var_os("OPENAI_CODEX_TEST_NEVER_SET") {
            Some(_) => Ok(()),
            None => panic!("a secret"),
        }
    });
    let thread = ok(stage.codex.thread_start().tools([fail, panic])).await;
    let output = told(&stage, &thread, Answer::function_call("fail", json!({}))).await;
    assert_eq!(output, "invalid digit found in string");
    let output = told(&stage, &thread, Answer::function_call("panic", json!({}))).await;
    assert_eq!(output, "the client's handler panicked");
    stage.finish().await;
}

/// A closure may answer with JSON, images and several parts.
#[tokio::test]
async fn outputs_have_parts() {
    let stage = stage().await;
    // One pixel.
    const PNG: &[u8] = include_bytes!("pixel.png");
    let draw = Tool::new("draw", "Draws.", |(): (), _call| async move {
        let size = ToolOutput::json(&json!({"width": 1}))?;
        Ok(size
            .and(ToolOutput::image("image/png", PNG))
            .and("That is all."))
    });
    let none = Tool::new("none", "Does it.", |(): (), _call| async move { Ok(()) });
    let thread = ok(stage.codex.thread_start().tools([draw, none])).await;
    let output = told(&stage, &thread, Answer::function_call("draw", json!({}))).await;
    let parts = output.as_array().unwrap();
    assert_eq!(
        parts[0],
        json!({"type": "input_text", "text": r#"{"width":1}"#})
    );
    assert_eq!(parts[1]["type"], "input_image");
    assert!(
        parts[1]["image_url"]
            .as_str()
            .unwrap()
            .starts_with("data:image/png;base64,")
    );
    assert_eq!(parts[2]["text"], "That is all.");
    let output = told(&stage, &thread, Answer::function_call("none", json!({}))).await;
    assert_eq!(output, "done");
    stage.finish().await;
}

/// Calls of one answer run at the same time, and each knows its ids.
#[tokio::test]
async fn calls_run_at_the_same_time() {
    let stage = stage().await;
    // Before 0.166 they run one after the other.
    let meeting = if is_before(166) { 1 } else { 3 };
    let barrier = Arc::new(Barrier::new(meeting));
    let (seen, mut calls) = mpsc::unbounded_channel::<ToolCall>();
    let meet = Tool::new("meet", "Waits for the others.", move |(): (), call| {
        let (barrier, seen) = (Arc::clone(&barrier), seen.clone());
        async move {
            seen.send(call)?;
            barrier.wait().await;
            Ok("met")
        }
    });
    let thread = ok(stage.codex.thread_start().tools([meet])).await;
    let call = |id: &str| Answer::function_call("meet", json!({})).id(id);
    let three = call("a").and(call("b")).and(call("c"));
    stage.model.push(three).push(Answer::text("done"));
    let result = ok(thread.run("Meet.")).await;
    let mut ids = Vec::new();
    while let Ok(call) = calls.try_recv() {
        assert_eq!(call.thread_id(), thread.id());
        assert_eq!(call.turn_id().as_str(), result.id);
        // It is over.
        within(call.cancelled()).await;
        ids.push(call.call_id().to_owned());
    }
    ids.sort();
    assert_eq!(ids, ["a", "b", "c"]);
    let items = result.items.iter().filter(|item| {
        matches!(item, ThreadItem::DynamicToolCall(call) if call.status == DynamicToolCallStatus::Completed)
    });
    assert_eq!(items.count(), 3);
    stage.finish().await;
}

/// A call ends with its turn: the closure is dropped, and what it has started elsewhere learns of it.
#[tokio::test]
async fn a_call_ends_with_its_turn() {
    struct Dropped(mpsc::UnboundedSender<&'static str>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.send("dropped");
        }
    }
    let stage = stage().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    let wait = Tool::new("wait", "Waits.", move |(): (), call: ToolCall| {
        let tell = tell.clone();
        tokio::spawn({
            let tell = tell.clone();
            async move {
                call.cancelled().await;
                let _ = tell.send("cancelled");
            }
        });
        async move {
            let _dropped = Dropped(tell.clone());
            tell.send("waiting")?;
            std::future::pending::<Result<(), ToolError>>().await
        }
    });
    let thread = ok(stage.codex.thread_start().tools([wait])).await;
    stage.model.push(Answer::function_call("wait", json!({})));
    let turn = ok(thread.turn("Wait.")).await;
    assert_eq!(within(told.recv()).await, Some("waiting"));
    ok(turn.interrupt()).await;
    assert_eq!(ok(turn.run()).await.status, TurnStatus::Interrupted);
    let mut ends = [
        within(told.recv()).await.unwrap(),
        within(told.recv()).await.unwrap(),
    ];
    ends.sort_unstable();
    assert_eq!(ends, ["cancelled", "dropped"]);
    stage.finish().await;
}

/// The thread keeps its tools; a client that resumes or forks it brings the closures, and without them a call fails
/// with a text that says so.
#[tokio::test]
async fn a_resumed_or_forked_thread_gets_its_closures_again() {
    let stage = stage().await;
    let thread = ok(stage.codex.thread_start().tools([weather()])).await;
    let bern = || call(json!({"place": "Bern"}));
    told(&stage, &thread, bern()).await;
    let id = thread.id().clone();
    ok(stage.codex.close()).await;

    // A client that never opted in.
    let plain = ok(Codex::start_with(config(&stage.home, &stage.model))).await;
    let resumed = ok(plain.thread_resume(&id)).await;
    let output = told(&stage, &resumed, bern()).await;
    assert_eq!(output, "this client has no such tool");
    ok(plain.close()).await;

    let config = config(&stage.home, &stage.model).experimental_api(true);
    let other = ok(Codex::start_with(config)).await;
    let resumed = ok(other.thread_resume(&id).tools([weather()])).await;
    let output = told(&stage, &resumed, bern()).await;
    assert_eq!(output, "Bern in 0 days: 21 °C");
    let counted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&counted);
    let again = Tool::new("weather", "Counts.", move |_: Weather, _call| {
        let count = Arc::clone(&count);
        async move {
            count.fetch_add(1, Ordering::Relaxed);
            Ok("counted")
        }
    });
    let forked = ok(other.thread_fork(&id).tools([again])).await;
    assert_eq!(told(&stage, &forked, bern()).await, "counted");
    // The tools are the thread's.
    assert_eq!(
        told(&stage, &resumed, bern()).await,
        "Bern in 0 days: 21 °C"
    );
    assert_eq!(counted.load(Ordering::Relaxed), 1);
    ok(other.close()).await;
    stage.finish().await;
}

/// Tools that the runtime would refuse, or call others for, are refused before anything is sent.
#[tokio::test]
async fn tools_that_cannot_work_are_refused() {
    let stage = stage().await;
    let named = |name: &str| Tool::new(name, "", |(): (), _call| async move { Ok(()) });
    let long = "x".repeat(129);
    for (tools, why) in [
        (vec![named("exec_command")], "a tool of the runtime's own"),
        (vec![named("mcp__x")], "keeps for the tools of servers"),
        (vec![named("two words")], "that the runtime refuses"),
        (vec![named("")], "that the runtime refuses"),
        (vec![named(&long)], "that the runtime refuses"),
        (
            vec![named("a"), named("b"), named("a")],
            "\"a\" is there twice",
        ),
        (
            vec![Tool::new(
                "list",
                "",
                |_: Vec<u8>, _call| async move { Ok(()) },
            )],
            "is no struct",
        ),
    ] {
        let error = err(stage.codex.thread_start().tools(tools)).await;
        let Error::InvalidInput(reason) = error else {
            panic!("{error:?}");
        };
        assert!(reason.contains(why), "{reason}");
    }
    let plain = ok(Codex::start_with(config(&stage.home, &stage.model))).await;
    for error in [
        err(plain.thread_start().tools([named("a")])).await,
        err(plain.thread_resume("x").tools([named("a")])).await,
        err(plain.thread_fork("x").tools([named("a")])).await,
    ] {
        let Error::InvalidInput(reason) = error else {
            panic!("{error:?}");
        };
        assert!(
            reason.contains("CodexConfig::new().experimental_api(true)"),
            "{reason}"
        );
    }
    ok(plain.close()).await;
    stage.finish().await;
}

/// What the runtime would drop or change of a schema is in the descriptions.
#[tokio::test]
async fn the_model_sees_the_whole_schema() {
    #[derive(Deserialize, JsonSchema)]
    #[serde(tag = "kind", rename_all = "lowercase")]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Shape {
        Circle {
            /// In meters.
            #[schemars(range(min = 0.5))]
            radius: f64,
        },
        Square(Side),
    }
    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Side {
        #[schemars(length(max = 9))]
        name: Option<String>,
    }
    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Arguments {
        /// What is drawn.
        shapes: Vec<Shape>,
        first: Side,
        anything: Value,
        #[schemars(regex(pattern = "^[a-z]+$"))]
        word: String,
        counts: BTreeMap<String, u8>,
        pair: (u8, String),
    }
    let stage = stage().await;
    let draw = Tool::new(
        "draw",
        "Draws.",
        |_: Arguments, _call| async move { Ok(()) },
    );
    let thread = ok(stage.codex.thread_start().tools([draw])).await;
    stage.model.push(Answer::text("no"));
    ok(thread.run("Draw.")).await;
    let request = &stage.model.responses_requests()[0];
    let tool = request.tools().iter().find(|tool| tool["name"] == "draw");
    let schema = &tool.unwrap()["parameters"];
    let properties = &schema["properties"];
    assert_eq!(properties["first"], json!({"$ref": "#/$defs/Side"}));
    assert_eq!(properties["anything"], json!({}));
    assert_eq!(properties["word"]["description"], "(pattern: ^[a-z]+$)");
    let counts = &properties["counts"]["additionalProperties"];
    assert_eq!(
        *counts,
        json!({"type": "integer", "description": "(maximum: 255, minimum: 0)"})
    );
    assert_eq!(
        properties["pair"]["items"],
        json!({"anyOf": [
            {"type": "integer", "description": "(maximum: 255, minimum: 0)"}, {"type": "string"},
        ]})
    );
    let name = &schema["$defs"]["Side"]["properties"]["name"];
    assert_eq!(name["description"], "(maxLength: 9)");
    let circle = &schema["$defs"]["Shape"]["oneOf"][0]["properties"];
    assert_eq!(circle["radius"]["description"], "In meters. (minimum: 0.5)");
    assert_eq!(circle["kind"]["enum"], json!(["circle"]));
    stage.finish().await;
}

/// The blocking client has tools too; their closures are async.
#[tokio::test(flavor = "multi_thread")]
async fn the_blocking_client_has_tools() {
    let stage = stage().await;
    stage
        .model
        .push(call(json!({"place": "Bern"})))
        .push(Answer::text("Dry."));
    let config = config(&stage.home, &stage.model).experimental_api(true);
    let run = move || {
        let codex = blocking::Codex::start_with(config).unwrap();
        let thread = codex.thread_start().tools([weather()]).send().unwrap();
        let result = thread.run("How is the weather?").unwrap();
        codex.close().unwrap();
        result.text().to_owned()
    };
    assert_eq!(tokio::task::spawn_blocking(run).await.unwrap(), "Dry.");
    let requests = stage.model.responses_requests();
    let outputs = requests[1].function_call_outputs();
    assert_eq!(outputs[0].output, "Bern in 0 days: 21 °C");
    stage.finish().await;
}
