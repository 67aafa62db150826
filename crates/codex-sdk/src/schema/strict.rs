//! Schemas of final responses, in the strict subset that the model's API takes.
//!
//! Every object is closed and requires all of its properties, unions are `anyOf`, and what the API has no
//! keyword for is in a description, or is refused with its place.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::merge::merged;
use super::{Described, NUMBER_FORMATS, Place, Refusal, Refused, root};

/// The strict schema of a type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Strict {
    pub(crate) schema: Value,
    /// Whether the type is the property [`WRAPPER`] of an object, because the API takes only objects.
    pub(crate) wrapped: bool,
}

/// The property of a type that is no object.
pub(crate) const WRAPPER: &str = "value";

/// Where definitions are referred to.
const DEFINITIONS: &str = "#/$defs/";

/// The formats of texts that the API knows.
const TEXT_FORMATS: [&str; 9] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "time",
    "uuid",
];

impl Strict {
    /// Makes the schema of a type.
    pub(crate) fn of<T: JsonSchema>() -> Refused<Self> {
        let (schema, definitions) = root::<T>();
        let mut strict = Making {
            definitions,
            made: Map::new(),
            open: BTreeSet::new(),
        };
        let place = Place::root(T::schema_name().into_owned());
        let mut schema = strict.node(&schema, &place)?;
        // A root that is a definition is written out; a recursive one refers to its definition.
        if let Some(name) = reference(&schema).map(str::to_owned) {
            schema = strict.made.get(&name).cloned().unwrap_or_default();
            let whole = Value::Object(strict.made.clone());
            if !refers_to(&whole, &name) {
                strict.made.remove(&name);
            }
        }
        let wrapped = schema["type"] != "object";
        if wrapped {
            schema = closed(Map::from_iter([(WRAPPER.to_owned(), schema)]), None);
        }
        if !strict.made.is_empty() {
            schema["$defs"] = Value::Object(strict.made);
        }
        Ok(Self { schema, wrapped })
    }
}

/// What is known while a schema is made.
struct Making {
    definitions: Map<String, Value>,
    /// The definitions that are strict by now.
    made: Map<String, Value>,
    /// Those that are being written out in the place of a reference.
    open: BTreeSet<String>,
}

impl Making {
    fn node(&mut self, schema: &Value, place: &Place) -> Refused<Value> {
        let Value::Object(node) = schema else {
            return Err(place.any());
        };
        let mut node = Described::of(node.clone());
        if let Some(name) = node.keywords.remove("$ref") {
            return self.reference(&name, node, place);
        }
        if let Some(Value::Array(parts)) = node.keywords.remove("allOf") {
            let mut whole = Value::Object(node.whole());
            for part in &parts {
                whole = merged(&self.resolved(part), &whole, place)?;
            }
            return self.node(&whole, place);
        }
        for union in ["oneOf", "anyOf"] {
            if let Some(Value::Array(variants)) = node.keywords.remove(union) {
                return self.union(&variants, node, place);
            }
        }
        self.plain(node, place)
    }

    /// Keeps a reference, or writes its definition out where something stands beside it, as the API takes
    /// nothing there.
    fn reference(&mut self, name: &Value, beside: Described, place: &Place) -> Refused<Value> {
        let name = name
            .as_str()
            .and_then(|name| name.strip_prefix(DEFINITIONS));
        let name = name.ok_or_else(|| place.refuse("refers to another document", "a struct"))?;
        let alone = beside.keywords.is_empty();
        if alone && (beside.description.is_none() || self.open.contains(name)) {
            if !self.made.contains_key(name) {
                let definition = self.definition(name, place)?;
                self.made.insert(name.to_owned(), Value::Null);
                let made = self.node(&definition, place)?;
                self.made.insert(name.to_owned(), made);
            }
            return Ok(json!({"$ref": format!("{DEFINITIONS}{name}")}));
        }
        if !self.open.insert(name.to_owned()) {
            return Err(place.refuse(
                "holds itself with other fields beside it",
                "a field of its own",
            ));
        }
        let definition = self.definition(name, place)?;
        let whole = merged(&definition, &Value::Object(beside.whole()), place)?;
        let made = self.node(&whole, place);
        self.open.remove(name);
        made
    }

    fn definition(&self, name: &str, place: &Place) -> Refused<Value> {
        let definition = self.definitions.get(name).cloned();
        definition.ok_or_else(|| place.refuse("has no schema", "a derived one"))
    }

    /// The definition that a reference alone refers to, else the schema itself.
    fn resolved(&self, schema: &Value) -> Value {
        let definition = reference(schema).and_then(|name| self.definitions.get(name));
        definition.unwrap_or(schema).clone()
    }

    /// Makes the variants of a union, each with the keywords beside it.
    fn union(&mut self, variants: &[Value], beside: Described, place: &Place) -> Refused<Value> {
        let mut made = Vec::new();
        let description = beside.description.clone();
        let beside = Value::Object(beside.keywords);
        for variant in variants {
            let variant = match beside.as_object().is_some_and(Map::is_empty) {
                true => variant.clone(),
                false => merged(&self.resolved(variant), &beside, place)?,
            };
            let variant = self.node(&variant, place)?;
            if !made.contains(&variant) {
                made.push(variant);
            }
        }
        let mut union = match made.len() {
            0 => return Err(place.refuse("has no value", "a type with values")),
            1 => made.remove(0),
            _ => json!({"anyOf": made}),
        };
        if let (Some(text), None) = (description, reference(&union)) {
            union["description"] = text.into();
        }
        Ok(union)
    }

