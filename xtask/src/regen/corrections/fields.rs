//! Facts of object properties that typify cannot express: presence, defaults and doc texts.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::super::ir::Presence;
use super::{Corrected, tables};

/// What the schema says of one property beside its type.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldFacts {
    pub presence: Presence,
    pub docs: Option<String>,
}

/// Notes every property's presence and doc text, and makes it plain and required for typify.
pub fn record_fields(corrected: &mut Corrected) -> Result<usize> {
    let mut recorded = BTreeMap::new();
    for (name, definition) in &mut corrected.definitions {
        let required: Vec<String> = definition["required"]
            .as_array()
            .map(|names| {
                names
                    .iter()
                    .filter_map(|name| name.as_str().map(str::to_owned))
                    .collect()
            })
            .unwrap_or_default();
        let Some(properties) = definition
            .get_mut("properties")
            .and_then(Value::as_object_mut)
        else {
            continue;
        };
        let mut facts = BTreeMap::new();
        for (wire, property) in properties.iter_mut() {
            let field = field_facts(property, required.contains(wire))
                .with_context(|| format!("{name}.{wire}"))?;
            facts.insert(wire.clone(), field);
        }
        let all: Vec<&String> = properties.keys().collect();
        definition["required"] = json!(all);
        recorded.insert(name.clone(), facts);
    }
    for (name, wire) in tables::NULL_IS_NOT_ABSENT {
        let Some(fact) = recorded
            .get_mut(*name)
            .and_then(|facts| facts.get_mut(*wire))
        else {
            corrected.stale("NULL_IS_NOT_ABSENT", &format!("{name}.{wire}"))?;
            continue;
        };
        ensure!(
            fact.presence == Presence::Optional,
            "NULL_IS_NOT_ABSENT names {name}.{wire}, which is not optional and nullable any more"
        );
        fact.presence = Presence::Patch;
    }
    let touched = recorded.values().map(BTreeMap::len).sum();
    corrected.fields = recorded;
    Ok(touched)
}

fn field_facts(property: &mut Value, required: bool) -> Result<FieldFacts> {
    let Some(map) = property.as_object_mut() else {
        let presence = if required {
            Presence::Required
        } else {
            Presence::Optional
        };
        return Ok(FieldFacts {
            presence,
            docs: None,
        });
    };
    let docs = map
        .remove("description")
        .and_then(|text| text.as_str().map(str::to_owned));
    let default = map.remove("default").filter(|default| !default.is_null());
    let nullable = strip_null(property)?;
    let presence = match (required, nullable, default) {
        (true, false, None) => Presence::Required,
        (true, true, None) => Presence::Nullable,
        (false, _, None) => Presence::Optional,
        (false, false, Some(default)) => Presence::Defaulted(default),
        (_, _, Some(default)) => {
            anyhow::bail!("a nullable or required property has the default {default}")
        }
    };
    Ok(FieldFacts { presence, docs })
}

/// Takes null out of a property's type and says whether it was there.
fn strip_null(property: &mut Value) -> Result<bool> {
    let Some(map) = property.as_object_mut() else {
        return Ok(false);
    };
    if let Some(Value::Array(types)) = map.get_mut("type") {
        let before = types.len();
        types.retain(|name| name != "null");
        ensure!(types.len() == 1, "a property has several types: {types:?}");
        let nullable = types.len() < before;
        let single = types.remove(0);
        map.insert("type".into(), single);
        return Ok(nullable);
    }
    if let Some(Value::Array(members)) = map.get_mut("anyOf") {
        members.retain(|member| member != &json!({"type": "null"}));
        ensure!(
            members.len() == 1,
            "an inline union of several members is not understood"
        );
        let single = members.remove(0);
        *property = single;
        return Ok(true);
    }
    Ok(false)
}
