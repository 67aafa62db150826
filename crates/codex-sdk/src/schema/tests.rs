//! The strict schemas of a dozen shapes, and what cannot be strict.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde_json::{Value, json};

use super::strict::Strict;

fn strict<T: JsonSchema>() -> Value {
    let strict = Strict::of::<T>().unwrap_or_else(|refusal| panic!("{refusal}"));
    assert!(!strict.wrapped);
    strict.schema
}

/// The schema of a type that is no object.
fn wrapped<T: JsonSchema>() -> Value {
    let strict = Strict::of::<T>().unwrap_or_else(|refusal| panic!("{refusal}"));
    assert!(strict.wrapped);
    assert_eq!(strict.schema["required"], json!(["value"]));
    let mut value = strict.schema["properties"]["value"].clone();
    if !strict.schema["$defs"].is_null() {
        value["$defs"] = strict.schema["$defs"].clone();
    }
    value
}

fn refusal<T: JsonSchema>() -> String {
    Strict::of::<T>().unwrap_err().to_string()
}

/// What every strict object has beside its properties, all of which are required.
fn object(properties: Value) -> Value {
    let required: Vec<_> = properties.as_object().unwrap().keys().cloned().collect();
    json!({"type": "object", "properties": properties, "required": required,
        "additionalProperties": false})
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Line {
    /// Counted from one.
    number: u32,
    text: Option<String>,
}

#[test]
fn objects_are_closed_and_options_are_values_or_null() {
    let expected = object(json!({
        "number": {"type": "integer", "minimum": 0, "description": "Counted from one."},
        "text": {"type": ["string", "null"]},
    }));
    assert_eq!(strict::<Line>(), expected);
}

#[test]
fn nested_types_are_definitions() {
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Page {
        first: Line,
        lines: Vec<Line>,
        last: Option<Line>,
    }
    let line = json!({"$ref": "#/$defs/Line"});
    let schema = strict::<Page>();
    assert_eq!(
        schema["properties"],
        json!({
            "first": line,
            "lines": {"type": "array", "items": line},
            "last": {"anyOf": [line, {"type": "null"}]},
        })
    );
    assert_eq!(schema["$defs"], json!({"Line": strict::<Line>()}));
}

#[test]
fn a_reference_with_a_description_is_written_out() {
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Page {
        /// The one at the top.
        first: Line,
    }
    let mut line = strict::<Line>();
    line["description"] = "The one at the top.".into();
    assert_eq!(strict::<Page>(), object(json!({"first": line})));
}

#[test]
fn a_type_that_holds_itself_refers_to_itself() {
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Tree {
        name: String,
        /// What is below it.
        children: Vec<Tree>,
    }
    let schema = strict::<Tree>();
    let children = &schema["properties"]["children"];
    assert_eq!(children["items"], json!({"$ref": "#/$defs/Tree"}));
    assert_eq!(schema["$defs"]["Tree"]["properties"], schema["properties"]);
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is looked at")]
enum Verdict {
    Good,
    Bad,
}

#[test]
fn an_enum_of_names_is_one_of_them() {
    let expected = json!({"type": "string", "enum": ["good", "bad"]});
    assert_eq!(wrapped::<Verdict>(), expected);
}

#[test]
fn a_documented_enum_is_a_union_of_names() {
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Verdict {
        /// Ship it.
        Good,
        Bad,
    }
    let schema = wrapped::<Verdict>();
    let variants = schema["anyOf"].as_array().unwrap();
    let good = json!({"type": "string", "const": "Good", "description": "Ship it."});
    assert!(variants.contains(&good), "{schema}");
    assert!(
        variants.contains(&json!({"type": "string", "enum": ["Bad"]})),
        "{schema}"
    );
}

#[test]
fn an_internally_tagged_enum_is_a_union_of_objects() {
    #[derive(JsonSchema)]
    #[serde(tag = "kind", rename_all = "lowercase")]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Change {
        Added { path: String },
        Moved(Line),
        Nothing,
    }
    let tag = |name: &str| json!({"type": "string", "const": name});
    let mut moved = strict::<Line>()["properties"].clone();
    moved["kind"] = tag("moved");
    let expected = json!({"anyOf": [
        object(json!({"kind": tag("added"), "path": {"type": "string"}})),
        object(moved),
        object(json!({"kind": tag("nothing")})),
    ]});
    assert_eq!(wrapped::<Change>(), expected);
}

#[test]
fn externally_and_adjacently_tagged_enums_are_unions_of_objects() {
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Outside {
        Line(u8),
        Nothing,
    }
    let number = json!({"type": "integer", "minimum": 0, "maximum": 255});
    let schema = wrapped::<Outside>();
    let variants = schema["anyOf"].as_array().unwrap();
    assert!(
        variants.contains(&object(json!({"Line": number}))),
        "{schema}"
    );

    #[derive(JsonSchema)]
    #[serde(tag = "t", content = "c")]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Beside {
        Line(u8),
    }
    let tag = json!({"type": "string", "const": "Line"});
    assert_eq!(strict::<Beside>(), object(json!({"t": tag, "c": number})));
}

