//! Approvals of escalated commands, and what runs: seen on disk.

use std::sync::{Arc, Mutex};

use codex_testkit::Answer;
use openai_codex::types::{
    CommandExecutionApprovalDecision, CommandExecutionRequestApprovalParams,
    CommandExecutionRequestApprovalResponse, CommandExecutionStatus, FileChangeApprovalDecision,
    FileChangeRequestApprovalParams, FileChangeRequestApprovalResponse,
    GuardianApprovalReviewStatus, PatchApplyStatus, TurnStatus,
};
use openai_codex::{ApprovalMode, CodexConfig, Notification, ResponseError, Thread};
use serde_json::json;

use crate::items::{agent_texts, commands, completed, events, patches};
use crate::stage::{Stage, asking_the_user, is_before, ok, within};

type Decision = CommandExecutionApprovalDecision;

/// A command that leaves a trace on the disk.
fn escalated() -> Answer {
    Answer::exec_command("echo made > made.txt").escalated("May I make a file?")
}

fn is_made(stage: &Stage) -> bool {
    stage.home.workspace().join("made.txt").exists()
}

/// Runs a turn in which the model asks for the command and is then told what came of it.
async fn run_escalated(
    stage: &Stage,
    thread: &Thread,
) -> (TurnStatus, Vec<CommandExecutionStatus>) {
    stage
        .model
        .push(escalated())
        .push(Answer::text("understood"));
    let result = ok(thread.run("make it")).await;
    assert_eq!(agent_texts(&result.items), ["understood"]);
    (result.status, commands(&result.items))
}

/// The reviewer allows, the command runs, and both events are on the turn's stream.
#[tokio::test]
async fn what_the_reviewer_allows_runs() {
    let stage = Stage::new().await;
    let thread = stage.thread().await;
    stage.model.push(escalated()).push(Answer::text("made"));
    let verdict = Answer::reviewer_allows("harmless");
    stage.model.when_reviewer().push(verdict);
    let mut turn = ok(thread.turn("make it")).await;
    let events = events(&mut turn).await;

    assert!(is_made(&stage));
    assert_eq!(
        commands(&completed(&events)),
        [CommandExecutionStatus::Completed]
    );
    assert_eq!(reviews(&events), ["started", "approved: harmless"]);
    let requests = stage.model.responses_requests();
    let reviewed: Vec<_> = requests
        .iter()
        .map(|request| (request.is_reviewer(), request.model()))
        .collect();
    let model = Some("mock-model");
    // Older runtimes have a model of their own for the reviewer.
    let reviewer = match is_before(166) {
        true => Some("codex-auto-review"),
        false => model,
    };
    assert_eq!(reviewed, [(false, model), (true, reviewer), (false, model)]);
    stage.finish().await;
}

/// The events of the reviewer, in order.
fn reviews(events: &[Notification]) -> Vec<String> {
    let reviews = events.iter().filter_map(|event| match event {
        Notification::ItemAutoApprovalReviewStarted(_) => Some("started".to_owned()),
        Notification::ItemAutoApprovalReviewCompleted(completed) => {
            let rationale = completed.review.rationale.as_deref().unwrap_or_default();
            Some(format!("{}: {rationale}", completed.review.status))
        }
        _ => None,
    });
    reviews.collect()
}

/// The reviewer denies, nothing runs, and the client is warned.
#[tokio::test]
async fn what_the_reviewer_denies_does_not_run() {
    let stage = Stage::new().await;
    let mut global = stage.codex.notifications();
    let thread = stage.thread().await;
    stage.model.push(escalated()).push(Answer::text("not made"));
    let verdict = Answer::reviewer_denies("too risky");
    stage.model.when_reviewer().push(verdict);
    let mut turn = ok(thread.turn("make it")).await;
    let events = events(&mut turn).await;

    assert!(!is_made(&stage));
    assert_eq!(
        commands(&completed(&events)),
        [CommandExecutionStatus::Declined]
    );
    assert_eq!(reviews(&events), ["started", "denied: too risky"]);
    let warning = warning(&mut global).await;
    assert!(warning.contains("too risky"), "{warning}");
    let requests = stage.model.responses_requests();
    let told = requests[2].function_call_outputs()[0].text();
    assert!(told.contains("too risky"), "{told}");
    stage.finish().await;
}

async fn warning(global: &mut openai_codex::Notifications) -> String {
    loop {
        let event = within(global.next()).await.expect("the client has ended");
        if let Notification::GuardianWarning(warning) = event.unwrap() {
            return warning.message;
        }
    }
}

