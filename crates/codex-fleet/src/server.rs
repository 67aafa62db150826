//! The NATS server of a fleet, and how the fleet's part of it is set up.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, ServerAddr};

use crate::error::{Error, Result};
use crate::names::Names;
use crate::store::{Setup, Store};

/// A NATS server with JetStream: where it is, who connects, and what the fleet keeps there.
///
/// ```
/// use codex_fleet::Server;
///
/// let server = Server::new("tls://nats.example.org:4222")
///     .credentials_file("/run/secrets/fleet.creds")
///     .namespace("team-a")
///     .replicas(3);
/// ```
///
/// Secrets are in no log and not in the `Debug` form, those of the URL included. What the fleet keeps is made by
/// whoever connects first; the settings of later ones change nothing that is there.
#[derive(Clone)]
#[must_use = "a server does nothing until something connects to it"]
pub struct Server {
    urls: String,
    login: Login,
    roots: Option<PathBuf>,
    client_certificate: Option<(PathBuf, PathBuf)>,
    require_tls: bool,
    namespace: String,
    setup: Setup,
}

/// Who connects.
#[derive(Clone)]
enum Login {
    /// Whoever the URL names.
    Url,
    Token(String),
    UserAndPassword(String, String),
    CredentialsFile(PathBuf),
}

impl Server {
    /// Names a server by its URL, or several of a cluster, separated by commas: `nats://host:4222`, `tls://host`.
    pub fn new(urls: impl Into<String>) -> Self {
        Self {
            urls: urls.into(),
            login: Login::Url,
            roots: None,
            client_certificate: None,
            require_tls: false,
            namespace: "codex".to_owned(),
            setup: Setup {
                replicas: 1,
                lease: Duration::from_secs(30),
                event_age: Duration::from_secs(24 * 60 * 60),
                event_bytes: 1 << 30,
                result_age: Duration::from_secs(7 * 24 * 60 * 60),
            },
        }
    }

    /// Logs in with a token.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.login = Login::Token(token.into());
        self
    }

    /// Logs in with a name and a password.
    pub fn user_and_password(
        mut self,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        self.login = Login::UserAndPassword(user.into(), password.into());
        self
    }

    /// Logs in with a file of credentials (`.creds`), which is read when this connects.
    pub fn credentials_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.login = Login::CredentialsFile(path.into());
        self
    }

    /// Trusts the certificate authorities of a PEM file, beside those of the system.
    pub fn root_certificates(mut self, path: impl Into<PathBuf>) -> Self {
        self.roots = Some(path.into());
        self
    }

    /// Shows a certificate of the client: PEM files of it and of its key.
    pub fn client_certificate(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.client_certificate = Some((certificate.into(), key.into()));
        self
    }

    /// Refuses a server without TLS.
    pub fn require_tls(mut self) -> Self {
        self.require_tls = true;
        self
    }

    /// Sets the first part of every name on the server, `codex` by default: fleets of several namespaces share a
    /// server and nothing else.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Sets how many servers of a cluster keep everything, 1 by default, 3 for a fleet that outlives a server.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.setup.replicas = replicas;
        self
    }

    /// Sets for how long a silent worker keeps its job, 30 seconds by default.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.setup.lease = lease;
        self
    }

    /// Sets how long events are kept, and how many bytes of them: 24 hours and 1 GiB by default, of all jobs together.
    /// The oldest go first.
    pub fn keep_events(mut self, age: Duration, bytes: u32) -> Self {
        self.setup.event_age = age;
        self.setup.event_bytes = bytes.into();
        self
    }

    /// Sets how long results and threads are kept after the last change, 7 days by default. A key is free again
    /// afterwards; a job that waits for longer is lost.
    pub fn keep_results(mut self, age: Duration) -> Self {
        self.setup.result_age = age;
        self
    }

    /// Connects, and makes what is missing.
    pub(crate) async fn connect(&self, name: &str) -> Result<Store> {
        let names = Names::new(&self.namespace)?;
        let client = self.dial(name).await?;
        Store::open(client, names, &self.setup).await
    }

    /// Uses a connection that is there.
    pub(crate) async fn over(&self, client: Client) -> Result<Store> {
        Store::open(client, Names::new(&self.namespace)?, &self.setup).await
    }

    async fn dial(&self, name: &str) -> Result<Client> {
        let mut options = ConnectOptions::new().name(name);
        let mut addresses = Vec::new();
        for url in self.urls.split(',') {
            let (address, login) = address_of(url.trim())?;
            addresses.push(address);
            // The client logs addresses, so that what is secret must not stand in them.
            if let (Login::Url, Some((user, password))) = (&self.login, login) {
                options = match password {
                    Some(password) => options.user_and_password(user, password),
                    None => options.token(user),
                };
            }
        }
        options = match &self.login {
            Login::Url => options,
            Login::Token(token) => options.token(token.clone()),
            Login::UserAndPassword(user, password) => {
                options.user_and_password(user.clone(), password.clone())
            }
            Login::CredentialsFile(path) => options
                .credentials_file(path)
                .await
                .map_err(Error::server("read the file of credentials"))?,
        };
        if let Some(roots) = &self.roots {
            options = options.add_root_certificates(roots.clone());
        }
        if let Some((certificate, key)) = &self.client_certificate {
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
        if self.require_tls {
            options = options.require_tls(true);
        }
        options
            .connect(addresses)
            .await
            .map_err(Error::server("connect"))
    }
}

/// The login of a URL: a user and a password, or a token alone.
type UrlLogin = (String, Option<String>);

/// Takes the login out of a URL.
fn address_of(url: &str) -> Result<(ServerAddr, Option<UrlLogin>)> {
    // The error of a bad URL repeats it.
    let bad = || {
        Error::InvalidInput(
            "the URL of the NATS server cannot be read: give one like nats://host:4222".into(),
        )
    };
    let parsed: ServerAddr = url.parse().map_err(|_| bad())?;
    let login = parsed
        .username()
        .map(|user| (user.to_owned(), parsed.password().map(str::to_owned)));
    let mut bare = parsed.into_inner();
    if login.is_some() {
        bare.set_username("").map_err(|()| bad())?;
        bare.set_password(None).map_err(|()| bad())?;
    }
    Ok((ServerAddr::from_url(bare).map_err(|_| bad())?, login))
}

impl From<&str> for Server {
    fn from(urls: &str) -> Self {
        Self::new(urls)
    }
}

impl From<String> for Server {
    fn from(urls: String) -> Self {
        Self::new(urls)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls: Vec<String> = self.urls.split(',').map(without_login).collect();
        f.debug_struct("Server")
            .field("urls", &urls)
            .field("namespace", &self.namespace)
            .field("setup", &self.setup)
            .finish_non_exhaustive()
    }
}

fn without_login(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("nats", url));
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_of_a_url_is_taken_out_of_it() {
        let (address, login) = address_of("nats://user:secret@host:4333").unwrap();
        assert!(!format!("{address:?}").contains("secret"), "{address:?}");
        assert_eq!((address.host(), address.port()), ("host", 4333));
        assert_eq!(login, Some(("user".into(), Some("secret".into()))));
        let (_, token) = address_of("nats://secret@host").unwrap();
        assert_eq!(token, Some(("secret".into(), None)));
        let error = address_of("nats://user:secret@ho st").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let server = Server::new("nats://user:secret@a:1,tls://secret@b")
            .token("secret")
            .user_and_password("user", "secret");
        let shown = format!("{server:?}");
        assert!(!shown.contains("secret"), "{shown}");
        assert!(shown.contains("nats://a:1"), "{shown}");
    }
}
