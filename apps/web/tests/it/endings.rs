//! Turns that nobody reads, and the end of the server.

use codex_testkit::{Answer, Gate};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::stage::{SHORT, Stage, escalated, is_made, within};

async fn state(client: &Client, thread: &str) -> Value {
    let response = within(client.request(Method::GET, thread).send()).await;
    within(response.unwrap().json()).await.unwrap()
}

#[tokio::test]
async fn a_turn_that_nobody_reads_is_interrupted() {
    let stage = Stage::with(|options| options.grace = SHORT).await;
    let client = stage.client();
    stage.model.push(escalated());
    let thread = client.thread().await;
    let mut events = client.events(&thread, None).await;
    client.say(&thread, "make it").await;
    let asked = events.until("approval_asked").await.pop().unwrap();
    let (last, ask) = (asked.id, &asked.json["approval"]);
    drop(events);
    // The turn ends while nobody reads: a state that is asked for is no reader.
    let ended = async {
        loop {
            let answer = state(&client, &thread).await;
            if answer["running"].is_null() && answer["approvals"] == json!([]) {
                return answer;
            }
        }
    };
    let answer = within(ended).await;
    let texts: Vec<&Value> = answer["items"].as_array().unwrap().iter().collect();
    assert!(
        texts.iter().any(|item| item["kind"] == "notice"),
        "{answer}"
    );
    let mut events = client.events(&thread, Some(last)).await;
    let all = events.until("turn_completed").await;
    assert_eq!(all.last().unwrap().json["status"], "interrupted");
    let notice = all.iter().find(|event| event.is("notice")).unwrap();
    let text = "The turn is interrupted: nobody has the page open.";
    assert_eq!(notice.json["message"], text);
    let key = ask["key"].as_str().unwrap();
    assert_eq!(client.answer(key, "accept").await.0, 410);
    assert!(!is_made(&stage.home));
    stage.finish().await;
}

#[tokio::test]
async fn a_turn_goes_on_while_somebody_reads() {
    let stage = Stage::with(|options| options.grace = SHORT).await;
    let client = stage.client();
    let gate = Gate::new();
    stage.model.push(Answer::text("done").gate(&gate));
    let thread = client.thread().await;
    let one = client.events(&thread, None).await;
    let mut two = client.events(&thread, None).await;
    client.say(&thread, "go").await;
    within(gate.reached()).await.unwrap();
    // One of two goes. Nothing may happen then, so that the time itself is waited for.
    drop(one);
    tokio::time::sleep(3 * SHORT).await;
    gate.open();
    let end = two.until("turn_completed").await.pop().unwrap();
    assert_eq!(end.json["status"], "completed");
    stage.finish().await;
}

#[tokio::test]
async fn the_end_of_the_server_interrupts_the_turn_and_ends_the_streams() {
    let stage = Stage::new().await;
    let client = stage.client();
    stage.model.push(escalated());
    let (thread, mut events, _) = client.asked().await;
    let Stage {
        server,
        home,
        model,
    } = stage;
    let stopping = tokio::spawn(server.stop());
    let end = events.until("turn_completed").await.pop().unwrap();
    assert_eq!(end.json["status"], "interrupted");
    while events.next().await.is_some() {}
    within(stopping).await.unwrap();
    let refused = within(client.request(Method::GET, &thread).send()).await;
    assert!(refused.is_err(), "the server does not listen any more");
    assert!(!is_made(&home));
    model.assert_exhausted();
}

#[tokio::test]
async fn the_end_of_the_runtime_is_told() {
    let stage = Stage::new().await;
    let client = stage.client();
    stage.model.push(escalated());
    let (thread, mut events, _) = client.asked().await;
    codex_testkit::kill(stage.server.runtime_process().unwrap()).unwrap();
    let end = events.until("turn_completed").await.pop().unwrap();
    assert_eq!(end.json["status"], "failed");
    let message = end.json["message"].as_str().unwrap();
    assert!(message.starts_with("The turn is lost: "), "{message}");
    within(stage.server.runtime_ended()).await;
    for path in ["/api/threads", &format!("{thread}/turns")] {
        let (status, refused) = client.post(path, json!({"text": "go"})).await;
        assert_eq!(status, 502, "{refused}");
        assert_eq!(refused["error"], "the runtime has ended");
    }
    within(stage.server.stop()).await;
}
