//! Facts of object properties that typify cannot express: presence, defaults and doc texts.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use super::super::findings::Finding;
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
            let place = format!("{name}.{wire}");
            let field = field_facts(property, required.contains(wire), |why| {
                let place = place.clone();
                corrected.findings.add(Finding::Shapeless { place, why });
            });
            facts.insert(wire.clone(), field);
        }
        let all: Vec<&String> = properties.keys().collect();
        definition["required"] = json!(all);
        recorded.insert(name.clone(), facts);
    }
    for (name, wire) in tables::NULL_IS_NOT_ABSENT {
        let fact = recorded
            .get_mut(*name)
            .and_then(|facts| facts.get_mut(*wire))
            .filter(|fact| fact.presence == Presence::Optional);
        match fact {
            Some(fact) => fact.presence = Presence::Patch,
            None => corrected.stale("NULL_IS_NOT_ABSENT", format!("{name}.{wire}")),
        }
    }
    let touched = recorded.values().map(BTreeMap::len).sum();
    corrected.fields = recorded;
    Ok(touched)
}

fn field_facts(
    property: &mut Value,
    required: bool,
    mut shapeless: impl FnMut(String),
) -> FieldFacts {
    let Some(map) = property.as_object_mut() else {
        let presence = if required {
            Presence::Required
        } else {
            Presence::Optional
        };
        return FieldFacts {
            presence,
            docs: None,
        };
    };
    let docs = map
        .remove("description")
        .and_then(|text| text.as_str().map(str::to_owned));
    let default = map.remove("default").filter(|default| !default.is_null());
    let nullable = strip_null(property).unwrap_or_else(|why| {
        shapeless(why);
        *property = json!(true);
        true
    });
    let presence = match (required, nullable, default) {
        (true, false, _) => Presence::Required,
        (true, true, _) => Presence::Nullable,
        (false, false, Some(default)) if *property != json!(true) => Presence::Defaulted(default),
        // What null or a listed default stands for, absence does too.
        _ => Presence::Optional,
    };
    FieldFacts { presence, docs }
}

/// Takes null out of a property's type and says whether it was there, or why it cannot be said.
fn strip_null(property: &mut Value) -> Result<bool, String> {
    let Some(map) = property.as_object_mut() else {
        return Ok(false);
    };
    if let Some(Value::Array(types)) = map.get_mut("type") {
        let before = types.len();
        types.retain(|name| name != "null");
        if types.len() != 1 {
            return Err(format!("has several types {types:?}"));
        }
        let nullable = types.len() < before;
        let single = types.remove(0);
        map.insert("type".into(), single);
        return Ok(nullable);
    }
    if let Some(Value::Array(members)) = map.get_mut("anyOf") {
        members.retain(|member| member != &json!({"type": "null"}));
        if members.len() != 1 {
            return Err("is an inline union".to_owned());
        }
        let single = members.remove(0);
        *property = single;
        return Ok(true);
    }
    Ok(false)
}
