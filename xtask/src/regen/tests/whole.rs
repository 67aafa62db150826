//! The checked-in schema as a whole.

use std::collections::BTreeSet;

use super::super::carried::Carried;
use super::super::history::Ages;
use super::super::ir::{Kind, Presence};
use super::super::schema::Schema;
use super::super::{Model, Outputs, generate, outputs};

fn schema() -> Schema {
    Schema::read(&crate::tree::root().join("schema")).unwrap()
}

/// Names stay, none is made up, and none is there twice.
#[test]
fn names_are_those_of_the_schema() {
    let schema = schema();
    let files = generate(
        &schema,
        &Model::of(&schema, &Carried::default()).unwrap(),
        &Ages::default(),
    )
    .unwrap();
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

/// What the runtime of today always sends and an older one does not may be absent.
#[test]
fn what_came_since_an_older_runtime_may_be_absent() {
    let root = crate::tree::root();
    let Outputs { model, ages, .. } = outputs(&root, &schema()).unwrap();
    let mut may_be_absent = 0;
    for (name, definition) in &model.types {
        let Kind::Object(fields) = &definition.kind else {
            continue;
        };
        if !model.reach.from_server.contains(name) {
            continue;
        }
        for field in fields
            .iter()
            .filter(|field| ages.came_later(name, &field.wire))
        {
            let place = format!("{name}.{}", field.wire);
            assert_ne!(field.presence, Presence::Required, "{place}");
            may_be_absent += 1;
        }
    }
    assert!(may_be_absent > 0);
}
