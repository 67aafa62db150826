//! Many options of a turn at once, and an answer of a given shape.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Answer, Outcome, Stage};
use openai_codex::types::{ReasoningEffort, ReasoningSummary};
use openai_codex::{ApprovalMode, Codex, Sandbox};
use serde::Deserialize;
use serde_json::json;

/// What the model is asked for.
#[derive(Deserialize)]
struct Plan {
    summary: String,
    actions: Vec<String>,
}

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([Answer::text(
        r#"{"summary":"A small project in good order.","actions":["add tests","add a license"]}"#,
    )])?;
    let codex = Codex::start_with(stage.config()).await?;
    let thread = codex.thread_start().await?;

    let schema = json!({
        "type": "object",
        "properties": {
            "summary": {"type": "string"},
            "actions": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["summary", "actions"],
        "additionalProperties": false,
    });
    let result = thread
        .turn("Look at this project and propose two actions.")
        .approval_mode(ApprovalMode::DenyAll)
        .effort(ReasoningEffort::Medium)
        .output_schema(schema)
        .sandbox(Sandbox::ReadOnly)
        .summary(ReasoningSummary::Auto)
        .source("example")
        .run()
        .await?;
    println!("Status: {}", result.status);

    let plan: Plan = result.parse()?;
    println!("summary: {}", plan.summary);
    println!("actions:");
    for action in plan.actions {
        println!("- {action}");
    }
    println!("Items: {}", result.items.len());

    codex.close().await?;
    Ok(())
}