/// A reviewer that answers garbage denies, and its failure is a typed event.
#[tokio::test]
async fn a_reviewer_that_gives_no_verdict_denies() {
    let stage = Stage::new().await;
    let garbage = Answer::text("I would rather not say.");
    a_failing_reviewer_denies(stage, garbage).await;
}

/// A reviewer that cannot be reached denies, and its failure is a typed event.
#[tokio::test]
async fn a_reviewer_that_fails_denies() {
    let stage = Stage::new().await;
    let failure = Answer::http_error(500, json!({"error": {"message": "no"}}));
    a_failing_reviewer_denies(stage, failure).await;
}

async fn a_failing_reviewer_denies(stage: Stage, answer: Answer) {
    let mut global = stage.codex.notifications();
    let thread = stage.thread().await;
    stage.model.push(escalated()).push(Answer::text("not made"));
    stage.model.when_reviewer().always(answer);
    let mut turn = ok(thread.turn("make it")).await;
    let events = events(&mut turn).await;

    assert!(!is_made(&stage));
    let items = completed(&events);
    assert_eq!(commands(&items), [CommandExecutionStatus::Declined]);
    assert_eq!(agent_texts(&items), ["not made"]);
    let statuses: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Notification::ItemAutoApprovalReviewCompleted(done) => Some(done.review.status.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(statuses, [GuardianApprovalReviewStatus::Denied]);
    let warning = warning(&mut global).await;
    assert!(warning.contains("review failed"), "{warning}");
    stage.finish().await;
}

/// Collects what the runtime asks, and accepts it.
fn accepting(config: CodexConfig, asked: &Arc<Mutex<Vec<String>>>) -> CodexConfig {
    let asked = Arc::clone(asked);
    config.on_request(move |ask: CommandExecutionRequestApprovalParams| {
        asked.lock().unwrap().push(ask.reason.unwrap_or_default());
        async {
            Ok(CommandExecutionRequestApprovalResponse::new(
                Decision::Accept,
            ))
        }
    })
}

/// Under deny all the client is not asked, nothing runs, and the model is told so.
#[tokio::test]
async fn under_deny_all_nothing_is_asked_and_nothing_runs() {
    let asked = Arc::default();
    let stage = Stage::with_config(|config| accepting(config, &asked)).await;
    let start = stage.codex.thread_start();
    let thread = ok(start.approval_mode(ApprovalMode::DenyAll)).await;
    let (status, commands) = run_escalated(&stage, &thread).await;

    assert_eq!(status, TurnStatus::Completed);
    assert!(!commands.contains(&CommandExecutionStatus::Completed));
    assert!(!is_made(&stage));
    assert_eq!(*asked.lock().unwrap(), [""; 0]);
    let requests = stage.model.responses_requests();
    assert_eq!(requests.len(), 2);
    let told = requests[1].function_call_outputs()[0].text();
    assert!(told.contains("reject"), "{told}");
    stage.finish().await;
}

/// Without a handler the answer is no, and the turn goes on.
#[tokio::test]
async fn without_a_handler_the_user_declines() {
    let stage = Stage::new().await;
    let thread = asking_the_user(&stage).await;
    let outcome = run_escalated(&stage, &thread).await;
    let expected = (
        TurnStatus::Completed,
        vec![CommandExecutionStatus::Declined],
    );
    assert_eq!(outcome, expected);
    assert!(!is_made(&stage));
    stage.finish().await;
}

/// Without a handler no file is changed.
#[tokio::test]
async fn without_a_handler_no_file_is_changed() {
    let stage = Stage::new().await;
    let thread = asking_the_user(&stage).await;
    stage
        .model
        .push(Answer::add_file("made.txt", "made"))
        .push(Answer::text("not made"));
    let result = ok(thread.run("make it")).await;
    assert_eq!(result.status, TurnStatus::Completed);
    assert_eq!(patches(&result.items), [PatchApplyStatus::Declined]);
    assert!(!is_made(&stage));
    stage.finish().await;
}

/// A handler accepts a change of files, and gets the item's id.
#[tokio::test]
async fn a_handler_accepts_a_change_of_files() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let stage = Stage::with_config(move |config| {
        config.on_request(move |ask: FileChangeRequestApprovalParams| {
            seen.lock().unwrap().push(ask.item_id.to_string());
            let accept = FileChangeApprovalDecision::Accept;
            async { Ok(FileChangeRequestApprovalResponse::new(accept)) }
        })
    })
    .await;
    let thread = asking_the_user(&stage).await;
    stage
        .model
        .push(Answer::add_file("made.txt", "made").id("call-patch"))
        .push(Answer::text("made"));
    let result = ok(thread.run("make it")).await;
    assert_eq!(patches(&result.items), [PatchApplyStatus::Completed]);
    assert_eq!(stage.home.read("made.txt").as_deref(), Some("made\n"));
    assert_eq!(*asked.lock().unwrap(), ["call-patch"]);
    stage.finish().await;
}

