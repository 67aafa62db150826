//! Who may talk to the server: the page that it served, opened with the address that it printed.
//!
//! Whoever can use the API can have commands run on this machine. Other pages of the same browser are kept out by the
//! `Host` header (a name of theirs that points to this address), by `Origin` and `Sec-Fetch-Site` (a request that they
//! make), and by the content type, which no form can send; everybody else, other users of the machine among them, by a
//! token that is new with every start.

mod hosts;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode, Uri};

pub(crate) use self::hosts::Hosts;

/// Checks requests.
#[derive(Debug)]
pub(crate) struct Guard {
    hosts: Hosts,
    token: Token,
    /// The name of the cookie; it has the port, for cookies are those of all servers of a host.
    cookie: String,
}

/// A secret that is new with every start.
pub(crate) struct Token(String);

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The status of the answer.
    pub(crate) status: StatusCode,
    /// The reason.
    pub(crate) reason: &'static str,
}

impl Guard {
    /// Makes the guard of a server that is reached by these hosts.
    pub(crate) fn new(hosts: Hosts, token: Token) -> Self {
        let cookie = format!("codex_web_{}", hosts.port());
        Self {
            hosts,
            token,
            cookie,
        }
    }

    /// Returns the token.
    pub(crate) fn token(&self) -> &str {
        &self.token.0
    }

    /// Returns the cookie that lets a page in, as the value of a header.
    pub(crate) fn set_cookie(&self) -> String {
        let Self { cookie, token, .. } = self;
        format!("{cookie}={}; Path=/; HttpOnly; SameSite=Strict", token.0)
    }

    /// Checks where a request comes from; this holds for every path.
    ///
    /// # Errors
    ///
    /// [`Refusal`], if it may come from another page.
    pub(crate) fn check_source(&self, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = text(headers, HOST.as_str()).filter(|host| self.hosts.contains(host));
        let Some(host) = host else {
            return Err(forbidden("this is not a host name of the server"));
        };
        if headers.contains_key(ORIGIN) {
            let origin = text(headers, ORIGIN.as_str());
            if origin.and_then(|origin| origin.strip_prefix("http://")) != Some(host) {
                return Err(forbidden("the request comes from another page"));
            }
        }
        if *method == Method::GET || *method == Method::HEAD {
            return Ok(());
        }
        check_site(headers)?;
        if !is_json(headers) {
            return Err(Refusal {
                status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
                reason: "the content type must be application/json",
            });
        }
        Ok(())
    }

    /// Checks that a request to the API has the token and comes from the server's own page.
    ///
    /// # Errors
    ///
    /// [`Refusal`], if it has not.
    pub(crate) fn check_api(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        check_site(headers)?;
        match self.is_known(headers) {
            true => Ok(()),
            false => Err(Refusal {
                status: StatusCode::UNAUTHORIZED,
                reason: "open the address that codex-web has printed; its token is new with every start",
            }),
        }
    }

    /// Tells whether a request has the token, in the cookie or as a bearer token.
    pub(crate) fn is_known(&self, headers: &HeaderMap) -> bool {
        let bearer = text(headers, AUTHORIZATION.as_str());
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
        let cookies = headers.get_all(COOKIE).iter();
        let cookies = cookies.filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split(';'));
        let has_cookie = pairs.any(|pair| {
            pair.trim()
                .split_once('=')
                .is_some_and(|(name, value)| name == self.cookie && self.token.is(value))
        });
        has_cookie || bearer.is_some_and(|value| self.token.is(value))
    }

    /// Tells whether the query of a request has the token.
    pub(crate) fn is_opened_by(&self, uri: &Uri) -> bool {
        let mut pairs = uri.query().unwrap_or_default().split('&');
        pairs.any(|pair| {
            pair.strip_prefix("token=")
                .is_some_and(|value| self.token.is(value))
        })
    }
}

impl Token {
    /// Makes a token of random bytes.
    ///
    /// # Errors
    ///
    /// The system has no random bytes.
    pub(crate) fn new() -> std::io::Result<Self> {
        let mut bytes = [0; 24];
        getrandom::fill(&mut bytes)?;
        let hex = bytes.iter().map(|byte| format!("{byte:02x}"));
        Ok(Self(hex.collect()))
    }

    /// Compares in a time that does not depend on where the difference is.
    fn is(&self, other: &str) -> bool {
        let (own, other) = (self.0.as_bytes(), other.as_bytes());
        let differences = own.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
        own.len() == other.len() && differences == 0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Refuses what the browser says comes from another page; `none` is an address that the user has typed.
fn check_site(headers: &HeaderMap) -> Result<(), Refusal> {
    match text(headers, "sec-fetch-site") {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) => Err(forbidden("the request comes from another page")),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = text(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn forbidden(reason: &'static str) -> Refusal {
    Refusal {
        status: StatusCode::FORBIDDEN,
        reason,
    }
}

#[cfg(test)]
mod tests;
