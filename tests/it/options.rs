//! The options of a turn, as the model sees them.

use codex_testkit::Answer;
use openai_codex::types::{ReasoningEffort, ReasoningSummary, ThreadItem, TurnStatus};
use openai_codex::{Error, RpcErrorKind};
use serde_json::{Value, json};

use crate::items::state;
use crate::stage::{Stage, err, is_before, ok};

/// A schema reaches the model, and the answer is read as what it describes.
#[tokio::test]
async fn a_schema_reaches_the_model_and_its_answer_is_parsed() {
    let stage = Stage::new().await;
    stage
        .model
        .push(Answer::text(r#"{"files": 3}"#))
        .push(Answer::text("three"));
    let schema = json!({
        "type": "object", "properties": {"files": {"type": "integer"}},
        "required": ["files"], "additionalProperties": false,
    });
    let thread = stage.thread().await;
    let turn = thread.turn("How many files?").output_schema(schema.clone());
    let result = ok(turn.run()).await;
    assert_eq!(result.parse::<Value>().unwrap(), json!({"files": 3}));
    let requests = stage.model.responses_requests();
    assert_eq!(requests[0].output_schema(), Some(&schema));

    // It was for that turn only.
    let result = ok(thread.run("And in words?")).await;
    assert!(matches!(result.parse::<Value>(), Err(Error::Output(_))));
    assert_eq!(stage.model.responses_requests()[1].output_schema(), None);
    stage.finish().await;
}

#[tokio::test]
async fn a_response_that_is_not_the_json_that_was_asked_for_is_shown() {
    let stage = Stage::new().await;
    stage
        .model
        .push(Answer::text("I cannot\ncount."))
        .push(Answer::text(r#"{"files": "three"}"#))
        .push(Answer::text("Counting.").phase("commentary"))
        .push(Answer::empty());
    let thread = stage.thread().await;
    let rows = [
        (
            "I cannot\ncount.",
            "the final response is not the JSON that was asked for (expected value at line 1 column \
             1): I cannot count.",
        ),
        (
            r#"{"files": "three"}"#,
            "the final response is not the JSON that was asked for (invalid type: map, expected u32 \
             at line 1 column 0): {\"files\": \"three\"}",
        ),
        (
            "Counting.",
            "the turn has no final response; the last message is: Counting.",
        ),
        ("", "the turn has no final response"),
    ];
    for (text, message) in rows {
        let result = ok(thread.run("How many files?")).await;
        let error = result.parse::<u32>().unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(!error.is_retryable());
        let Error::Output(error) = error else {
            panic!("{error}");
        };
        assert_eq!(error.text(), text);
    }
    stage.finish().await;
}

/// Effort and folder of a turn are used, and stay.
#[tokio::test]
async fn effort_and_folder_of_a_turn_stay() {
    let stage = Stage::new().await;
    stage.model.default_answer(Answer::text("done"));
    let folder = stage.home.write("sub/note.txt", "").unwrap();
    let folder = folder.parent().unwrap();
    let thread = stage.thread().await;
    let turn = thread.turn("go").effort(ReasoningEffort::High).cwd(folder);
    ok(turn.summary(ReasoningSummary::Concise).run()).await;
    ok(thread.run("go on")).await;
    let info = state(&stage.codex, &thread).await;
    assert_eq!(info.reasoning_effort, Some(ReasoningEffort::High));
    assert_eq!(info.cwd, folder);
    stage.finish().await;
}

/// The items of a turn are in order, what the tools did among them.
#[cfg(unix)]
#[tokio::test]
async fn the_items_of_a_turn_are_in_order() {
    let stage = Stage::with_home(|home| home.sandbox_mode("danger-full-access")).await;
    stage
        .model
        .push(Answer::reasoning("I should look.").and(Answer::exec_command("sleep 0.4; echo seen")))
        .push(Answer::add_file("made.txt", "made"))
        .push(Answer::text("done"));
    let result = ok(stage.thread().await.run("go")).await;
    let mut kinds: Vec<_> = result
        .items
        .iter()
        .map(|item| match item {
            ThreadItem::UserMessage(_) => "user",
            ThreadItem::Reasoning(_) => "reasoning",
            ThreadItem::CommandExecution(_) => "command",
            ThreadItem::FileChange(_) => "change",
            ThreadItem::AgentMessage(_) => "agent",
            _ => "other",
        })
        .collect();
    if is_before(147) {
        // The completion of a command may come after those of later items, or after the turn's.
        kinds.retain(|kind| *kind != "command");
        kinds.insert(2, "command");
    }
    assert_eq!(kinds, ["user", "reasoning", "command", "change", "agent"]);
    assert_eq!(result.status, TurnStatus::Completed);
    assert_eq!(stage.home.read("made.txt").as_deref(), Some("made\n"));
    stage.finish().await;
}

/// What the runtime would ignore or misread is refused before it is sent.
#[tokio::test]
async fn bad_options_are_refused_before_they_are_sent() {
    let stage = Stage::new().await;
    let thread = stage.thread().await;
    let turn = || thread.turn("go");
    let empty = ReasoningEffort::from(String::new());
    for error in [
        err(turn().output_schema(json!("object")).run()).await,
        err(turn().effort(empty).run()).await,
    ] {
        assert!(matches!(error, Error::InvalidInput(_)), "{error}");
    }
    let error = err(stage
        .codex
        .request_raw("turn/start", json!({"threadId": thread.id()})))
    .await;
    let kind = error.rpc().map(|error| error.kind());
    assert_eq!(kind, Some(RpcErrorKind::InvalidParams));
    stage.finish().await;
}

/// A folder that does not exist is refused before anything is sent; one that is relative is of this
/// process's folder.
#[tokio::test]
async fn folders_are_checked_before_anything_is_sent() {
    let stage = Stage::new().await;
    let missing = stage.home.workspace().join("missing");
    let thread = stage.thread().await;
    let refusals = [
        err(stage.codex.thread_start().cwd(&missing)).await,
        err(stage.codex.thread_resume(thread.id()).cwd(&missing)).await,
        err(stage.codex.thread_fork(thread.id()).cwd(&missing)).await,
        err(thread.turn("go").cwd(&missing)).await,
        err(stage.codex.thread_start().cwd("missing-folder")).await,
    ];
    for refused in refusals {
        assert!(
            matches!(&refused, Error::InvalidInput(text) if text.contains("missing")),
            "{refused:?}"
        );
    }
    let relative = ok(stage.codex.thread_start().cwd("it")).await;
    let here = std::env::current_dir().unwrap().join("it");
    let kept = &relative.info().cwd;
    assert!(
        kept == &here || here.canonicalize().is_ok_and(|here| *kept == here),
        "{kept:?}"
    );
    stage.finish().await;
}
