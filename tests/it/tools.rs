//! Server requests beside approvals: tools, permissions, and the user's answers.

use std::collections::BTreeMap;

use codex_testkit::Answer;
use openai_codex::types::{
    DynamicToolCallOutputContentItem, DynamicToolCallParams, DynamicToolCallResponse,
    InputTextDynamicToolCallOutputContentItem, ToolRequestUserInputAnswer,
    ToolRequestUserInputParams, ToolRequestUserInputResponse, TurnStatus,
};
use openai_codex::{CodexConfig, Notification, ResponseError, Thread};
use serde_json::{Value, json};

use crate::stage::{Stage, ok, stored, within};

/// Sets up with the experimental API, which tools of the client need.
async fn stage(handler: impl FnOnce(CodexConfig) -> CodexConfig) -> Stage {
    Stage::with_config(|config| handler(config.experimental_api(true))).await
}

/// Makes a thread with one tool of the client.
async fn with_tool(stage: &Stage) -> Thread {
    let schema = json!({"type": "object", "properties": {"place": {"type": "string"}}});
    let tool = json!({"type": "function", "name": "weather", "description": "Tells the weather.",
        "inputSchema": schema});
    let params = json!({"dynamicTools": [tool]});
    let started = ok(stage.codex.request_raw("thread/start", params)).await;
    stored(stage, started["thread"]["id"].as_str().unwrap().to_owned()).await
}

/// Runs a turn in which the model calls the tool, and returns what the model is told.
async fn call(stage: &Stage) -> String {
    let thread = with_tool(stage).await;
    let call = Answer::function_call("weather", json!({"place": "Bern"})).id("call-1");
    stage.model.push(call).push(Answer::text("I see."));
    let result = ok(thread.run("How is the weather?")).await;
    assert_eq!(result.status, TurnStatus::Completed);
    assert_eq!(result.text(), "I see.");
    let requests = stage.model.responses_requests();
    assert!(requests[1].tool_names().contains(&"weather"));
    let outputs = requests[2].function_call_outputs();
    assert_eq!(outputs[0].call_id.as_deref(), Some("call-1"));
    outputs[0].text()
}

/// A tool of the client is called with its arguments, and the model gets the answer.
#[tokio::test]
async fn a_tool_of_the_client_answers_the_model() {
    let stage = stage(|config| {
        config.on_request(|call: DynamicToolCallParams| async move {
            let text = format!("{} of {}: 21 degrees", call.tool, call.arguments["place"]);
            let text = InputTextDynamicToolCallOutputContentItem::new(text);
            let content = [DynamicToolCallOutputContentItem::InputText(text)];
            Ok(DynamicToolCallResponse::new(content, true))
        })
    })
    .await;
    assert_eq!(call(&stage).await, "weather of \"Bern\": 21 degrees");
    stage.finish().await;
}

/// The model is told why a tool of the client failed.
#[tokio::test]
async fn the_failure_of_a_tool_is_told_to_the_model() {
    let stage = stage(|config| {
        config.on_request(|_: DynamicToolCallParams| async {
            Err(ResponseError::new("the thermometer is broken"))
        })
    })
    .await;
    let told = call(&stage).await;
    assert!(told.contains("the thermometer is broken"), "{told}");
    stage.finish().await;
}

/// A tool without a handler fails, and the turn goes on.
#[tokio::test]
async fn a_tool_without_a_handler_fails() {
    let stage = stage(|config| config).await;
    call(&stage).await;
    stage.finish().await;
}

/// Runs a turn in which the model asks the user, and returns what the model is told.
async fn ask(stage: &Stage) -> String {
    let thread = stage.thread().await;
    let options = json!([
        {"label": "A (Recommended)", "description": "The first."},
        {"label": "B", "description": "The second."},
    ]);
    let question = json!({"id": "which", "header": "Which", "question": "Which one?",
        "options": options});
    let call = Answer::function_call("request_user_input", json!({"questions": [question]}));
    stage.model.push(call).push(Answer::text("I see."));
    let mode: Value = json!({"mode": "plan", "settings": {"model": "mock-model",
        "reasoning_effort": null, "developer_instructions": null}});
    let params = json!({"threadId": thread.id(), "collaborationMode": mode,
        "input": [{"type": "text", "text": "ask me"}]});
    let mut global = stage.codex.notifications();
    ok(stage.codex.request_raw("turn/start", params)).await;
    loop {
        let event = within(global.next()).await.expect("the client has ended");
        if let Notification::TurnCompleted(done) = event.unwrap() {
            assert_eq!(done.turn.status, TurnStatus::Completed);
            break;
        }
    }
    let requests = stage.model.responses_requests();
    requests[1].function_call_outputs()[0].text()
}

/// The user's answer reaches the model.
#[tokio::test]
async fn the_users_answer_reaches_the_model() {
    let stage = stage(|config| {
        config.on_request(|ask: ToolRequestUserInputParams| async move {
            let label = ask.questions[0].options.as_ref().unwrap()[1].label.clone();
            let answer = ToolRequestUserInputAnswer::new([label]);
            let answers = BTreeMap::from([(ask.questions[0].id.clone(), answer)]);
            Ok(ToolRequestUserInputResponse::new(answers))
        })
    })
    .await;
    let told: Value = serde_json::from_str(&ask(&stage).await).unwrap();
    assert_eq!(told, json!({"answers": {"which": {"answers": ["B"]}}}));
    stage.finish().await;
}

/// Without a handler the user answers nothing.
#[tokio::test]
async fn without_a_handler_the_user_answers_nothing() {
    let stage = stage(|config| config).await;
    let told: Value = serde_json::from_str(&ask(&stage).await).unwrap();
    assert_eq!(told, json!({"answers": {}}));
    stage.finish().await;
}
