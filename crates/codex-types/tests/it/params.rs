//! Tests of the params that the client writes: what was set, and nothing else.

use codex_types::{
    AccountLogoutParams, ApiKeyLoginAccountParams, LoginAccountParams, ReadOnlySandboxPolicy,
    SandboxPolicy, ThreadForkParams, ThreadListParams, ThreadSource, ThreadStartParams,
    TurnStartParams, UserInput,
};
use serde_json::{json, to_value};

/// Fields are snake case in Rust and camel case on the wire, unset ones are not written.
#[test]
fn unset_fields_are_not_written() {
    let params = ThreadListParams::default()
        .search_term("needle")
        .limit(5u32);
    assert_eq!(
        to_value(params).unwrap(),
        json!({"searchTerm": "needle", "limit": 5})
    );
    assert_eq!(to_value(ThreadListParams::default()).unwrap(), json!({}));
}

/// Absent, null and a value are three things where the runtime tells them apart.
#[test]
fn null_is_not_absence() {
    let params = ThreadStartParams::default;
    assert_eq!(to_value(params()).unwrap(), json!({}));
    assert_eq!(
        to_value(params().service_tier(None)).unwrap(),
        json!({"serviceTier": null})
    );
    let set = params().service_tier("fast".to_owned());
    assert_eq!(
        to_value(set.clone()).unwrap(),
        json!({"serviceTier": "fast"})
    );
    assert_eq!(set.service_tier, Some(Some("fast".into())));
    let read: ThreadStartParams = serde_json::from_value(json!({"serviceTier": null})).unwrap();
    assert_eq!(read.service_tier, Some(None));
}

/// Start and fork take a source that these types do not know.
#[test]
fn params_take_unknown_values() {
    let params = ThreadForkParams::new("t").thread_source(ThreadSource::from("future_source"));
    let expected = json!({"threadId": "t", "threadSource": "future_source"});
    assert_eq!(to_value(params).unwrap(), expected);
}

/// A default that was set is written, one that was not is left out.
#[test]
fn a_default_that_was_set_is_written() {
    let policy = |policy| to_value(SandboxPolicy::ReadOnly(policy)).unwrap();
    assert_eq!(
        policy(ReadOnlySandboxPolicy::default()),
        json!({"type": "readOnly"})
    );
    let set = ReadOnlySandboxPolicy::default().network_access(false);
    assert_eq!(
        policy(set),
        json!({"type": "readOnly", "networkAccess": false})
    );
    assert_eq!(
        to_value(SandboxPolicy::danger_full_access()).unwrap(),
        json!({"type": "dangerFullAccess"})
    );
}

/// Each input item as it stands on the wire.
#[test]
fn input_items_have_their_wire_shapes() {
    let items = [
        UserInput::text("t"),
        UserInput::image_url("data:image/png;base64,AA=="),
        UserInput::image_bytes("image/png", &[0]),
        UserInput::local_image("/p.png"),
        UserInput::skill("n", "/s/SKILL.md"),
        UserInput::mention("n", "/m"),
    ];
    let expected = json!([
        {"type": "text", "text": "t"},
        {"type": "image", "url": "data:image/png;base64,AA=="},
        {"type": "image", "url": "data:image/png;base64,AA=="},
        {"type": "localImage", "path": "/p.png"},
        {"type": "skill", "name": "n", "path": "/s/SKILL.md"},
        {"type": "mention", "name": "n", "path": "/m"},
    ]);
    assert_eq!(to_value(items).unwrap(), expected);
}

#[test]
fn required_fields_are_arguments() {
    let params = TurnStartParams::new([UserInput::text("x")], "t");
    assert_eq!(
        to_value(params).unwrap(),
        json!({"input": [{"type": "text", "text": "x"}], "threadId": "t"})
    );
}

#[test]
fn a_method_without_params_has_a_unit_type() {
    use codex_types::request::ClientRequest;
    fn method<P: ClientRequest>(_: P) -> (&'static str, bool) {
        (P::METHOD, P::HAS_PARAMS)
    }
    assert_eq!(method(AccountLogoutParams), ("account/logout", false));
}

#[test]
fn debug_hides_secrets() {
    let params = LoginAccountParams::ApiKey(ApiKeyLoginAccountParams::new("sk-secret"));
    let shown = format!("{params:?}");
    assert!(
        !shown.contains("sk-secret") && shown.contains("api_key"),
        "{shown}"
    );
}
