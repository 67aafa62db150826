//! The checked-in schema as a whole.

use std::collections::BTreeSet;

use super::super::bundle::Bundle;
use super::super::ir::{Kind, Presence};
use super::super::reach::Reach;
use super::super::schema::Schema;
use super::super::{corrections, generate, lower};

fn schema() -> Schema {
    Schema::read(&crate::tree::root().join("schema")).unwrap()
}

/// The definitions that are a `oneOf` in the bundle and a plain string enum after the corrections.
fn flattened(text: &str, complete: bool) -> BTreeSet<String> {
    let bundle = Bundle::parse(text).unwrap();
    let before = bundle.definitions.clone();
    let corrected = corrections::apply(bundle.definitions, complete).unwrap();
    let flat = corrected
        .definitions
        .into_iter()
        .filter(|(name, definition)| {
            let union = before
                .get(name)
                .is_some_and(|before| before.get("oneOf").is_some());
            union && definition["type"] == "string"
        });
    flat.map(|(name, _)| name).collect()
}

/// The catalogue lists those of the v2 part whose branches have one value each. To these come the
/// same outside of v2, and those that group values without a text of their own in one branch, which
/// are no other type for that.
#[test]
fn these_definitions_are_flattened() {
    let single = [
        "AuthMode",
        "AutoCompactTokenLimitScope",
        "CommandExecOutputStream",
        "ConsumeAccountRateLimitResetCreditOutcome",
        "ExperimentalFeatureStage",
        "InputModality",
        "MessagePhase",
        "PluginAvailability",
        "ProcessOutputStream",
        "ToolExposureSurface",
        "TurnItemsView",
    ];
    let outside = [
        "ChatgptAuthTokensRefreshReason",
        "FileChangeApprovalDecision",
    ];
    let grouped = ["CommandExecutionApprovalKind", "ReasoningSummary"];
    let experimental = ["EnvironmentStatusKind", "TurnSettingsUpdateStatus"];
    let set = |names: &[&[&str]]| -> BTreeSet<String> {
        names
            .iter()
            .flat_map(|names| names.iter())
            .map(|&name| name.to_owned())
            .collect()
    };
    let schema = schema();
    assert_eq!(
        flattened(&schema.stable, false),
        set(&[&single, &outside, &grouped])
    );
    assert_eq!(
        flattened(&schema.experimental, true),
        set(&[&single, &outside, &grouped, &experimental])
    );
}

/// Names stay, none is made up, and none is there twice.
#[test]
fn names_are_those_of_the_schema() {
    let files = generate(&schema()).unwrap();
    let names: BTreeSet<&str> = files["names.txt"]
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    for name in [
        "AskForApproval::Granular",
        "ImageUserInput",
        "InputImageContentItem",
        "InputImageFunctionCallOutputContentItem",
        "PlanType::Unrecognized",
        "ReasoningSummary::None",
        "ServerNotification::Error",
        "ServerNotification::ThreadStarted",
        "ThreadItem::AgentMessage",
    ] {
        // The open end is every enum's, and stands in no table.
        assert!(
            names.contains(name) || name.ends_with("::Unrecognized"),
            "{name} is gone"
        );
    }
    for name in &names {
        let parts = name.split(['.', ':', ' ']);
        let bad = ["Variant0", "Variant1", "Subtype", "Inner"];
        assert!(
            !bad.iter().any(|bad| name.contains(bad)),
            "{name} must be looked up to be understood"
        );
        let ends = parts
            .clone()
            .next()
            .unwrap_or_default()
            .trim_end_matches(char::is_numeric);
        let doubled =
            ends.len() < parts.clone().next().unwrap_or_default().len() && names.contains(ends);
        assert!(!doubled, "{name} looks like a second {ends}");
    }
}

#[test]
fn the_methods_are_counted() {
    let bundle = Bundle::parse(&schema().stable).unwrap();
    let counts = (
        bundle.client_requests.len(),
        bundle.server_requests.len(),
        bundle.notifications.len(),
    );
    assert_eq!(counts, (109, 10, 86));
    let payloads: BTreeSet<_> = bundle
        .notifications
        .iter()
        .map(|method| &method.params)
        .collect();
    assert_eq!(payloads.len(), 84);
}

/// What came to the types of an older runtime: none of it is required of that one's messages, and every
/// value and variant stands in a union or an enum, all of which are open.
#[test]
fn what_came_since_an_older_runtime_may_be_absent() {
    let path = crate::tree::root().join("xtask/tests/novelties.json");
    let novelties: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let listed =
        |key: &str| -> Vec<String> { serde_json::from_value(novelties[key].clone()).unwrap() };
    let (types, registry) = lower(&schema().stable, false).unwrap();
    let reach = Reach::of(&registry, &types);
    for novelty in listed("fields") {
        let (name, field) = novelty.split_once('.').unwrap();
        let Kind::Object(fields) = &types[name].kind else {
            panic!("{name} is no object any more");
        };
        let field = fields.iter().find(|known| known.ident == field);
        let field = field.unwrap_or_else(|| panic!("{novelty} is gone"));
        let required = field.presence == Presence::Required;
        assert!(
            !required || !reach.from_server.contains(name),
            "{novelty} is required"
        );
    }
    for novelty in listed("variants") {
        let (name, variant) = novelty.split_once("::").unwrap();
        let known: Vec<&str> = match &types[name].kind {
            Kind::StringEnum(values) => values.iter().map(|value| &*value.ident).collect(),
            Kind::Tagged { variants, .. } | Kind::External(variants) | Kind::Untagged(variants) => {
                variants.iter().map(|variant| &*variant.ident).collect()
            }
            Kind::Object(_) | Kind::Text => panic!("{name} is no enum any more"),
        };
        assert!(known.contains(&variant), "{novelty} is gone");
    }
}
