//! Schemas of the arguments of tools.
//!
//! The runtime rewrites the schema of a tool before the model sees it and checks no arguments. So what it
//! drops is in the descriptions here, and the arguments are checked here against all of it.

#[cfg(test)]
mod tests;

use jsonschema::Validator;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::merge::merged;
use super::{Described, Place, Refused, root};

/// The keywords that the runtime passes on to the model.
const KEPT: [&str; 14] = [
    "$defs",
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "description",
    "enum",
    "items",
    "minItems",
    "oneOf",
    "properties",
    "required",
    "type",
    // Merged before.
    "allOf",
];

/// How many problems the model is told at once.
const MOST_PROBLEMS: usize = 5;

/// What the arguments of a tool are.
#[derive(Debug)]
pub(crate) struct Arguments {
    /// The schema for the model.
    pub(crate) schema: Value,
    check: Validator,
    /// Whether the type is a unit, for a tool without arguments.
    is_unit: bool,
}

impl Arguments {
    /// Makes the schema of a type.
    pub(crate) fn of<A: JsonSchema>() -> Refused<Self> {
        let (mut whole, mut definitions) = root::<A>();
        let place = Place::root(A::schema_name().into_owned());
        let own = whole["$ref"].as_str().map(str::to_owned);
        let name = own.as_deref().and_then(|own| own.rsplit('/').next());
        if let Some(definition) = name.and_then(|name| definitions.remove(name)) {
            whole = definition;
        }
        // Only a type that holds itself needs the definition too.
        if let (Some(own), Some(name)) = (&own, name)
            && definitions
                .values()
                .chain([&whole])
                .any(|value| refers(value, own))
        {
            definitions.insert(name.to_owned(), whole.clone());
        }
        let is_unit = whole["type"] == "null";
        if is_unit {
            whole = json!({"type": "object", "properties": {}});
        }
        if whole["type"] != "object" || whole.get("oneOf").or(whole.get("anyOf")).is_some() {
            return Err(place.refuse("is no struct", "a struct with it as a field"));
        }
        if !definitions.is_empty() {
            whole["$defs"] = Value::Object(definitions);
        }
        let check = jsonschema::options()
            .should_validate_formats(true)
            .build(&whole);
        let check = check.map_err(|error| {
            place.refuse(
                &format!("has a schema that is none ({error})"),
                "a derived one",
            )
        })?;
        Ok(Self {
            schema: described(&whole, &place)?,
            check,
            is_unit,
        })
    }

    /// Checks arguments, and returns them as the type reads them.
    ///
    /// # Errors
    ///
    /// What is wrong, for the model.
    pub(crate) fn checked(&self, arguments: Value) -> std::result::Result<Value, String> {
        let mut problems = self.check.iter_errors(&arguments).map(|error| {
            let place = error.instance_path().to_string();
            match place.is_empty() {
                true => error.to_string(),
                false => format!("at {place}: {error}"),
            }
        });
        let first: Vec<_> = problems.by_ref().take(MOST_PROBLEMS).collect();
        let more = problems.count();
        match (first.is_empty(), more) {
            (true, _) if self.is_unit => Ok(Value::Null),
            (true, _) => Ok(arguments),
            (false, 0) => Err(first.join("; ")),
            (false, more) => Err(format!("{}; and {more} more", first.join("; "))),
        }
    }
}

/// The schema with what the runtime drops in its descriptions.
fn described(schema: &Value, place: &Place) -> Refused<Value> {
    let node = match schema {
        Value::Object(node) => node.clone(),
        // The runtime would make it a text.
        Value::Bool(true) => return Ok(json!({"description": "Any JSON."})),
        other => return Ok(other.clone()),
    };
    let mut node = Described::of_tool(node);
    if let Some(Value::Array(parts)) = node.keywords.remove("allOf") {
        let mut whole = Value::Object(node.whole());
        for part in &parts {
            whole = merged(part, &whole, place)?;
        }
        return described(&whole, place);
    }
    let mut made = Map::new();
    for (keyword, value) in std::mem::take(&mut node.keywords) {
        let value = match (&*keyword, value) {
            ("properties", Value::Object(properties)) => {
                let described = properties.iter().map(|(name, property)| {
                    Ok((name.clone(), described(property, &place.field(name))?))
                });
                Value::Object(described.collect::<Refused<_>>()?)
            }
            ("$defs", Value::Object(definitions)) => {
                let described = definitions.iter().map(|(name, definition)| {
                    let place = Place::root(name.clone());
                    Ok((name.clone(), described(definition, &place)?))
                });
                Value::Object(described.collect::<Refused<_>>()?)
            }
            ("items", items) => described(&items, &place.item())?,
            ("additionalProperties", more @ Value::Object(_)) => described(&more, &place.item())?,
            // The items of a tuple, of which the runtime would make texts.
            ("prefixItems", Value::Array(items)) => {
                node.note(&keyword, &Value::Array(items.clone()));
                let described = items.iter().map(|item| described(item, &place.item()));
                made.insert(
                    "items".into(),
                    json!({"anyOf": described.collect::<Refused<Vec<_>>>()?}),
                );
                continue;
            }
            ("oneOf" | "anyOf", Value::Array(variants)) => {
                let described = variants.iter().map(|variant| described(variant, place));
                Value::Array(described.collect::<Refused<_>>()?)
            }
            ("format", value) if is_of_rust(&value) => continue,
            (_, value) if !KEPT.contains(&&*keyword) => {
                node.note(&keyword, &value);
                continue;
            }
            (_, value) => value,
        };
        made.insert(keyword, value);
    }
    node.write_into(&mut made);
    Ok(Value::Object(made))
}

/// Whether a schema has a reference to this definition.
fn refers(schema: &Value, definition: &str) -> bool {
    match schema {
        Value::Object(node) => {
            node.get("$ref").is_some_and(|name| name == definition)
                || node.values().any(|value| refers(value, definition))
        }
        Value::Array(parts) => parts.iter().any(|part| refers(part, definition)),
        _ => false,
    }
}

/// Whether a format says how Rust holds a number.
fn is_of_rust(format: &Value) -> bool {
    let format = format.as_str();
    format.is_some_and(|format| super::NUMBER_FORMATS.contains(&format))
}
