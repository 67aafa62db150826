//! Approvals that the program decides, by a handler or one by one: seen on the disk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use codex_testkit::{Answer, Gate, HomeBuilder};
use openai_codex::approval::{Approval, Decision, Pending, ProposedRule, Subject};
use openai_codex::types::{CommandExecutionStatus, PatchApplyStatus, PatchChangeKind, TurnStatus};
use openai_codex::{ApprovalMode, CodexConfig, Error, Thread};
use serde_json::json;

use crate::items::{commands, patches};
use crate::stage::{Stage, err, ok, within};

const COMMAND: &str = "touch made.txt";

fn escalated() -> Answer {
    Answer::exec_command(COMMAND).escalated("May I make a file?")
}

fn is_made(stage: &Stage) -> bool {
    stage.home.workspace().join("made.txt").exists()
}

/// Starts a thread whose approvals the program decides.
async fn reviewed(stage: &Stage) -> Thread {
    let start = stage.codex.thread_start();
    ok(start.approval_mode(ApprovalMode::UserReview)).await
}

/// Configures a handler that notes each question and decides as `decide` does.
fn deciding(
    asked: &Arc<Mutex<Vec<Approval>>>,
    decide: impl Fn(&Approval) -> Decision + Send + Sync + 'static,
) -> impl FnOnce(CodexConfig) -> CodexConfig {
    let asked = Arc::clone(asked);
    move |config| {
        config.on_approval(move |ask: Approval| {
            let decision = decide(&ask);
            asked.lock().unwrap().push(ask);
            async move { decision }
        })
    }
}

/// Each decision about a command has its effect, and the question says what it is about.
#[tokio::test]
async fn a_command_is_decided_by_the_handler() {
    use CommandExecutionStatus::{Completed, Declined};
    let rows = [
        (Decision::Accept, Some(Completed), TurnStatus::Completed),
        (
            Decision::AcceptForSession,
            Some(Completed),
            TurnStatus::Completed,
        ),
        (
            Decision::AcceptAndRemember,
            Some(Completed),
            TurnStatus::Completed,
        ),
        (Decision::Decline, Some(Declined), TurnStatus::Completed),
        (Decision::Cancel, None, TurnStatus::Interrupted),
    ];
    for (decision, command, status) in rows {
        let asked = Arc::default();
        let stage = Stage::with_config(deciding(&asked, move |_| decision)).await;
        let thread = reviewed(&stage).await;
        stage.model.push(escalated());
        if status == TurnStatus::Completed {
            stage.model.push(Answer::text("understood"));
        }
        let result = ok(thread.run("make it")).await;
        assert_eq!(result.status, status, "{decision:?}");
        let runs = command == Some(Completed);
        if let Some(command) = command {
            assert_eq!(commands(&result.items), [command], "{decision:?}");
        }
        assert_eq!(is_made(&stage), runs, "{decision:?}");
        let asked = asked.lock().unwrap().clone();
        let [ask] = asked.as_slice() else {
            panic!("{asked:?}");
        };
        assert_eq!((&ask.thread_id, &*ask.turn_id), (thread.id(), &*result.id));
        assert_eq!(ask.reason.as_deref(), Some("May I make a file?"));
        let Subject::Command(command) = &ask.subject else {
            panic!("{ask:?}");
        };
        assert_eq!(command.argv(), Some(&["touch", "made.txt"][..]));
        assert!(command.line().contains(COMMAND));
        assert_eq!(command.cwd(), Some(stage.home.workspace()));
        stage.finish().await;
    }
}

