//! Two schemas that hold at once, as one: what `allOf`, and a keyword beside a reference or a union, mean.

use serde_json::{Map, Value};

use super::{Place, Refused};

/// Merges two schemas; the descriptions of the second one win.
pub(super) fn merged(first: &Value, second: &Value, place: &Place) -> Refused<Value> {
    let (first, second) = match (first, second) {
        (Value::Bool(true), other) | (other, Value::Bool(true)) => return Ok(other.clone()),
        (Value::Object(first), Value::Object(second)) => (first, second),
        _ => return Err(place.refuse("has no value", "a type with values")),
    };
    let mut whole = first.clone();
    for (keyword, value) in second {
        let Some(known) = whole.get(keyword) else {
            whole.insert(keyword.clone(), value.clone());
            continue;
        };
        let together = match (&**keyword, known, value) {
            (_, known, value) if known == value => continue,
            ("description" | "title" | "default" | "examples", ..) => value.clone(),
            ("properties", Value::Object(known), Value::Object(more)) => {
                Value::Object(properties(known, more, place)?)
            }
            ("required", Value::Array(known), Value::Array(more)) => {
                let more = more.iter().filter(|name| !known.contains(name));
                known.iter().chain(more).cloned().collect()
            }
            // A struct that is a part of another is not closed to the rest of it.
            ("additionalProperties" | "unevaluatedProperties", Value::Bool(false), _) => {
                value.clone()
            }
            ("additionalProperties" | "unevaluatedProperties", _, Value::Bool(false)) => {
                known.clone()
            }
            _ => return Err(place.refuse("is several things at once", "one struct")),
        };
        whole.insert(keyword.clone(), together);
    }
    Ok(Value::Object(whole))
}

fn properties(
    known: &Map<String, Value>,
    more: &Map<String, Value>,
    place: &Place,
) -> Refused<Map<String, Value>> {
    let mut whole = known.clone();
    for (name, property) in more {
        let property = match known.get(name) {
            Some(known) => merged(known, property, &place.field(name))?,
            None => property.clone(),
        };
        whole.insert(name.clone(), property);
    }
    Ok(whole)
}
