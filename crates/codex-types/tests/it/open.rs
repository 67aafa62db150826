//! A newer runtime's messages: nothing breaks and nothing is lost.

use codex_types::{
    Account, CodexErrorInfo, FunctionCallOutputBody, GetAccountResponse, MessagePhase, PlanType,
    ReasoningEffort, ServerNotification, ThreadItem, ThreadResumeResponse, ThreadSource,
    TurnStatus,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn through<T: DeserializeOwned + Serialize>(json: Value) -> T {
    let value: T = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&value).unwrap(), json);
    let text: T = codex_types::from_str(&json.to_string()).unwrap();
    assert_eq!(serde_json::to_value(text).unwrap(), json);
    value
}

/// An unknown plan stays typed and keeps its text.
#[test]
fn an_unknown_plan_type_keeps_its_text() {
    let response: GetAccountResponse = through(json!({
        "account": {"type": "chatgpt", "email": null, "planType": "self_serve_business_novel"},
        "requiresOpenaiAuth": true,
    }));
    let Some(Account::Chatgpt(account)) = response.account else {
        panic!("{:?}", response.account);
    };
    let expected = PlanType::Unrecognized("self_serve_business_novel".into());
    assert_eq!(account.plan_type, expected);
    assert_eq!(account.plan_type.as_str(), "self_serve_business_novel");
    assert_eq!(account.email, None);
}

/// What is required but may be null parses when it is absent, and stays absent.
#[test]
fn a_required_nullable_field_may_be_absent() {
    let account: Account = through(json!({"type": "chatgpt", "planType": "pro"}));
    assert!(matches!(account, Account::Chatgpt(account) if account.email.is_none()));
}

/// Open strings have constants and take any other value.
#[test]
fn open_strings_have_constants() {
    assert_eq!(
        through::<ReasoningEffort>(json!("xhigh")),
        ReasoningEffort::Xhigh
    );
    assert_eq!(
        through::<ReasoningEffort>(json!("future")),
        ReasoningEffort::from("future")
    );
    assert_eq!(
        through::<ThreadSource>(json!("memory_consolidation")),
        ThreadSource::MemoryConsolidation
    );
    assert_eq!(
        ThreadSource::from("future_source").to_string(),
        "future_source"
    );
}

/// An item of an unknown kind keeps its raw JSON, and says that the kind is what is unknown.
#[test]
fn an_unknown_item_keeps_its_json() {
    let json = json!({"type": "hologram", "id": "i", "deep": {"x": [1, null, 2.5]}});
    let ThreadItem::Unrecognized(raw) = through(json.clone()) else {
        panic!("an unknown kind has no variant");
    };
    assert_eq!((raw.value, raw.error), (json.clone(), None));
    assert_eq!(through::<ThreadItem>(json).id(), Some("i"));
}

/// A known kind that does not fit keeps its raw JSON, and the reason.
#[test]
fn an_unfitting_item_keeps_its_json_and_the_reason() {
    let json = json!({"type": "agentMessage", "id": "i", "text": 5});
    let ThreadItem::Unrecognized(raw) = through(json.clone()) else {
        panic!("the text is a number");
    };
    assert_eq!(raw.value, json);
    assert!(raw.error.unwrap().to_string().contains("expected a string"));
}

/// One bad item does not take the list with it, and the tag need not come first.
#[test]
fn unions_read_any_order_and_spare_their_neighbors() {
    let items: Vec<ThreadItem> = through(json!([
        {"id": "a", "text": "x", "type": "agentMessage"},
        {"type": "agentMessage"},
        null,
        {"type": "agentMessage", "id": "b", "text": "y", "phase": "novel", "startedAtMs": 3},
    ]));
    assert!(matches!(&items[0], ThreadItem::AgentMessage(message) if message.text == "x"));
    assert!(matches!(&items[1], ThreadItem::Unrecognized(_)));
    assert!(matches!(&items[2], ThreadItem::Unrecognized(_)));
    let ThreadItem::AgentMessage(message) = &items[3] else {
        panic!("{:?}", items[3])
    };
    assert_eq!(message.phase, Some(MessagePhase::from("novel")));
    assert_eq!(message.started_at_ms, Some(3));
}

/// Properties beside the variants are read on each of them.
#[test]
fn base_properties_are_on_every_variant() {
    let item: ThreadItem = through(json!({
        "type": "contextCompaction", "id": "i", "startedAtMs": 17, "completedAtMs": null,
    }));
    assert_eq!(item.started_at_ms(), Some(17));
}

#[test]
fn error_infos_are_strings_objects_or_anything() {
    assert_eq!(
        through::<CodexErrorInfo>(json!("serverOverloaded")),
        CodexErrorInfo::ServerOverloaded
    );
    let info = through(json!({"httpConnectionFailed": {"httpStatusCode": 503}}));
    assert!(
        matches!(info, CodexErrorInfo::HttpConnectionFailed(failed) if failed.http_status_code == Some(503))
    );
    for novel in [
        json!("novel"),
        json!({"novel": {"a": 1}}),
        json!({"a": 1, "b": 2}),
        json!({}),
    ] {
        assert!(matches!(through(novel), CodexErrorInfo::Unrecognized(_)));
    }
}

