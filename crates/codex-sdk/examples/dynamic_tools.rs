//! A tool of this program's own, which the model calls. Needs the feature `experimental`.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Answer, Outcome, Stage, words};
use openai_codex::types::{
    DynamicToolCallOutputContentItem, DynamicToolCallParams, DynamicToolCallResponse,
    DynamicToolSpec, FunctionDynamicToolSpec, InputTextDynamicToolCallOutputContentItem,
    ThreadStartParams,
};
use openai_codex::{Codex, ResponseError, Thread};
use serde_json::json;

/// Answers a call. An error, or a panic, tells the model that the call failed.
async fn call(call: DynamicToolCallParams) -> Result<DynamicToolCallResponse, ResponseError> {
    println!("tool.call: {} {}", call.tool, call.arguments);
    let place = call.arguments["place"]
        .as_str()
        .ok_or_else(|| ResponseError::new("the call names no place"))?;
    let text = format!("{place}: 21 degrees, dry");
    let text = InputTextDynamicToolCallOutputContentItem::new(text);
    let content = vec![DynamicToolCallOutputContentItem::InputText(text)];
    Ok(DynamicToolCallResponse::new(content, true))
}

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([
        Answer::function_call("weather", json!({"place": "Lisbon"})),
        words("It is 21 degrees in Lisbon, and dry."),
    ])?;
    let config = stage.config().experimental_api(true).on_request(call);
    let codex = Codex::start_with(config).await?;

    let schema = json!({
        "type": "object", "properties": {"place": {"type": "string"}},
        "required": ["place"], "additionalProperties": false,
    });
    let tool = FunctionDynamicToolSpec::default()
        .name("weather")
        .description("Tells the weather of a place.")
        .input_schema(schema);
    let params = ThreadStartParams::default().dynamic_tools([DynamicToolSpec::Function(tool)]);
    let thread = Thread::attach(&codex, codex.request(params).await?);

    let result = thread.run("What is the weather in Lisbon?").await?;
    println!("Text: {}", result.text());

    codex.close().await?;
    Ok(())
}
