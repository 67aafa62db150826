//! The inputs of a turn, and what the model sees of them.

use codex_testkit::{Answer, FunctionCallOutput, Request};
use openai_codex::types::{FunctionCallOutputBody, ThreadItem, UserInput};
use openai_codex::{ExternalMessage, InputItem, RpcErrorKind};
use serde_json::json;

use crate::items::{agent_texts, dialog, said};
use crate::stage::{Stage, err, ok, supported, within};

/// An image of one pixel.
const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x77, 0x53,
    0xde, 0x00, 0x00, 0x00, 0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0x00,
    0x00, 0x03, 0x01, 0x01, 0x00, 0xc9, 0xfe, 0x92, 0xef, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e,
    0x44, 0xae, 0x42, 0x60, 0x82,
];

/// A text, an item, an array and a list all reach the model as text.
#[tokio::test]
async fn every_form_of_text_reaches_the_model() {
    let stage = Stage::new().await;
    stage.model.default_answer(Answer::text("seen"));
    let thread = stage.thread().await;
    ok(thread.run("a text")).await;
    ok(thread.run(String::from("a string"))).await;
    ok(thread.run(InputItem::text("an item"))).await;
    ok(thread.run([InputItem::text("an"), InputItem::text("array")])).await;
    ok(thread.run(vec![InputItem::text("a list")])).await;
    let requests = stage.model.responses_requests();
    let last = requests.last().unwrap().user_texts();
    let words = ["a text", "a string", "an item", "an", "array", "a list"];
    assert_eq!(last[last.len() - words.len()..], words);
    stage.finish().await;
}

/// An image reaches the model as a data URL, beside its text.
#[tokio::test]
async fn an_image_reaches_the_model() {
    let stage = Stage::new().await;
    stage.model.push(Answer::text("a dot"));
    let image = InputItem::image_bytes("image/png", PNG);
    let input = [InputItem::text("What is this?"), image];
    let result = ok(stage.thread().await.run(input)).await;
    assert_eq!(result.text(), "a dot");
    sees_the_image(&stage.model.responses_requests()[0]);
    stage.finish().await;
}

/// The runtime reads a local image and sends it as a data URL.
#[tokio::test]
async fn a_local_image_reaches_the_model() {
    let stage = Stage::new().await;
    let path = stage.home.write("dot.png", PNG).unwrap();
    stage.model.push(Answer::text("a dot"));
    let image = InputItem::local_image(path);
    let input = [InputItem::text("What is this?"), image];
    ok(stage.thread().await.run(input)).await;
    sees_the_image(&stage.model.responses_requests()[0]);
    stage.finish().await;
}

#[track_caller]
fn sees_the_image(request: &Request) {
    assert!(request.user_texts().contains(&"What is this?"));
    let [url] = request.image_urls()[..] else {
        panic!("{:?}", request.image_urls());
    };
    assert!(
        url.starts_with("data:image/png;base64,iVBORw0KGgo"),
        "{url}"
    );
}

/// The runtime refuses remote images.
#[tokio::test]
async fn a_remote_image_is_refused() {
    let stage = Stage::new().await;
    let image = InputItem::image_url("https://example.com/a.png");
    let error = err(stage.thread().await.run(image)).await;
    let error = error.rpc().expect("an answer of the runtime");
    assert_eq!(i64::from(error.code), -32600);
    assert_eq!(error.kind(), RpcErrorKind::InvalidRequest);
    assert!(
        error
            .message
            .contains("remote image URLs are not supported")
    );
    assert!(error.message.contains("data URL"));
    stage.finish().await;
}

/// A skill is brought in once, with name, path and text.
#[tokio::test]
async fn a_skill_is_brought_in() {
    let skill = "---\nname: demo\ndescription: A demo skill.\n---\n\nSay the word swordfish.\n";
    let file = ".agents/skills/demo/SKILL.md";
    let stage = Stage::with_home(|home| home.file(file, skill)).await;
    stage.model.push(Answer::text("swordfish"));
    let path = stage.home.workspace().join(file);
    let skill = InputItem::skill("demo", &path);
    let input = [InputItem::text("Use the skill."), skill];
    ok(stage.thread().await.run(input)).await;

    let request = &stage.model.responses_requests()[0];
    let texts = request.user_texts();
    let skills: Vec<_> = texts
        .iter()
        .filter(|text| text.starts_with("<skill>"))
        .collect();
    let [skill] = skills[..] else {
        panic!("{texts:?}");
    };
    assert!(skill.contains("<name>demo</name>"), "{skill}");
    let path = format!("<path>{}</path>", path.display());
    assert!(skill.contains(&path), "{skill}");
    assert!(skill.contains("Say the word swordfish."), "{skill}");
    stage.finish().await;
}

const NEWS: &str = "The build is green.";

fn news() -> ExternalMessage {
    ExternalMessage::new("notifications", NEWS).namespace("ci")
}

