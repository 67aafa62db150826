//! Corrections of schemas that stand inside a property, where the generator needs a name.

use anyhow::Result;
use heck::ToUpperCamelCase;
use serde_json::{Value, json};

use super::super::findings::Finding;
use super::{Corrected, TAGS, walk_all};

/// A number whose values are listed, such as that of a version, is a number: a newer runtime has others.
pub fn open_listed_numbers(corrected: &mut Corrected) -> Result<usize> {
    Ok(walk_all(corrected, |schema| {
        let listed = schema["enum"].as_array();
        let numbers = listed.is_some_and(|values| values.iter().all(Value::is_number));
        match schema.as_object_mut().filter(|_| numbers) {
            Some(map) => map.remove("enum").is_some(),
            None => false,
        }
    }))
}

/// Unions inside properties become definitions, before the other corrections look for unions.
pub fn name_inline_unions(corrected: &mut Corrected) -> Result<usize> {
    name_inline(corrected, |schema| {
        let members = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
        let of_null = |members: &[Value]| {
            members.len() == 2 && members.iter().any(|member| member["type"] == "null")
        };
        members.is_some_and(|members| members.len() > 1 && !of_null(members))
    })
}

/// String enums and objects inside properties become definitions, once the tags of unions are gone.
pub fn name_inline_types(corrected: &mut Corrected) -> Result<usize> {
    name_inline(corrected, |schema| {
        schema["enum"].is_array() || schema["properties"].is_object()
    })
}

/// Gives what `wanted` takes a definition of its own, named after the type and the property.
fn name_inline(corrected: &mut Corrected, wanted: fn(&Value) -> bool) -> Result<usize> {
    let mut touched = 0;
    let mut names: Vec<String> = corrected.definitions.keys().cloned().collect();
    // What was taken out may hold more.
    while let Some(name) = names.pop() {
        // The payloads of a lowered union have their names already.
        if corrected.unions.contains_key(&name) {
            continue;
        }
        let Some(mut definition) = corrected.definitions.remove(&name) else {
            continue;
        };
        let mut taken = Vec::new();
        let members = ["oneOf", "anyOf"].map(|keyword| {
            let members = definition[keyword].as_array().map_or(0, Vec::len);
            (0..members).map(move |index| format!("/{keyword}/{index}"))
        });
        let places = members.into_iter().flatten().chain([String::new()]);
        for place in places.collect::<Vec<_>>() {
            let Some(schema) = definition.pointer_mut(&place) else {
                continue;
            };
            let properties = schema.get_mut("properties");
            let Some(properties) = properties.and_then(Value::as_object_mut) else {
                continue;
            };
            let tagged = !place.is_empty();
            for (wire, property) in properties {
                // An external payload has its name by its union.
                if tagged && (TAGS.contains(&wire.as_str()) || property["properties"].is_object()) {
                    continue;
                }
                take(
                    &format!("{name}{}", wire.to_upper_camel_case()),
                    property,
                    wanted,
                    &mut taken,
                );
            }
        }
        corrected.definitions.insert(name, definition);
        for (name, schema) in taken {
            corrected.findings.add(Finding::Named {
                place: name.clone(),
                table: "the schema",
            });
            super::unions::insert_new(corrected, name.clone(), schema)?;
            names.push(name);
            touched += 1;
        }
    }
    Ok(touched)
}

/// Puts a reference in place of the schema, or of what it lists or may be.
fn take(
    name: &str,
    schema: &mut Value,
    wanted: fn(&Value) -> bool,
    taken: &mut Vec<(String, Value)>,
) {
    if !schema.is_object() {
        return;
    }
    if wanted(schema) {
        let mut reference = json!({"$ref": format!("#/definitions/{name}")});
        if schema["type"]
            .as_array()
            .is_some_and(|types| types.contains(&json!("null")))
        {
            reference = json!({"anyOf": [reference, {"type": "null"}]});
            schema["type"] = schema["type"][0].take();
            if let Some(values) = schema["enum"].as_array_mut() {
                values.retain(|value| !value.is_null());
            }
        }
        for keyword in ["default", "description"] {
            if let Some(value) = schema.as_object_mut().and_then(|map| map.remove(keyword)) {
                reference[keyword] = value;
            }
        }
        taken.push((name.to_owned(), std::mem::replace(schema, reference)));
        return;
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(keyword) {
            take(name, inner, wanted, taken);
        }
    }
    let members = schema.get_mut("anyOf").and_then(Value::as_array_mut);
    for member in members.into_iter().flatten() {
        take(name, member, wanted, taken);
    }
}
