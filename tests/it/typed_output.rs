//! Final responses that are types of the program.

use codex_testkit::{Answer, Gate, Usage};
use openai_codex::error::OutputError;
use openai_codex::types::TurnStatus;
use openai_codex::{Error, blocking};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::stage::{Stage, config, err, ok};

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
struct Review {
    /// What is wrong.
    findings: Vec<Finding>,
    verdict: Verdict,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
struct Finding {
    line: Option<u32>,
    text: String,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    Bad,
}

const GOOD: &str = r#"{"findings": [{"line": 3, "text": "long"}], "verdict": "bad"}"#;

fn good() -> Review {
    Review {
        findings: vec![Finding {
            line: Some(3),
            text: "long".into(),
        }],
        verdict: Verdict::Bad,
    }
}

/// The model is sent the strict schema, for the turn only, and its answer is the type.
#[tokio::test]
async fn the_model_is_asked_for_the_type() {
    let stage = Stage::new().await;
    stage
        .model
        .push(Answer::text(GOOD))
        .push(Answer::text("fine"));
    let thread = stage.thread().await;
    let review: Review = ok(thread.run_as("Review this.")).await;
    assert_eq!(review, good());
    ok(thread.run("And now?")).await;

    let requests = stage.model.responses_requests();
    let finding = json!({
        "type": "object", "required": ["line", "text"], "additionalProperties": false,
        "properties": {
            "line": {"type": ["integer", "null"], "minimum": 0},
            "text": {"type": "string"},
        },
    });
    let schema = json!({
        "type": "object", "required": ["findings", "verdict"], "additionalProperties": false,
        "properties": {
            "findings": {
                "type": "array", "items": {"$ref": "#/$defs/Finding"}, "description": "What is wrong.",
            },
            "verdict": {"$ref": "#/$defs/Verdict"},
        },
        "$defs": {"Finding": finding, "Verdict": {"type": "string", "enum": ["good", "bad"]}},
    });
    assert_eq!(requests[0].output_schema(), Some(&schema));
    assert_eq!(requests[0].body_json["text"]["format"]["strict"], true);
    assert_eq!(requests[1].output_schema(), None);
    stage.finish().await;
}

/// What does not fit is shown to the model once, and both turns count.
#[tokio::test]
async fn a_response_that_does_not_fit_is_asked_for_again() {
    let stage = Stage::new().await;
    let bad = r#"{"findings": [{"line": "three", "text": "long"}], "verdict": "bad"}"#;
    stage
        .model
        .push(Answer::text(bad).usage(Usage::new(10, 5)))
        .push(Answer::text(GOOD).usage(Usage::new(20, 7)));
    let thread = stage.thread().await;
    let turn = thread.turn("Review this.").output::<Review>();
    let typed = ok(turn.client_message_id("mine").run()).await;
    assert_eq!(typed.value, good());
    assert_eq!(typed.result.text(), GOOD);
    assert_eq!(typed.result.turn_usage().unwrap().total_tokens, 42);

    let requests = stage.model.responses_requests();
    assert_eq!(requests[0].output_schema(), requests[1].output_schema());
    let told = requests[1].last_user_text().unwrap();
    assert!(told.contains("findings[0].line"), "{told}");
    assert!(told.contains("invalid type: string \"three\""), "{told}");
    stage.finish().await;
}

/// A second response that does not fit is an error with the text, the place and the reason.
#[tokio::test]
async fn a_second_response_that_does_not_fit_is_an_error() {
    let stage = Stage::new().await;
    stage
        .model
        .push(Answer::text("I will."))
        .push(Answer::text(r#"{"findings": [], "verdict": "so so"}"#));
    let thread = stage.thread().await;
    let error = err(thread.run_as::<Review>("Review this.")).await;
    assert!(!error.is_retryable());
    let Error::Output(OutputError::Malformed {
        text, path, source, ..
    }) = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(text, r#"{"findings": [], "verdict": "so so"}"#);
    assert_eq!(path, "verdict");
    assert!(source.to_string().contains("unknown variant"), "{source}");
    stage.finish().await;
}

/// A model that answers nothing, as one that refuses does, is not asked again.
#[tokio::test]
async fn a_turn_without_a_response_is_not_asked_again() {
    let stage = Stage::new().await;
    stage.model.push(Answer::empty());
    let thread = stage.thread().await;
    let error = err(thread.run_as::<Review>("Review this.")).await;
    assert!(
        matches!(&error, Error::Output(OutputError::Missing { .. })),
        "{error}"
    );
    assert_eq!(stage.model.responses_requests().len(), 1);
    stage.finish().await;
}

/// What is no object travels in one.
#[tokio::test]
async fn a_type_that_is_no_struct_is_asked_for_in_an_object() {
    let stage = Stage::new().await;
    stage
        .model
        .push(Answer::text(r#"["a"]"#))
        .push(Answer::text(r#"{"value": ["a", "b"]}"#));
    let thread = stage.thread().await;
    let names: Vec<String> = ok(thread.run_as("Name them.")).await;
    assert_eq!(names, ["a", "b"]);
    let requests = stage.model.responses_requests();
    let schema = requests[0].output_schema().unwrap();
    assert_eq!(schema["required"], json!(["value"]));
    stage.finish().await;
}

/// A type that cannot be strict is refused before anything is sent.
#[tokio::test]
async fn a_type_that_cannot_be_strict_is_refused() {
    #[derive(Debug, Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "it is never read")]
    struct Loose {
        more: Value,
    }
    let stage = Stage::new().await;
    let thread = stage.thread().await;
    let error = err(thread.run_as::<Loose>("go")).await;
    let Error::InvalidInput(reason) = error else {
        panic!("{error:?}");
    };
    assert!(reason.starts_with("Loose.more may be any JSON"), "{reason}");
    assert!(stage.model.responses_requests().is_empty());
    stage.finish().await;
}

/// A typed turn does not join one that runs, which keeps the schema that it has.
#[tokio::test]
async fn a_typed_turn_joins_no_other() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    stage.model.push(Answer::text("slow").gate_at_end(&gate));
    let thread = stage.thread().await;
    let turn = ok(thread.turn("slow")).await;
    gate.reached().await.unwrap();
    let error = err(thread.run_as::<Review>("Review this.")).await;
    assert!(
        matches!(&error, Error::ThreadBusy { turn_id } if turn_id == turn.id()),
        "{error}"
    );
    gate.open();
    assert_eq!(ok(turn.run()).await.status, TurnStatus::Completed);
    stage.finish().await;
}

/// The blocking client does the same.
#[tokio::test(flavor = "multi_thread")]
async fn the_blocking_client_has_typed_responses() {
    let stage = Stage::new().await;
    stage
        .model
        .push(Answer::text(GOOD))
        .push(Answer::text("no"))
        .push(Answer::text(GOOD));
    let config = config(&stage.home, &stage.model);
    let run = move || {
        let codex = blocking::Codex::start_with(config).unwrap();
        let thread = codex.thread_start().send().unwrap();
        let review: Review = thread.run_as("Review this.").unwrap();
        let turn = thread.turn("Again.").output::<Review>();
        let typed = turn.run().unwrap();
        codex.close().unwrap();
        (review, typed.value)
    };
    let reviews = tokio::task::spawn_blocking(run).await.unwrap();
    assert_eq!(reviews, (good(), good()));
    stage.finish().await;
}
