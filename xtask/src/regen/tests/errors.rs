//! Schemas that the generator refuses, or that leave a decision to a person.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::super::bundle::Bundle;
use super::super::{corrections, registry, tables};
use super::sample::Sample;

fn refusal(sample: Value) -> String {
    format!("{:#}", Sample(sample).files().unwrap_err())
}

fn refused_definition(definition: Value) -> String {
    refusal(json!({"definitions": {"Thing": definition}}))
}

/// What a person should decide about in one definition; the generator goes on.
fn found(definition: Value) -> Vec<String> {
    let sample = Sample(json!({"definitions": {"Thing": definition}}));
    assert!(sample.files().is_ok());
    sample.open()
}

#[test]
fn an_unknown_keyword_names_its_definition() {
    let nested =
        json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "^x"}}});
    assert_eq!(
        found(nested),
        [
            "Thing uses the schema keyword pattern, which the generator ignores: teach it in \
          regen/corrections.rs"
        ]
    );
}

#[test]
fn shapes_that_nobody_taught_are_values() {
    let field = |property: Value| found(json!({"type": "object", "properties": {"a": property}}));
    for (found, expected) in [
        (
            field(json!({"allOf": [{"type": "string"}, {"type": "integer"}]})),
            "Thing has an allOf of several members, it is a Value",
        ),
        (
            field(json!({"type": ["string", "integer"]})),
            "Thing.a has several types",
        ),
        (
            field(
                json!({"type": "object", "default": [1], "additionalProperties": {"type": "string"}}),
            ),
            "Thing.a is optional, as its default is not understood: the default [1]",
        ),
    ] {
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with(expected), "{found:#?}");
    }
    for plain in [
        json!({"type": "integer", "format": "int64", "default": 5}),
        json!({"type": "string", "default": "x"}),
        json!({"type": ["string", "null"], "default": "x"}),
    ] {
        assert_eq!(field(plain.clone()), [""; 0], "{plain}");
    }
}