/// The model was told the news once, by a tool, and by nobody else.
#[track_caller]
fn is_told_by_the_tool(request: &Request) {
    let told = request.function_call_outputs();
    let [
        FunctionCallOutput {
            name,
            namespace,
            output,
            ..
        },
    ] = &told[..]
    else {
        panic!("{told:?}");
    };
    assert_eq!(name.as_deref(), Some("notifications"));
    assert_eq!(namespace.as_deref(), Some("ci"));
    assert_eq!(*output, json!(NEWS));
    let texts = [request.user_texts(), request.developer_texts()].concat();
    assert!(!texts.iter().any(|text| text.contains(NEWS)), "{texts:?}");
}

/// An external message keeps its tool's authority, in a new runtime and in the history too.
#[tokio::test]
async fn an_external_message_stays_that_of_a_tool() {
    let mut stage = Stage::new().await;
    stage
        .model
        .push(Answer::text("good news"))
        .push(Answer::text("as I said"));
    let thread = stage.thread().await;
    let Some(result) = supported(thread.run(news())).await else {
        return stage.leave().await;
    };
    assert_eq!(result.text(), "good news");
    let id = thread.id().to_owned();
    drop(thread);
    stage.restart().await;

    let thread = ok(stage.codex.thread_resume(id).include_turns(false)).await;
    let turns = ok(thread.read_with_turns()).await.thread.turns;
    let stored: Vec<_> = turns[0].items.iter().filter_map(external).collect();
    assert_eq!(
        stored,
        result.items.iter().filter_map(external).collect::<Vec<_>>()
    );
    let text = FunctionCallOutputBody::Text(NEWS.to_owned());
    assert_eq!(stored, [("notifications", Some("ci"), &text)]);
    assert_eq!(ok(thread.run("What was it?")).await.text(), "as I said");
    let requests = stage.model.responses_requests();
    assert_eq!(requests.len(), 2);
    requests.iter().for_each(is_told_by_the_tool);
    stage.finish().await;
}

/// Reads an external message out of an item.
fn external(item: &ThreadItem) -> Option<(&str, Option<&str>, &FunctionCallOutputBody)> {
    match item {
        ThreadItem::FunctionCallOutput(item) => {
            Some((&item.name, item.namespace.as_deref(), &item.output))
        }
        _ => None,
    }
}

/// An external message after the user's task gives a final text.
#[tokio::test]
async fn an_external_message_is_answered() {
    let stage = Stage::new().await;
    stage
        .model
        .push(Answer::text("waiting"))
        .push(Answer::text("now it is green"));
    let thread = stage.thread().await;
    ok(thread.run("Tell me when it is green.")).await;
    let turn = thread.turn(news()).source("ci");
    let Some(result) = supported(turn.run()).await else {
        return stage.leave().await;
    };
    assert_eq!(result.text(), "now it is green");
    assert_eq!(dialog(&result.items), ["agent: now it is green"]);
    is_told_by_the_tool(&stage.model.responses_requests()[1]);
    stage.finish().await;
}

/// An external message joins the turn that runs, and both handles see it to its end.
#[tokio::test]
async fn an_external_message_joins_the_running_turn() {
    let stage = Stage::new().await;
    let gate = codex_testkit::Gate::new();
    stage
        .model
        .push(Answer::text("working").gate_at_end(&gate))
        .push(Answer::text("done, and it is green"));
    let thread = stage.thread().await;
    let mut original = ok(thread.turn("work")).await;
    said(&mut original, "working").await;
    let Some(joined) = supported(thread.turn(news())).await else {
        gate.open();
        ok(original.run()).await;
        return stage.leave().await;
    };
    assert_eq!(joined.id(), original.id());
    gate.open();
    let both = within(async { tokio::join!(original.run(), joined.run()) }).await;
    let (original, joined) = (both.0.unwrap(), both.1.unwrap());
    assert_eq!(original.text(), "done, and it is green");
    assert_eq!(joined.final_response, original.final_response);
    assert_eq!(joined.usage, original.usage);
    assert!(joined.usage.is_some());
    let texts = ["working", "done, and it is green"];
    assert_eq!(agent_texts(&original.items), texts);
    is_told_by_the_tool(&stage.model.responses_requests()[1]);
    stage.finish().await;
}

/// What cannot be sent is refused before it is.
#[tokio::test]
async fn what_cannot_be_sent_is_refused() {
    let stage = Stage::new().await;
    let thread = stage.thread().await;
    let empty: Vec<UserInput> = Vec::new();
    let error = err(thread.run(empty)).await;
    assert!(
        matches!(error, openai_codex::Error::InvalidInput(_)),
        "{error}"
    );
    let error = err(thread.run(ExternalMessage::new("  ", "text"))).await;
    assert!(
        matches!(error, openai_codex::Error::InvalidInput(_)),
        "{error}"
    );
    stage.finish().await;
}
