//! The `config.toml` of an isolated home.

use serde_json::{Value, json};

use crate::model::MockModel;

/// The settings, in the order they are written, as dotted keys.
#[derive(Clone, Debug)]
pub(super) struct Config {
    settings: Vec<(String, Value)>,
    tail: String,
}

impl Config {
    pub(super) fn for_model(model: &MockModel) -> Self {
        let mut config = Self {
            settings: Vec::new(),
            tail: String::new(),
        };
        config.set("model", json!("mock-model"));
        config.set("approval_policy", json!("never"));
        config.set("sandbox_mode", json!("read-only"));
        config.set("model_provider", json!("mock_provider"));
        config.set("chatgpt_base_url", json!(model.origin()));
        config.set("analytics.enabled", json!(false));
        // The runtime would fetch its list of plugins from a public host.
        config.set("features.plugins", json!(false));
        // The workspace may lie inside a checkout whose instructions are not
        // the test's: with no marker, the workspace itself is the project.
        config.set("project_root_markers", json!([]));
        config.set_provider("name", json!("Mock provider"));
        config.set_provider("base_url", json!(model.base_url()));
        config.set_provider("wire_api", json!("responses"));
        config.set_provider("request_max_retries", json!(0));
        config.set_provider("stream_max_retries", json!(0));
        config
    }

    /// Sets a dotted key; `null` takes it out.
    pub(super) fn set(&mut self, key: &str, value: Value) {
        match self.settings.iter_mut().find(|(set, _)| set == key) {
            Some((_, slot)) => *slot = value,
            None => self.settings.push((key.to_owned(), value)),
        }
    }

    pub(super) fn set_provider(&mut self, key: &str, value: Value) {
        self.set(&format!("model_providers.mock_provider.{key}"), value);
    }

    pub(super) fn append(&mut self, toml: &str) {
        self.tail.push_str(toml);
        self.tail.push('\n');
    }

    pub(super) fn to_toml(&self) -> String {
        let mut text = String::new();
        for (key, value) in &self.settings {
            if !value.is_null() {
                text.push_str(&format!("{key} = {}\n", inline(value)));
            }
        }
        text + &self.tail
    }
}

/// Writes a JSON value as an inline TOML value; members that are null are left out.
fn inline(value: &Value) -> String {
    match value {
        Value::Null => "\"\"".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| format!("{} = {}", quoted(key), inline(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
    }
}

/// Quotes a text; JSON's escapes are TOML's, but for the delete character.
fn quoted(text: &str) -> String {
    Value::String(text.to_owned())
        .to_string()
        .replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_toml() {
        let value = json!({"args": ["a\"b", 1, true], "env": {"K": "v\n"}, "none": null});
        assert_eq!(
            inline(&value),
            r#"{ "args" = ["a\"b", 1, true], "env" = { "K" = "v\n" } }"#
        );
    }

    #[test]
    fn a_setting_replaces_the_earlier_one_and_null_removes_it() {
        let mut config = Config {
            settings: Vec::new(),
            tail: String::new(),
        };
        config.set("a.b", json!(1));
        config.set("c", json!("x"));
        config.set("a.b", json!(2));
        config.set("c", Value::Null);
        config.append("[table]\nkey = 1");
        assert_eq!(config.to_toml(), "a.b = 2\n[table]\nkey = 1\n");
    }
}
