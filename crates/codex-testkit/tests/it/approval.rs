//! Escalated commands: the client decides, or the scripted reviewer does.

use codex_testkit::Answer;
use serde_json::{Value, json};

use crate::stage::Stage;

const ASK: &str = "item/commandExecution/requestApproval";

fn escalated() -> Answer {
    Answer::exec_command("touch made.txt").escalated("May I make a file?")
}

#[tokio::test]
async fn an_accepted_command_runs() {
    let mut stage = Stage::asking_the_user().await;
    stage.model.push(escalated()).push(Answer::text("made"));
    let turn = stage.start_turn("make it").await;
    let ask = stage.runtime.wait_for_method(ASK).await;
    assert_eq!(ask["params"]["reason"], "May I make a file?");
    let accept = json!({"id": ask["id"], "result": {"decision": "accept"}});
    stage.runtime.send(accept).await;

    let turn = stage.runtime.end_of_turn(&turn).await;
    assert_eq!(turn["status"], "completed");
    assert_eq!(stage.home.read("made.txt").as_deref(), Some(""));
    stage.model.assert_exhausted();
}

#[tokio::test]
async fn a_declined_command_does_not_run() {
    let mut stage = Stage::asking_the_user().await;
    stage
        .model
        .push(escalated())
        .push(Answer::text("as you wish"));
    let turn = stage.start_turn("make it").await;
    let ask = stage.runtime.wait_for_method(ASK).await;
    let decline = json!({"id": ask["id"], "result": {"decision": "decline"}});
    stage.runtime.send(decline).await;

    let turn = stage.runtime.end_of_turn(&turn).await;
    assert_eq!(turn["status"], "completed");
    assert_eq!(stage.home.read("made.txt"), None);
    assert_eq!(
        stage.runtime.items("commandExecution")[0]["status"],
        "declined"
    );
}

#[tokio::test]
async fn the_reviewer_allows() {
    let mut stage = Stage::asking_the_reviewer().await;
    stage.model.push(escalated()).push(Answer::text("made"));
    stage
        .model
        .when_reviewer()
        .push(Answer::reviewer_allows("harmless"));
    let turn = stage.run("make it").await;

    assert_eq!(turn["status"], "completed");
    assert_eq!(stage.home.read("made.txt").as_deref(), Some(""));
    let requests = stage.model.responses_requests();
    let reviewed: Vec<bool> = requests
        .iter()
        .map(|request| request.is_reviewer())
        .collect();
    assert_eq!(reviewed, [false, true, false]);
    assert_eq!(verdicts(&stage), ["approved"]);
    stage.model.assert_exhausted();
}

#[tokio::test]
async fn the_reviewer_denies() {
    let mut stage = Stage::asking_the_reviewer().await;
    stage.model.push(escalated()).push(Answer::text("not made"));
    stage
        .model
        .when_reviewer()
        .push(Answer::reviewer_denies("too risky"));
    let turn = stage.run("make it").await;

    assert_eq!(turn["status"], "completed");
    assert_eq!(stage.home.read("made.txt"), None);
    assert_eq!(verdicts(&stage), ["denied"]);
    stage.model.assert_exhausted();
}

#[tokio::test]
async fn a_reviewer_that_answers_no_verdict_denies() {
    for answer in [Answer::text("hm"), Answer::http_error(500, json!({}))] {
        let mut stage = Stage::asking_the_reviewer().await;
        stage.model.push(escalated()).push(Answer::text("not made"));
        stage.model.when_reviewer().always(answer);
        let turn = stage.run("make it").await;

        assert_eq!(turn["status"], "completed");
        assert_eq!(stage.home.read("made.txt"), None);
        assert_eq!(
            stage.runtime.items("commandExecution")[0]["status"],
            "declined"
        );
    }
}

fn verdicts(stage: &Stage) -> Vec<Value> {
    stage
        .runtime
        .seen
        .iter()
        .filter(|message| message["method"] == "item/autoApprovalReview/completed")
        .map(|message| message["params"]["review"]["status"].clone())
        .collect()
}
