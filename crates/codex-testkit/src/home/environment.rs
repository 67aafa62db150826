//! The variables of the user's environment that must not reach the runtime.

use std::ffi::OsString;

/// Prefixes of variables that steer the runtime or carry its accounts.
const PREFIXES: [&str; 6] = ["AWS_", "AZURE_", "CODEX_", "GIT_", "OPENAI_", "OTEL_"];

/// Suffixes of variables that carry secrets or lead requests elsewhere.
const SUFFIXES: [&str; 5] = ["_API_KEY", "_PASSWORD", "_PROXY", "_SECRET", "_TOKEN"];

/// Single variables that would lead out of the isolated home.
const NAMES: [&str; 6] = [
    "RUST_BACKTRACE",
    "RUST_LOG",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];

/// Lists the variables of this process that a runtime under test must not see.
pub(super) fn to_remove(kept: &[&str]) -> Vec<OsString> {
    std::env::vars_os()
        .map(|(key, _)| key)
        .filter(|key| {
            let name = key.to_string_lossy();
            is_foreign(&name) && !kept.iter().any(|kept| name.eq_ignore_ascii_case(kept))
        })
        .collect()
}

fn is_foreign(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
        || NAMES.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::is_foreign;

    #[test]
    fn keys_and_proxies_are_foreign_and_the_rest_is_not() {
        for name in [
            "OPENAI_API_KEY",
            "https_proxy",
            "CODEX_HOME",
            "MISTRAL_API_KEY",
            "GH_TOKEN",
        ] {
            assert!(is_foreign(name), "{name}");
        }
        for name in ["PATH", "LANG", "SystemRoot", "CARGO_HOME", "TERM"] {
            assert!(!is_foreign(name), "{name}");
        }
    }
}
