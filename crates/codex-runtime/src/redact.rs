//! Keeps secrets out of texts that are logged or shown.

use std::borrow::Cow;

/// The mark in the place of a secret.
const MARK: &str = "[redacted]";
/// The length of the shortest secret, in bytes: a shorter value is likely to stand in other words.
pub const SHORTEST: usize = 8;

/// The beginnings of credentials.
const PREFIXES: [&str; 3] = ["sk-", "Bearer ", "eyJ"];
/// The least length of the rest of a credential, in bytes.
const REST: usize = 8;

/// Tells whether a variable, a key or a member of this name holds a secret.
pub fn names_a_secret(name: &str) -> bool {
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

/// Takes out of a text the known secrets, the longest first, and whatever looks like a credential.
pub fn redact<'a>(text: &'a str, known: impl IntoIterator<Item = &'a str>) -> Cow<'a, str> {
    let mut known: Vec<&str> = known
        .into_iter()
        .filter(|secret| secret.len() >= SHORTEST)
        .collect();
    // One may hold another.
    known.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    let mut text = Cow::Borrowed(text);
    for secret in known {
        if text.contains(secret) {
            text = Cow::Owned(text.replace(secret, MARK));
        }
    }
    for prefix in PREFIXES {
        if let Some(clean) = without_credentials(&text, prefix) {
            text = Cow::Owned(clean);
        }
    }
    match without_logins(&text) {
        Some(clean) => Cow::Owned(clean),
        None => text,
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
            clean.push_str(MARK);
            found = true;
        }
        rest = &from[end..];
    }
    clean.push_str(rest);
    found.then_some(clean)
}

/// Takes out what npm and HTTP clients write of a login: `_authToken=…`, `basic …`, tokens of npm,
/// and the user of a URL; `None` if there is nothing of it.
fn without_logins(text: &str) -> Option<String> {
    let mut hide_next = false;
    let mut found = false;
    let words = text.split_inclusive([' ', '\n']).map(|word| {
        let space = word.len() - word.trim_end_matches([' ', '\n']).len();
        let (word, space) = word.split_at(word.len() - space);
        let lower = word.to_lowercase();
        let hide = std::mem::replace(
            &mut hide_next,
            ["bearer", "basic"].contains(&lower.trim_matches(['"', ':'])),
        );
        let clean = match hide && word.len() >= SHORTEST && !word.starts_with(MARK) {
            true => Some(MARK.to_owned()),
            false => without_login(word, &lower),
        };
        found |= clean.is_some();
        clean.map_or(Cow::Borrowed(word), Cow::Owned) + space
    });
    let clean: String = words.collect();
    found.then_some(clean)
}

fn without_login(word: &str, lower: &str) -> Option<String> {
    for key in ["_authtoken=", "_auth=", "_password=", "token="] {
        if let Some(at) = lower.find(key) {
            // Lower case may change lengths outside of ASCII; then all of it goes.
            let head = word.get(..at + key.len()).filter(|_| word.is_ascii());
            return Some(format!("{}{MARK}", head.unwrap_or_default()));
        }
    }
    if lower.contains("npm_") && word.len() > 20 {
        return Some(MARK.to_owned());
    }
    let (scheme, rest) = word.split_once("://")?;
    let (user, host) = rest.split_once('@')?;
    (!host.is_empty() && !user.contains('/')).then(|| format!("{scheme}://{MARK}@{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_and_the_rest_is_kept() {
        let known = ["hunter22", "hunter22-long", "x", "abcdefghij"];
        for (text, expected) in [
            (
                "x is hunter22-long, hunter22!",
                "x is [redacted], [redacted]!",
            ),
            ("key: sk-proj-0123456789.", "key: [redacted]"),
            (
                "Bearer tuvwxyz012, Bearer of news",
                "[redacted], Bearer of news",
            ),
            ("a task-0123456789 and sk-it", "a task-0123456789 and sk-it"),
            ("plain \u{1F600} text", "plain \u{1F600} text"),
            ("sk-\u{1F600}", "sk-\u{1F600}"),
            ("npm error code E401", "npm error code E401"),
            ("sent abcdefghij to it", "sent [redacted] to it"),
            ("//host/:_authToken=s3cr3t", "//host/:_authToken=[redacted]"),
            (
                "authorization: Basic dXNlcjpwdw==",
                "authorization: Basic [redacted]",
            ),
            ("got npm_0123456789012345678901234567", "got [redacted]"),
            (
                "GET https://me:pw@host.test/x - 404",
                "GET https://[redacted]@host.test/x - 404",
            ),
            (
                "GET https://host.test/@openai%2fcodex",
                "GET https://host.test/@openai%2fcodex",
            ),
            (
                "in /home/user/.npmrc\nline 2",
                "in /home/user/.npmrc\nline 2",
            ),
            ("two  spaces\n", "two  spaces\n"),
        ] {
            assert_eq!(redact(text, known), expected);
        }
    }
}
