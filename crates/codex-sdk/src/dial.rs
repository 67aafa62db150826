//! Makes connections to remote runtimes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;

use crate::error::{AttachError, Error, Result};
use crate::remote::{Address, Remote, Target};
use crate::secrets::Secrets;
use crate::socket::{Heard, Socket, settings};

/// How long a connection may take to be made, the handshake of the WebSocket included.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How much of a refusal's text is told.
const MOST_OF_REFUSAL: usize = 200;

/// Connects to a remote runtime; its messages may have so many bytes.
///
/// # Errors
///
/// [`Error::InvalidInput`] for a remote that cannot be used, else [`Error::Attach`].
pub(crate) async fn dial(remote: &Remote, secrets: &Secrets, longest: usize) -> Result<Socket> {
    let dialing = Dialing {
        remote,
        secrets,
        longest,
    };
    match timeout(TIMEOUT, dialing.connect()).await {
        Ok(outcome) => outcome,
        Err(_) => Err(dialing.failed(format!("no answer within {TIMEOUT:?}"))),
    }
}

struct Dialing<'a> {
    remote: &'a Remote,
    secrets: &'a Secrets,
    longest: usize,
}

impl Dialing<'_> {
    async fn connect(&self) -> Result<Socket> {
        let target = self.remote.target()?;
        let request = self.request()?;
        let stream = match target {
            Target::Tcp {
                host,
                port,
                tls,
                loopback_only,
            } => {
                let stream = self.connect_tcp(&host, port, loopback_only).await;
                let stream = stream.map_err(|error| self.broken(error))?;
                if tls {
                    Heard::new(self.encrypt(&host, stream).await?)
                } else {
                    Heard::new(stream)
                }
            }
            Target::Unix(path) => self.connect_unix(&path).await?,
        };
        let config = Some(settings(self.longest));
        match client_async_with_config(request, stream, config).await {
            Ok((socket, _)) => Ok(socket),
            Err(SocketError::Http(response)) => Err(self.refused(&response)),
            Err(SocketError::Io(error)) => Err(self.broken(error)),
            Err(error) => Err(self.failed(format!("the other end speaks no WebSocket: {error}"))),
        }
    }

    /// Makes the upgrade request, without an `Origin`, which the runtime refuses.
    fn request(&self) -> Result<Request> {
        let url = match &self.remote.address {
            Address::Ws(url) => url.as_str(),
            Address::Unix(_) => "ws://localhost/rpc",
        };
        let mut request = url.into_client_request().map_err(|_| {
            Error::InvalidInput(
                "the URL of the runtime cannot be read; give one like ws://127.0.0.1:4500".into(),
            )
        })?;
        if let Some(credential) = &self.remote.credential {
            let token = credential.read().map_err(|why| self.failed(why))?;
            self.secrets.learn(&token);
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| self.failed(format!("{credential} cannot go into an HTTP header: it has a line break, or another control character")))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Ok(request)
    }

    async fn connect_tcp(
        &self,
        host: &str,
        port: u16,
        loopback_only: bool,
    ) -> io::Result<TcpStream> {
        let mut last = io::Error::new(
            io::ErrorKind::NotFound,
            "the host has no address that may be used (a token over ws:// goes to loopback addresses only)",
        );
        for address in lookup_host((host, port)).await? {
            if loopback_only && !address.ip().is_loopback() {
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn encrypt(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        // What the system has and cannot be read is not trusted, which the handshake then says.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for pem in &self.remote.root_certificates {
            let refused = |why: String| {
                Error::InvalidInput(format!("`root_certificate` cannot be used: {why}"))
            };
            let before = roots.len();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| refused(error.to_string()))?;
                roots
                    .add(certificate)
                    .map_err(|error| refused(error.to_string()))?;
            }
            if roots.len() == before {
                return Err(refused("it holds no certificate in PEM".into()));
            }
        }
        let config =
            ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|error| self.failed(format!("TLS cannot be used: {error}")))?
                .with_root_certificates(roots)
                .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            self.failed("TLS cannot check a host of this name; give a DNS name or an IP address")
        })?;
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
        connecting
            .await
            .map_err(|error| self.failed(format!("TLS failed: {error}")))
    }

    #[cfg(unix)]
    async fn connect_unix(&self, path: &Path) -> Result<Heard> {
        let path = reachable(path).map_err(|error| self.broken(error))?;
        let stream = tokio::net::UnixStream::connect(path).await;
        Ok(Heard::new(stream.map_err(|error| self.broken(error))?))
    }

    #[cfg(not(unix))]
    async fn connect_unix(&self, _path: &Path) -> Result<Heard> {
        Err(Error::InvalidInput(
            "there are no Unix sockets on this system; use `Remote::ws`".into(),
        ))
    }

    fn refused(&self, response: &Response) -> Error {
        let status = response.status();
        let mut reason = format!("it answered with HTTP {status} in place of a WebSocket");
        if matches!(status.as_u16(), 401 | 403) {
            reason += &match &self.remote.credential {
                Some(credential) => format!(", to {credential}"),
                None => ", and no token was sent: give one with `bearer_token_file`".into(),
            };
        } else if status.is_redirection() {
            reason += "; redirects are not followed, give the address itself";
        }
        let body = response.body().as_deref().unwrap_or_default();
        let body = String::from_utf8_lossy(body);
        let text: String = body.trim().chars().take(MOST_OF_REFUSAL).collect();
        if !text.is_empty() {
            reason += &format!(": {}", self.secrets.redact(&text));
        }
        let error = AttachError::new(self.remote.address.to_string(), reason);
        Error::Attach(Box::new(error.with_status(status.as_u16())))
    }

    fn failed(&self, reason: impl Into<String>) -> Error {
        Error::Attach(Box::new(AttachError::new(
            self.remote.address.to_string(),
            reason,
        )))
    }

    fn broken(&self, error: io::Error) -> Error {
        let reason = format!("{error}; check that a runtime listens there");
        let attach = AttachError::new(self.remote.address.to_string(), reason);
        Error::Attach(Box::new(attach.with_source(error)))
    }
}

