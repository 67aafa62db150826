//! Decisions about questions of the runtime, as they are on the wire.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use codex_testkit::ScriptedServer;
use openai_codex::approval::{Approval, Command, Decision, ProposedRule, Subject};
use openai_codex::types::{
    CommandExecutionApprovalDecision, CommandExecutionRequestApprovalParams,
    CommandExecutionRequestApprovalResponse,
};
use openai_codex::{CodexConfig, Error};
use serde_json::{Value, json};

use crate::peer::{say, spawn, stage, stage_with, start_turn, within};

const COMMAND: &str = "item/commandExecution/requestApproval";
const CHANGE: &str = "item/fileChange/requestApproval";
const PERMISSIONS: &str = "item/permissions/requestApproval";

const DECISIONS: [Decision; 5] = [
    Decision::Accept,
    Decision::AcceptForSession,
    Decision::AcceptAndRemember,
    Decision::Decline,
    Decision::Cancel,
];

/// A question about item `i` of turn `a`, with what this kind of it has.
fn question(mut of_kind: Value) -> Value {
    of_kind["itemId"] = json!("i");
    of_kind["startedAtMs"] = json!(1);
    of_kind["threadId"] = json!("t");
    of_kind["turnId"] = json!("a");
    of_kind
}

fn command(mut more: Value) -> Value {
    more["command"] = json!("/bin/bash -lc 'cargo test'");
    question(more)
}

/// Configures a handler that takes its decisions from a list and keeps the questions.
fn deciding(decisions: impl Into<Vec<Decision>>) -> (CodexConfig, Arc<Mutex<Vec<Approval>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let questions = Arc::clone(&asked);
    let decisions = Mutex::new(decisions.into().into_iter());
    let config = CodexConfig::new().on_approval(move |ask: Approval| {
        questions.lock().unwrap().push(ask);
        let next = decisions.lock().unwrap().next();
        async move { next.unwrap() }
    });
    (config, asked)
}

async fn answered(server: &mut ScriptedServer, method: &str, params: Value) -> Value {
    let id = server.ask(method, params);
    within(server.answer(id)).await.unwrap()["result"].clone()
}

/// Tells whether the client has answered a request, now that it has answered or asked something later.
fn is_answered(server: &ScriptedServer, id: i64) -> bool {
    let received = server.received();
    let mut answers = received
        .iter()
        .filter(|message| message["method"].is_null());
    answers.any(|answer| answer["id"] == id)
}

/// What each of the five decisions is, for a question like this one; what the question says of it holds.
async fn wire(method: &str, params: Value, announce: Option<Value>) -> Vec<Value> {
    let (config, asked) = deciding(DECISIONS);
    let (_codex, mut server, thread) = stage_with(config).await;
    let turn = start_turn(&thread, &mut server, "a").await;
    server.notify("turn/started", crate::peer::of_turn("a", "inProgress"));
    if let Some(announced) = announce {
        server.notify("item/started", announced);
    }
    let mut answers = Vec::new();
    for _ in DECISIONS {
        answers.push(answered(&mut server, method, params.clone()).await);
    }
    if method == PERMISSIONS {
        // No answer to it ends the turn.
        let interrupt = within(server.expect("turn/interrupt")).await.unwrap();
        assert_eq!(interrupt.params()["turnId"], "a");
        interrupt.reply(json!({}));
    }
    turn.detach();
    for (ask, (decision, answer)) in asked
        .lock()
        .unwrap()
        .iter()
        .zip(DECISIONS.iter().zip(&answers))
    {
        let is_taken = *decision == Decision::Decline || *answer != simple("decline");
        assert_eq!(
            ask.offers(*decision),
            is_taken,
            "{decision:?} of {method} {params}"
        );
        if let (Subject::Command(command), Decision::AcceptAndRemember) = (&ask.subject, decision) {
            assert_eq!(stored(command), answer["decision"].as_object().cloned());
        }
    }
    answers
}

/// The decision that stores the rule that the question shows.
fn stored(command: &Command) -> Option<serde_json::Map<String, Value>> {
    let decision = match command.proposed_rule()? {
        ProposedRule::Command(words) => {
            json!({"acceptWithExecpolicyAmendment": {"execpolicy_amendment": words}})
        }
        ProposedRule::Network(rule) => {
            json!({"applyNetworkPolicyAmendment": {"network_policy_amendment": rule}})
        }
        other => panic!("{other:?}"),
    };
    decision.as_object().cloned()
}

fn simple(decision: &str) -> Value {
    json!({"decision": decision})
}