    /// Makes a schema that neither refers to others nor is a union of them.
    fn plain(&mut self, node: Described, place: &Place) -> Refused<Value> {
        let kinds = kinds(&node.keywords);
        if kinds.is_empty() {
            return Err(match node.keywords.is_empty() {
                true => place.any(),
                false => place.refuse("has no type", "a type that says what it is"),
            });
        }
        let is_nullable = kinds.contains(&"null") && kinds.len() > 1;
        if kinds.contains(&"object") {
            let object = self.object(node, place)?;
            return Ok(match is_nullable {
                true => json!({"anyOf": [object, {"type": "null"}]}),
                false => object,
            });
        }
        let mut made = Map::new();
        let mut node = node;
        for (keyword, value) in std::mem::take(&mut node.keywords) {
            match (&*keyword, &value) {
                ("type", _) => {}
                ("enum" | "const" | "minItems" | "maxItems" | "pattern" | "multipleOf", _)
                | ("minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum", _) => {
                    made.insert(keyword, value);
                }
                ("items", items) if !kinds.contains(&"array") || items == &json!(true) => {
                    return Err(place.item().any());
                }
                ("items", items) => {
                    let items = self.node(items, &place.item())?;
                    made.insert(keyword, items);
                }
                ("prefixItems", _) => {
                    return Err(place.refuse("is a tuple", "a struct with named fields"));
                }
                ("format", Value::String(format)) if kinds.contains(&"string") => {
                    match TEXT_FORMATS.contains(&&**format) {
                        true => drop(made.insert(keyword, value)),
                        false => node.note(&keyword, &value),
                    }
                }
                ("format", Value::String(format)) if NUMBER_FORMATS.contains(&&**format) => {}
                ("format", format) => {
                    let why = format!("has the format {format}, which the model's API refuses");
                    return Err(place.refuse(&why, "a number without a format, or a text"));
                }
                ("minLength" | "maxLength" | "uniqueItems", _) => node.note(&keyword, &value),
                _ => return Err(place.keyword(&keyword)),
            }
        }
        if kinds.contains(&"array") && !made.contains_key("items") {
            return Err(place.item().any());
        }
        made.insert(
            "type".into(),
            match &kinds[..] {
                [kind] => json!(kind),
                kinds => json!(kinds),
            },
        );
        node.write_into(&mut made);
        Ok(Value::Object(made))
    }

    fn object(&mut self, mut node: Described, place: &Place) -> Refused<Value> {
        let is_map = match node.keywords.remove("additionalProperties") {
            None | Some(Value::Bool(false)) => false,
            Some(_) => true,
        };
        if is_map || node.keywords.contains_key("patternProperties") {
            return Err(place.refuse("is a map", "a list of structs with a key and a value"));
        }
        let properties = node.keywords.remove("properties");
        for keyword in ["type", "required"] {
            node.keywords.remove(keyword);
        }
        if let Some(keyword) = node.keywords.keys().next() {
            return Err(place.keyword(keyword));
        }
        let mut made = Map::new();
        for (name, property) in properties.iter().flat_map(Value::as_object).flatten() {
            let property = self.node(property, &place.field(name))?;
            made.insert(name.clone(), property);
        }
        Ok(closed(made, node.description()))
    }
}

/// An object that has all of these properties and no other.
fn closed(properties: Map<String, Value>, description: Option<String>) -> Value {
    let required: Vec<_> = properties.keys().cloned().collect();
    let mut object = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    if let Some(text) = description {
        object["description"] = text.into();
    }
    object
}

/// The types that a schema names, or that its values have.
fn kinds(node: &Map<String, Value>) -> Vec<&'static str> {
    const KINDS: [&str; 7] = [
        "string", "integer", "number", "boolean", "array", "object", "null",
    ];
    let of_value = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let named: Vec<&str> = match (node.get("type"), node.get("const"), node.get("enum")) {
        (Some(Value::String(kind)), ..) => vec![kind],
        (Some(Value::Array(kinds)), ..) => kinds.iter().filter_map(Value::as_str).collect(),
        (_, Some(value), _) => vec![of_value(value)],
        (_, _, Some(Value::Array(values))) => values.iter().map(of_value).collect(),
        _ => Vec::new(),
    };
    KINDS
        .into_iter()
        .filter(|kind| named.contains(kind))
        .collect()
}

/// The definition that a schema is, if it is nothing but a reference.
fn reference(schema: &Value) -> Option<&str> {
    let only = schema.as_object().filter(|node| node.len() == 1)?;
    only.get("$ref")?.as_str()?.strip_prefix(DEFINITIONS)
}

fn refers_to(schema: &Value, name: &str) -> bool {
    match schema {
        Value::Object(node) => {
            reference(schema) == Some(name) || node.values().any(|inner| refers_to(inner, name))
        }
        Value::Array(items) => items.iter().any(|inner| refers_to(inner, name)),
        _ => false,
    }
}

/// The error of a type without a strict schema.
impl From<Refusal> for crate::Error {
    fn from(refusal: Refusal) -> Self {
        Self::InvalidInput(refusal.to_string())
    }
}