/// Returns a path of a socket that the system takes: where it is too long, the runtime has made a link
/// to a shorter one.
///
/// # Errors
///
/// Those of reading the link.
#[cfg(unix)]
fn reachable(path: &Path) -> io::Result<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::SocketAddr;

    if path.as_os_str().as_bytes().contains(&0) || SocketAddr::from_pathname(path).is_ok() {
        return Ok(path.into());
    }
    std::fs::canonicalize(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers one request so, and returns what was asked.
    async fn answer_once(answer: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let read = stream.read(&mut asked).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            asked.truncate(read);
            String::from_utf8(asked).unwrap()
        };
        #[expect(clippy::disallowed_methods, reason = "a test")]
        (port, tokio::spawn(serving))
    }

    async fn refusal(remote: &Remote) -> AttachError {
        match dial(remote, &Secrets::new([]), 1000).await {
            Err(Error::Attach(error)) => *error,
            other => panic!("{:?}", other.err()),
        }
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed_and_no_origin_is_sent() {
        let answer =
            "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
        let (port, asked) = answer_once(answer).await;
        let remote = Remote::ws(format!("ws://127.0.0.1:{port}")).bearer_token("the-token");
        let error = refusal(&remote).await;
        assert_eq!(error.status, Some(302));
        assert!(
            error.to_string().contains("redirects are not followed"),
            "{error}"
        );
        let asked = asked.await.unwrap().to_lowercase();
        assert!(asked.contains("authorization: bearer the-token"), "{asked}");
        assert!(!asked.contains("origin:"), "{asked}");
    }

    #[tokio::test]
    async fn a_refusal_that_quotes_the_token_is_told_without_it() {
        let answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 23\r\n\r\nno: the-token-is-secret";
        let (port, _asked) = answer_once(answer).await;
        let remote =
            Remote::ws(format!("ws://127.0.0.1:{port}")).bearer_token("the-token-is-secret");
        let error = refusal(&remote).await;
        assert_eq!(error.status, Some(403));
        let text = format!("{error} {error:?}");
        assert!(
            text.contains("`bearer_token`") && !text.contains("the-token-is-secret"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn what_is_no_server_of_websockets_is_told_as_such() {
        let (port, _asked) = answer_once("SSH-2.0-OpenSSH_9.2\r\n").await;
        let error = refusal(&Remote::ws(format!("ws://127.0.0.1:{port}"))).await;
        assert!(error.to_string().contains("speaks no WebSocket"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_too_long_is_a_link_to_follow() {
        let folder = tempfile::tempdir().unwrap();
        let short = folder.path().join("socket");
        std::fs::write(&short, "").unwrap();
        assert_eq!(reachable(&short).unwrap(), short);
        let long = folder.path().join("x".repeat(120));
        std::os::unix::fs::symlink(&short, &long).unwrap();
        assert_eq!(reachable(&long).unwrap(), short.canonicalize().unwrap());
    }
}
