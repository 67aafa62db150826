//! Tests of what the golden files compile to.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::*;

/// Reads it in one pass and from a value, and writes it again as it came.
fn recode<T: DeserializeOwned + Serialize + PartialEq + Debug>(json: &Value) -> T {
    let read: T = codec::from_str(&json.to_string()).unwrap();
    assert_eq!(serde_json::from_value::<T>(json.clone()).unwrap(), read);
    assert_eq!(&serde_json::to_value(&read).unwrap(), json);
    read
}

#[test]
fn presence_is_kept() {
    for json in [
        json!({"id": "t", "projectId": null}),
        json!({"id": "t"}),
        json!({"id": "t", "projectId": "p", "preview": null, "turnCount": 3}),
    ] {
        recode::<presence::Thread>(&json);
    }
    assert!(codec::from_str::<presence::Thread>("{}").is_err());
}

#[test]
fn null_and_absent_stay_apart_in_a_patch() {
    use patch::TurnSettingsUpdateParams as Params;
    assert_eq!(recode::<Params>(&json!({})).service_tier, None);
    assert_eq!(
        recode::<Params>(&json!({"serviceTier": null})).service_tier,
        Some(None)
    );
    let set = Params::default().service_tier("fast".to_owned()).model("m");
    assert_eq!(set, recode(&json!({"model": "m", "serviceTier": "fast"})));
}

#[test]
fn defaults_are_written_only_where_they_were_set() {
    let unset = serde_json::to_value(default::SearchParams::default()).unwrap();
    assert_eq!(unset, json!({}));
    let set = serde_json::to_value(preset::SearchParams::default().recursive(true)).unwrap();
    assert_eq!(set, json!({"recursive": true}));
    assert!(recode::<preset::SearchParams>(&json!({})).recursive);
    recode::<preset::SearchParams>(&json!({"recursive": false}));
}

#[test]
fn base_properties_and_alternatives_reach_the_variant() {
    let tagged_union::Item::Plan(plan) =
        recode(&json!({"type": "plan", "startedAtMs": 5, "novel": 1}))
    else {
        panic!("not the variant of its tag");
    };
    assert_eq!(plan.started_at_ms, Some(5));
    let variant_alternatives::Content::Image(image) =
        recode(&json!({"type": "image", "fileId": "f"}))
    else {
        panic!("not the variant of its tag");
    };
    assert_eq!((image.file_id.as_deref(), image.url), (Some("f"), None));
}

#[test]
fn unions_and_enums_are_open() {
    recode::<tagged_union::Item>(&json!({"type": "novel", "a": [1]}));
    recode::<external_union::Decision>(&json!({"novel": {"a": 1}}));
    recode::<untagged_union::ThreadListCwdFilter>(&json!({"novel": 1}));
    recode::<string_literals::MessagePhase>(&json!("novel"));
    // With the feature off, what is experimental is a novelty as well.
    let policy = recode(&json!({"granular": "x"}));
    assert!(matches!(
        policy,
        experimental_variant::Policy::Unrecognized(_)
    ));
    let params: experimental_field::TurnStartParams = recode(&json!({"novel": true}));
    assert_eq!(params.unknown_fields.get("novel"), Some(&json!(true)));
}

#[test]
fn secrets_do_not_show() {
    let login: secrets::AmazonBedrockLoginAccountParams =
        recode(&json!({"apiKey": "sk-1", "region": "eu"}));
    let shown = format!("{login:?}");
    assert!(!shown.contains("sk-1") && shown.contains("eu"), "{shown}");
}

/// Rows are sorted, and a payload says by its shape which turn it belongs to.
#[test]
fn notifications_are_routed_by_the_shape_of_their_payload() {
    use notification_rows::{NOTIFICATION_METHODS, ServerNotification};
    assert_eq!(
        NOTIFICATION_METHODS,
        ["item/delta", "turn/completed", "warning"]
    );
    for (method, params, thread, turn) in [
        (
            "item/delta",
            r#"{"threadId":"a","turnId":"b"}"#,
            Some("a"),
            Some("b"),
        ),
        ("turn/completed", r#"{"turn":{"id":"b"}}"#, None, Some("b")),
        ("warning", "{}", None, None),
        ("novel", r#"{"threadId":"a"}"#, Some("a"), None),
    ] {
        let notification = ServerNotification::decode(method, params);
        assert_eq!(
            (notification.thread_id(), notification.turn_id()),
            (thread, turn),
            "{method}"
        );
    }
}

#[test]
fn requests_are_routed_and_answered_by_their_rows() {
    use request::SafeReply;
    use server_rows::{ServerRequest, safe_reply};
    for (method, params, thread, turn) in [
        (
            "item/requestApproval",
            r#"{"threadId":"a","turnId":"b"}"#,
            Some("a"),
            Some("b"),
        ),
        // What does not fit is routed by its raw params.
        ("item/requestApproval", r#"{"turnId":"b"}"#, None, Some("b")),
        (
            "patchApproval",
            r#"{"conversationId":"a"}"#,
            Some("a"),
            None,
        ),
        ("novel", r#"{"turnId":"b"}"#, None, Some("b")),
    ] {
        let request = ServerRequest::decode(method, params);
        assert_eq!(
            (request.thread_id(), request.turn_id()),
            (thread, turn),
            "{method}"
        );
    }
    // `safe.rs` decides about neither.
    for method in ["item/requestApproval", "patchApproval"] {
        assert_eq!(safe_reply(method, None), Some(SafeReply::Error));
    }
    assert_eq!(safe_reply("novel", None), None);
}