/// A decision that the runtime does not offer declines.
#[tokio::test]
async fn a_command_is_answered_as_it_is_offered() {
    let [yes, session, no, cancel] =
        ["accept", "acceptForSession", "decline", "cancel"].map(simple);
    let rule = json!(["cargo", "test"]);
    let remembered = json!({"decision": {"acceptWithExecpolicyAmendment": {
        "execpolicy_amendment": rule}}});
    let allow = json!({"action": "allow", "host": "a.example"});
    let deny = json!({"action": "deny", "host": "b.example"});
    let network = json!({"decision": {"applyNetworkPolicyAmendment": {
        "network_policy_amendment": allow}}});
    let offers_rule = json!({"acceptWithExecpolicyAmendment": {"execpolicy_amendment": rule}});
    let rows = [
        // Without a list everything is offered; without a rule nothing is remembered.
        (json!({}), [&yes, &session, &yes, &no, &cancel]),
        (
            json!({"proposedExecpolicyAmendment": rule}),
            [&yes, &session, &remembered, &no, &cancel],
        ),
        // The first rule that allows is the one that is stored.
        (
            json!({"proposedNetworkPolicyAmendments": [deny, allow]}),
            [&yes, &session, &network, &no, &cancel],
        ),
        (
            json!({"proposedNetworkPolicyAmendments": [deny]}),
            [&yes, &session, &yes, &no, &cancel],
        ),
        (
            json!({"availableDecisions": ["accept", "cancel"]}),
            [&yes, &no, &yes, &no, &cancel],
        ),
        // Where a rule is offered, the session is too, though the list does not have it.
        (
            json!({"availableDecisions": ["accept", offers_rule, "cancel"],
                "proposedExecpolicyAmendment": rule}),
            [&yes, &session, &remembered, &no, &cancel],
        ),
        // A rule that is proposed and not offered is not stored.
        (
            json!({"availableDecisions": ["accept"], "proposedExecpolicyAmendment": rule}),
            [&yes, &no, &no, &no, &cancel],
        ),
        (
            json!({"availableDecisions": []}),
            [&no, &no, &no, &no, &cancel],
        ),
        // Where the field is typed, the whole question cannot be read.
        (
            json!({"availableDecisions": "odd"}),
            match cfg!(feature = "experimental") {
                true => [&no; 5],
                false => [&no, &no, &no, &no, &cancel],
            },
        ),
        // The user's own command is never stored.
        (
            json!({"kind": "humanCommand"}),
            [&yes, &no, &yes, &no, &cancel],
        ),
    ];
    for (more, expected) in rows {
        let answers = wire(COMMAND, command(more.clone()), None).await;
        assert_eq!(answers.iter().collect::<Vec<_>>(), expected, "{more}");
    }
}

#[tokio::test]
async fn a_change_is_answered_if_it_was_announced() {
    let [yes, session, no, cancel] =
        ["accept", "acceptForSession", "decline", "cancel"].map(simple);
    let change = json!({"path": "/w/a", "kind": {"type": "add"}, "diff": "text"});
    let item =
        json!({"type": "fileChange", "id": "i", "changes": [change], "status": "inProgress"});
    let announced = json!({"threadId": "t", "turnId": "a", "item": item, "startedAtMs": 1});
    let answers = wire(CHANGE, question(json!({})), Some(announced)).await;
    assert_eq!(
        answers,
        [&yes, &session, &yes, &no, &cancel].map(Value::clone)
    );
    let answers = wire(CHANGE, question(json!({})), None).await;
    assert_eq!(answers, vec![no; 5]);
}

#[tokio::test]
async fn permissions_are_granted_as_asked_or_not_at_all() {
    let asked = json!({"network": {"enabled": true}, "fileSystem": {"write": ["/w/out"]}});
    let of = |scope: &str| json!({"permissions": asked, "scope": scope});
    let nothing = json!({"permissions": {}});
    let params = question(json!({"cwd": "/w", "permissions": asked}));
    let answers = wire(PERMISSIONS, params, None).await;
    let expected = [
        of("turn"),
        of("session"),
        of("turn"),
        nothing.clone(),
        nothing,
    ];
    assert_eq!(answers, expected);
}

/// What cannot be understood is declined, and nobody is asked.
#[tokio::test]
async fn a_question_that_cannot_be_read_is_declined_unasked() {
    let (config, asked) = deciding([]);
    let (_codex, mut server, thread) = stage_with(config).await;
    start_turn(&thread, &mut server, "a").await.detach();
    let odd = [
        json!({}),
        json!(null),
        json!([1]),
        question(json!({"command": 5})),
        question(json!({"kind": []})),
        command(json!({"additionalPermissions": {"network": 5}})),
    ];
    for params in odd {
        let answer = answered(&mut server, COMMAND, params.clone()).await;
        assert_eq!(answer, simple("decline"), "{params}");
    }
    assert!(asked.lock().unwrap().is_empty());
}

