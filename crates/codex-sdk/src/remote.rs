//! Runtimes that run elsewhere: on another machine, in a container, or before this program; feature `remote`.
//!
//! ```no_run
//! use openai_codex::{Codex, remote::Remote};
//!
//! # async fn example() -> openai_codex::Result<()> {
//! let remote = Remote::ws("ws://127.0.0.1:4500").bearer_token_file("/run/secrets/codex");
//! let codex = Codex::attach(remote).await?;
//! println!("{}", codex.thread_start().await?.run("Describe this project.").await?.text());
//! // The connection ends; the runtime goes on.
//! codex.close().await
//! # }
//! ```
//!
//! # Who may connect
//!
//! Whoever can connect to a runtime can run commands on its machine, and can answer any question that it has asked
//! anybody: its requests are bound to no connection. So a `ws://` listener without authentication is open to every
//! process of its machine. Start a runtime with a token, or on a Unix socket, which only its owner can open:
//!
//! ```text
//! codex app-server --listen ws://127.0.0.1:4500 --ws-auth capability-token --ws-token-file /run/secrets/codex
//! codex app-server --listen unix:///run/codex/app-server.sock
//! ```
//!
//! A token is sent only over `wss://`, to a loopback address, or over a Unix socket. The runtime itself has no TLS: a
//! proxy in front of it has, or a tunnel of SSH.
//!
//! # A connection that is lost
//!
//! It is made again by itself, as [`Reconnect`] says. The runtime goes on meanwhile, and so do the handles of this
//! client: calls wait, up to their deadline; the threads that the client holds are resumed; the stream of a turn goes
//! on where it was. Every item comes complete and once, every completion once, and the deltas of an item add up to its
//! text: what was missed of one comes as one delta before its end. A question is asked once, and the answer that was
//! given while the connection was away is sent when it is back.
//!
//! A request that was sent and had no answer is sent again where that does no harm. A `turn/start` is looked for in the
//! history first, by its `clientUserMessageId`, so that nothing is prompted twice. Any other one ends with
//! [`Error::Unanswered`](crate::Error::Unanswered): whether the runtime has done it is not known.
//!
//! Notifications of no turn that were sent meanwhile are lost, and so are intermediate counts of tokens.
//!
//! The two sides of a connection cannot tell silence from a cable that was cut: the client pings every ten seconds, and
//! takes a peer from which nothing comes for thirty seconds for gone.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

mod address;

pub(crate) use address::{Address, Credential, Target};

/// A runtime that runs elsewhere, and how to connect to it.
///
/// Its `Debug` form holds no token.
#[derive(Clone)]
#[must_use]
pub struct Remote {
    pub(crate) address: Address,
    pub(crate) credential: Option<Credential>,
    pub(crate) root_certificates: Vec<Vec<u8>>,
    pub(crate) reconnect: Reconnect,
    pub(crate) unanswered: Unanswered,
}

impl Remote {
    /// Names a runtime by its WebSocket URL, `ws://` or `wss://`.
    ///
    /// ```
    /// use openai_codex::remote::Remote;
    ///
    /// let remote = Remote::ws("wss://codex.example/").bearer_token_file("/run/secrets/codex");
    /// ```
    ///
    /// The host is resolved at each connection. The port is 80 or 443 where the URL has none. Redirects are not
    /// followed, and proxies of the environment are not used.
    pub fn ws(url: impl Into<String>) -> Self {
        Self::new(Address::Ws(url.into()))
    }

    /// Names a runtime by its Unix socket.
    ///
    /// ```
    /// use openai_codex::remote::Remote;
    ///
    /// let remote = Remote::unix("/run/codex/app-server.sock");
    /// ```
    ///
    /// The runtime's own path is `app-server-control/app-server-control.sock` in its home. For a path that is longer
    /// than the system allows it makes a link to a shorter one, which is followed.
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::new(Address::Unix(path.into()))
    }

    fn new(address: Address) -> Self {
        Self {
            address,
            credential: None,
            root_certificates: Vec::new(),
            reconnect: Reconnect::default(),
            unanswered: Unanswered::default(),
        }
    }

    /// Sends this token, `Authorization: Bearer`.
    pub fn bearer_token(mut self, token: impl Into<String>) -> Self {
        self.credential = Some(Credential::Token(token.into()));
        self
    }

    /// Sends the token in this file, which is read again at every connection.
    ///
    /// White space around it is left out.
    pub fn bearer_token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.credential = Some(Credential::File(path.into()));
        self
    }

    /// Trusts a certificate authority, in PEM, for `wss://`, besides those of the system.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }

    /// Sets what is done when the connection is lost.
    pub fn reconnect(mut self, policy: Reconnect) -> Self {
        self.reconnect = policy;
        self
    }

    /// Sets what is done with a request of the runtime that nothing of this client is for.
    pub fn unanswered(mut self, rule: Unanswered) -> Self {
        self.unanswered = rule;
        self
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("address", &format_args!("{}", self.address))
            .field("credential", &self.credential)
            .field("root_certificates", &self.root_certificates.len())
            .field("reconnect", &self.reconnect)
            .field("unanswered", &self.unanswered)
            .finish()
    }
}

/// How a lost connection is made again.
///
/// ```
/// use std::time::Duration;
/// use openai_codex::remote::Reconnect;
///
/// let patient = Reconnect::new().give_up_after(Duration::from_secs(600));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Reconnect {
    pub(crate) give_up_after: Duration,
    pub(crate) first_pause: Duration,
    pub(crate) longest_pause: Duration,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self::new()
    }
}

impl Reconnect {
    /// Tries at once, then after pauses that double from 0.1 s to 5 s, and gives up 60 s after the loss.
    pub fn new() -> Self {
        Self {
            give_up_after: Duration::from_secs(60),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
        }
    }

    /// Does not try: the client ends with its connection.
    pub fn never() -> Self {
        Self::new().give_up_after(Duration::ZERO)
    }

    /// Sets how long after the loss of a connection it is given up.
    pub fn give_up_after(mut self, time: Duration) -> Self {
        self.give_up_after = time;
        self
    }

    /// Sets the first pause between two attempts and the longest one; they double from one to the other.
    pub fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first;
        self.longest_pause = longest.max(first);
        self
    }

    /// Returns the pause after an attempt, counted from one; a random share of up to a half is left out, so that many
    /// clients do not come back in the same moment.
    pub(crate) fn pause_after(&self, attempt: u32, random: f64) -> Duration {
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let pause = self.first_pause.saturating_mul(doubled);
        pause.min(self.longest_pause).mul_f64(1.0 - random / 2.0)
    }
}

/// What is done with a request of the runtime that no handler of this client is for, or that is about a turn of
/// another client.
///
/// All clients that have resumed a thread get its requests, and the first answer counts, a refusal too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unanswered {
    /// It is declined, so that no turn waits for an answer that nobody gives.
    Decline,
    /// It is left to the other clients.
    #[default]
    Leave,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest() {
        let policy = Reconnect::new();
        let seconds = |attempt, random| policy.pause_after(attempt, random).as_secs_f64();
        assert_eq!(seconds(1, 0.0), 0.1);
        assert_eq!(seconds(2, 0.0), 0.2);
        assert_eq!(seconds(2, 1.0), 0.1);
        assert_eq!(seconds(60, 0.0), 5.0);
    }

    #[test]
    fn debug_shows_no_token() {
        let remote = Remote::ws("ws://127.0.0.1:1/?token=hidden").bearer_token("hidden");
        assert!(!format!("{remote:?}").contains("hidden"), "{remote:?}");
    }
}
