//! Addresses of runtimes and credentials for them, checked before anything is sent.

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;

use tokio_tungstenite::tungstenite::http::Uri;

use super::Remote;
use crate::error::{Error, Result};

/// Where a runtime listens.
#[derive(Clone)]
pub(crate) enum Address {
    Ws(String),
    Unix(PathBuf),
}

/// Shows no more of a URL than its scheme and its authority: the rest may hold secrets.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "the socket {}", path.display()),
            Self::Ws(url) => match url.parse::<Uri>() {
                Ok(uri) => {
                    let host = uri.host().unwrap_or_default();
                    write!(f, "{}://{host}", uri.scheme_str().unwrap_or_default())?;
                    uri.port_u16().map_or(Ok(()), |port| write!(f, ":{port}"))
                }
                Err(_) => f.write_str("a URL that cannot be read"),
            },
        }
    }
}

/// Where a bearer token comes from.
#[derive(Clone)]
pub(crate) enum Credential {
    Token(String),
    File(PathBuf),
}

impl Credential {
    /// Reads the token.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(crate) fn read(&self) -> std::result::Result<String, String> {
        let token = match self {
            Self::Token(token) => token.trim().to_owned(),
            Self::File(path) => match fs::read_to_string(path) {
                Ok(token) => token.trim().to_owned(),
                Err(error) => return Err(format!("{self} cannot be read: {error}")),
            },
        };
        match token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Err(format!(
                "{self} is empty, or no text that a header can hold"
            )),
            false => Ok(token),
        }
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(_) => f.write_str("the token of `bearer_token`"),
            Self::File(path) => write!(f, "the token of the file {}", path.display()),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What to connect to.
#[derive(Debug)]
pub(crate) enum Target {
    Tcp {
        host: String,
        port: u16,
        tls: bool,
        /// Whether only addresses of this machine will do, because a token goes over a bare connection.
        loopback_only: bool,
    },
    #[cfg_attr(not(unix), expect(dead_code, reason = "there are no such sockets"))]
    Unix(PathBuf),
}

impl Remote {
    /// Reads the address.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for one that cannot be used, or not with a token.
    pub(crate) fn target(&self) -> Result<Target> {
        let url = match &self.address {
            Address::Unix(path) => return Ok(Target::Unix(path.clone())),
            Address::Ws(url) => url,
        };
        let uri: Uri = url.parse().map_err(|_| {
            Error::InvalidInput(
                "the URL of the runtime cannot be read; give one like ws://127.0.0.1:4500".into(),
            )
        })?;
        let tls = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            _ => {
                return Err(Error::InvalidInput(
                    "the URL of the runtime must begin with ws:// or wss://".into(),
                ));
            }
        };
        let authority = uri.authority().map(|authority| authority.as_str());
        let host = uri.host().filter(|host| !host.is_empty());
        let (Some(host), Some(authority)) = (host, authority) else {
            return Err(Error::InvalidInput(
                "the URL of the runtime has no host".into(),
            ));
        };
        if authority.contains('@') {
            return Err(Error::InvalidInput(
                "the URL of the runtime holds a user; give a token with `bearer_token`".into(),
            ));
        }
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let loopback_only = self.credential.is_some() && !tls;
        if loopback_only && !may_be_loopback(&host) {
            return Err(Error::InvalidInput(format!(
                "a token is not sent to {} without encryption: use wss://, a loopback address (a tunnel of SSH \
                 makes one), or a Unix socket",
                self.address
            )));
        }
        Ok(Target::Tcp {
            port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            host,
            tls,
            loopback_only,
        })
    }
}

fn may_be_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(remote: Remote) -> String {
        remote.target().unwrap_err().to_string()
    }

    #[test]
    fn urls_are_read() {
        let target = Remote::ws("wss://codex.example/path")
            .bearer_token("t")
            .target();
        assert!(matches!(
            target,
            Ok(Target::Tcp {
                port: 443,
                tls: true,
                loopback_only: false,
                ..
            })
        ));
        let target = Remote::ws("ws://[::1]:4500").bearer_token("t").target();
        let Ok(Target::Tcp {
            host,
            port: 4500,
            tls: false,
            loopback_only: true,
        }) = target
        else {
            panic!("{target:?}");
        };
        assert_eq!(host, "::1");
    }

    #[test]
    fn urls_that_cannot_be_used_are_refused() {
        assert!(refusal(Remote::ws("http://127.0.0.1")).contains("ws://"));
        assert!(refusal(Remote::ws("ws://")).contains("URL"));
        assert!(refusal(Remote::ws("ws://user:secret@127.0.0.1")).contains("bearer_token"));
    }

    #[test]
    fn a_token_goes_nowhere_in_the_clear() {
        for url in [
            "ws://10.0.0.1:4500",
            "ws://codex.example",
            "ws://localhost.example",
        ] {
            let refusal = refusal(Remote::ws(url).bearer_token("secret-token"));
            assert!(refusal.contains("without encryption"), "{refusal}");
            assert!(!refusal.contains("secret-token"));
            assert!(Remote::ws(url).target().is_ok());
        }
        for url in ["ws://127.0.0.1:1", "ws://127.9.9.9", "ws://localhost:1"] {
            assert!(Remote::ws(url).bearer_token("t").target().is_ok(), "{url}");
        }
    }

    #[test]
    fn tokens_are_trimmed_and_must_fit_a_header() {
        let read = |token: &str| Credential::Token(token.into()).read();
        assert_eq!(read(" token\n"), Ok("token".into()));
        assert!(read(" \n").is_err());
        let refusal = read("se\ncret").unwrap_err();
        assert!(!refusal.contains("cret"), "{refusal}");
    }
}