#[test]
fn a_union_by_shape_keeps_what_fits_none() {
    assert_eq!(
        through::<FunctionCallOutputBody>(json!("x")),
        FunctionCallOutputBody::Text("x".into())
    );
    let items = through(json!([{"type": "input_text", "text": "x"}]));
    assert!(matches!(items, FunctionCallOutputBody::ContentItems(items) if items.len() == 1));
    assert!(matches!(
        through(json!(5)),
        FunctionCallOutputBody::Unrecognized(_)
    ));
}

/// A response of an older runtime without newer required fields parses.
#[test]
fn a_response_without_newer_nullable_fields_parses() {
    let response: ThreadResumeResponse = serde_json::from_value(json!({
        "thread": {
            "id": "t", "sessionId": "t", "preview": "", "ephemeral": false, "modelProvider": "openai",
            "createdAt": 1, "updatedAt": 1, "status": {"type": "idle"}, "path": null, "cwd": "/w",
            "cliVersion": "0", "source": "vscode", "gitInfo": null, "name": null, "turns": [],
        },
        "model": "m", "modelProvider": "openai", "cwd": "/w", "approvalPolicy": "on-request",
        "approvalsReviewer": "auto_review", "sandbox": {"type": "dangerFullAccess"}, "reasoningEffort": null,
    }))
    .unwrap();
    assert_eq!(response.thread.id, "t");
    assert_eq!(response.approvals_reviewer.as_str(), "auto_review");
}

/// What is unknown keeps method, params and reason, and its route.
#[test]
fn an_unknown_notification_keeps_everything_and_still_routes() {
    let novel = ServerNotification::decode("novel/thing", r#"{"turn":{"id":"u"},"threadId":"t"}"#);
    let ServerNotification::Unknown(unknown) = &novel else {
        panic!("{novel:?}")
    };
    assert_eq!(unknown.method, "novel/thing");
    assert_eq!(
        unknown.params,
        json!({"turn": {"id": "u"}, "threadId": "t"})
    );
    assert!(unknown.error.is_none());
    assert_eq!((novel.thread_id(), novel.turn_id()), (Some("t"), Some("u")));

    let unfit =
        ServerNotification::decode("turn/completed", r#"{"threadId":"t","turn":{"id":"u"}}"#);
    let ServerNotification::Unknown(unknown) = &unfit else {
        panic!("{unfit:?}")
    };
    assert!(
        unknown
            .error
            .as_ref()
            .unwrap()
            .to_string()
            .contains("missing field")
    );
    assert_eq!(unfit.turn_id(), Some("u"));
}

#[test]
fn an_unknown_status_is_a_status() {
    let status = through::<TurnStatus>(json!("paused"));
    assert_eq!(status, TurnStatus::Unrecognized("paused".into()));
}

/// A reader that rounds would give back `6.6666666666666685e65`.
#[test]
fn a_number_of_an_unknown_field_keeps_its_last_digit() {
    const PARAMS: &str = r#"{"share":6.666666666666668e65}"#;
    let ServerNotification::Unknown(unknown) = ServerNotification::decode("novel/thing", PARAMS)
    else {
        panic!("it is known")
    };
    assert_eq!(unknown.params["share"], 6.666666666666668e65);
}

/// Also where a consumer's tree turns on `arbitrary_precision`, by which serde_json passes a number
/// on as a map with a key of its own.
#[test]
fn numbers_are_written_back_as_numbers_wherever_they_stand() {
    let any = serde_json::from_str::<Value>("1e400").is_ok();
    let exact = ["0.1000000000000000055", "18446744073709551616", "1e+400"];
    let numbers = ["1", "-0.0", "1.0", "1.5e-7"];
    for number in numbers.iter().chain(exact.iter().filter(|_| any)) {
        let deep = format!(r#"{{"a":[{number},{{"b":{number}}}]}}"#);
        let item = format!(r#"{{"type":"novel","id":"i","x":{number},"deep":{deep}}}"#);
        let call = format!(
            r#"{{"x":{number},"id":"i","tool":"t","server":"s","status":"completed","arguments":{deep},"type":"mcpToolCall"}}"#
        );
        for item in [item, call] {
            for (method, params) in [
                (
                    "item/completed",
                    format!(
                        r#"{{"novel":{number},"threadId":"t","turnId":"u","completedAtMs":1,"item":{item}}}"#
                    ),
                ),
                ("novel/event", item.clone()),
            ] {
                let event = ServerNotification::decode(method, &params);
                let written = serde_json::to_string(&event).unwrap();
                let expected = params.matches(number).count();
                assert_eq!(written.matches(number).count(), expected, "{written}");
                assert!(!written.contains("private"), "{written}");
                let value = serde_json::to_value(&event).unwrap();
                let again: ServerNotification = serde_json::from_value(value).unwrap();
                assert_eq!(again, event);
            }
        }
    }
}

/// Where `preserve_order` is on, they keep the order of the wire.
#[test]
fn the_order_of_unknown_fields_makes_no_difference() {
    let delta = |novel: &str| {
        let params = format!(r#"{{"threadId":"t","turnId":"u","itemId":"i","delta":"x",{novel}}}"#);
        ServerNotification::decode("item/agentMessage/delta", &params)
    };
    assert_eq!(
        delta(r#""a":1,"b":{"c":1,"d":2}"#),
        delta(r#""b":{"d":2,"c":1},"a":1"#)
    );
    assert_ne!(delta(r#""a":1,"b":2"#), delta(r#""a":1,"b":3"#));
    assert_ne!(delta(r#""a":1"#), delta(r#""a":1,"b":3"#));
}
