//! Reads members of a JSON object as text, without building values.
//!
//! A JSON text may be well formed and still not be a [`Value`]: a string with half of a surrogate
//! pair, a number that no float holds, more nesting than the parser allows. The ids that route a
//! message are found in it all the same.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;
use serde_json::de::StrRead;
use serde_json::value::RawValue;

/// The most nested arrays and objects that are read into a value.
///
/// It is well above what the runtime sends, which itself reads 128 levels and puts them into an
/// item of an answer, and low enough for the stack of any thread.
pub(crate) const MOST_NESTED: usize = 256;

/// Returns the members of a JSON object, key and value as they stand in the text; none for a text
/// that is no object, and those before the fault for one that is malformed.
pub fn members(text: &str) -> Vec<(&str, &str)> {
    struct Members<'a>(Vec<(&'a str, &'a str)>);

    impl<'de> Visitor<'de> for &mut Members<'de> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                self.0.push((key.get(), value.get()));
            }
            Ok(())
        }
    }

    let mut members = Members(Vec::new());
    // What was read before a fault counts.
    let _ = serde_json::Deserializer::from_str(text).deserialize_map(&mut members);
    members.0
}

/// Returns the JSON text of a member of a JSON object: the last one of that name, as a parser does.
pub fn member<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut members = members(text).into_iter().rev();
    members.find_map(|(key, value)| is_name(key, name).then_some(value))
}

/// Returns a JSON string that has no escapes, as ids are written.
pub fn plain_string(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('\\')).then_some(inner)
}

/// Returns a JSON string without its escapes; `None` for a text that is none, or one that no string
/// can hold.
pub fn string(text: &str) -> Option<Cow<'_, str>> {
    match plain_string(text) {
        Some(plain) => Some(Cow::Borrowed(plain)),
        None => serde_json::from_str(text).ok().map(Cow::Owned),
    }
}

/// Returns the value of a JSON text, or the text itself, as a string, where it is none: not JSON,
/// half of a surrogate pair, a number out of range, more than 256 levels.
pub fn value(text: &str) -> Value {
    let mut input = reader(text);
    let read = serde::Deserialize::deserialize(&mut input);
    match read.and_then(|value| input.end().map(|()| value)) {
        Ok(value) => value,
        Err(_) => Value::String(text.to_owned()),
    }
}

/// Returns a parser whose bound of nesting is [`MOST_NESTED`], or its own for a text beyond that.
pub(super) fn reader(text: &str) -> serde_json::Deserializer<StrRead<'_>> {
    let mut input = serde_json::Deserializer::from_str(text);
    if is_shallow(text) {
        input.disable_recursion_limit();
    }
    input
}

/// Tells whether a text has at most [`MOST_NESTED`] levels.
pub(super) fn is_shallow(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > MOST_NESTED {
                    return false;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// Tells whether a key, as it stands in the text, is this name.
pub(super) fn is_name(key: &str, name: &str) -> bool {
    string(key).is_some_and(|key| key == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_beside_what_no_value_can_hold() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        for unreadable in [r#""\ud800""#, "1e999", &deep, r#"{"\udc00":"\ud800"}"#] {
            for text in [
                format!(r#"{{"a":{unreadable},"turnId":"u"}}"#),
                format!(r#"{{"turnId":"u","a":{unreadable}}}"#),
                format!(r#"{{"turnId":"other","\ud800":{unreadable},"turn\u0049d":"u"}}"#),
            ] {
                assert_eq!(member(&text, "turnId"), Some("\"u\""));
                // With `arbitrary_precision` a value can hold any number.
                if serde_json::from_str::<Value>(unreadable).is_err() {
                    assert_eq!(value(&text), Value::String(text.clone()));
                }
            }
        }
        for text in ["[]", "5", "null", "", "{", r#"{"turnId""#] {
            assert_eq!(member(text, "turnId"), None, "{text}");
        }
    }

    #[test]
    fn nesting_has_a_bound_of_its_own() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(value(&nested(200)).is_array());
        assert!(value(&nested(MOST_NESTED)).is_array());
        assert!(value(&nested(MOST_NESTED + 1)).is_string());
        assert!(value(&nested(1_000_000)).is_string());
        // Braces in strings are no levels.
        let text = format!(
            r#"["{}\"[","{}"]"#,
            "[".repeat(1_000),
            "\\\\[".repeat(1_000)
        );
        assert!(value(&text).is_array());
    }
}
