//! Corrections of unions: whatever the schema spells, typify sees an externally tagged enum over
//! named definitions, and how it is told apart on the wire is kept beside it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use heck::ToUpperCamelCase;
use serde_json::{Map, Value, json};

use super::super::bundle::{object, ref_name};
use super::super::findings::Finding;
use super::{Corrected, tables};

/// How a union is told apart, and what its variants are.
#[derive(Debug, Clone, PartialEq)]
pub struct UnionFacts {
    pub kind: UnionKind,
    /// Variants in the schema's order.
    pub variants: Vec<VariantFacts>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum UnionKind {
    Tagged(String),
    External,
    Untagged,
}

#[derive(Debug, Clone, PartialEq)]
pub struct VariantFacts {
    pub wire: String,
    /// The key under which typify sees it; it becomes the Rust variant's name.
    pub key: String,
    pub docs: Option<String>,
}

/// Base `properties` beside a `oneOf` belong to every variant; typify drops them.
pub fn merge_base_properties(corrected: &mut Corrected) -> Result<usize> {
    let mut touched = 0;
    for (name, definition) in &mut corrected.definitions {
        if definition.get("oneOf").is_none() || definition.get("properties").is_none() {
            continue;
        }
        let map = object(definition, name)?;
        let base = map.remove("properties").unwrap_or_default();
        let required = map.remove("required").unwrap_or_default();
        map.remove("type");
        for variant in map["oneOf"].as_array_mut().into_iter().flatten() {
            add_properties(object(variant, name)?, &base, &required);
        }
        touched += 1;
    }
    Ok(touched)
}

fn add_properties(variant: &mut Map<String, Value>, properties: &Value, required: &Value) {
    let own = variant.entry("properties").or_insert_with(|| json!({}));
    if let (Some(own), Some(more)) = (own.as_object_mut(), properties.as_object()) {
        for (wire, property) in more {
            own.entry(wire.clone()).or_insert_with(|| property.clone());
        }
    }
    if let Some(more) = required.as_array() {
        let own = variant.entry("required").or_insert_with(|| json!([]));
        if let Some(own) = own.as_array_mut() {
            own.extend(more.iter().cloned());
        }
    }
}

/// Alternatives inside a variant (`url` or `fileId`) become optional properties of the variant.
pub fn flatten_variant_alternatives(corrected: &mut Corrected) -> Result<usize> {
    let mut touched = 0;
    for (name, definition) in &mut corrected.definitions {
        for variant in definition
            .get_mut("oneOf")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            let map = object(variant, name)?;
            if !map.contains_key("properties") {
                continue;
            }
            let alternatives = map.remove("anyOf").or_else(|| map.remove("oneOf"));
            let Some(alternatives) = alternatives else {
                continue;
            };
            for alternative in alternatives.as_array().into_iter().flatten() {
                ensure!(
                    alternative["properties"].is_object(),
                    "{name}: an alternative inside a variant is no object: {alternative}"
                );
                add_properties(map, &alternative["properties"], &Value::Null);
            }
            touched += 1;
        }
    }
    Ok(touched)
}

/// A member that takes any string or object is the schema's own open end; every union gets ours.
pub fn drop_catch_all_members(corrected: &mut Corrected) -> Result<usize> {
    let mut touched = 0;
    for (name, definition) in &mut corrected.definitions {
        let Some(members) = definition.get_mut("anyOf").and_then(Value::as_array_mut) else {
            continue;
        };
        let before = members.len();
        members.retain(|member| member["type"] != json!(["string", "object"]));
        if members.len() < before {
            let map = object(definition, name)?;
            let members = map.remove("anyOf").unwrap_or_default();
            map.insert("oneOf".into(), members);
            touched += 1;
        }
    }
    Ok(touched)
}

/// A `oneOf` of string enums is one string enum; the members' doc texts go to the values.
pub fn flatten_string_literals(corrected: &mut Corrected) -> Result<usize> {
    let mut touched = 0;
    for (name, definition) in &mut corrected.definitions {
        let Some(members) = definition["oneOf"].as_array() else {
            continue;
        };
        let literal = |member: &Value| {
            let plain = ["type", "enum", "description", "title"];
            let map = member.as_object();
            member["type"] == "string"
                && member["enum"].is_array()
                && map.is_some_and(|map| map.keys().all(|key| plain.contains(&key.as_str())))
        };
        if !members.iter().all(literal) {
            continue;
        }
        let mut values = Vec::new();
        for member in members {
            let docs = member["description"].as_str();
            for value in member["enum"].as_array().into_iter().flatten() {
                if let (Some(docs), Some(value)) = (docs, value.as_str()) {
                    let key = (name.clone(), value.to_owned());
                    corrected.value_docs.insert(key, docs.to_owned());
                }
                values.push(value.clone());
            }
        }
        *definition = json!({"type": "string", "enum": values});
        touched += 1;
    }
    Ok(touched)
}

/// Properties that can tell variants apart, in the order of preference.
pub const TAGS: [&str; 5] = ["type", "kind", "mode", "method", "handlerType"];

