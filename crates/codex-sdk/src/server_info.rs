//! The metadata that the runtime sends in the handshake.

use codex_runtime::Version;
use codex_types::request::ClientRequest;
use codex_types::{ClientInfo, InitializeParams};
use serde_json::Value;

use crate::error::{Error, RawPayload, Result, UNKNOWN_VERSION};

/// The metadata that the runtime sends in the handshake.
///
/// What it does not say, or not as text, is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerInfo {
    /// The runtime's version, such as `0.200.1`; `unknown` if neither its user agent nor the
    /// search for it tells.
    pub runtime_version: String,
    /// The user agent of the runtime's own requests; it starts with the client's name.
    pub user_agent: String,
    /// The runtime's home folder.
    pub codex_home: String,
    /// The family of its platform: `unix` or `windows`.
    pub platform_family: String,
    /// Its operating system, such as `linux`.
    pub platform_os: String,
}

impl ServerInfo {
    /// Reads the result of the handshake with a runtime that was found to have a version, if it was
    /// asked for it before.
    ///
    /// A field that is missing or is no text is left empty: none of them is worth a connection. An
    /// answer that has none of them comes from something else than a runtime, and is refused.
    pub(crate) fn read(result: &str, client: &ClientInfo, found: Option<&Version>) -> Result<Self> {
        let fail = |source| Error::Decode {
            method: InitializeParams::METHOD.into(),
            source,
            raw: RawPayload::new(result),
        };
        let value: Value = serde_json::from_str(result).map_err(fail)?;
        let text = |name: &str| {
            value
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or("")
                .trim()
                .to_owned()
        };
        let user_agent = text("userAgent");
        let version = version(&user_agent, client).or_else(|| found.cloned());
        let info = Self {
            runtime_version: version
                .map_or_else(|| UNKNOWN_VERSION.into(), |version| version.to_string()),
            codex_home: text("codexHome"),
            platform_family: text("platformFamily"),
            platform_os: text("platformOs"),
            user_agent,
        };
        let told = [
            &info.user_agent,
            &info.codex_home,
            &info.platform_family,
            &info.platform_os,
        ];
        if told.iter().all(|text| text.is_empty()) {
            let reason = "missing required metadata: `userAgent`";
            return Err(fail(serde::de::Error::custom(reason)));
        }
        Ok(info)
    }

    /// Returns the runtime's version, if it is known.
    pub(crate) fn version(&self) -> Option<Version> {
        self.runtime_version.parse().ok()
    }
}

/// Reads the version from a user agent:
/// `<originator>/<version> (<system>; <architecture>) <terminal> (<client>; <client's version>)`.
///
/// The originator is the client's name, or any text if the environment says so; it may itself look
/// like a user agent. So the version is looked for from the end, where every part is known or has no
/// spaces. An agent without the client at its end is read from the start.
fn version(user_agent: &str, client: &ClientInfo) -> Option<Version> {
    let client_part = format!(" ({}; {})", sent(&client.name), sent(&client.version));
    user_agent
        .strip_suffix(client_part.trim_end())
        .and_then(version_before_system)
        .or_else(|| version_after_client(user_agent, &sent(&client.name)))
        .or_else(|| version_after_slash(user_agent, " ("))
        .or_else(|| version_after_slash(user_agent, ""))
}

/// Returns a text as the runtime sends it in a header.
fn sent(text: &str) -> String {
    let header = |c: char| if matches!(c, ' '..='~') { c } else { '_' };
    text.chars().map(header).collect()
}

/// Reads the version from `<originator>/<version> (<system>; <architecture>) <terminal>`.
fn version_before_system(text: &str) -> Option<Version> {
    let until_system = match text.rsplit_once(") ") {
        Some((until_system, _terminal)) => until_system,
        None => text.trim_end().strip_suffix(')')?,
    };
    let (product, _system) = until_system.rsplit_once(" (")?;
    let (_originator, version) = product.rsplit_once('/')?;
    version.parse().ok()
}