#[test]
fn definitions_that_are_none_are_refused() {
    let cases = [
        (
            refused_definition(json!({"type": "object", "properties": {"a": false}})),
            "definition Thing holds a schema that is neither an object nor true",
        ),
        (
            refused_definition(json!({"type": "array", "items": {"type": "string"}})),
            "Thing is a newtype over",
        ),
        (
            refused_definition(
                json!({"oneOf": [{"type": "object", "properties": {"a": true, "b": true}}]}),
            ),
            "Thing has a member that is neither a string nor an object with one property",
        ),
        (
            refused_definition(
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

/// The names of the table come first, so that a new variant changes none of them.
#[test]
fn a_union_told_apart_by_shape_is_named_by_rule() {
    let named = |name: &str, members: Value| {
        let sample = Sample(json!({"definitions": {name: {"anyOf": members}}}));
        (sample.open(), sample.code().unwrap())
    };
    let (open, code) = named(
        "Thing",
        json!([{"type": "string"}, {"type": "integer", "format": "int64"}]),
    );
    assert_eq!(
        open,
        ["Thing was named by rule: name it in UNTAGGED_VARIANTS"]
    );
    assert!(
        code.contains("String(String),") && code.contains("Integer(i64),"),
        "{code}"
    );
    let more = json!([{"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "boolean"}]);
    let (open, code) = named("ThreadListCwdFilter", more);
    assert_eq!(open.len(), 1);
    for variant in ["One(String),", "Many(Vec<String>),", "Boolean(bool),"] {
        assert!(code.contains(variant), "{code}");
    }
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
    let twice =
        Sample(json!({"definitions": {"Thing": {"oneOf": [variant("ab/cd"), variant("ab-cd")]}}}));
    assert_eq!(
        twice.open(),
        ["ab-cd of Thing was named by rule: name it in VARIANT_NAMES"]
    );
    let code = twice.code().unwrap();
    assert!(code.contains("AbDashCd(AbDashCdThing),"), "{code}");
    let union = json!({"oneOf": [variant("ab/cd"), variant("ab-cd"), variant("ab dash cd")]});
    let definitions = [("Thing".to_owned(), union)].into();
    let error = corrections::correct(definitions, true).unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "correction hoist_tagged_variants: two variants of Thing would have the name AbDashCd: name ab dash cd \
         in VARIANT_NAMES"
    );
}

#[test]
fn a_correction_that_touches_nothing_is_stale() {
    let definitions = || [("Thing".to_owned(), json!({"type": "object"}))].into();
    let stale = |complete: bool| {
        let corrected = corrections::apply(definitions(), complete).unwrap();
        let rows = corrected.findings.stale().map(ToString::to_string);
        let rows = rows.filter(|row| row.starts_with("CORRECTIONS"));
        rows.collect::<Vec<_>>()
    };
    let row =
        "CORRECTIONS has a row that this schema does not need, remove it: drop_nullable_aliases";
    assert!(stale(true).contains(&row.to_owned()), "{:?}", stale(true));
    // The stable bundle may lack what the whole one has.
    assert_eq!(stale(false), [""; 0]);
}

/// A row may be missing in the stable bundle, but not in the one that has everything.
#[test]
fn a_row_of_a_table_that_names_nothing_is_stale() {
    let filled =
        Sample(json!({"definitions": {"ThreadSource": {"type": "string", "enum": ["user"]}}}));
    let required = json!({"type": "object", "required": ["serviceTier"], "properties": {"serviceTier": {"type": "string"}}});
    let required = Sample(json!({"definitions": {"TurnSettingsUpdateParams": required}}));
    let login = json!({"type": "object", "properties": {"region": {"type": "string"}}});
    let login = Sample(json!({"definitions": {"AmazonBedrockLoginAccountParams": login}}));
    for (sample, table, row) in [
        (
            &filled,
            "UNTAGGED_VARIANTS",
            "AccountSessionsSwitchResponse",
        ),
        (
            &filled,
            "VARIANT_NAMES",
            "openai/form of McpServerElicitationRequestParams",
        ),
        (&filled, "KNOWN_VALUES", "ThreadSource"),
        (&filled, "RESPONSES", "account/logout"),
        (&filled, "SAFE_ANSWERS", "item/tool/call"),
        (&filled, "UNLISTED_NOTIFICATIONS", "rawResponse/completed"),
        (
            &required,
            "NULL_IS_NOT_ABSENT",
            "TurnSettingsUpdateParams.serviceTier",
        ),
        (&login, "SECRETS", "AmazonBedrockLoginAccountParams.apiKey"),
    ] {
        let rows = sample.stale(table);
        let expected =
            format!("{table} has a row that this schema does not need, remove it: {row}");
        assert!(rows.contains(&expected), "{table}: {rows:#?}");
    }
    assert_eq!(
        required.stale("SECRETS").len(),
        login.stale("SECRETS").len()
    );
}

#[test]
fn every_method_has_a_response_and_every_response_a_method() {
    let object = json!({"type": "object"});
    let lonely = Sample(json!({
        "definitions": {"ThingReadParams": object, "GetThingResponse": object},
        "requests": [{"name": "thing/read", "params": "ThingReadParams"}],
    }));
    assert_eq!(
        lonely.open(),
        [
            "thing/read has no type for its answer, it is a Value: name it in RESPONSES; nobody else has \
          GetThingResponse"
        ]
    );
    let methods = &lonely.files().unwrap()["methods.rs"];
    let row = "\"thing/read\" ThingReadParams object => Value,";
    assert!(methods.contains(row), "{methods}");
    assert_eq!(
        Sample(json!({"definitions": {"ThingReadResponse": object}})).open(),
        ["no method answers with ThingReadResponse: name it in RESPONSES"]
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

/// A null that means something is sayable: where no table says what it means, it is kept.
#[test]
fn a_text_that_speaks_of_null_keeps_absent_and_null_apart() {
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
        let sample = Sample(params(Value::Null, text));
        assert_eq!(
            sample.open(),
            [
                "ThingParams.a speaks of null, absent and null stay apart: name it in NULL_IS_NOT_ABSENT or \
              NULL_IS_ABSENCE"
            ],
            "{text}"
        );
        let code = sample.code().unwrap();
        assert!(code.contains("pub a: Option<Option<String>>,"), "{code}");
    }
    // Null is sayable where the field must be there, and nothing is asked where nothing is said.
    for (presence, text) in [
        (json!("a"), "Null clears it, never omit it."),
        (Value::Null, "Omit to keep it; nullable."),
    ] {
        assert_eq!(Sample(params(presence, text)).open(), [""; 0], "{text}");
    }
    // What only the runtime writes is read: there absence and null stay apart where it is written again.
    let mut read = params(Value::Null, "Null where absent.");
    read["built"] = json!([]);
    assert_eq!(Sample(read).open(), [""; 0]);
}

#[test]
fn rows_about_null_that_no_longer_apply_are_stale() {
    let listed = |property: Value, built: bool| {
        Sample(json!({
            "definitions": {"ThreadSearchParams": {
                "type": "object", "properties": {"archived": property},
            }},
            "built": if built { json!(["ThreadSearchParams"]) } else { json!([]) },
        }))
    };
    let is_stale = |sample: &Sample| {
        let rows = sample.stale("NULL_IS_ABSENCE");
        rows.iter()
            .any(|row| row.ends_with(": ThreadSearchParams.archived"))
    };
    let property = json!({"type": ["boolean", "null"], "description": "False or null: all."});
    let silent = json!({"type": ["boolean", "null"]});
    assert!(is_stale(&listed(silent, true)));
    assert!(is_stale(&listed(property.clone(), false)));
    assert!(!is_stale(&listed(property, true)));
    let patched = Sample(json!({
        "definitions": {"TurnSettingsUpdateParams": {
            "type": "object", "properties": {"serviceTier": {"type": ["string", "null"]}},
        }},
    }));
    let rows = patched.stale("NULL_IS_NOT_ABSENT");
    let row = "TurnSettingsUpdateParams.serviceTier";
    assert!(rows.iter().any(|stale| stale.ends_with(row)), "{rows:#?}");
}

/// What looks like a secret is hidden, and a request that nobody decided about is refused.
#[test]
fn what_nobody_decided_about_is_on_the_safe_side() {
    let text = json!({"type": "string"});
    let sample = Sample(json!({
        "definitions": {
            "AskParams": {"type": "object", "required": ["accessToken", "tokenLimit"], "properties": {
                "accessToken": text, "name": text, "tokenLimit": {"type": "integer", "format": "int64"},
            }},
            "AskResponse": {"type": "object"},
        },
        "serverRequests": [{"name": "ask", "params": "AskParams"}],
    }));
    assert_eq!(
        sample.open(),
        [
            "ask is a request of the runtime without a safe answer, it is refused: choose one in \
             crates/codex-types/src/safe.rs and name the method in SAFE_ANSWERS",
            "AskParams.accessToken looks like a secret, Debug hides it: name it in SECRETS or NOT_SECRET",
        ]
    );
    let code = sample.code().unwrap();
    assert!(code.contains("access_token hide,"), "{code}");
    assert!(code.contains("token_limit show,"), "{code}");
}

/// The table and `safe.rs` name the same methods.
#[test]
fn every_safe_answer_is_in_the_table() {
    let path = crate::tree::root().join("crates/codex-types/src/safe.rs");
    let arms: BTreeSet<String> = fs::read_to_string(path)
        .unwrap()
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix('(')?
                .strip_suffix(", $failure:ident) => {")
        })
        .chain(["ItemToolCall"])
        .filter(|variant| !variant.starts_with('$'))
        .map(str::to_owned)
        .collect();
    let table: BTreeSet<String> = tables::SAFE_ANSWERS
        .iter()
        .map(|method| registry::method_name(method))
        .collect();
    assert_eq!(arms, table);
}

/// Inline schemas of a newer runtime get names, and numbers that are listed stay numbers.
#[test]
fn inline_schemas_are_named_after_their_place() {
    let sample = Sample(json!({
        "definitions": {"Thing": {"type": "object", "required": ["version"], "properties": {
            "color": {"type": ["string", "null"], "enum": ["red", "blue", null], "description": "Its color."},
            "parts": {"type": "array", "items": {"type": "object", "properties": {"size": {"enum": ["s"]}}}},
            "version": {"type": "integer", "format": "uint8", "enum": [1]},
            "owner": {"oneOf": [{"type": "string", "enum": ["nobody"]}, {
                "type": "object", "required": ["user"], "properties": {"user": {"type": "string"}},
            }]},
        }}},
    }));
    let code = sample.code().unwrap();
    for part in [
        "pub color: Option<ThingColor>,",
        "pub parts: Option<Vec<ThingParts>>,",
        "pub version: u8,",
        "pub owner: Option<ThingOwner>,",
        "pub enum ThingColor {",
        "pub enum ThingPartsSize {",
        "pub enum ThingOwner {",
        "/// Its color.",
    ] {
        assert!(code.contains(part), "{part}: {code}");
    }
    let named = sample.open();
    assert_eq!(named.len(), 4, "{named:#?}");
}

/// Params pick their method, so that two methods never share them.
#[test]
fn a_second_method_with_the_same_params_has_its_own() {
    let object = json!({"type": "object"});
    let sample = Sample(json!({
        "definitions": {"FindParams": object, "FindResponse": object},
        "requests": [{"name": "find", "params": "FindParams"}, {"name": "find/stream", "params": "FindParams"}],
    }));
    let methods = &sample.files().unwrap()["methods.rs"];
    for row in [
        "\"find\" FindParams object => FindResponse,",
        "\"find/stream\" FindStreamParams object => FindResponse,",
    ] {
        assert!(methods.contains(row), "{methods}");
    }
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
