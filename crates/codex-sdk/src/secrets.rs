//! Secrets that the client was given, kept out of what it logs and tells.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// What stands in the place of a secret.
const REDACTED: &str = "[redacted]";
/// A shorter value is no secret worth the name, and likely to stand in other words.
const SHORTEST: usize = 8;

/// What credentials begin with, wherever they come from.
const PREFIXES: [&str; 3] = ["sk-", "Bearer ", "eyJ"];
/// How long the rest of a credential is at least.
const REST: usize = 8;

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
            // One may hold another.
            known.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        }
    }

    /// Takes every known secret, and whatever looks like a credential, out of a text.
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            for secret in known.iter() {
                if text.contains(&**secret) {
                    text = Cow::Owned(text.replace(&**secret, REDACTED));
                }
            }
        }
        for prefix in PREFIXES {
            if let Some(clean) = without_credentials(&text, prefix) {
                text = Cow::Owned(clean);
            }
        }
        text
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

/// Tells whether what has this name is a secret: a variable, a key, a member.
pub(crate) fn names_a_secret(name: &str) -> bool {
    const WORDS: [&str; 8] = [
        "key",
        "token",
        "secret",
        "password",
        "passwd",
        "credential",
        "auth",
        "cookie",
    ];
    let name = name.to_ascii_lowercase();
    // Some settings name the variable that holds the secret.
    let names_a_variable = name.ends_with("env_key") || name.ends_with("env_var");
    !names_a_variable && WORDS.iter().any(|word| name.contains(word))
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

/// Takes out what begins like a credential and goes on like one; `None` if there is none.
fn without_credentials(text: &str, prefix: &str) -> Option<String> {
    let of_credential =
        |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | '=');
    let mut clean = String::new();
    let mut rest = text;
    let mut found = false;
    while let Some(at) = rest.find(prefix) {
        let (before, from) = rest.split_at(at);
        let length = from[prefix.len()..]
            .chars()
            .take_while(of_credential)
            .count();
        // The characters of a credential are one byte each.
        let end = prefix.len() + length;
        let inside_a_word = before.ends_with(|c: char| c.is_ascii_alphanumeric());
        clean.push_str(before);
        if length < REST || inside_a_word {
            clean.push_str(&from[..end]);
        } else {
            clean.push_str(REDACTED);
            found = true;
        }
        rest = &from[end..];
    }
    clean.push_str(rest);
    found.then_some(clean)
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
            ("a task-0123456789 and sk-it", "a task-0123456789 and sk-it"),
            ("plain \u{1F600} text", "plain \u{1F600} text"),
            ("sk-\u{1F600}", "sk-\u{1F600}"),
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
