//! `cargo xtask doctor --attach`: what a client that attaches to a listening runtime would meet, step by step.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};

const LIMIT: Duration = Duration::from_secs(10);
const USAGE: &str =
    "usage: cargo xtask doctor --attach <ws://HOST:PORT | unix:///PATH> [--token-file FILE]";

/// The arguments after `--attach`.
pub struct Attach {
    address: String,
    token_file: Option<PathBuf>,
}

impl Attach {
    pub fn read(args: &[String]) -> anyhow::Result<Self> {
        match args {
            [address] => Ok(Self {
                address: address.clone(),
                token_file: None,
            }),
            [address, option, file] if option == "--token-file" => Ok(Self {
                address: address.clone(),
                token_file: Some(file.into()),
            }),
            _ => bail!(USAGE),
        }
    }

    /// Writes a row for each step; `false` if a client could not attach.
    pub fn report(&self, out: &mut impl Write) -> anyhow::Result<bool> {
        let mut row = |what: &str, text: &str| writeln!(out, "{what:<20}{text}");
        row("address", &self.address)?;
        let token = match &self.token_file {
            Some(file) => {
                let token = fs::read_to_string(file)
                    .with_context(|| format!("cannot read the token file {}", file.display()))?;
                row(
                    "token",
                    &format!("{} characters from {}", token.trim().len(), file.display()),
                )?;
                Some(token.trim().to_owned())
            }
            None => {
                row("token", "none")?;
                None
            }
        };
        let (mut stream, host) = match self.connect() {
            Ok(connected) => connected,
            Err(error) => {
                row("connects", &format!("no: {error:#}"))?;
                row(
                    "what to do",
                    "start the runtime with --listen, or mend the tunnel",
                )?;
                return Ok(false);
            }
        };
        row("connects", "yes")?;
        let status = upgrade(&mut *stream, &host, token.as_deref())?;
        row("upgrades", &status)?;
        let code = status.split(' ').nth(1).unwrap_or_default();
        let (attaches, what) = match code {
            "101" => (true, "a client can attach"),
            "401" => (
                false,
                "give the token that the runtime was started with: --token-file",
            ),
            "403" => (
                false,
                "something adds an Origin header, which the runtime refuses: look at the proxy",
            ),
            "301" | "302" | "307" | "308" => {
                (false, "redirects are not followed: give the address itself")
            }
            _ => (
                false,
                "this is no runtime that listens: look at the address",
            ),
        };
        row("what to do", if attaches { "nothing" } else { what })?;
        if attaches {
            row("would attach", what)?;
        }
        Ok(attaches)
    }

    fn connect(&self) -> anyhow::Result<(Box<dyn Stream>, String)> {
        if let Some(path) = self.address.strip_prefix("unix://") {
            return Ok((connect_unix(path)?, "localhost".to_owned()));
        }
        let Some(authority) = self.address.strip_prefix("ws://") else {
            bail!("{USAGE}; of wss:// the proxy has to be asked");
        };
        let authority = authority.split('/').next().unwrap_or_default();
        let address = match authority.contains("]:") || authority.matches(':').count() == 1 {
            true => authority.to_owned(),
            false => format!("{authority}:80"),
        };
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in address.to_socket_addrs()? {
            if self.token_file.is_some() && !address.ip().is_loopback() {
                bail!(
                    "a token is not sent to {address} without encryption: use a tunnel, or wss://"
                );
            }
            match TcpStream::connect_timeout(&address, LIMIT) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(LIMIT))?;
                    return Ok((Box::new(stream), authority.to_owned()));
                }
                Err(error) => last = error,
            }
        }
        Err(last.into())
    }
}

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

#[cfg(unix)]
fn connect_unix(path: &str) -> anyhow::Result<Box<dyn Stream>> {
    // For a path that is too long for the system, the runtime makes a link to a shorter one.
    let path = fs::canonicalize(path).with_context(|| format!("there is no {path}"))?;
    let stream = std::os::unix::net::UnixStream::connect(&path)?;
    stream.set_read_timeout(Some(LIMIT))?;
    Ok(Box::new(stream))
}

#[cfg(not(unix))]
fn connect_unix(_path: &str) -> anyhow::Result<Box<dyn Stream>> {
    bail!("there are no Unix sockets on this system")
}

/// Asks for a WebSocket; returns the line of the answer that has the status.
fn upgrade(stream: &mut dyn Stream, host: &str, token: Option<&str>) -> anyhow::Result<String> {
    let authorization = match token {
        Some(token) => format!("Authorization: Bearer {token}\r\n"),
        None => String::new(),
    };
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ZG9jdG9yIG9mIGNvZGV4IQ==\r\n{authorization}\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut byte = [0];
    while answer.len() < 1000 && byte != *b"\n" && stream.read(&mut byte)? == 1 {
        answer.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&answer).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn reported(answer: &'static str, token: Option<&str>) -> (bool, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = vec![0; 2000];
            let read = stream.read(&mut asked).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&asked[..read]).into_owned()
        });
        let folder = tempfile::tempdir().unwrap();
        let mut args = vec![format!("ws://127.0.0.1:{port}")];
        if let Some(token) = token {
            let file = folder.path().join("token");
            fs::write(&file, token).unwrap();
            args.extend(["--token-file".to_owned(), file.display().to_string()]);
        }
        let mut out = Vec::new();
        let attaches = Attach::read(&args).unwrap().report(&mut out).unwrap();
        let asked = serving.join().unwrap();
        assert_eq!(asked.contains("Authorization"), token.is_some());
        (attaches, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_runtime_that_takes_the_token_is_attached_to() {
        let (attaches, text) =
            reported("HTTP/1.1 101 Switching Protocols\r\n\r\n", Some("secret\n"));
        assert!(attaches, "{text}");
        assert!(
            text.contains("6 characters from") && !text.contains("secret"),
            "{text}"
        );
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let (attaches, text) = reported("HTTP/1.1 401 Unauthorized\r\n\r\n", None);
        assert!(!attaches && text.contains("--token-file"), "{text}");
        let (attaches, text) = reported("HTTP/1.1 302 Found\r\n\r\n", None);
        assert!(!attaches && text.contains("redirects"), "{text}");
        let (attaches, text) = reported("SSH-2.0\r\n", None);
        assert!(!attaches && text.contains("no runtime"), "{text}");
    }

    #[test]
    fn an_address_where_nobody_listens_is_told() {
        let attach = Attach::read(&["ws://127.0.0.1:1".to_owned()]).unwrap();
        let mut out = Vec::new();
        assert!(!attach.report(&mut out).unwrap());
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("connects            no:"), "{text}");
        assert!(Attach::read(&[]).is_err());
    }
}
