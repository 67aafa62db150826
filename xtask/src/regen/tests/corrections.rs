//! The rules of the corrections that decide what a type is.

use serde_json::{Value, json};

use super::super::corrections::{Corrected, UnionKind, correct};

fn corrected(definition: Value) -> Corrected {
    correct([("Thing".to_owned(), definition)].into(), false).unwrap()
}

/// The definition's and the values' texts survive.
#[test]
fn a_one_of_of_string_literals_becomes_one_string_enum() {
    let corrected = corrected(json!({
        "title": "Thing",
        "description": "A thing.",
        "oneOf": [
            {"type": "string", "enum": ["a"], "title": "A", "description": "The first."},
            {"type": "string", "enum": ["b"]},
        ],
    }));
    let thing = &corrected.definitions["Thing"];
    assert_eq!(thing, &json!({"type": "string", "enum": ["a", "b"]}));
    assert_eq!(corrected.docs["Thing"], "A thing.");
    let docs: Vec<_> = corrected.value_docs.iter().collect();
    assert_eq!(
        docs,
        [(
            &("Thing".to_owned(), "a".to_owned()),
            &"The first.".to_owned()
        )]
    );
}

/// An object branch makes a union; a number or a further keyword is refused by name. A branch with
/// several values is a string enum all the same: the values are what counts, not how the schema
/// groups them.
#[test]
fn a_one_of_with_anything_else_is_no_string_enum() {
    let literal = json!({"type": "string", "enum": ["a"]});
    let with = |member: Value| {
        let definition = json!({"oneOf": [literal, member]});
        correct([("Thing".to_owned(), definition)].into(), false)
    };
    let object =
        json!({"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]});
    let union = with(object).unwrap();
    assert_eq!(union.unions["Thing"].kind, UnionKind::External);
    for refused in [
        json!({"type": "integer", "enum": [1]}),
        json!({"type": "string", "minLength": 1}),
    ] {
        let error = format!("{:#}", with(refused).unwrap_err());
        assert!(error.contains("Thing has "), "{error}");
    }
    let several = with(json!({"type": "string", "enum": ["b", "c"]})).unwrap();
    assert_eq!(several.definitions["Thing"]["enum"], json!(["a", "b", "c"]));
}

#[test]
fn a_property_with_one_value_in_every_variant_is_the_tag() {
    for tag in ["type", "kind", "mode", "method", "handlerType"] {
        let variant = |wire: &str| {
            json!({
                "type": "object",
                "required": [tag, "name"],
                "properties": {
                    tag: {"type": "string", "enum": [wire]},
                    "name": {"type": "string"},
                },
            })
        };
        let corrected = corrected(json!({"oneOf": [variant("a"), variant("b")]}));
        assert_eq!(
            corrected.unions["Thing"].kind,
            UnionKind::Tagged(tag.to_owned())
        );
        let body = &corrected.definitions["AThing"];
        assert_eq!(
            body["properties"].as_object().unwrap().len(),
            1,
            "the tag is not a field: {body}"
        );
    }
}

#[test]
fn numbers_and_strings_lose_the_bounds_that_would_close_them() {
    let corrected = corrected(json!({
        "type": "object",
        "properties": {
            "count": {"type": "integer", "format": "uint", "minimum": 1},
            "name": {"type": "string", "minLength": 1},
        },
    }));
    assert_eq!(
        corrected.definitions["Thing"]["properties"],
        json!({"count": {"type": "integer", "format": "uint64"}, "name": {"type": "string"}})
    );
}

#[test]
fn additional_properties_do_not_close_a_type() {
    let corrected = corrected(json!({"type": "object", "additionalProperties": true}));
    // For typify alone: without it an object without properties would become a map. What else comes
    // is in `unknown_fields`.
    assert_eq!(
        corrected.definitions["Thing"]["additionalProperties"],
        json!(false)
    );
}
