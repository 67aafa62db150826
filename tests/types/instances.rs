//! One instance a type, made from the schema: it decodes, and encodes back unchanged. So does what a
//! newer runtime would make of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::recode::{self, CLIENT, NOTIFICATIONS, Recoded, SERVER};

/// The checked-in bundle with the definitions of both levels.
struct Schema(BTreeMap<String, Value>);

impl Schema {
    fn load() -> Self {
        let bundle = if cfg!(feature = "experimental") {
            "experimental"
        } else {
            "stable"
        };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../schema/{bundle}.json"));
        let mut bundle: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let mut definitions: BTreeMap<String, Value> = BTreeMap::new();
        let top = bundle["definitions"].as_object_mut().unwrap();
        let nested = top.remove("v2").unwrap();
        definitions.extend(nested.as_object().unwrap().clone());
        definitions.extend(std::mem::take(top));
        Self(definitions)
    }

    /// An instance of a definition that the registry names; `None` where the registry's type is
    /// the unit of a method without params.
    fn instance(&self, name: &str, choice: usize, how: How) -> Option<Value> {
        Some(self.make(self.0.get(name)?, choice, how, 0))
    }

    fn make(&self, schema: &Value, choice: usize, how: How, depth: usize) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap();
            return self.make(&self.0[name], choice, how, depth + 1);
        }
        if let Some([single]) = schema["allOf"].as_array().map(Vec::as_slice) {
            return self.make(single, choice, how, depth);
        }
        if let Some(values) = schema["enum"].as_array() {
            let known = values[choice % values.len()].clone();
            // A single value is a tag; the newer runtime's tags have a test of their own.
            return if how == How::Newer && values.len() > 1 {
                json!("novelValue")
            } else {
                known
            };
        }
        let alternatives = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
        let mut object = Map::new();
        if let Some(alternatives) = alternatives {
            let real: Vec<&Value> = alternatives
                .iter()
                .filter(|one| **one != json!({"type": "null"}))
                .collect();
            let nullable = real.len() < alternatives.len();
            if nullable && (how == How::Sparse || depth > 6) {
                return Value::Null;
            }
            match self.make(
                real[choice % real.len()],
                choice / real.len(),
                how,
                depth + 1,
            ) {
                Value::Object(inner) => object = inner,
                other => return other,
            }
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::String(name) => vec![name],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ if schema["properties"].is_object() => vec!["object"],
            _ if alternatives.is_some() => return Value::Object(object),
            _ => return json!({"any": ["thing", 1, null]}),
        };
        if types.contains(&"null") && how == How::Sparse {
            return Value::Null;
        }
        match types[0] {
            "string" => json!(format!("text {choice} \u{1F980}")),
            "integer" => json!(choice + 1),
            "number" => json!(1.5),
            "boolean" => json!(choice.is_multiple_of(2)),
            "array" if depth > 6 => json!([]),
            "array" => json!([self.make(&schema["items"], choice, how, depth + 1)]),
            "object" => {
                self.properties(schema, choice, how, depth, &mut object);
                Value::Object(object)
            }
            other => panic!("a type {other}"),
        }
    }

    fn properties(
        &self,
        schema: &Value,
        choice: usize,
        how: How,
        depth: usize,
        object: &mut Map<String, Value>,
    ) {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if required.contains(&json!(name)) || (how != How::Sparse && depth < 6) {
                object.insert(name.clone(), self.make(property, choice, how, depth + 1));
            }
        }
        if schema["additionalProperties"].is_object() {
            let value = self.make(&schema["additionalProperties"], choice, how, depth + 1);
            object.insert("some key".into(), value);
        }
        if how == How::Newer
            && schema["properties"].is_object()
            && schema["additionalProperties"] != json!(false)
        {
            object.insert("novelField".into(), json!({"deep": [1, null]}));
        }
    }
}

/// What an instance holds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum How {
    /// Every property, with known values.
    Full,
    /// Required properties alone, null where it may be.
    Sparse,
    /// Every property, unknown enum values, and a field that no schema has.
    Newer,
}

/// A method, a type that its row names, and how to send JSON through it.
type Row = (&'static str, &'static str, fn(&str, &Value) -> Recoded);

/// Every type that a registry row names.
fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (method, params, response) in CLIENT {
        rows.push((method, params, recode::client_params));
        rows.push((method, response, recode::client_response));
    }
    for (method, params, response) in SERVER {
        rows.push((method, params, recode::server_params));
        rows.push((method, response, recode::server_response));
    }
    for (method, payload, _, _) in NOTIFICATIONS {
        rows.push((method, payload, recode::payload));
    }
    rows
}

fn check(how: How) {
    let schema = Schema::load();
    let mut checked = 0;
    for (method, name, recode) in rows() {
        // Enough choices to visit every variant of the largest union.
        for choice in 0..24 {
            let Some(instance) = schema.instance(name, choice, how) else {
                continue;
            };
            let recoded = recode(method, &instance).unwrap();
            let recoded =
                recoded.unwrap_or_else(|error| panic!("{name}, {how:?}: {error}\n{instance:#}"));
            assert_eq!(recoded, instance, "{name}, {how:?}");
            checked += 1;
        }
    }
    assert!(checked > 5_000, "only {checked} instances were checked");
}

#[test]
fn a_full_instance_of_every_type_encodes_back_unchanged() {
    check(How::Full);
}

#[test]
fn a_sparse_instance_of_every_type_encodes_back_unchanged() {
    check(How::Sparse);
}

#[test]
fn what_a_newer_runtime_would_send_encodes_back_unchanged() {
    check(How::Newer);
}

#[test]
fn the_registry_has_every_method_of_the_schema() {
    let schema = Schema::load();
    let listed = |union: &str| {
        let mut names: Vec<String> = schema.0[union]["oneOf"]
            .as_array()
            .unwrap()
            .iter()
            .map(|variant| {
                variant["properties"]["method"]["enum"][0]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        names.sort();
        names
    };
    let client: Vec<&str> = CLIENT.iter().map(|row| row.0).collect();
    assert_eq!(client, listed("ClientRequest"));
    let server: Vec<&str> = SERVER.iter().map(|row| row.0).collect();
    assert_eq!(server, listed("ServerRequest"));
    // Two raw-event methods are in no table of the schema, but the runtime sends them.
    let unlisted = ["rawResponse/completed", "rawResponseItem/completed"];
    let notifications: Vec<&str> = NOTIFICATIONS
        .iter()
        .map(|row| row.0)
        .filter(|name| !unlisted.contains(name))
        .collect();
    assert_eq!(notifications, listed("ServerNotification"));
}

#[test]
fn the_routing_table_is_the_known_one() {
    let count = |turn: &str| NOTIFICATIONS.iter().filter(|row| row.3 == turn).count();
    // The two raw-event methods add two to the direct ones.
    assert_eq!(
        (count("direct"), count("optional"), count("nested")),
        (28, 3, 2)
    );
    let nested: Vec<&str> = NOTIFICATIONS
        .iter()
        .filter(|row| row.3 == "nested")
        .map(|row| row.0)
        .collect();
    assert_eq!(nested, ["turn/completed", "turn/started"]);
}
