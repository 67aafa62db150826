//! Values of `--config key=value`, written as TOML.

use serde::Serialize;
use serde_json::Value;
use toml_writer::{TomlKeyBuilder, TomlStringBuilder, TomlWrite};

/// Writes a value as TOML on one line.
///
/// What TOML cannot say (no value, a number that is not finite or beyond 64 bits) is refused
/// with a reason.
pub(super) fn to_toml(value: &impl Serialize) -> Result<String, String> {
    // JSON has what TOML has, short of dates; numbers that are not finite come out as null.
    let value = serde_json::to_value(value).map_err(|error| error.to_string())?;
    check(&value)?;
    let mut text = String::new();
    write(&mut text, &value).map_err(|error| error.to_string())?;
    Ok(text)
}

/// Returns why TOML cannot say a value.
fn check(value: &Value) -> Result<(), String> {
    match value {
        Value::Null => {
            Err("TOML has no null, and the runtime takes no numbers that are not finite".into())
        }
        Value::Number(number) if number.as_i64().is_none() && number.is_u64() => {
            Err(format!("{number} is beyond TOML's integers"))
        }
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(members) => members.values().try_for_each(check),
        _ => Ok(()),
    }
}

fn write(out: &mut String, value: &Value) -> std::fmt::Result {
    match value {
        // Checked before.
        Value::Null => Ok(()),
        Value::Bool(flag) => out.value(*flag),
        Value::Number(number) => {
            out.push_str(&number.to_string());
            Ok(())
        }
        // The other forms of a string may take several lines.
        Value::String(text) => out.value(TomlStringBuilder::new(text).as_basic()),
        Value::Array(items) => {
            out.open_array()?;
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.val_sep()?;
                    out.space()?;
                }
                write(out, item)?;
            }
            out.close_array()
        }
        Value::Object(members) => {
            out.open_inline_table()?;
            for (index, (name, item)) in members.iter().enumerate() {
                if index > 0 {
                    out.val_sep()?;
                    out.space()?;
                }
                out.key(TomlKeyBuilder::new(name).as_basic())?;
                out.space()?;
                out.keyval_sep()?;
                out.space()?;
                write(out, item)?;
            }
            out.close_inline_table()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn parsed(text: &str) -> Value {
        let table: toml::Table = toml::from_str(&format!("v = {text}")).unwrap();
        serde_json::to_value(&table["v"]).unwrap()
    }

    #[test]
    fn values_are_written_on_one_line() {
        assert_eq!(
            to_toml(&"a \"b\"\n\u{7f}\0c").unwrap(),
            r#""a \"b\"\n\u007F\u0000c""#
        );
        let value = json!({"a b": [1, -2.5, true], "c": {"d": "é\\"}});
        assert_eq!(
            to_toml(&value).unwrap(),
            r#"{"a b" = [1, -2.5, true], "c" = {"d" = "é\\"}}"#
        );
    }

    #[test]
    fn what_toml_cannot_say_is_refused() {
        assert!(to_toml(&f64::NAN).is_err());
        assert!(to_toml(&vec![1.0, f64::INFINITY]).is_err());
        assert!(to_toml(&None::<u8>).is_err());
        assert!(to_toml(&u64::MAX).is_err());
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>()
                .prop_filter("finite", |f| f.is_finite())
                .prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_survives_a_toml_parser(value in values()) {
            let text = to_toml(&value).unwrap();
            prop_assert!(!text.contains('\n'));
            prop_assert_eq!(parsed(&text), value);
        }
    }
}
