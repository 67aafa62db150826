//! Named corrections of the schema, applied in order before typify sees it.
//!
//! Each correction counts what it touched, and one that touches nothing is stale: the schema has moved
//! on, or is an older one.

mod asides;
mod fields;
mod inline;
mod tables;
mod unions;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::bundle::Definitions;
use super::findings::{Finding, Findings};

pub use fields::FieldFacts;
pub use unions::{TAGS, UnionFacts, UnionKind};

/// What typify cannot carry through: it is taken out of the schema and joined again while lowering.
#[derive(Debug, Default)]
pub struct Corrected {
    pub definitions: Definitions,
    /// Facts of every object's properties, by definition and wire name.
    pub fields: BTreeMap<String, BTreeMap<String, FieldFacts>>,
    /// How the union is told apart on the wire, and its variants in order.
    pub unions: BTreeMap<String, UnionFacts>,
    /// Doc text of a definition.
    pub docs: BTreeMap<String, String>,
    /// Doc text of one value of a string enum.
    pub value_docs: BTreeMap<(String, String), String>,
    /// Whether this is the experimental bundle, to which every row of the tables must apply.
    pub complete: bool,
    /// How many places each correction touched.
    pub touched: Vec<(&'static str, usize)>,
    pub findings: Findings,
}

type Correction = fn(&mut Corrected) -> Result<usize>;

/// The corrections in the order in which they apply.
const CORRECTIONS: [(&str, Correction); 19] = [
    ("drop_nullable_aliases", drop_nullable_aliases),
    ("replace_asides", asides::replace_asides),
    ("record_docs", record_docs),
    ("inline_single_all_of", inline_single_all_of),
    ("open_listed_numbers", inline::open_listed_numbers),
    ("name_inline_unions", inline::name_inline_unions),
    ("merge_base_properties", unions::merge_base_properties),
    (
        "flatten_variant_alternatives",
        unions::flatten_variant_alternatives,
    ),
    ("drop_catch_all_members", unions::drop_catch_all_members),
    ("flatten_string_literals", unions::flatten_string_literals),
    ("hoist_tagged_variants", unions::hoist_tagged_variants),
    ("hoist_external_payloads", unions::hoist_external_payloads),
    ("name_untagged_members", unions::name_untagged_members),
    ("list_known_values", list_known_values),
    ("widen_numbers", widen_numbers),
    ("drop_string_bounds", drop_string_bounds),
    ("name_inline_types", inline::name_inline_types),
    ("record_fields", fields::record_fields),
    ("close_objects", close_objects),
];

/// Corrections for what a newer runtime may bring, whether this one needs them or not.
const PROVISIONS: [&str; 3] = [
    "open_listed_numbers",
    "name_inline_unions",
    "name_inline_types",
];

/// Applies every correction, and finds those that a whole bundle does not need.
pub fn apply(definitions: Definitions, complete: bool) -> Result<Corrected> {
    let unused_asides = match complete {
        true => asides::unused(&definitions),
        false => Vec::new(),
    };
    let mut corrected = correct(definitions, complete)?;
    for aside in unused_asides {
        corrected.findings.add(Finding::Stale {
            table: "ASIDES",
            row: format!("{aside:?}"),
        });
    }
    let touched = corrected.touched.iter().filter(|_| complete);
    let stale = touched.filter(|(name, touched)| *touched == 0 && !PROVISIONS.contains(name));
    for (name, _) in stale {
        corrected.findings.add(Finding::Stale {
            table: "CORRECTIONS",
            row: (*name).to_owned(),
        });
    }
    Ok(corrected)
}

/// Applies every correction to whatever is there.
pub fn correct(definitions: Definitions, complete: bool) -> Result<Corrected> {
    let mut corrected = Corrected {
        definitions,
        complete,
        ..Corrected::default()
    };
    for (name, definition) in &corrected.definitions {
        check_keywords(name, definition, &mut corrected.findings)?;
    }
    walk_all(&mut corrected, |schema| {
        let map = schema.as_object_mut();
        map.is_some_and(|map| {
            map.retain(|keyword, _| KEYWORDS.contains(&keyword.as_str()));
            false
        })
    });
    for (name, correction) in CORRECTIONS {
        let touched = correction(&mut corrected).with_context(|| format!("correction {name}"))?;
        corrected.touched.push((name, touched));
    }
    unions::check_variant_names(&mut corrected);
    Ok(corrected)
}

const KEYWORDS: [&str; 18] = [
    "$ref",
    "$schema",
    "additionalProperties",
    "allOf",
    "anyOf",
    "default",
    "description",
    "enum",
    "format",
    "items",
    "minLength",
    "minimum",
    "oneOf",
    "properties",
    "required",
    "title",
    "type",
    "deprecated",
];

/// Finds keywords that the generator does not know, so that their meaning is never lost in silence.
fn check_keywords(name: &str, schema: &Value, findings: &mut Findings) -> Result<()> {
    let Some(map) = schema.as_object() else {
        ensure!(
            schema == &json!(true),
            "definition {name} holds a schema that is neither an object nor true: {schema}"
        );
        return Ok(());
    };
    for (keyword, value) in map {
        if !KEYWORDS.contains(&keyword.as_str()) {
            findings.add(Finding::Keyword {
                definition: name.to_owned(),
                keyword: keyword.clone(),
            });
        }
        match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => properties
                .values()
                .try_for_each(|property| check_keywords(name, property, findings))?,
            ("oneOf" | "anyOf" | "allOf", Value::Array(members)) => members
                .iter()
                .try_for_each(|member| check_keywords(name, member, findings))?,
            ("items", items) => check_keywords(name, items, findings)?,
            ("additionalProperties", Value::Object(_)) => check_keywords(name, value, findings)?,
            _ => {}
        }
    }
    Ok(())
}

