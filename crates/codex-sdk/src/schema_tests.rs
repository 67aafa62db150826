//! The setters against the schema: what they set is a property of the params, in one runtime or another.

use std::collections::BTreeSet;

use codex_types::{
    ModelListParams, ReadOnlySandboxPolicy, ReasoningEffort, ReasoningSummary, SandboxPolicy,
    SortDirection, ThreadForkParams, ThreadListParams, ThreadResumeParams, ThreadSortKey,
    ThreadSource, ThreadSourceKind, ThreadStartParams, ThreadStartSource, TurnStartParams,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::request::{ModelList, ThreadFork, ThreadList, ThreadResume, ThreadStart, TurnStart};
use crate::{ApprovalMode, Sandbox};

/// Reads the properties that a type has in any runtime that was looked at.
fn properties(definition: &str) -> BTreeSet<String> {
    const HISTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/history.json");
    let history: Value = serde_json::from_slice(&std::fs::read(HISTORY).unwrap()).unwrap();
    let groups = history["types"][definition]["parts"].as_object().unwrap();
    let names = groups.values().flat_map(|names| names.as_array().unwrap());
    names
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

/// Checks that `built`, with every setter called, is what the definition has, and that what is left out
/// on purpose is none of it. What a newer runtime adds is told by `cargo xtask bump`, and set by `with`.
fn check(definition: &str, built: &impl Serialize, left_out: &[&str]) {
    let built = serde_json::to_value(built).unwrap();
    let sent: BTreeSet<String> = built.as_object().unwrap().keys().cloned().collect();
    let left_out: BTreeSet<String> = left_out.iter().map(|&name| name.into()).collect();
    let both: Vec<_> = sent.intersection(&left_out).collect();
    assert!(both.is_empty(), "{definition}: offered after all: {both:?}");
    let known: BTreeSet<String> = sent.union(&left_out).cloned().collect();
    let unknown: Vec<_> = known.difference(&properties(definition)).cloned().collect();
    assert!(
        unknown.is_empty(),
        "no runtime has {unknown:?} of {definition}"
    );
}

/// Personality has no effect any more; the runtime calls it deprecated.
const PERSONALITY: &str = "personality";

macro_rules! shared_options {
    ($builder:expr) => {
        $builder
            .approval_mode(ApprovalMode::AutoReview)
            .base_instructions("base")
            .config(Map::from_iter([("web_search".into(), json!("disabled"))]))
            .cwd("/work")
            .developer_instructions("developer")
            .model("m")
            .model_provider("p")
            .sandbox(Sandbox::ReadOnly)
            .default_service_tier()
    };
}

fn thread_start() -> ThreadStart<()> {
    shared_options!(ThreadStart::new(()))
        .ephemeral(true)
        .service_name("s")
        .session_start_source(ThreadStartSource::Startup)
        .thread_source(ThreadSource::User)
}

/// Personality is not among them.
#[test]
fn thread_start_offers_what_the_schema_has() {
    let params: ThreadStartParams = thread_start().into_params().unwrap();
    check("ThreadStartParams", &params, &[PERSONALITY]);
}

/// `include_turns` is the inverse of `excludeTurns`.
#[test]
fn thread_resume_offers_what_the_schema_has() {
    let params: ThreadResumeParams = shared_options!(ThreadResume::new((), "t".into()))
        .include_turns(true)
        .into_params()
        .unwrap();
    check("ThreadResumeParams", &params, &[PERSONALITY]);
}

#[test]
fn thread_fork_offers_what_the_schema_has() {
    let params: ThreadForkParams = shared_options!(ThreadFork::new((), "t".into()))
        .ephemeral(false)
        .include_turns(true)
        .last_turn_id("u")
        .thread_source(ThreadSource::User)
        .into_params()
        .unwrap();
    check("ThreadForkParams", &params, &[]);
}

#[test]
fn thread_list_offers_what_the_schema_has() {
    let list = ThreadList::new(())
        .archived(true)
        .cursor("c")
        .cwd("/work")
        .limit(1)
        .model_providers(["p"])
        .search_term("s")
        .without_section()
        .sort_direction(SortDirection::Asc)
        .sort_key(ThreadSortKey::CreatedAt)
        .source_kinds([ThreadSourceKind::Vscode])
        .use_state_db_only(true);
    let params: ThreadListParams = list.into_parts().1;
    // Of accounts and hosts that programs of this kind do not share, and a rare filter.
    let left_out = ["currentAccountOnly", "excludedThreadIds", "originators"];
    check("ThreadListParams", &params, &left_out);
}

#[test]
fn model_list_offers_what_the_schema_has() {
    let list = ModelList::new(()).include_hidden(true).cursor("c").limit(1);
    let params: ModelListParams = list.into_parts().1;
    // Newer than the option list of the SDKs.
    check("ModelListParams", &params, &["modelProvider"]);
}

fn turn_start() -> TurnStart<()> {
    TurnStart::new((), "hello".into())
        .approval_mode(ApprovalMode::AutoReview)
        .cwd("/work")
        .effort(ReasoningEffort::High)
        .model("m")
        .output_schema(json!({"type": "object"}))
        .sandbox(Sandbox::ReadOnly)
        .default_service_tier()
        .source("automation")
        .summary(ReasoningSummary::Auto)
        .turn_service_tier("default")
        .client_message_id("m-1")
}

/// Renamed are `sandbox`, `turn_service_tier`, `source` and `client_message_id`.
#[test]
fn turn_start_offers_what_the_schema_has() {
    let params: TurnStartParams = turn_start().into_params("t").unwrap();
    let left_out = [
        "disabledPluginIds",
        // Set by those who start turns on behalf of other turns.
        "parentTurnId",
        "rootTurnId",
        PERSONALITY,
        // Set by the input: an external message.
        "toolOutput",
    ];
    check("TurnStartParams", &params, &left_out);
}

#[test]
fn a_turns_sandbox_is_a_preset_or_a_policy() {
    let turn = || TurnStart::new((), "hello".into());
    let policy = SandboxPolicy::ReadOnly(ReadOnlySandboxPolicy::default().network_access(true));
    let sent = |turn: TurnStart<()>| turn.into_params("t").unwrap().sandbox_policy;
    assert_eq!(sent(turn().sandbox(policy.clone())), Some(policy));
    let preset = SandboxPolicy::from(Sandbox::ReadOnly);
    assert_eq!(sent(turn().sandbox(Sandbox::ReadOnly)), Some(preset));
}

/// What no setter offers is set on the params themselves, after all setters.
#[test]
fn the_door_is_applied_last() {
    let list = ThreadList::new(())
        .with(|params| params.limit = Some(2))
        .limit(1);
    assert_eq!(list.into_parts().1.limit, Some(2));
    let start = ThreadStart::new(())
        .with(|params| params.model = Some("door".into()))
        .model("setter");
    assert_eq!(start.into_params().unwrap().model.as_deref(), Some("door"));
    let turn = turn_start().with(|params| params.effort = None);
    assert_eq!(turn.into_params("t").unwrap().effort, None);
}

#[test]
fn what_is_not_set_is_not_sent() {
    let turn = TurnStart::new((), "hello".into()).into_params("t").unwrap();
    assert_eq!(
        serde_json::to_value(turn).unwrap(),
        json!({"threadId": "t", "input": [{"type": "text", "text": "hello"}]})
    );
    let start = ThreadStart::new(()).into_params().unwrap();
    assert_eq!(
        serde_json::to_value(start).unwrap(),
        json!({"approvalPolicy": "on-request", "approvalsReviewer": "auto_review"})
    );
    let start = ThreadStart::new(()).approval_mode(ApprovalMode::DenyAll);
    assert_eq!(
        serde_json::to_value(start.into_params().unwrap()).unwrap(),
        json!({"approvalPolicy": "never"})
    );
}

/// An external message without a tool, among others.
#[test]
fn what_cannot_be_sent_is_refused() {
    let turn = || TurnStart::new((), "hello".into());
    let refused = [
        TurnStart::new((), Vec::new().into()),
        TurnStart::new((), crate::ExternalMessage::new(" ", "x").into()),
        turn().effort(ReasoningEffort::from("")),
        turn().output_schema(json!("schema")),
    ];
    for turn in refused {
        let error = turn.clone().into_params("t").unwrap_err();
        assert!(matches!(error, crate::Error::InvalidInput(_)), "{turn:?}");
    }
}

#[test]
fn debug_holds_no_configuration() {
    let start = thread_start().config(Map::from_iter([("key".into(), json!("sk-secret"))]));
    let debug = format!("{start:?}");
    assert!(
        debug.contains("ThreadStart") && !debug.contains("sk-secret"),
        "{debug}"
    );
}
