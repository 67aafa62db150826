//! Tools that are closures of this program, with typed arguments. Needs the feature `tools`.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Answer, Outcome, Stage, words};
use openai_codex::Codex;
use openai_codex::tool::{Tool, ToolCall, ToolError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// The arguments of `weather`; the model knows them by their doc comments.
#[derive(Debug, Deserialize, JsonSchema)]
struct Weather {
    /// The name of the place.
    place: String,
    /// How many days ahead; 0 is today.
    #[serde(default)]
    #[schemars(range(max = 7))]
    days: u8,
}

/// Answers a call. Nobody else is asked, so whether it may is decided here.
async fn weather(asked: Weather, call: ToolCall) -> Result<String, ToolError> {
    println!("tool.call: {} {asked:?}", call.call_id());
    if asked.place == "Atlantis" {
        return Err(ToolError::new("there is no such place"));
    }
    Ok(format!(
        "{} in {} days: 21 °C, dry",
        asked.place, asked.days
    ))
}

#[tokio::main]
async fn main() -> Outcome {
    // The first call does not fit the schema, so the closure is not called; the second one fails.
    let stage = Stage::new([
        Answer::function_call("weather", json!({"place": "Lisbon", "days": 30})).id("call-1"),
        Answer::function_call("weather", json!({"place": "Atlantis"})).id("call-2"),
        Answer::function_call("weather", json!({"place": "Lisbon", "days": 1})).id("call-3"),
        words("It will be 21 °C in Lisbon, and dry."),
    ])?;
    let codex = Codex::start_with(stage.config().experimental_api(true)).await?;

    let tool = Tool::new("weather", "Tells the weather of a place.", weather);
    let thread = codex.thread_start().tools([tool]).await?;
    let result = thread
        .run("What is the weather in Lisbon tomorrow?")
        .await?;
    println!("Text: {}", result.text());

    for request in stage.requests().into_iter().take(1) {
        let tools = request.tools().iter();
        for tool in tools.filter(|tool| tool["name"] == "weather") {
            println!("tool: {tool}");
        }
    }
    if let Some(request) = stage.requests().last() {
        for output in request.function_call_outputs() {
            println!("tool.output: {}", output.text());
        }
    }

    codex.close().await?;
    Ok(())
}