impl Corrected {
    /// Takes a table's row that names nothing: stale, unless only the experimental bundle has it.
    fn stale(&mut self, table: &'static str, row: impl Into<String>) {
        if self.complete {
            let row = row.into();
            self.findings.add(Finding::Stale { table, row });
        }
    }
}

/// Calls `visit` for every schema below and including this one.
fn walk(schema: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    visit(schema);
    let Some(map) = schema.as_object_mut() else {
        return;
    };
    for (keyword, value) in map {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                properties.values_mut().for_each(|child| walk(child, visit));
            }
            ("oneOf" | "anyOf" | "allOf", Value::Array(members)) => {
                members.iter_mut().for_each(|child| walk(child, visit));
            }
            ("items" | "additionalProperties", child) if child.is_object() => walk(child, visit),
            _ => {}
        }
    }
}

/// Walks all definitions and counts the places where `visit` says that it changed something.
fn walk_all(corrected: &mut Corrected, mut visit: impl FnMut(&mut Value) -> bool) -> usize {
    let mut touched = 0;
    for definition in corrected.definitions.values_mut() {
        walk(definition, &mut |schema| {
            touched += usize::from(visit(schema))
        });
    }
    touched
}

/// `NullableX` aliases only say that a method's params may be null, which the method table keeps.
fn drop_nullable_aliases(corrected: &mut Corrected) -> Result<usize> {
    let before = corrected.definitions.len();
    corrected
        .definitions
        .retain(|name, _| !name.starts_with("Nullable"));
    Ok(before - corrected.definitions.len())
}

/// Doc texts are joined again while lowering, because typify drops those that stand beside a `$ref`.
fn record_docs(corrected: &mut Corrected) -> Result<usize> {
    for (name, definition) in &corrected.definitions {
        if let Some(text) = definition["description"].as_str() {
            corrected.docs.insert(name.clone(), text.to_owned());
        }
    }
    Ok(corrected.docs.len())
}

/// `allOf: [ref]` is how the schema attaches a default or a description to a reference.
fn inline_single_all_of(corrected: &mut Corrected) -> Result<usize> {
    let mut touched = 0;
    for (name, definition) in &mut corrected.definitions {
        walk(definition, &mut |schema| {
            let Some(map) = schema.as_object_mut() else {
                return;
            };
            match map.remove("allOf") {
                None => return,
                Some(Value::Array(members)) if members.len() == 1 && members[0].is_object() => {
                    let single = members.into_iter().next();
                    map.extend(
                        single
                            .and_then(|only| only.as_object().cloned())
                            .unwrap_or_default(),
                    );
                }
                Some(_) => {
                    map.retain(|keyword, _| keyword == "description");
                    corrected.findings.add(Finding::Shapeless {
                        place: name.clone(),
                        why: "has an allOf of several members".to_owned(),
                    });
                }
            }
            touched += 1;
        });
    }
    Ok(touched)
}

/// Open strings whose constants the schema does not list get the known ones from a table.
fn list_known_values(corrected: &mut Corrected) -> Result<usize> {
    let mut touched = 0;
    for (name, values) in tables::KNOWN_VALUES {
        let open = corrected
            .definitions
            .get_mut(*name)
            .filter(|found| found["type"] == "string" && found.get("enum").is_none());
        match open {
            Some(definition) => {
                definition["enum"] = json!(values);
                touched += 1;
            }
            None => corrected.stale("KNOWN_VALUES", *name),
        }
    }
    Ok(touched)
}

/// `uint` says nothing of the width, and `minimum` would make typify choose `NonZero` types.
fn widen_numbers(corrected: &mut Corrected) -> Result<usize> {
    Ok(walk_all(corrected, |schema| {
        let Some(map) = schema.as_object_mut() else {
            return false;
        };
        let bounded = map.remove("minimum").is_some();
        let unsized_format = map.get("format").is_some_and(|format| format == "uint");
        if unsized_format {
            map.insert("format".into(), "uint64".into());
        }
        bounded || unsized_format
    }))
}

/// `minLength` would become a checked newtype; the runtime checks it and the client stays open.
fn drop_string_bounds(corrected: &mut Corrected) -> Result<usize> {
    Ok(walk_all(corrected, |schema| {
        schema
            .as_object_mut()
            .is_some_and(|map| map.remove("minLength").is_some())
    }))
}

/// Objects become plain structs: `additionalProperties` beside properties is what `unknown_fields`
/// holds, and an object without properties stays a struct instead of a map.
fn close_objects(corrected: &mut Corrected) -> Result<usize> {
    let mut touched = 0;
    let hoisted: BTreeSet<&String> = corrected.unions.keys().collect();
    for (name, definition) in &mut corrected.definitions {
        let is_object = definition["type"] == "object";
        if !is_object || hoisted.contains(name) {
            continue;
        }
        let map = super::bundle::object(definition, name)?;
        ensure!(
            !map.get("additionalProperties")
                .is_some_and(Value::is_object),
            "definition {name} has typed additionalProperties beside its properties"
        );
        map.insert("additionalProperties".into(), false.into());
        map.entry("properties").or_insert_with(|| json!({}));
        touched += 1;
    }
    Ok(touched)
}
