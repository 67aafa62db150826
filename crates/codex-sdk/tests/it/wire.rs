//! The exact bytes that the client sends: whole params, and keys that must be absent.

use codex_testkit::{ScriptedServer, thread_started, turn_started};
use openai_codex::types::{ReasoningEffort, ReasoningSummary};
use openai_codex::{ApprovalMode, Error, ExternalMessage, InputItem, Result, Sandbox, VERSION};
use serde_json::{Value, json};

use crate::peer::{connect, joined, spawn, stage, start_turn, still_works, within};

/// Answers the next call with `answer`, and returns its params.
pub(super) async fn sent<T: Send + 'static>(
    server: &mut ScriptedServer,
    method: &str,
    answer: Value,
    call: impl Future<Output = Result<T>> + Send + 'static,
) -> (Value, Result<T>) {
    let calling = spawn(call);
    let call = server.expect(method).await.unwrap();
    call.reply(answer);
    let outcome = joined(calling).await;
    (call.params().clone(), outcome)
}

/// `initialize` says who the client is, then comes `initialized`.
#[tokio::test]
async fn the_handshake_is_exact() {
    let (_codex, server) = connect().await;
    let info = json!({"name": "codex_rust_sdk", "version": VERSION});
    let initialize = &server.received()[0];
    assert_eq!(initialize["method"], "initialize");
    assert_eq!(initialize["params"]["clientInfo"], info);
    assert_ne!(
        initialize["params"]["capabilities"]["experimentalApi"],
        true
    );
    assert_eq!(server.received()[1], json!({"method": "initialized"}));
}

/// A new thread asks the reviewer unless it must not, and has a sandbox only if it was given one.
#[tokio::test]
async fn thread_start_sends_modes_and_presets() {
    let (codex, mut server) = connect().await;
    let reviewed = json!({"approvalPolicy": "on-request", "approvalsReviewer": "auto_review"});
    let with = |mut params: Value, key: &str, value: &str| {
        params[key] = json!(value);
        params
    };
    let rows = [
        (codex.thread_start(), reviewed.clone()),
        (
            codex.thread_start().approval_mode(ApprovalMode::AutoReview),
            reviewed.clone(),
        ),
        (
            codex.thread_start().approval_mode(ApprovalMode::DenyAll),
            json!({"approvalPolicy": "never"}),
        ),
        (
            codex.thread_start().sandbox(Sandbox::ReadOnly),
            with(reviewed.clone(), "sandbox", "read-only"),
        ),
        (
            codex.thread_start().sandbox(Sandbox::WorkspaceWrite),
            with(reviewed.clone(), "sandbox", "workspace-write"),
        ),
        (
            codex.thread_start().sandbox(Sandbox::FullAccess),
            with(reviewed.clone(), "sandbox", "danger-full-access"),
        ),
    ];
    for (start, expected) in rows {
        let answer = thread_started("t");
        let (params, _) = sent(
            &mut server,
            "thread/start",
            answer,
            async move { start.await },
        )
        .await;
        assert_eq!(params, expected);
    }
}

/// Resume and fork send what was set and nothing else, and the handle has the runtime's id.
#[tokio::test]
async fn resume_and_fork_send_what_was_set() {
    let (codex, mut server) = connect().await;
    let id = json!({"threadId": "old"});
    let with = |more: Value| {
        let mut params = id.clone();
        params
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        params
    };
    let reviewed = json!({"approvalPolicy": "on-request", "approvalsReviewer": "auto_review"});
    macro_rules! rows {
        ($start:ident, $method:literal) => {
            let plain = || codex.$start("old");
            let rows = [
                (plain(), json!({})),
                (plain().approval_mode(ApprovalMode::AutoReview), reviewed.clone()),
                (plain().approval_mode(ApprovalMode::DenyAll), json!({"approvalPolicy": "never"})),
                (plain().include_turns(true), json!({"excludeTurns": false})),
                (plain().include_turns(false), json!({"excludeTurns": true})),
                (plain().sandbox(Sandbox::FullAccess), json!({"sandbox": "danger-full-access"})),
                (plain().default_service_tier(), json!({"serviceTier": null})),
            ];
            for (start, expected) in rows {
                let answer = thread_started("new");
                let (params, thread) =
                    sent(&mut server, $method, answer, async move { start.await }).await;
                assert_eq!(params, with(expected), "{}", $method);
                assert_eq!(thread.unwrap().id(), "new");
            }
        };
    }
    rows!(thread_resume, "thread/resume");
    rows!(thread_fork, "thread/fork");
}

