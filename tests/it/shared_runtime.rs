//! Two clients on one runtime: neither answers for the other unless it is told to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use codex_testkit::Answer;
use openai_codex::approval::{Approval, Decision};
use openai_codex::remote::Unanswered;
use openai_codex::tool::Tool;
use openai_codex::types::ThreadItem;
use openai_codex::{
    ApprovalMode, Codex, CodexConfig, Error, Notification, Thread, TurnHandle, TurnResult,
};

use crate::remote::{Attached, address};
use crate::stage::{ok, within};

/// A client that notes what it is asked, and decides so.
fn decides(decision: Decision) -> (CodexConfig, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let config = CodexConfig::new().on_approval({
        let asked = Arc::clone(&asked);
        move |ask: Approval| {
            asked.lock().unwrap().push(ask.item_id.to_string());
            async move { decision }
        }
    });
    (config, asked)
}

/// Reads a turn until its command has been started.
async fn until_asked(turn: &mut TurnHandle) {
    loop {
        let event = within(turn.next()).await.unwrap().unwrap();
        if let Notification::ItemStarted(started) = event
            && matches!(started.item, ThreadItem::CommandExecution(_))
        {
            return;
        }
    }
}

fn output(result: &TurnResult) -> Option<&str> {
    result.items.iter().find_map(|item| match item {
        ThreadItem::CommandExecution(command) => command.aggregated_output.as_deref(),
        _ => None,
    })
}

async fn resumed(codex: &Codex, thread: &Thread) -> Thread {
    within(async {
        loop {
            match codex.thread_resume(thread.id()).await {
                Ok(thread) => break thread,
                // A thread is stored a moment after its first turn has begun.
                Err(Error::Rpc { .. }) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(error) => panic!("{error}"),
            }
        }
    })
    .await
}

#[tokio::test]
async fn the_handlers_of_an_onlooker_are_not_asked() {
    let (config, asked) = decides(Decision::Accept);
    let stage = Attached::with(|_| config, |remote| remote).await;
    stage
        .model
        .push(Answer::exec_command("echo made").escalated("May I?"))
        .push(Answer::text("Done."));
    let start = stage.thread_start().approval_mode(ApprovalMode::UserReview);
    let thread = ok(start).await;
    ok(thread.set_name("shared")).await;
    // An onlooker without and one with a handler, which would decline.
    let (config, asked_onlooker) = decides(Decision::Decline);
    let onlookers = [
        ok(Codex::attach(address(&stage.proxy))).await,
        ok(Codex::attach_with(config, address(&stage.proxy))).await,
    ];
    let mut turn = ok(thread.turn("Make it.")).await;
    let watched = [
        resumed(&onlookers[0], &thread).await,
        resumed(&onlookers[1], &thread).await,
    ];
    until_asked(&mut turn).await;
    let result = ok(turn.run()).await;
    assert_eq!(output(&result), Some("made\n"));
    assert_eq!(asked.lock().unwrap().len(), 1);
    assert!(asked_onlooker.lock().unwrap().is_empty());
    drop((thread, watched));
    for onlooker in &onlookers {
        ok(onlooker.close()).await;
    }
    stage.finish().await;
}

/// The owner has nobody to decide: what it is asked is left open until somebody else answers.
#[tokio::test]
async fn who_takes_a_thread_over_answers_what_was_asked_before() {
    for takes_thread in [true, false] {
        let owner = Attached::with(
            |config| {
                config.on_approval(|_: Approval| async {
                    std::future::pending::<()>().await;
                    Decision::Decline
                })
            },
            |remote| remote,
        )
        .await;
        owner
            .model
            .push(Answer::exec_command("echo made").escalated("May I?"))
            .push(Answer::text("Done."));
        let start = owner.thread_start().approval_mode(ApprovalMode::UserReview);
        let thread = ok(start).await;
        let mut turn = ok(thread.turn("Make it.")).await;
        until_asked(&mut turn).await;
        let (config, asked) = decides(Decision::Accept);
        let codex = ok(Codex::attach_with(config, address(&owner.proxy))).await;
        let other = resumed(&codex, &thread).await;
        let joined = other.join_turn(turn.id().clone());
        // It is asked nothing until it says so.
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(asked.lock().unwrap().is_empty());
        let joined = if takes_thread {
            ok(codex.take_over(&other)).await;
            joined
        } else {
            joined.approve()
        };
        let result = ok(turn.run()).await;
        assert_eq!(output(&result), Some("made\n"));
        assert_eq!(ok(joined.run()).await.text(), "Done.");
        assert_eq!(asked.lock().unwrap().len(), 1);
        drop((thread, other));
        ok(codex.close()).await;
        owner.finish().await;
    }
}

/// The rule that an onlooker may have: nothing waits for an answer that nobody gives.
#[tokio::test]
async fn an_onlooker_may_decline_for_others() {
    let owner = Attached::with(
        |config| {
            config.on_approval(|_: Approval| async {
                std::future::pending::<()>().await;
                Decision::Accept
            })
        },
        |remote| remote,
    )
    .await;
    owner
        .model
        .push(Answer::exec_command("echo made").escalated("May I?"))
        .push(Answer::text("It was declined."));
    let start = owner.thread_start().approval_mode(ApprovalMode::UserReview);
    let thread = ok(start).await;
    let mut turn = ok(thread.turn("Make it.")).await;
    until_asked(&mut turn).await;
    let remote = address(&owner.proxy).unanswered(Unanswered::Decline);
    let codex = ok(Codex::attach(remote)).await;
    let other = resumed(&codex, &thread).await;
    let result = ok(turn.run()).await;
    assert_eq!(result.text(), "It was declined.");
    assert_eq!(output(&result), None);
    drop((thread, other));
    ok(codex.close()).await;
    owner.finish().await;
}

/// An onlooker's refusal would fail the owner's tool.
#[tokio::test]
async fn a_tool_is_called_by_the_client_that_has_it() {
    let stage = Attached::with(|config| config.experimental_api(true), |remote| remote).await;
    stage
        .model
        .push(Answer::function_call("weather", serde_json::json!({})))
        .push(Answer::text("Sunny."));
    let weather = Tool::new("weather", "Tells the weather.", |(): (), _call| async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok("It is sunny.")
    });
    let start = stage.thread_start().tools([weather]);
    let thread = ok(start).await;
    let turn = ok(thread.turn("Weather?")).await;
    let codex = ok(Codex::attach(address(&stage.proxy))).await;
    let other = resumed(&codex, &thread).await;
    let result = ok(turn.run()).await;
    assert_eq!(result.text(), "Sunny.");
    let requests = stage.model.responses_requests();
    let told = requests[1].function_call_outputs()[0].text();
    assert_eq!(told, "It is sunny.");
    drop((thread, other));
    ok(codex.close()).await;
    stage.finish().await;
}