/// What the handler accepts runs.
#[tokio::test]
async fn what_the_handler_accepts_runs() {
    let asked = Arc::default();
    let stage = Stage::with_config(|config| accepting(config, &asked)).await;
    let thread = asking_the_user(&stage).await;
    let outcome = run_escalated(&stage, &thread).await;
    let expected = (
        TurnStatus::Completed,
        vec![CommandExecutionStatus::Completed],
    );
    assert_eq!(outcome, expected);
    assert!(is_made(&stage));
    assert_eq!(*asked.lock().unwrap(), ["May I make a file?"]);
    stage.finish().await;
}

/// Configures a handler that answers every command with what `answer` gives.
fn answering(
    answer: impl Fn() -> Result<Decision, ResponseError> + Send + Sync + 'static,
) -> impl FnOnce(CodexConfig) -> CodexConfig {
    move |config| {
        config.on_request(move |_: CommandExecutionRequestApprovalParams| {
            let answer = answer();
            async { answer.map(CommandExecutionRequestApprovalResponse::new) }
        })
    }
}

/// What the handler declines, fails on or panics about does not run.
#[tokio::test]
async fn what_the_handler_does_not_accept_does_not_run() {
    let handlers: [fn() -> Result<Decision, ResponseError>; 3] = [
        || Ok(Decision::Decline),
        || Err(ResponseError::new("the allow list cannot be read")),
        || panic!("a handler with a bug"),
    ];
    for handler in handlers {
        let stage = Stage::with_config(answering(handler)).await;
        let thread = asking_the_user(&stage).await;
        let outcome = run_escalated(&stage, &thread).await;
        let expected = (
            TurnStatus::Completed,
            vec![CommandExecutionStatus::Declined],
        );
        assert_eq!(outcome, expected);
        assert!(!is_made(&stage));
        stage.finish().await;
    }
}

/// A handler that cancels ends the turn.
#[tokio::test]
async fn a_handler_that_cancels_interrupts_the_turn() {
    let stage = Stage::with_config(answering(|| Ok(Decision::Cancel))).await;
    let thread = asking_the_user(&stage).await;
    stage.model.push(escalated());
    let result = ok(thread.run("make it")).await;
    assert_eq!(result.status, TurnStatus::Interrupted);
    assert!(!is_made(&stage));
    stage.finish().await;
}

/// While a handler thinks, everything else goes on.
#[tokio::test]
async fn a_handler_that_thinks_blocks_nothing() {
    let (ask, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let stage = Stage::with_config(move |config| {
        config.on_request(move |_: CommandExecutionRequestApprovalParams| {
            let (decide, decision) = tokio::sync::oneshot::channel();
            ask.send(decide).unwrap();
            async {
                let decision = decision
                    .await
                    .map_err(|_| ResponseError::new("no answer"))?;
                Ok(CommandExecutionRequestApprovalResponse::new(decision))
            }
        })
    })
    .await;
    let thread = asking_the_user(&stage).await;
    let other = stage.thread().await;
    stage.model.push(escalated());
    let turn = ok(thread.turn("make it")).await;
    let decide = within(asked.recv()).await.unwrap();

    stage.model.push(Answer::text("meanwhile"));
    assert_eq!(ok(other.run("something else")).await.text(), "meanwhile");
    assert!(!is_made(&stage));

    stage.model.push(Answer::text("made"));
    decide.send(Decision::Accept).unwrap();
    assert_eq!(ok(turn.run()).await.text(), "made");
    assert!(is_made(&stage));
    stage.finish().await;
}

/// An interrupt ends a turn whose handler has not answered.
#[tokio::test]
async fn a_turn_that_waits_for_its_handler_can_be_interrupted() {
    let (ask, mut asked) = tokio::sync::mpsc::unbounded_channel();
    let stage = Stage::with_config(move |config| {
        config.on_request(move |_: CommandExecutionRequestApprovalParams| {
            ask.send(()).unwrap();
            std::future::pending()
        })
    })
    .await;
    let thread = asking_the_user(&stage).await;
    stage.model.push(escalated());
    let turn = ok(thread.turn("make it")).await;
    within(asked.recv()).await.unwrap();
    ok(turn.interrupt()).await;
    assert_eq!(ok(turn.run()).await.status, TurnStatus::Interrupted);
    assert!(!is_made(&stage));

    stage.model.push(Answer::text("still here"));
    assert_eq!(ok(thread.run("and now?")).await.text(), "still here");
    stage.finish().await;
}
