//! Secrets that the client was given, kept out of what it logs and tells.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Mutex, PoisonError};

pub(crate) use codex_runtime::redact::names_a_secret;
use codex_runtime::redact::{SHORTEST, redact};
use serde_json::Value;

/// The secrets that a client was given: what the runtime says on its error output or in a refusal
/// may quote them.
#[derive(Default)]
pub(crate) struct Secrets {
    known: Mutex<Vec<Box<str>>>,
}

impl Secrets {
    /// Makes the set of these secrets.
    pub(crate) fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let all = Self::default();
        for secret in secrets {
            all.learn(&secret);
        }
        all
    }

    /// Adds a secret.
    pub(crate) fn learn(&self, secret: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if secret.len() >= SHORTEST && !known.iter().any(|other| **other == *secret) {
            known.push(secret.into());
        }
    }

    /// Takes every known secret, and whatever looks like a credential, out of a text.
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match redact(text, known.iter().map(|secret| &**secret)) {
            Cow::Owned(clean) => Cow::Owned(clean),
            // Borrowed from the text, not from the secrets.
            Cow::Borrowed(_) => Cow::Borrowed(text),
        }
    }

    /// Takes secrets out of every text of a value.
    pub(crate) fn redact_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(clean) = self.redact(text) {
                    *text = clean;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_value(item)),
            Value::Object(members) => {
                members
                    .values_mut()
                    .for_each(|item| self.redact_value(item));
            }
            _ => {}
        }
    }
}

/// Collects the texts of a setting that are secrets: by its key, by the names of its members, and
/// all of an environment and of headers.
pub(crate) fn secrets_of(key: &str, value: &Value, found: &mut Vec<String>) {
    let segments = || {
        key.split('.')
            .map(|segment| segment.trim().trim_matches('"'))
    };
    let holds_secrets = |name: &str| matches!(name, "env" | "http_headers" | "headers");
    let all = segments().any(holds_secrets) || segments().next_back().is_some_and(names_a_secret);
    collect(value, all, &holds_secrets, found);
}

fn collect(value: &Value, all: bool, holds: &dyn Fn(&str) -> bool, found: &mut Vec<String>) {
    match value {
        Value::String(text) if all => found.push(text.clone()),
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect(item, all, holds, found)),
        Value::Object(members) => members.iter().for_each(|(name, item)| {
            collect(
                item,
                all || holds(name) || names_a_secret(name),
                holds,
                found,
            );
        }),
        _ => {}
    }
}

/// Takes the values out of what serde says of JSON that did not fit; they may be secrets.
pub(crate) fn without_values(error: serde_json::Error) -> serde_json::Error {
    const QUOTES: [(&str, &str); 3] = [
        ("string \"", "\", expected"),
        ("unknown variant `", "`, "),
        ("unknown field `", "`, "),
    ];
    let text = error.to_string();
    for (start, end) in QUOTES {
        if let Some(from) = text.find(start).map(|at| at + start.len())
            && let Some(length) = text[from..].find(end)
        {
            // What is quoted may hold the end, but not before its own is escaped or last.
            let length = match end {
                "`, " => length,
                _ => text[from..].rfind(end).unwrap_or(length),
            };
            let clean = format!("{}…{}", &text[..from], &text[from + length..]);
            return serde::de::Error::custom(clean);
        }
    }
    error
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn known_secrets_and_credentials_are_taken_out() {
        let secrets = Secrets::new(["hunter22".into(), "hunter22-long".into(), "x".into()]);
        let rows = [
            (
                "x is hunter22-long, hunter22!",
                "x is [redacted], [redacted]!",
            ),
            ("key: sk-proj-0123456789.", "key: [redacted]"),
            (
                "Bearer abcdefghij, Bearer of news",
                "[redacted], Bearer of news",
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(secrets.redact(text), expected);
        }
        let mut value = json!({"a": ["hunter22", 5], "b": null});
        secrets.redact_value(&mut value);
        assert_eq!(value, json!({"a": ["[redacted]", 5], "b": null}));
    }

    #[test]
    fn settings_tell_what_is_secret() {
        let of = |key: &str, value: Value| {
            let mut found = Vec::new();
            secrets_of(key, &value, &mut found);
            found
        };
        assert_eq!(
            of("model_providers.x.experimental_bearer_token", json!("s")),
            ["s"]
        );
        assert_eq!(of("mcp_servers.x.env", json!({"A": "s"})), ["s"]);
        assert_eq!(
            of("mcp_servers.x", json!({"env": {"A": "s"}, "command": "c"})),
            ["s"]
        );
        assert_eq!(of("mcp_servers.\"x.y\".env.A", json!("s")), ["s"]);
        assert_eq!(
            of("model_providers.x.env_key", json!("OPENAI_API_KEY")),
            [""; 0]
        );
        assert_eq!(of("sandbox_mode", json!("workspace-write")), [""; 0]);
    }

    #[test]
    fn errors_of_serde_lose_their_values() {
        let text = |error: serde_json::Error| without_values(error).to_string();
        let error = serde_json::from_str::<u8>("\"a secret, \\\" expected\"").unwrap_err();
        assert!(!text(error).contains("secret"));
        #[derive(Debug, serde::Deserialize)]
        enum One {
            Known,
        }
        assert!(matches!(serde_json::from_str("\"Known\""), Ok(One::Known)));
        let error = serde_json::from_str::<One>("\"secret\"").unwrap_err();
        assert!(!text(error).contains("secret"));
        let error = serde_json::from_str::<u8>("{").unwrap_err();
        assert!(!error.to_string().is_empty() && !text(error).contains('…'));
    }
}