/// The rule that is stored is the one that the question shows, and what it covers is not asked about again.
#[tokio::test]
async fn the_rule_that_is_remembered_is_the_one_that_is_shown() {
    let asked = Arc::default();
    let stage = Stage::with_config(deciding(&asked, |_| Decision::AcceptAndRemember)).await;
    let thread = reviewed(&stage).await;
    for _ in 0..2 {
        stage.model.push(escalated()).push(Answer::text("made"));
        ok(thread.run("make it")).await;
    }
    let asked = asked.lock().unwrap().clone();
    let [ask] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    assert!(ask.offers(Decision::AcceptAndRemember));
    let Subject::Command(command) = &ask.subject else {
        panic!("{ask:?}");
    };
    let Some(ProposedRule::Command(words)) = command.proposed_rule() else {
        panic!("{:?}", command.raw());
    };
    assert_eq!(words, ["touch", "made.txt"]);
    assert_eq!(command.additional_permissions(), None);
    let rules = stage.home.codex_home().join("rules/default.rules");
    let rules = std::fs::read_to_string(rules).unwrap();
    assert!(
        rules.contains(r#"pattern=["touch", "made.txt"]"#),
        "{rules}"
    );
    stage.finish().await;
}

/// A command that is to run with more than its sandbox shows what that is, to a client with the experimental API; to
/// others the runtime does not tell it.
#[tokio::test]
async fn the_permissions_that_a_command_asks_for_are_shown() {
    for experimental in [true, false] {
        let asked = Arc::default();
        let decide = deciding(&asked, |_| Decision::Decline);
        let stage =
            asking_for_permissions(|config| decide(config).experimental_api(experimental)).await;
        let thread = reviewed(&stage).await;
        let permissions = json!({"network": {"enabled": true}});
        let command = Answer::exec_command(COMMAND)
            .argument("sandbox_permissions", json!("with_additional_permissions"))
            .argument("additional_permissions", permissions)
            .argument("justification", json!("to fetch it"));
        stage.model.push(command).push(Answer::text("not made"));
        ok(thread.run("make it")).await;
        let asked = asked.lock().unwrap().clone();
        let [ask] = asked.as_slice() else {
            panic!("{asked:?}");
        };
        let Subject::Command(command) = &ask.subject else {
            panic!("{ask:?}");
        };
        assert_eq!(command.argv().is_none(), experimental);
        let network = command
            .additional_permissions()
            .and_then(|permissions| permissions.network.as_ref());
        let enabled = network.and_then(|network| network.enabled);
        assert_eq!(enabled, experimental.then_some(true));
        stage.finish().await;
    }
}

/// What is accepted for the session is not asked about again.
#[tokio::test]
async fn a_command_that_is_accepted_for_the_session_is_asked_about_once() {
    let asked = Arc::default();
    let stage = Stage::with_config(deciding(&asked, |_| Decision::AcceptForSession)).await;
    let thread = reviewed(&stage).await;
    for _ in 0..2 {
        stage.model.push(escalated()).push(Answer::text("made"));
        ok(thread.run("make it")).await;
    }
    assert_eq!(asked.lock().unwrap().len(), 1);
    stage.finish().await;
}

/// A change of files comes with the change itself, and each decision has its effect.
#[tokio::test]
async fn a_change_of_files_is_decided_with_the_change() {
    for decision in [
        Decision::Accept,
        Decision::AcceptForSession,
        Decision::Decline,
    ] {
        let asked = Arc::default();
        let stage = Stage::with_config(deciding(&asked, move |_| decision)).await;
        let thread = reviewed(&stage).await;
        stage
            .model
            .push(Answer::add_file("made.txt", "made"))
            .push(Answer::text("understood"));
        let result = ok(thread.run("make it")).await;
        let accepted = decision != Decision::Decline;
        let status = match accepted {
            true => PatchApplyStatus::Completed,
            false => PatchApplyStatus::Declined,
        };
        assert_eq!(patches(&result.items), [status], "{decision:?}");
        assert_eq!(is_made(&stage), accepted, "{decision:?}");
        let asked = asked.lock().unwrap().clone();
        let [
            Approval {
                subject: Subject::FileChange(change),
                ..
            },
        ] = asked.as_slice()
        else {
            panic!("{asked:?}");
        };
        let [file] = change.changes() else {
            panic!("{change:?}");
        };
        assert!(file.path.ends_with("made.txt"), "{}", file.path);
        assert!(matches!(file.kind, PatchChangeKind::Add(_)), "{file:?}");
        assert!(file.diff.contains("made"), "{}", file.diff);
        stage.finish().await;
    }
}

/// Permissions are granted for the turn or the session, or not at all; the model is told which.
#[tokio::test]
async fn permissions_are_decided_by_the_handler() {
    let rows = [
        (Decision::Accept, Some("turn")),
        (Decision::AcceptAndRemember, Some("turn")),
        (Decision::AcceptForSession, Some("session")),
        (Decision::Decline, None),
    ];
    for (decision, scope) in rows {
        let asked = Arc::default();
        let stage = asking_for_permissions(deciding(&asked, move |_| decision)).await;
        let thread = reviewed(&stage).await;
        stage.model.push(needs_network()).push(Answer::text("ok"));
        let result = ok(thread.run("go")).await;
        assert_eq!(result.status, TurnStatus::Completed, "{decision:?}");
        let told = stage.model.responses_requests()[1].function_call_outputs()[0].text();
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!(
            told["permissions"]["network"]["enabled"].as_bool(),
            scope.map(|_| true),
            "{decision:?}: {told}"
        );
        if let Some(scope) = scope {
            assert_eq!(told["scope"], scope, "{decision:?}");
        }
        let asked = asked.lock().unwrap().clone();
        let [ask] = asked.as_slice() else {
            panic!("{asked:?}");
        };
        assert_eq!(ask.reason.as_deref(), Some("to fetch it"));
        let Subject::Permissions(permissions) = &ask.subject else {
            panic!("{ask:?}");
        };
        let network = permissions.raw().permissions.network.as_ref();
        assert_eq!(network.and_then(|network| network.enabled), Some(true));
        stage.finish().await;
    }
}

/// A question about permissions has no answer that ends the turn, so the client interrupts it.
#[tokio::test]
async fn canceling_permissions_ends_the_turn() {
    let asked = Arc::default();
    let stage = asking_for_permissions(deciding(&asked, |_| Decision::Cancel)).await;
    let thread = reviewed(&stage).await;
    stage.model.push(needs_network());
    stage.model.default_answer(Answer::hold(&Gate::new()));
    let result = ok(thread.run("go")).await;
    assert_eq!(result.status, TurnStatus::Interrupted);
    ok(stage.codex.close()).await;
}

/// Sets up a runtime whose agent can ask for permissions.
async fn asking_for_permissions(config: impl FnOnce(CodexConfig) -> CodexConfig) -> Stage {
    let features = |home: HomeBuilder| {
        home.config("features.exec_permission_approvals", json!(true))
            .config("features.request_permissions_tool", json!(true))
    };
    Stage::with(features, config).await
}

fn needs_network() -> Answer {
    let permissions = json!({"network": {"enabled": true}});
    let arguments = json!({"reason": "to fetch it", "permissions": permissions});
    Answer::function_call("request_permissions", arguments)
}

/// A change of files can be canceled with its turn.
#[tokio::test]
async fn canceling_a_change_ends_the_turn() {
    let asked = Arc::default();
    let stage = Stage::with_config(deciding(&asked, |_| Decision::Cancel)).await;
    let thread = reviewed(&stage).await;
    stage.model.push(Answer::add_file("made.txt", "made"));
    let result = ok(thread.run("make it")).await;
    assert_eq!(result.status, TurnStatus::Interrupted);
    assert!(!is_made(&stage));
    stage.finish().await;
}

/// From the stream, each kind of question is answered like from the handler.
#[tokio::test]
async fn each_kind_of_question_is_answered_from_the_stream() {
    let stage = asking_for_permissions(|config| config).await;
    let mut approvals = stage.codex.approvals().unwrap();
    let thread = reviewed(&stage).await;
    let rows = [
        (escalated(), "command"),
        (Answer::add_file("added.txt", "added"), "change"),
        (needs_network(), "permissions"),
    ];
    for (answer, kind) in rows {
        stage.model.push(answer).push(Answer::text("understood"));
        let turn = ok(thread.turn("go")).await;
        let pending = within(approvals.next()).await.unwrap();
        let asked = match &pending.approval().subject {
            Subject::Command(_) => "command",
            Subject::FileChange(_) => "change",
            Subject::Permissions(_) => "permissions",
            other => panic!("{other:?}"),
        };
        assert_eq!(asked, kind);
        assert_eq!(&pending.approval().turn_id, turn.id());
        ok(pending.answer(Decision::Accept)).await;
        assert_eq!(ok(turn.run()).await.text(), "understood");
    }
    assert!(is_made(&stage));
    assert_eq!(stage.home.read("added.txt").as_deref(), Some("added\n"));
    stage.finish().await;
}

/// A handler that panics declines.
#[tokio::test]
async fn a_handler_that_panics_declines() {
    let asked = Arc::default();
    let stage = Stage::with_config(deciding(&asked, |_| panic!("a handler with a bug"))).await;
    let thread = reviewed(&stage).await;
    stage.model.push(escalated()).push(Answer::text("not made"));
    let result = ok(thread.run("make it")).await;
    assert_eq!(commands(&result.items), [CommandExecutionStatus::Declined]);
    assert!(!is_made(&stage));
    stage.finish().await;
}

/// Two questions wait at once, are kept in a map by their keys, and are answered in another order.
#[tokio::test]
async fn questions_are_kept_and_answered_later() {
    let stage = Stage::new().await;
    let mut approvals = stage.codex.approvals().unwrap();
    stage
        .model
        .when(|request| request.function_call_outputs().is_empty())
        .always(escalated());
    stage.model.default_answer(Answer::text("understood"));
    let mut turns = Vec::new();
    let mut waiting: HashMap<String, Pending> = HashMap::new();
    for _ in 0..2 {
        let thread = reviewed(&stage).await;
        turns.push(ok(thread.turn("make it")).await);
        let pending = within(approvals.next()).await.unwrap();
        waiting.insert(pending.approval().key.clone(), pending);
    }
    assert_eq!(waiting.len(), 2);
    let of = |turn: &str| {
        let mut keys = waiting.iter();
        let found = keys.find(|(_, pending)| *pending.approval().turn_id == *turn);
        found.unwrap().0.clone()
    };
    let (first, second) = (of(turns[0].id()), of(turns[1].id()));
    let accepted = waiting.remove(&second).unwrap();
    ok(accepted.answer(Decision::Accept)).await;
    let result = ok(turns.pop().unwrap().run()).await;
    assert_eq!(commands(&result.items), [CommandExecutionStatus::Completed]);
    assert!(is_made(&stage));
    // One that is dropped is declined.
    drop(waiting.remove(&first));
    let result = ok(turns.pop().unwrap().run()).await;
    assert_eq!(commands(&result.items), [CommandExecutionStatus::Declined]);
    ok(stage.codex.close()).await;
    assert!(within(approvals.next()).await.is_none());
}

/// A question ends by itself with its turn and with the client; an answer after that is an error.
#[tokio::test]
async fn a_question_ends_with_its_turn_and_with_the_client() {
    let stage = Stage::new().await;
    let mut approvals = stage.codex.approvals().unwrap();
    let thread = reviewed(&stage).await;
    stage.model.default_answer(escalated());
    let turn = ok(thread.turn("make it")).await;
    let pending = within(approvals.next()).await.unwrap();
    ok(turn.interrupt()).await;
    within(pending.resolved()).await;
    let late = err(pending.answer(Decision::Accept)).await;
    assert!(matches!(late, Error::QuestionOver { .. }), "{late:?}");
    assert_eq!(ok(turn.run()).await.status, TurnStatus::Interrupted);
    assert!(!is_made(&stage));

    let turn = ok(thread.turn("again")).await;
    let pending = within(approvals.next()).await.unwrap();
    ok(stage.codex.close()).await;
    within(pending.resolved()).await;
    assert!(err(pending.answer(Decision::Accept)).await.is_closed());
    assert!(err(turn.run()).await.is_closed());
    assert!(!is_made(&stage));
    // There is nobody to ask any more, but that is not why.
    let user = ApprovalMode::UserReview;
    let start = stage.codex.thread_start().approval_mode(user);
    assert!(err(start).await.is_closed());
    let turn = thread.turn("more").approval_mode(user);
    assert!(err(turn).await.is_closed());
}

/// There is one consumer at a time, and one that is dropped declines what comes.
#[tokio::test]
async fn approvals_have_one_consumer() {
    let stage = Stage::new().await;
    let approvals = stage.codex.approvals().unwrap();
    let second = stage.codex.approvals().unwrap_err();
    assert!(matches!(second, Error::InvalidInput(_)), "{second:?}");
    let thread = reviewed(&stage).await;
    drop(approvals);
    stage.model.push(escalated()).push(Answer::text("not made"));
    let result = ok(thread.run("make it")).await;
    assert_eq!(commands(&result.items), [CommandExecutionStatus::Declined]);
    assert!(stage.codex.approvals().is_ok());
    stage.finish().await;
}

/// Without anyone to decide, the mode is refused before anything is sent.
#[tokio::test]
async fn user_review_needs_someone_to_decide() {
    let stage = Stage::new().await;
    let start = stage.codex.thread_start();
    let refused = err(start.approval_mode(ApprovalMode::UserReview)).await;
    assert!(matches!(refused, Error::InvalidInput(_)), "{refused:?}");
    let thread = stage.thread().await;
    let turn = thread.turn("go").approval_mode(ApprovalMode::UserReview);
    let refused = err(turn).await;
    assert!(matches!(refused, Error::InvalidInput(_)), "{refused:?}");
    stage.finish().await;
}
