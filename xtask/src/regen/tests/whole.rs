//! The checked-in schema as a whole.

use std::collections::BTreeSet;

use super::super::bundle::Bundle;
use super::super::schema::Schema;
use super::super::{corrections, generate};

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

/// GEN-09: the catalogue lists those of the v2 part whose branches have one value each. To these come
/// the same outside of v2, and those that group values without a text of their own in one branch, which
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

/// GEN-10, GEN-16, GEN-18: names stay, none is made up, and none is there twice.
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

/// GEN-24.
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