/// A turn sends its input and what was set, and nothing else.
#[tokio::test]
async fn turn_start_sends_what_was_set() {
    let (codex, mut server, thread) = stage().await;
    let text = json!([{"type": "text", "text": "go"}]);
    let plain = || thread.turn("go");
    let items = json!([{"type": "inputText", "text": "build done"}]);
    let image_file = json!({"type": "image", "fileId": "file-1", "detail": "high"});
    let audio = json!({"type": "audio", "url": "data:audio/wav;base64,AA=="});
    let image = || InputItem::image_url("data:image/png;base64,AA==");
    let rows = [
        (plain(), text.clone(), json!({})),
        (thread.turn(InputItem::text("go")), text.clone(), json!({})),
        (
            thread.turn([InputItem::text("go"), image()]),
            json!([text[0], {"type": "image", "url": "data:image/png;base64,AA=="}]),
            json!({}),
        ),
        // What has no constructor is built from its type.
        (
            thread.turn([
                serde_json::from_value(image_file.clone()).unwrap(),
                serde_json::from_value(audio.clone()).unwrap(),
            ]),
            json!([
                {"type": "image", "detail": "high", "fileId": "file-1"},
                {"type": "audio", "url": "data:audio/wav;base64,AA=="},
            ]),
            json!({}),
        ),
        (
            plain().approval_mode(ApprovalMode::AutoReview),
            text.clone(),
            json!({"approvalPolicy": "on-request", "approvalsReviewer": "auto_review"}),
        ),
        (
            plain().approval_mode(ApprovalMode::DenyAll),
            text.clone(),
            json!({"approvalPolicy": "never"}),
        ),
        (
            plain().sandbox(Sandbox::ReadOnly),
            text.clone(),
            json!({"sandboxPolicy": {"type": "readOnly", "networkAccess": false}}),
        ),
        (
            plain().sandbox(Sandbox::WorkspaceWrite),
            text.clone(),
            json!({"sandboxPolicy": {
                "type": "workspaceWrite", "writableRoots": [], "networkAccess": false,
                "excludeTmpdirEnvVar": false, "excludeSlashTmp": false,
            }}),
        ),
        (
            plain().sandbox(Sandbox::FullAccess),
            text.clone(),
            json!({"sandboxPolicy": {"type": "dangerFullAccess"}}),
        ),
        (
            plain()
                .service_tier("fast")
                .turn_service_tier("default")
                .source("cron"),
            text.clone(),
            json!({"serviceTier": "fast", "serviceTierForTurn": "default", "turnTrigger": "cron"}),
        ),
        (
            plain()
                .effort(ReasoningEffort::High)
                .summary(ReasoningSummary::Concise)
                .model("m"),
            text,
            json!({"effort": "high", "summary": "concise", "model": "m"}),
        ),
        (
            thread.turn(ExternalMessage::new("notifications", "build done")),
            json!([]),
            json!({"toolOutput": {"name": "notifications", "output": "build done"}}),
        ),
        (
            thread.turn(
                ExternalMessage::new(
                    "notifications",
                    serde_json::from_value::<Vec<_>>(items.clone()).unwrap(),
                )
                .namespace("ci"),
            ),
            json!([]),
            json!({"toolOutput": {"name": "notifications", "namespace": "ci", "output": items}}),
        ),
    ];
    for (start, input, more) in rows {
        let answer = turn_started("a");
        let (mut params, turn) = sent(
            &mut server,
            "turn/start",
            answer,
            async move { start.await },
        )
        .await;
        turn.unwrap().detach();
        // The runtime takes texts with and without their empty list of elements.
        for item in params["input"].as_array_mut().unwrap() {
            let item = item.as_object_mut().unwrap();
            if item.get("text_elements") == Some(&json!([])) {
                item.remove("text_elements");
            }
        }
        let mut expected = json!({"threadId": "t", "input": input});
        expected
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        assert_eq!(params, expected);
    }
    still_works(&codex, &mut server).await;
}

/// `run` without options sends neither key of the approval mode.
#[tokio::test]
async fn run_sends_no_approval_keys() {
    let (_codex, mut server, thread) = stage().await;
    let running = spawn(async move { thread.run("go").await });
    let call = server.expect("turn/start").await.unwrap();
    for key in [
        "approvalPolicy",
        "approvalsReviewer",
        "sandboxPolicy",
        "sandbox",
    ] {
        assert_eq!(call.params().get(key), None, "{key}");
    }
    call.reply(turn_started("a"));
    crate::peer::say(&mut server, "a", "fine");
    joined(running).await.unwrap();
}

/// What cannot be right is not sent.
#[tokio::test]
async fn bad_input_is_refused_before_sending() {
    let (codex, mut server, thread) = stage().await;
    let nothing: [InputItem; 0] = [];
    let refused = [
        thread.turn(nothing),
        thread.turn(ExternalMessage::new(" ", "x")),
        thread.turn("x").output_schema(json!("text")),
        thread.turn("x").effort(ReasoningEffort::from("")),
    ];
    for start in refused {
        let error = within(start.into_future()).await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{error:?}");
    }
    let turn = start_turn(&thread, &mut server, "a").await;
    let nothing: [InputItem; 0] = [];
    let error = within(turn.steer(nothing)).await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error:?}");
    turn.detach();
    still_works(&codex, &mut server).await;
    assert!(
        !server
            .received_methods()
            .iter()
            .any(|method| method == "turn/steer")
    );
}