#[test]
fn an_untagged_enum_is_a_union() {
    #[derive(JsonSchema)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Either {
        Line(Line),
        Text(String),
    }
    let schema = wrapped::<Either>();
    assert_eq!(
        schema["anyOf"],
        json!([{"$ref": "#/$defs/Line"}, {"type": "string"}])
    );
}

#[test]
fn flattened_fields_are_fields() {
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Numbered {
        id: String,
        #[serde(flatten)]
        line: Line,
    }
    let mut properties = strict::<Line>()["properties"].clone();
    properties["id"] = json!({"type": "string"});
    assert_eq!(strict::<Numbered>(), object(properties));
}

#[test]
fn a_flattened_enum_makes_a_union_of_whole_objects() {
    #[derive(JsonSchema)]
    #[serde(tag = "kind")]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Kind {
        File { path: String },
        Web { url: String },
    }
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Source {
        name: String,
        #[serde(flatten)]
        kind: Kind,
    }
    let text = json!({"type": "string"});
    let tag = |name: &str| json!({"type": "string", "const": name});
    let expected = json!({"anyOf": [
        object(json!({"name": text, "kind": tag("File"), "path": text})),
        object(json!({"name": text, "kind": tag("Web"), "url": text})),
    ]});
    assert_eq!(wrapped::<Source>(), expected);
}

#[test]
fn what_the_api_has_no_keyword_for_is_described() {
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Limits {
        /// What it is called.
        #[schemars(length(min = 1, max = 9))]
        name: String,
        #[schemars(range(min = 1, max = 5))]
        stars: u8,
        #[schemars(extend("format" = "uri"))]
        link: String,
        #[serde(default)]
        tags: BTreeSet<String>,
        #[schemars(extend("format" = "date-time"))]
        at: String,
    }
    let expected = object(json!({
        "name": {"type": "string", "description": "What it is called. (maxLength: 9, minLength: 1)"},
        "stars": {"type": "integer", "minimum": 1, "maximum": 5},
        "link": {"type": "string", "description": "(format: uri)"},
        "tags": {"type": "array", "items": {"type": "string"}, "description": "(uniqueItems)"},
        "at": {"type": "string", "format": "date-time"},
    }));
    assert_eq!(strict::<Limits>(), expected);
}

#[test]
fn plain_values_are_wrapped() {
    assert_eq!(wrapped::<String>(), json!({"type": "string"}));
    assert_eq!(wrapped::<f64>(), json!({"type": "number"}));
    let lines = wrapped::<Vec<Line>>();
    assert_eq!(lines["items"], json!({"$ref": "#/$defs/Line"}));
    assert_eq!(lines["$defs"], json!({"Line": strict::<Line>()}));
}

#[test]
fn what_cannot_be_strict_is_refused_with_its_place() {
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Inner {
        extra: Value,
    }
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Outer {
        items: Vec<Inner>,
    }
    assert_eq!(
        refusal::<Outer>(),
        "Outer.items[].extra may be any JSON: use a type of its own, or a text that holds JSON"
    );

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct WithMap {
        counts: BTreeMap<String, u32>,
    }
    assert_eq!(
        refusal::<WithMap>(),
        "WithMap.counts is a map: use a list of structs with a key and a value"
    );

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct WithTuple {
        pair: (u8, String),
    }
    assert_eq!(
        refusal::<WithTuple>(),
        "WithTuple.pair is a tuple: use a struct with named fields"
    );

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct WithFormat {
        #[schemars(extend("format" = "money"))]
        price: f64,
    }
    assert_eq!(
        refusal::<WithFormat>(),
        "WithFormat.price has the format \"money\", which the model's API refuses: use a number without a \
         format, or a text"
    );

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct WithRest {
        name: String,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }
    assert!(refusal::<WithRest>().starts_with("WithRest is a map"));
}