/// The variants of internally tagged unions become definitions without the tag, named
/// `<Variant><Union>` as in the schema's own titles. A variant without properties gets one as well:
/// a newer runtime's fields have a place there, and a field added later does not change its shape.
pub fn hoist_tagged_variants(corrected: &mut Corrected) -> Result<usize> {
    let mut touched = 0;
    for name in names_with(corrected, "oneOf") {
        let members = corrected.definitions[&name]["oneOf"].as_array().cloned();
        let members = members.unwrap_or_default();
        let Some(tag) = TAGS.iter().find(|tag| {
            let single = |member: &Value| {
                member["properties"][**tag]["enum"].as_array().map(Vec::len) == Some(1)
            };
            members.iter().all(single)
        }) else {
            continue;
        };
        let mut variants = Vec::new();
        let mut hoisted = BTreeMap::new();
        for mut member in members {
            let map = object(&mut member, &name)?;
            let docs = map.remove("description");
            map.remove("title");
            let properties = object(map.entry("properties").or_insert_with(|| json!({})), &name)?;
            let wire = properties.remove(*tag).unwrap_or_default()["enum"][0].clone();
            let wire = wire.as_str().context("a tag is not a string")?.to_owned();
            if let Some(Value::Array(required)) = map.get_mut("required") {
                required.retain(|name| name != tag);
            }
            let key = variant_key(corrected, &name, &wire, &hoisted)?;
            let docs = docs.and_then(|text| text.as_str().map(str::to_owned));
            let target = format!("{key}{name}");
            map.insert("type".into(), "object".into());
            if let Some(docs) = &docs {
                corrected.docs.insert(target.clone(), docs.clone());
            }
            hoisted.insert(key.clone(), (target, Some(member)));
            variants.push(VariantFacts { wire, key, docs });
        }
        let kind = UnionKind::Tagged((*tag).to_owned());
        replace_union(corrected, &name, kind, variants, hoisted)?;
        touched += 1;
    }
    Ok(touched)
}

/// Strings beside objects with one property are externally tagged; inline payloads get names.
pub fn hoist_external_payloads(corrected: &mut Corrected) -> Result<usize> {
    let mut touched = 0;
    for name in names_with(corrected, "oneOf") {
        if corrected.unions.contains_key(&name) {
            continue;
        }
        let members = corrected.definitions[&name]["oneOf"].as_array().cloned();
        let mut variants = Vec::new();
        let mut hoisted = BTreeMap::new();
        for member in members.unwrap_or_default() {
            let docs = member["description"].as_str().map(str::to_owned);
            if let Some(values) = member["enum"].as_array() {
                for value in values {
                    let wire = value.as_str().with_context(|| {
                        format!("{name} has the value {value}, which is not a string")
                    })?;
                    let key = variant_key(corrected, &name, wire, &hoisted)?;
                    hoisted.insert(key.clone(), (String::new(), None));
                    let (wire, docs) = (wire.to_owned(), docs.clone());
                    variants.push(VariantFacts { wire, key, docs });
                }
                continue;
            }
            let single = member["properties"].as_object();
            let Some((wire, payload)) = single
                .filter(|map| map.len() == 1)
                .and_then(|map| map.iter().next())
            else {
                bail!(
                    "{name} has a member that is neither a string nor an object with one property: {member}"
                );
            };
            let key = variant_key(corrected, &name, wire, &hoisted)?;
            let named = ref_name(payload).map_or_else(|| format!("{key}{name}"), str::to_owned);
            let payload = ref_name(payload).is_none().then(|| payload.clone());
            hoisted.insert(key.clone(), (named, payload));
            let wire = wire.clone();
            variants.push(VariantFacts { wire, key, docs });
        }
        replace_union(corrected, &name, UnionKind::External, variants, hoisted)?;
        touched += 1;
    }
    Ok(touched)
}

/// Unions told apart only by shape get their variants' names from a table, or else by rule.
pub fn name_untagged_members(corrected: &mut Corrected) -> Result<usize> {
    let names = names_with(corrected, "anyOf");
    for (name, _) in tables::UNTAGGED_VARIANTS {
        if !names.iter().any(|known| known == name) {
            corrected.stale("UNTAGGED_VARIANTS", *name);
        }
    }
    for name in &names {
        let members = corrected.definitions[name]["anyOf"].as_array().cloned();
        let members = members.with_context(|| format!("{name} has an anyOf that is no list"))?;
        let mut rows = tables::UNTAGGED_VARIANTS.iter();
        let row = rows.find(|(known, _)| known == name);
        let row = row.map_or(&[][..], |(_, keys)| keys);
        if row.len() != members.len() {
            corrected.findings.add(Finding::Named {
                place: name.clone(),
                table: "UNTAGGED_VARIANTS",
            });
        }
        let keys = untagged_keys(row, &members);
        let mut variants = Vec::new();
        let mut properties = Vec::new();
        for (mut member, key) in members.into_iter().zip(keys) {
            let map = object(&mut member, name)?;
            let docs = map.remove("description");
            map.remove("title");
            let docs = docs.and_then(|text| text.as_str().map(str::to_owned));
            if map.contains_key("properties") {
                let target = format!("{key}{name}");
                insert_new(corrected, target.clone(), member)?;
                member = json!({"$ref": format!("#/definitions/{target}")});
            }
            properties.push(external_member(&key, member));
            let wire = key.clone();
            variants.push(VariantFacts { wire, key, docs });
        }
        corrected
            .definitions
            .insert(name.clone(), json!({"oneOf": properties}));
        let kind = UnionKind::Untagged;
        corrected
            .unions
            .insert(name.clone(), UnionFacts { kind, variants });
    }
    Ok(names.len())
}

