//! What the model is told of arguments, and what it is told when they do not fit.

use schemars::JsonSchema;
use serde_json::{Value, json};

use super::Arguments;

fn arguments<A: JsonSchema>() -> Arguments {
    Arguments::of::<A>().unwrap_or_else(|refusal| panic!("{refusal}"))
}

fn problem<A: JsonSchema>(value: Value) -> String {
    arguments::<A>().checked(value).unwrap_err()
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Search {
    /// What to look for.
    #[schemars(length(min = 1, max = 80))]
    words: String,
    #[schemars(range(min = 1, max = 20), extend("default" = 5))]
    most: Option<u8>,
}

#[test]
fn what_the_runtime_drops_is_in_the_descriptions() {
    let expected = json!({
        "type": "object",
        "properties": {
            "words": {
                "type": "string",
                "description": "What to look for. (maxLength: 80, minLength: 1)",
            },
            "most": {
                "type": ["integer", "null"],
                "description": "(default: 5, maximum: 20, minimum: 1)",
            },
        },
        "required": ["words"],
    });
    assert_eq!(arguments::<Search>().schema, expected);
}

#[test]
fn arguments_are_checked_against_what_the_runtime_drops() {
    let fine = json!({"words": "rust"});
    assert_eq!(arguments::<Search>().checked(fine.clone()), Ok(fine));
    let none = problem::<Search>(json!({"most": 3}));
    assert_eq!(none, r#""words" is a required property"#);
    let both = problem::<Search>(json!({"words": "", "most": 21}));
    assert!(both.contains("at /words: "), "{both}");
    assert!(both.contains("at /most: 21 is greater than"), "{both}");
}

#[test]
fn the_model_is_told_a_few_problems_and_how_many_are_left() {
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Numbers {
        numbers: Vec<u8>,
    }

    let problem =
        problem::<Numbers>(json!({"numbers": [true, true, true, true, true, true, true]}));
    assert!(
        problem.starts_with("at /numbers/0: true is not"),
        "{problem}"
    );
    assert!(problem.ends_with("; and 2 more"), "{problem}");
}

#[test]
fn a_type_that_holds_itself_is_a_definition() {
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Tree {
        children: Vec<Tree>,
    }

    let tree = arguments::<Tree>();
    let children = json!({"type": "array", "items": {"$ref": "#/$defs/Tree"}});
    assert_eq!(tree.schema["properties"]["children"], children);
    assert_eq!(
        tree.schema["$defs"]["Tree"]["properties"]["children"],
        children
    );
    let problem = tree
        .checked(json!({"children": [{"children": [3]}]}))
        .unwrap_err();
    assert!(
        problem.starts_with("at /children/0/children/0: 3 is not"),
        "{problem}"
    );
}

#[test]
fn a_unit_is_a_tool_without_arguments() {
    let unit = arguments::<()>();
    assert_eq!(unit.schema, json!({"type": "object", "properties": {}}));
    assert_eq!(unit.checked(json!({})), Ok(Value::Null));
}

#[test]
fn arguments_that_are_no_struct_are_refused() {
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Way {
        North { steps: u32 },
        South { steps: u32 },
    }

    for refusal in [
        Arguments::of::<String>().unwrap_err(),
        Arguments::of::<Way>().unwrap_err(),
    ] {
        let text = refusal.to_string();
        assert!(
            text.contains("is no struct: use a struct with it as a field"),
            "{text}"
        );
    }
}
