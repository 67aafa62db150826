//! Keeping secrets out of what npm says.

use crate::Environment;

const HIDDEN: &str = "***";

/// Shorter values of secret variables are too likely to be ordinary words.
const SHORTEST_SECRET: usize = 8;

/// Replaces tokens, passwords and the values of secret variables.
pub(super) fn redact(text: &str, environment: &Environment) -> String {
    let mut text = text.to_owned();
    for (key, value) in environment.iter() {
        let (key, value) = (
            key.to_string_lossy().to_uppercase(),
            value.to_string_lossy(),
        );
        let secret = ["TOKEN", "AUTH", "PASSWORD", "PASSWD", "SECRET", "KEY"];
        if value.len() >= SHORTEST_SECRET && secret.iter().any(|word| key.contains(word)) {
            text = text.replace(value.as_ref(), HIDDEN);
        }
    }
    let lines = text.lines().map(redact_line).collect::<Vec<_>>();
    lines.join("\n")
}

fn redact_line(line: &str) -> String {
    let mut hide_next = false;
    let words = line.split(' ').map(|word| {
        let hide = hide_next;
        let lower = word.to_lowercase();
        hide_next = ["bearer", "basic"].contains(&lower.trim_matches(['"', ':']));
        if hide && !word.is_empty() {
            return HIDDEN.to_owned();
        }
        redact_word(word, &lower)
    });
    words.collect::<Vec<_>>().join(" ")
}

fn redact_word(word: &str, lower: &str) -> String {
    for key in ["_authtoken=", "_auth=", "_password=", "token="] {
        if let Some(at) = lower.find(key) {
            // Lower case may change lengths outside ASCII; then hide it all.
            let head = word.get(..at + key.len()).filter(|_| word.is_ascii());
            return format!("{}{HIDDEN}", head.unwrap_or_default());
        }
    }
    if lower.contains("npm_") && word.len() > 20 {
        return HIDDEN.to_owned();
    }
    if let Some((scheme, rest)) = word.split_once("://")
        && let Some((_, host)) = rest.split_once('@')
        && !host.is_empty()
        && !rest
            .split('@')
            .next()
            .is_some_and(|user| user.contains('/'))
    {
        return format!("{scheme}://{HIDDEN}@{host}");
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_the_rest_is_kept() {
        let environment = Environment::unix([
            ("NPM_TOKEN", "abcdefghij"),
            ("MY_AUTH", "short"),
            ("HOME", "/home/user"),
        ]);
        for (text, hidden) in [
            ("npm error code E401", "npm error code E401"),
            ("sent abcdefghij to it", "sent *** to it"),
            ("a short text", "a short text"),
            ("//host/:_authToken=s3cr3t", "//host/:_authToken=***"),
            ("authorization: Bearer s3cr3t", "authorization: Bearer ***"),
            ("got npm_0123456789012345678901234567", "got ***"),
            (
                "GET https://me:pw@host.test/x - 404",
                "GET https://***@host.test/x - 404",
            ),
            (
                "GET https://host.test/@openai%2fcodex",
                "GET https://host.test/@openai%2fcodex",
            ),
            (
                "in /home/user/.npmrc\nline 2",
                "in /home/user/.npmrc\nline 2",
            ),
        ] {
            assert_eq!(redact(text, &environment), hidden);
        }
    }
}