/// Only a question about running a command and nothing else has its words.
#[tokio::test]
async fn a_question_about_more_than_a_command_has_no_words() {
    let rows = [
        (json!({}), true),
        (json!({"kind": "command"}), true),
        (
            json!({"networkApprovalContext": {"host": "a.example", "protocol": "https"}}),
            false,
        ),
        (json!({"kind": "writeStdin"}), false),
        (json!({"kind": "humanCommand"}), false),
        (json!({"kind": "novel"}), false),
        (
            json!({"additionalPermissions": {"network": {"enabled": true},
                "fileSystem": {"write": ["/w/out"]}}}),
            false,
        ),
        (json!({"additionalPermissions": null}), true),
    ];
    let (config, asked) = deciding([Decision::Decline; 8]);
    let (_codex, mut server, thread) = stage_with(config).await;
    start_turn(&thread, &mut server, "a").await.detach();
    for (more, has_words) in rows {
        answered(&mut server, COMMAND, command(more.clone())).await;
        let ask = asked.lock().unwrap().pop().unwrap();
        let Subject::Command(command) = ask.subject else {
            panic!("{more}");
        };
        let words = has_words.then_some(&["cargo", "test"][..]);
        assert_eq!(command.argv(), words, "{more}");
        let asked = command
            .additional_permissions()
            .map(|asked| serde_json::to_value(asked).unwrap());
        let sent = more
            .get("additionalPermissions")
            .filter(|sent| !sent.is_null());
        assert_eq!(asked.as_ref(), sent, "{more}");
    }
}

/// A handler of the method itself goes before the one of approvals.
#[tokio::test]
async fn the_handler_of_the_method_goes_first() {
    let (config, asked) = deciding([Decision::Accept]);
    let config = config.on_request(|_: CommandExecutionRequestApprovalParams| async {
        let cancel = CommandExecutionApprovalDecision::Cancel;
        Ok(CommandExecutionRequestApprovalResponse::new(cancel))
    });
    let (_codex, mut server, thread) = stage_with(config).await;
    start_turn(&thread, &mut server, "a").await.detach();
    let answer = answered(&mut server, COMMAND, command(json!({}))).await;
    assert_eq!(answer, simple("cancel"));
    assert!(asked.lock().unwrap().is_empty());
}

/// A decision after the end of its turn is not sent, and the handler ends with the turn.
#[tokio::test]
async fn a_decision_that_comes_late_is_not_sent() {
    let dropped = Arc::new(AtomicUsize::new(0));
    struct Guard(Arc<AtomicUsize>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let counter = Arc::clone(&dropped);
    let config = CodexConfig::new().on_approval(move |_| {
        let guard = Guard(Arc::clone(&counter));
        async move {
            std::future::pending::<()>().await;
            drop(guard);
            Decision::Accept
        }
    });
    let (codex, mut server, thread) = stage_with(config).await;
    let running = spawn(start_turn(&thread, &mut server, "a").await.run());
    let id = server.ask(COMMAND, command(json!({})));
    crate::peer::still_works(&codex, &mut server).await;
    say(&mut server, "a", "fine");
    crate::peer::joined(running).await.unwrap();
    // Handlers that stop do so on their own tasks.
    while dropped.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    crate::peer::still_works(&codex, &mut server).await;
    assert!(!is_answered(&server, id));
}

/// A question in a map ends when it is resolved elsewhere, and keys are told apart.
#[tokio::test]
async fn a_question_ends_when_it_is_resolved_elsewhere() {
    let (codex, mut server, thread) = stage().await;
    let mut approvals = codex.approvals().unwrap();
    start_turn(&thread, &mut server, "a").await.detach();
    let ids = [(); 2].map(|()| server.ask(COMMAND, command(json!({}))));
    let first = within(approvals.next()).await.unwrap();
    let second = within(approvals.next()).await.unwrap();
    assert_ne!(first.approval().key, second.approval().key);
    let resolved = json!({"threadId": "t", "requestId": ids[0]});
    server.notify("serverRequest/resolved", resolved);
    within(first.resolved()).await;
    let key = first.approval().key.clone();
    let late = first.answer(Decision::Accept).await.unwrap_err();
    assert!(
        matches!(&late, Error::QuestionOver { key: over } if *over == key),
        "{late:?}"
    );
    second.answer(Decision::AcceptForSession).await.unwrap();
    let answer = within(server.answer(ids[1])).await.unwrap();
    assert_eq!(answer["result"], simple("acceptForSession"));
    assert!(!is_answered(&server, ids[0]));
}
