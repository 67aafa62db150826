//! Schemas that the generator refuses, and the error of each.

use serde_json::{Value, json};

use super::super::bundle::Bundle;
use super::super::{corrections, nulls, tables};
use super::sample::Sample;

fn refusal(sample: Value) -> String {
    format!("{:#}", Sample(sample).files().unwrap_err())
}

fn refused_definition(definition: Value) -> String {
    refusal(json!({"definitions": {"Thing": definition}}))
}

#[test]
fn an_unknown_keyword_names_its_definition() {
    let nested =
        json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "^x"}}});
    assert_eq!(
        refused_definition(nested),
        "definition Thing uses the schema keyword pattern, which the generator does not know: teach \
         it in regen/corrections.rs"
    );
}

#[test]
fn shapes_that_nobody_taught_are_refused() {
    let of_type = |definition: Value| refused_definition(definition);
    let field = |property: Value| {
        refused_definition(json!({"type": "object", "properties": {"a": property}}))
    };
    let cases = [
        (
            of_type(json!({"allOf": [{"type": "string"}, {"type": "integer"}]})),
            "an allOf of several members",
        ),
        (
            field(json!({"type": ["string", "integer"]})),
            "Thing.a: a property has several types",
        ),
        (
            field(json!({"anyOf": [{"type": "string"}, {"type": "integer"}]})),
            "Thing.a: an inline union",
        ),
        (
            field(json!({"type": ["string", "null"], "default": "x"})),
            "Thing.a: a nullable or required property",
        ),
        (
            field(json!({"type": "integer", "format": "int64", "default": 5})),
            "the default 5 of a Plain(\"i64\")",
        ),
        (
            field(json!(false)),
            "definition Thing holds a schema that is neither an object nor true",
        ),
        (
            of_type(json!({"type": "array", "items": {"type": "string"}})),
            "Thing is a newtype over",
        ),
        (
            of_type(json!({"oneOf": [{"type": "object", "properties": {"a": true, "b": true}}]})),
            "Thing has a member that is neither a string nor an object with one property",
        ),
        (
            of_type(
                json!({"type": "object", "properties": {}, "additionalProperties": {"type": "string"}}),
            ),
            "definition Thing has typed additionalProperties beside its properties",
        ),
    ];
    for (refusal, expected) in cases {
        assert!(
            refusal.contains(expected),
            "{refusal}\nshould say: {expected}"
        );
    }
}

#[test]
fn an_inline_schema_without_a_name_is_refused() {
    let inline = json!({"type": "object", "properties": {"b": {"type": "string"}}});
    let refusal = refused_definition(json!({
        "type": "object", "properties": {"a": inline}
    }));
    assert_eq!(
        refusal,
        "typify made the type ThingA, which is no definition of the schema: give the inline schema \
         behind it a name in regen/corrections.rs"
    );
}

#[test]
fn a_union_told_apart_by_shape_needs_names() {
    let refusal = refused_definition(json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}));
    assert_eq!(
        refusal,
        "correction name_untagged_members: Thing is told apart only by shape: name its variants in \
         UNTAGGED_VARIANTS"
    );
    let more = json!([{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "boolean"}]);
    let refusal = refusal_of_many(&more);
    assert!(
        refusal.contains("names 2 variants of ThreadListCwdFilter, the schema has 3"),
        "{refusal}"
    );
}

fn refusal_of_many(members: &Value) -> String {
    refusal(json!({"definitions": {"ThreadListCwdFilter": {"anyOf": members}}}))
}

#[test]
fn names_that_collide_are_refused() {
    let variant = |wire: &str| json!({"type": "object", "required": ["type"], "properties": {"type": {"type": "string", "enum": [wire]}}});
    let union = json!({"oneOf": [variant("a")]});
    let taken = refusal(json!({"definitions": {"Thing": union, "AThing": {"type": "string"}}}));
    assert!(
        taken.contains("the variant's type AThing has the name of another definition"),
        "{taken}"
    );
    let twice = refused_definition(json!({"oneOf": [variant("a/b"), variant("a-b")]}));
    assert_eq!(
        twice,
        "correction hoist_tagged_variants: two variants of Thing would have the name AB: name a-b in \
         VARIANT_NAMES"
    );
}

#[test]
fn a_correction_that_touches_nothing_is_stale() {
    let definitions = [("Thing".to_owned(), json!({"type": "object"}))];
    let error = corrections::apply(definitions.into(), false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "correction drop_nullable_aliases touched nothing: the schema no longer needs it, remove it"
    );
}

