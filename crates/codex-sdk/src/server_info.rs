//! What the runtime says of itself.

#![allow(
    clippy::ptr_arg,
    reason = "an error keeps the name, and cloning a borrowed one is free"
)]

use std::borrow::Cow;

use codex_runtime::Version;
use serde_json::Value;

use crate::error::{Error, RawPayload, Result};

/// What the runtime says of itself in the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerInfo {
    /// The runtime's version, such as `0.200.1`; `unknown` if its user agent has none.
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
    /// Reads the result of the handshake. Only the user agent must be there.
    pub(crate) fn read(method: &Cow<'static, str>, result: &str, client: &str) -> Result<Self> {
        let fail = |source| Error::Decode {
            method: method.clone(),
            source,
            raw: RawPayload::new(result),
        };
        let value: Value = serde_json::from_str(result).map_err(fail)?;
        let text = |name: &str| {
            value
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or("")
                .to_owned()
        };
        let user_agent = text("userAgent");
        if user_agent.trim().is_empty() {
            let reason = "missing required metadata: `userAgent`";
            return Err(fail(serde::de::Error::custom(reason)));
        }
        let version = version(&user_agent, client);
        Ok(Self {
            runtime_version: version
                .map_or_else(|| "unknown".into(), |version| version.to_string()),
            codex_home: text("codexHome"),
            platform_family: text("platformFamily"),
            platform_os: text("platformOs"),
            user_agent,
        })
    }

    /// Returns the runtime's version, if it is known.
    pub(crate) fn version(&self) -> Option<Version> {
        self.runtime_version.parse().ok()
    }
}

/// Reads the version from a user agent, `<client>/<version> (<system>) ...`.
fn version(user_agent: &str, client: &str) -> Option<Version> {
    let own = user_agent
        .strip_prefix(client)
        .and_then(|rest| rest.strip_prefix('/'));
    let rest = own.or_else(|| user_agent.split_once('/').map(|(_, rest)| rest))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(result: &str) -> Result<ServerInfo> {
        ServerInfo::read(&Cow::Borrowed("initialize"), result, "my/app")
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
    fn a_version_may_be_missing_but_not_the_user_agent() {
        assert_eq!(
            read(r#"{"userAgent":"x"}"#).unwrap().runtime_version,
            "unknown"
        );
        assert_eq!(
            read(r#"{"userAgent":"codex-cli/1.2.3"}"#)
                .unwrap()
                .runtime_version,
            "1.2.3"
        );
        assert!(matches!(read("{}"), Err(Error::Decode { .. })));
    }
}
