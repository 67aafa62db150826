//! Questions of the agent: shown to every reader, answered once.

use codex_testkit::{Answer, Gate};
use reqwest::StatusCode;
use serde_json::json;

use crate::client::completed;
use crate::stage::{Stage, escalated, is_made, within};

#[tokio::test]
async fn one_reader_answers_and_the_other_one_sees_it() {
    let stage = Stage::new().await;
    let (one, two) = (stage.client(), stage.client());
    stage.model.push(escalated()).push(Answer::text("made"));
    let thread = one.thread().await;
    let mut first = one.events(&thread, None).await;
    let mut second = two.events(&thread, None).await;
    one.say(&thread, "make it").await;
    let ask = first.question().await;
    assert_eq!(second.question().await, ask);
    assert_eq!(ask["reason"], "May I make a file?");
    let action = &ask["action"];
    assert_eq!(action["kind"], "command");
    assert!(action["line"].as_str().unwrap().contains("touch made.txt"));
    assert_eq!(action["cwd"], json!(stage.home.workspace()));
    assert_eq!(action["rule"], "commands that begin with: touch made.txt");
    let choices = ["accept", "session", "remember", "decline", "cancel"];
    assert_eq!(ask["choices"], json!(choices));
    assert!(!is_made(&stage.home));
    // A reader who comes now sees it too.
    let mut third = one.events(&thread, None).await;
    assert_eq!(third.next().await.unwrap().json["approvals"][0], ask);

    let key = ask["key"].as_str().unwrap();
    let (status, answer) = two.answer(key, "accept").await;
    assert_eq!(
        (status, &answer["outcome"]),
        (StatusCode::OK, &json!("accept"))
    );
    for events in [&mut first, &mut second, &mut third] {
        let resolved = events.until("approval_resolved").await.pop().unwrap().json;
        assert_eq!(resolved["key"], ask["key"]);
        assert_eq!(resolved["outcome"], "accept");
        let all = events.until("turn_completed").await;
        let commands = completed(&all, "command");
        assert_eq!(commands[0]["status"], "completed");
    }
    assert!(is_made(&stage.home));
    // The first answer has won.
    let (status, late) = one.answer(key, "decline").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(late["outcome"], "accept");
    let (status, _) = one.answer("unknown:1", "accept").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    stage.finish().await;
}

#[tokio::test]
async fn of_two_answers_at_the_same_time_one_wins() {
    let stage = Stage::new().await;
    let client = stage.client();
    stage
        .model
        .push(escalated())
        .push(Answer::text("understood"));
    let (_, mut events, ask) = client.asked().await;
    let key = ask["key"].as_str().unwrap();
    let (accepted, declined) =
        tokio::join!(client.answer(key, "accept"), client.answer(key, "decline"));
    let mut statuses = [accepted.0, declined.0];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::CONFLICT]);
    assert_eq!(accepted.1["outcome"], declined.1["outcome"]);
    events.until("turn_completed").await;
    assert_eq!(is_made(&stage.home), accepted.0 == StatusCode::OK);
    stage.finish().await;
}

#[tokio::test]
async fn each_answer_has_its_effect() {
    let rows = [
        ("session", true, "completed"),
        ("remember", true, "completed"),
        ("decline", false, "completed"),
        ("cancel", false, "interrupted"),
    ];
    for (decision, made, status) in rows {
        let stage = Stage::new().await;
        let client = stage.client();
        stage.model.push(escalated());
        if status == "completed" {
            stage.model.push(Answer::text("understood"));
        }
        let (_, mut events, ask) = client.asked().await;
        let key = ask["key"].as_str().unwrap();
        for wrong in ["perhaps", ""] {
            assert_eq!(client.answer(key, wrong).await.0, StatusCode::BAD_REQUEST);
        }
        let (answered, _) = client.answer(key, decision).await;
        assert_eq!(answered, StatusCode::OK, "{decision}");
        let end = events.until("turn_completed").await.pop().unwrap();
        assert_eq!(end.json["status"], status, "{decision}");
        assert_eq!(is_made(&stage.home), made, "{decision}");
        stage.finish().await;
    }
}

#[tokio::test]
async fn a_change_of_files_is_asked_with_the_change() {
    let stage =
        Stage::with(|options| options.sandbox = Some(openai_codex::Sandbox::ReadOnly)).await;
    let client = stage.client();
    stage
        .model
        .push(Answer::add_file("made.txt", "made"))
        .push(Answer::text("done"));
    let (_, mut events, ask) = client.asked().await;
    assert_eq!(ask["action"]["kind"], "file_change");
    let change = &ask["action"]["changes"][0];
    assert!(change["path"].as_str().unwrap().ends_with("made.txt"));
    assert_eq!(
        (&change["action"], &change["diff"]),
        (&json!("add"), &json!("made\n"))
    );
    assert_eq!(
        ask["choices"],
        json!(["accept", "session", "decline", "cancel"])
    );
    let key = ask["key"].as_str().unwrap();
    // What is not offered is refused, and the question stays open.
    assert_eq!(
        client.answer(key, "remember").await.0,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(client.answer(key, "accept").await.0, StatusCode::OK);
    events.until("turn_completed").await;
    assert_eq!(stage.home.read("made.txt").as_deref(), Some("made\n"));
    stage.finish().await;
}

#[tokio::test]
async fn a_question_ends_with_its_turn() {
    let stage = Stage::new().await;
    let client = stage.client();
    stage.model.push(escalated());
    let (thread, mut events, ask) = client.asked().await;
    client.ok(&format!("{thread}/interrupt"), json!({})).await;
    let resolved = events.until("approval_resolved").await.pop().unwrap().json;
    assert_eq!(resolved["outcome"], "over");
    let key = ask["key"].as_str().unwrap();
    assert_eq!(client.answer(key, "accept").await.0, StatusCode::GONE);
    assert!(!is_made(&stage.home));
    stage.finish().await;
}

#[tokio::test]
async fn threads_do_not_see_each_other() {
    let stage = Stage::new().await;
    let client = stage.client();
    let gate = Gate::new();
    let asks = stage
        .model
        .when(|request| request.last_user_text() == Some("make it"));
    asks.push(escalated()).push(Answer::text("made"));
    let waits = stage
        .model
        .when(|request| request.last_user_text() == Some("wait"));
    waits.push(Answer::text("waited").gate(&gate));
    let (one, two) = (client.thread().await, client.thread().await);
    let mut first = client.events(&one, None).await;
    let mut second = client.events(&two, None).await;
    client.say(&two, "wait").await;
    client.say(&one, "make it").await;
    let ask = first.question().await;
    within(gate.reached()).await.unwrap();
    client.answer(ask["key"].as_str().unwrap(), "accept").await;
    first.until("turn_completed").await;
    gate.open();
    let all = second.until("turn_completed").await;
    assert!(
        !all.iter().any(|event| event.is("approval_asked")),
        "{all:?}"
    );
    stage.finish().await;
}