fn version_after_client(user_agent: &str, client: &str) -> Option<Version> {
    let rest = user_agent.strip_prefix(client)?.strip_prefix('/')?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Finds the first `/<version>` that is followed by this text.
fn version_after_slash(user_agent: &str, follows: &str) -> Option<Version> {
    user_agent.match_indices('/').find_map(|(at, slash)| {
        let rest = &user_agent[at + slash.len()..];
        let word = rest.split_whitespace().next()?;
        let version = word.parse().ok()?;
        rest[word.len()..].starts_with(follows).then_some(version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> ClientInfo {
        ClientInfo::default().name("my/app").version("1.0")
    }

    fn read(result: &str) -> Result<ServerInfo> {
        ServerInfo::read(result, &client(), None)
    }

    #[test]
    fn a_version_that_the_search_found_stands_in() {
        let found = Version::new(0, 200, 1);
        for (agent, version) in [("odd", "0.200.1"), ("codex/0.200.2", "0.200.2")] {
            let result = format!(r#"{{"userAgent":"{agent}"}}"#);
            let info = ServerInfo::read(&result, &client(), Some(&found)).unwrap();
            assert_eq!(info.runtime_version, version);
        }
    }

    #[test]
    fn the_version_is_between_client_and_system() {
        let info = read(
            r#"{"userAgent":"my/app/0.200.1 (Debian 12; x86_64) xterm (my/app; 1.0)",
                "codexHome":"/h","platformFamily":"unix","platformOs":"linux"}"#,
        );
        let expected = ServerInfo {
            runtime_version: "0.200.1".into(),
            user_agent: "my/app/0.200.1 (Debian 12; x86_64) xterm (my/app; 1.0)".into(),
            codex_home: "/h".into(),
            platform_family: "unix".into(),
            platform_os: "linux".into(),
        };
        assert_eq!(info.unwrap(), expected);
        assert_eq!(expected.version(), Some(Version::new(0, 200, 1)));
    }

    #[test]
    fn any_originator_leaves_the_version_readable() {
        let originators = [
            "my/app",
            "codex_cli_rs",
            "my/host app",
            "a/b/c",
            "/",
            "//",
            "tool/1.2.3",
            "tool/1.2.3 (beta)",
            "tool/1.2.3 (Debian 12; x86_64) xterm (my/app; 1.0)",
            "my/app/9.9.9 (Debian 12; x86_64) xterm",
            "1.2.3",
            "(((",
            ")))",
            "a) b (c",
            "a (b",
            " (",
            "v2/",
        ];
        let terminals = ["unknown", "vscode/1.99.0", "tmux/3.4", "WezTerm/2024.1.2"];
        let systems = ["Debian 12.0.0; x86_64", "Mac OS 14.5.0; arm64", "unknown"];
        for originator in originators {
            for terminal in terminals {
                for system in systems {
                    let agent =
                        format!("{originator}/0.200.1-alpha.1 ({system}) {terminal} (my/app; 1.0)");
                    let found = version(&agent, &client()).map(|version| version.to_string());
                    assert_eq!(found.as_deref(), Some("0.200.1-alpha.1"), "{agent}");
                }
            }
        }
        let agent = "my/host app/0.200.1 (Debian 12; x86_64) xterm";
        let cut = [
            (agent, "0.200.1"),
            ("my/host app/0.200.1", "0.200.1"),
            ("tool/1.2.3 x/0.200.1 (Debian 12; x86_64)", "0.200.1"),
            (
                "host/0.200.1 (Debian 12; x86_64) xterm (other; 1)",
                "0.200.1",
            ),
        ];
        for (agent, expected) in cut {
            let found = version(agent, &client()).map(|version| version.to_string());
            assert_eq!(found.as_deref(), Some(expected), "{agent}");
        }
    }

    #[test]
    fn a_client_that_no_header_can_hold_leaves_the_version_readable() {
        let client = ClientInfo::default().name("app").version("1.0 \u{e9}");
        let agent = "my host/0.200.1 (Debian 12; x86_64) vscode/1.99.0 (app; 1.0 _)";
        assert_eq!(version(agent, &client), Some(Version::new(0, 200, 1)));
    }

    #[test]
    fn what_cannot_be_read_is_left_empty() {
        let unknown = |result: &str| {
            let info = read(result).unwrap();
            assert_eq!(info.runtime_version, "unknown", "{result}");
            info
        };
        assert_eq!(unknown(r#"{"userAgent":"x"}"#).user_agent, "x");
        assert_eq!(unknown(r#"{"codexHome":"/h"}"#).codex_home, "/h");
        let info =
            unknown(r#"{"userAgent":7,"codexHome":null,"platformFamily":[],"platformOs":"o"}"#);
        assert_eq!((&*info.platform_os, &*info.codex_home), ("o", ""));
        let info = read(r#"{"userAgent":"codex-cli/1.2.3","codexHome":{}}"#).unwrap();
        assert_eq!(info.runtime_version, "1.2.3");
    }

    #[test]
    fn an_answer_without_any_of_it_is_refused() {
        for result in [
            "{}",
            "[]",
            "null",
            "7",
            r#"{"userAgent":""}"#,
            r#"{"other":"x"}"#,
        ] {
            assert!(
                matches!(read(result), Err(Error::Decode { .. })),
                "{result}"
            );
        }
    }
}