/// A row may be missing in the stable bundle, but not in the one that has everything.
#[test]
fn a_row_of_a_table_that_names_nothing_is_stale() {
    let refusal = |definitions: Value| {
        let definitions = definitions.as_object().cloned().unwrap_or_default();
        let error = corrections::correct(definitions.into_iter().collect(), true).unwrap_err();
        format!("{error:#}")
    };
    assert_eq!(
        refusal(json!({})),
        "correction name_untagged_members: UNTAGGED_VARIANTS names AccountSessionsSwitchResponse, \
         which is not in the schema: remove the row"
    );
    let filled =
        Sample(json!({"definitions": {"ThreadSource": {"type": "string", "enum": ["user"]}}}));
    let error = format!("{:#}", filled.files().unwrap_err());
    assert!(
        error.contains("KNOWN_VALUES names ThreadSource, which is not an open string any more"),
        "{error}"
    );
    let required = json!({"type": "object", "required": ["serviceTier"], "properties": {"serviceTier": {"type": "string"}}});
    let error =
        super::errors::refusal(json!({"definitions": {"TurnSettingsUpdateParams": required}}));
    assert!(
        error.contains("NULL_IS_NOT_ABSENT names TurnSettingsUpdateParams.serviceTier"),
        "{error}"
    );
    let login = json!({"type": "object", "properties": {"region": {"type": "string"}}});
    let error =
        super::errors::refusal(json!({"definitions": {"AmazonBedrockLoginAccountParams": login}}));
    assert_eq!(
        error,
        "SECRETS names AmazonBedrockLoginAccountParams.apiKey, which is not in the schema: remove it"
    );
    let error = tables::check_used(|name| name != "ConfigEdit").unwrap_err();
    assert_eq!(
        error.to_string(),
        "SECRETS names types that are not generated: ConfigEdit"
    );
}

#[test]
fn every_method_has_a_response_and_every_response_a_method() {
    let object = json!({"type": "object"});
    let lonely = refusal(json!({
        "definitions": {"ThingReadParams": object},
        "requests": [{"name": "thing/read", "params": "ThingReadParams"}],
    }));
    assert_eq!(
        lonely,
        "no response type for thing/read: name it in RESPONSES"
    );
    assert_eq!(
        refusal(json!({"definitions": {"ThingReadResponse": object}})),
        "no method answers with ThingReadResponse: name it in RESPONSES"
    );
    let taken = refusal(json!({
        "definitions": {"ThingReadParams": object, "ThingReadResponse": object},
        "requests": [{"name": "thing/read"}],
    }));
    assert_eq!(
        taken,
        "the schema has a type ThingReadParams, but thing/read takes no params"
    );
    let payload = refusal(json!({
        "definitions": {"Text": {"type": "string"}},
        "notifications": [{"name": "thing/changed", "params": "Text"}],
    }));
    assert_eq!(payload, "the payload Text of thing/changed is no object");
}

#[test]
fn the_experimental_bundle_holds_the_stable_one_unchanged() {
    let object = |properties: Value| json!({"type": "object", "properties": properties});
    let changed = |stable: Value, experimental: Value| {
        refusal(json!({"definitions": {"Thing": stable}, "experimental": {"Thing": experimental}}))
    };
    let (text, flag) = (json!({"type": "string"}), json!({"type": "boolean"}));
    assert_eq!(
        changed(object(json!({"a": text})), object(json!({"a": flag}))),
        "type Thing: a differs between the stable and the experimental bundle"
    );
    assert_eq!(
        changed(object(json!({"a": text})), object(json!({}))),
        "type Thing: Some(\"a\") is stable but not experimental"
    );
    assert_eq!(
        changed(object(json!({})), text.clone()),
        "type Thing: the experimental shape is another one than the stable"
    );
}

#[test]
fn an_object_with_more_fields_than_marks_is_refused() {
    let names = (0..65).map(|index| (format!("f{index}"), json!({"type": "string"})));
    let properties = Value::Object(names.collect());
    let refusal = refused_definition(json!({"type": "object", "properties": properties}));
    assert_eq!(refusal, "Thing has more than 64 fields");
}

