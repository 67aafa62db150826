//! The checked-in schema as a whole.

use std::collections::BTreeSet;

use super::super::carried::Carried;
use super::super::history::Ages;
use super::super::ir::{Kind, Presence};
use super::super::schema::Schema;
use super::super::{Model, generate};

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

/// What came to the types of an older runtime: none of it is required of that one's messages, and every
/// value and variant stands in a union or an enum, all of which are open.
#[test]
fn what_came_since_an_older_runtime_may_be_absent() {
    let path = crate::tree::root().join("xtask/tests/novelties.json");
    let novelties: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let listed =
        |key: &str| -> Vec<String> { serde_json::from_value(novelties[key].clone()).unwrap() };
    let Model { types, reach, .. } = Model::of(&schema(), &Carried::default()).unwrap();
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