/// The members' names: those of the table first, and for the others by rule that of the type or of the
/// first required property, each once.
fn untagged_keys(row: &[&str], members: &[Value]) -> Vec<String> {
    let mut keys: Vec<String> = row.iter().map(|key| (*key).to_owned()).collect();
    for (index, member) in members.iter().enumerate().skip(row.len()) {
        let required = member["required"][0].as_str();
        let name = ref_name(member)
            .or(required)
            .or_else(|| member["type"].as_str())
            .unwrap_or("other");
        let key = name.to_upper_camel_case();
        let taken = keys.contains(&key);
        keys.push(if taken {
            format!("{key}{}", index + 1)
        } else {
            key
        });
    }
    keys
}

fn names_with(corrected: &Corrected, keyword: &str) -> Vec<String> {
    corrected
        .definitions
        .iter()
        .filter(|(_, definition)| definition.get(keyword).is_some())
        .map(|(name, _)| name.clone())
        .collect()
}

/// The wire value in PascalCase, or the name that the table has for it. Where that name is taken, the
/// separators of the wire value are spelled out.
fn variant_key<T>(
    corrected: &mut Corrected,
    union: &str,
    wire: &str,
    taken: &BTreeMap<String, T>,
) -> Result<String> {
    let row = tables::VARIANT_NAMES
        .iter()
        .find(|(name, value, _)| *name == union && *value == wire);
    let key = row.map_or_else(|| wire.to_upper_camel_case(), |row| row.2.to_owned());
    if !taken.contains_key(&key) {
        return Ok(key);
    }
    let spelled = wire
        .replace('/', " slash ")
        .replace('-', " dash ")
        .replace('.', " dot ")
        .to_upper_camel_case();
    ensure!(
        !taken.contains_key(&spelled),
        "two variants of {union} would have the name {spelled}: name {wire} in VARIANT_NAMES"
    );
    corrected.findings.add(Finding::Named {
        place: format!("{wire} of {union}"),
        table: "VARIANT_NAMES",
    });
    Ok(spelled)
}

/// Finds the rows of [`tables::VARIANT_NAMES`] that name no variant.
pub fn check_variant_names(corrected: &mut Corrected) {
    for (union, wire, _) in tables::VARIANT_NAMES {
        let facts = corrected.unions.get(*union);
        let known = facts.is_some_and(|facts| facts.variants.iter().any(|row| row.wire == *wire));
        if !known {
            corrected.stale("VARIANT_NAMES", format!("{wire} of {union}"));
        }
    }
}

fn external_member(key: &str, payload: Value) -> Value {
    json!({
        "type": "object",
        "properties": {key: payload},
        "required": [key],
        "additionalProperties": false,
    })
}

/// Puts in place of the union what typify reads as an externally tagged enum.
fn replace_union(
    corrected: &mut Corrected,
    name: &str,
    kind: UnionKind,
    variants: Vec<VariantFacts>,
    mut hoisted: BTreeMap<String, (String, Option<Value>)>,
) -> Result<()> {
    let mut units = Vec::new();
    let mut members = Vec::new();
    for variant in &variants {
        match hoisted.remove(&variant.key) {
            Some((target, Some(payload))) if payload.get("properties").is_some() => {
                insert_new(corrected, target.clone(), payload)?;
                let reference = json!({"$ref": format!("#/definitions/{target}")});
                members.push(external_member(&variant.key, reference));
            }
            Some((_, Some(payload))) => members.push(external_member(&variant.key, payload)),
            Some((target, None)) if corrected.definitions.contains_key(&target) => {
                let reference = json!({"$ref": format!("#/definitions/{target}")});
                members.push(external_member(&variant.key, reference));
            }
            _ => units.push(variant.key.clone()),
        }
    }
    if !units.is_empty() {
        members.push(json!({"type": "string", "enum": units}));
    }
    corrected
        .definitions
        .insert(name.to_owned(), json!({"oneOf": members}));
    corrected
        .unions
        .insert(name.to_owned(), UnionFacts { kind, variants });
    Ok(())
}

pub fn insert_new(corrected: &mut Corrected, name: String, definition: Value) -> Result<()> {
    ensure!(
        !corrected.definitions.contains_key(&name),
        "the variant's type {name} has the name of another definition"
    );
    corrected.definitions.insert(name, definition);
    Ok(())
}