#[test]
fn a_bundle_that_is_not_one_is_refused() {
    let refusal = |text: &str| format!("{:#}", Bundle::parse(text).unwrap_err());
    assert!(refusal("{").starts_with("the schema bundle is not JSON: "));
    assert_eq!(refusal("{}"), "the bundle has no definitions");
    assert_eq!(
        refusal(r#"{"definitions": {}}"#),
        "envelope JSONRPCError is no longer in the bundle"
    );
}

/// A null that means something is sayable: a text that speaks of it asks for a decision.
#[test]
fn a_text_that_speaks_of_null_asks_for_a_row() {
    let params = |presence: Value, text: &str| {
        let required = json!([presence]);
        let property = json!({"type": ["string", "null"], "description": text});
        json!({
            "definitions": {"ThingParams": {
                "type": "object", "required": required, "properties": {"a": property},
            }},
            "built": ["ThingParams"],
        })
    };
    for text in [
        "Omit to keep it, set to `null` to clear it.",
        "Null clears; omission leaves it.",
        "When absent, the default applies. Set to null to disable.",
        "`null` disables it.",
    ] {
        assert_eq!(
            refusal(params(Value::Null, text)),
            "the texts of these fields speak of null, name each in NULL_IS_NOT_ABSENT where it \
             differs from absence, else in NULL_IS_ABSENCE: ThingParams.a",
            "{text}"
        );
    }
    // Null is sayable where the field must be there, and nothing is asked where nothing is said.
    for (presence, text) in [
        (json!("a"), "Null clears it, never omit it."),
        (Value::Null, "Omit to keep it; nullable."),
    ] {
        assert!(Sample(params(presence, text)).files().is_ok(), "{text}");
    }
    // What only the runtime writes is read: there absence and null stay apart where it is written again.
    let mut read = params(Value::Null, "Null where absent.");
    read["built"] = json!([]);
    assert!(Sample(read).files().is_ok());
}

#[test]
fn rows_about_null_that_no_longer_apply_are_stale() {
    let listed = |field: &str, property: Value, built: bool| {
        json!({
            "definitions": {"ThreadSearchParams": {
                "type": "object", "properties": {field: property},
            }},
            "built": if built { json!(["ThreadSearchParams"]) } else { json!([]) },
        })
    };
    let check = |sample: Value| {
        let (types, _, reach) = Sample(sample).parts().unwrap();
        nulls::check(&types, &reach, true).unwrap_err().to_string()
    };
    let property = json!({"type": ["boolean", "null"], "description": "False or null: all."});
    let silent = json!({"type": ["boolean", "null"]});
    for stale in [
        listed("archived", silent, true),
        listed("archived", property.clone(), false),
    ] {
        let refusal = check(stale);
        assert!(
            refusal.starts_with("NULL_IS_ABSENCE names ThreadSearchParams.archived, but it is no"),
            "{refusal}"
        );
    }
    // The row fits: the first one that this schema lacks is named.
    let gone = "NULL_IS_ABSENCE names ChatgptAuthTokensLoginAccountParams.chatgptPlanType, which is \
                not in the schema: remove the row";
    assert_eq!(check(listed("archived", property, true)), gone);
    let patched = json!({
        "definitions": {"TurnSettingsUpdateParams": {
            "type": "object", "properties": {"serviceTier": {"type": ["string", "null"]}},
        }},
    });
    assert_eq!(
        check(patched),
        "NULL_IS_NOT_ABSENT names TurnSettingsUpdateParams.serviceTier, which no client writes: \
         remove the row"
    );
}

/// A request that stops with its turn in some of its forms only would be answered after it.
#[test]
fn the_variants_of_a_request_say_in_one_way_where_they_belong() {
    let variant = |wire: &str, properties: Value| {
        let mut variant = json!({
            "type": "object", "required": ["mode"], "properties": properties,
        });
        variant["properties"]["mode"] = json!({"type": "string", "enum": [wire]});
        variant
    };
    let asked = |one: Value, other: Value| {
        Sample(json!({
            "definitions": {
                "AskParams": {"oneOf": [variant("one", one), variant("other", other)]},
                "AskResponse": {"type": "object"},
            },
            "serverRequests": [{"name": "ask", "params": "AskParams"}],
        }))
    };
    let turn = || json!({"turnId": {"type": "string"}});
    let files = asked(turn(), turn()).files().unwrap();
    assert!(
        files["methods.rs"].contains("Ask thread=none turn=shared,"),
        "{}",
        files["methods.rs"]
    );
    let refusal = format!("{:#}", asked(turn(), json!({})).files().unwrap_err());
    assert_eq!(
        refusal,
        "the variants of AskParams say in different ways which turn they belong to"
    );
}
