//! Comparison of JSON values: whether one has all members of another.

use serde_json::Value;

/// Says where `actual` lacks what `wanted` has; `None` if it has it all.
///
/// Objects may have more members; everything else must be equal.
pub(super) fn difference(wanted: &Value, actual: &Value) -> Option<String> {
    difference_at("", wanted, actual)
}

fn difference_at(path: &str, wanted: &Value, actual: &Value) -> Option<String> {
    match (wanted, actual) {
        (Value::Object(members), Value::Object(found)) => {
            members.iter().find_map(|(key, member)| {
                let path = format!("{path}/{key}");
                match found.get(key) {
                    Some(value) => difference_at(&path, member, value),
                    None => Some(format!("{path} is missing, not {member}")),
                }
            })
        }
        _ if wanted == actual => None,
        _ => Some(format!("{path} is {actual}, not {wanted}")),
    }
}

#[cfg(test)]
mod tests {
    use super::difference;
    use serde_json::json;

    #[test]
    fn an_object_may_have_more_members() {
        let actual = json!({"a": {"b": 1, "c": [1, 2]}, "d": null});
        assert_eq!(difference(&json!({}), &actual), None);
        assert_eq!(difference(&json!({"a": {"c": [1, 2]}}), &actual), None);
    }

    #[test]
    fn the_difference_names_its_place() {
        let actual = json!({"a": {"b": 1}});
        assert_eq!(
            difference(&json!({"a": {"b": 2}}), &actual),
            Some("/a/b is 1, not 2".to_owned())
        );
        assert_eq!(
            difference(&json!({"a": {"c": "x"}}), &actual),
            Some("/a/c is missing, not \"x\"".to_owned())
        );
    }
}
