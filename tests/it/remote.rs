//! Clients that attach to a runtime which listens: over WebSocket and Unix sockets, and over a network that fails.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use codex_testkit::{Answer, Home, HomeBuilder, ListeningRuntime, MockModel, Proxy};
use openai_codex::remote::Remote;
use openai_codex::request::ThreadStart;
use openai_codex::{Codex, CodexConfig, Error, Thread};
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::stage::{err, hosts_asked, is_before, ok, program};

const TOKEN: &str = "a-token-of-this-test";

/// A runtime that listens, behind a proxy, and a client that is attached to it.
///
/// The fields are dropped in this order: the runtime ends before its home goes.
pub(crate) struct Attached {
    pub(crate) codex: Codex,
    pub(crate) proxy: Proxy,
    pub(crate) runtime: ListeningRuntime,
    pub(crate) home: Home,
    pub(crate) model: MockModel,
}

impl Attached {
    pub(crate) async fn new() -> Self {
        Self::with(|config| config, |remote| remote).await
    }

    pub(crate) async fn with(
        config: impl FnOnce(CodexConfig) -> CodexConfig,
        remote: impl FnOnce(Remote) -> Remote,
    ) -> Self {
        Self::with_home(|home| home, config, remote).await
    }

    pub(crate) async fn with_home(
        home: impl FnOnce(HomeBuilder) -> HomeBuilder,
        config: impl FnOnce(CodexConfig) -> CodexConfig,
        remote: impl FnOnce(Remote) -> Remote,
    ) -> Self {
        let model = MockModel::start().await.unwrap();
        let home = home(Home::builder(&model)).build().unwrap();
        let runtime = listen(&home, &model, "ws://127.0.0.1:0");
        let port = runtime.address().rsplit(':').next().unwrap().parse();
        let proxy = Proxy::start(port.unwrap()).await.unwrap();
        let remote = remote(address(&proxy));
        let codex = ok(Codex::attach_with(config(CodexConfig::new()), remote)).await;
        Self {
            codex,
            proxy,
            runtime,
            home,
            model,
        }
    }

    pub(crate) fn thread_start(&self) -> ThreadStart {
        self.codex.thread_start().cwd(self.home.workspace())
    }

    pub(crate) async fn thread(&self) -> Thread {
        ok(self.thread_start()).await
    }

    /// Kills the runtime, and starts another one at the same address.
    pub(crate) fn restart(&mut self) {
        self.runtime.kill().unwrap();
        self.listen_again();
    }

    pub(crate) fn listen_again(&mut self) {
        let address = self.runtime.address().to_owned();
        self.runtime = listen(&self.home, &self.model, &address);
    }

    pub(crate) async fn finish(mut self) {
        ok(self.codex.close()).await;
        self.runtime.kill().unwrap();
        self.model.assert_exhausted();
        assert_eq!(hosts_asked(&self.model), [""; 0]);
    }
}

pub(crate) fn address(proxy: &Proxy) -> Remote {
    let url = format!("ws://127.0.0.1:{}", proxy.port());
    Remote::ws(url).bearer_token(TOKEN)
}

/// Starts a runtime that listens, with a token.
fn listen(home: &Home, model: &MockModel, address: &str) -> ListeningRuntime {
    let mut command = command(home, model, address);
    let token = home.write("token", TOKEN).unwrap();
    command.args(["--ws-auth", "capability-token", "--ws-token-file"]);
    command.arg(token);
    ListeningRuntime::start(command).unwrap()
}

/// A runtime that can reach no other host than the model.
fn command(home: &Home, model: &MockModel, address: &str) -> Command {
    let mut command = home.command(program());
    command.envs(model.proxy_env());
    command.args(["app-server", "--listen", address]);
    command
}

#[tokio::test]
async fn a_turn_runs_on_a_runtime_that_listens() {
    let stage = Attached::new().await;
    stage.model.push(Answer::text("Hello from afar."));
    assert_eq!(stage.codex.process_id(), None);
    let thread = stage.thread().await;
    assert_eq!(ok(thread.run("Hello?")).await.text(), "Hello from afar.");
    stage.finish().await;
}

#[tokio::test]
async fn the_runtime_outlives_its_clients() {
    let stage = Attached::new().await;
    stage
        .model
        .push(Answer::text("First."))
        .push(Answer::text("Second."));
    let thread = stage.thread().await;
    ok(thread.run("One.")).await;
    let id = thread.id().clone();
    ok(stage.codex.close()).await;
    drop(thread);
    let again = ok(Codex::attach(address(&stage.proxy))).await;
    let thread = ok(again.thread_resume(id)).await;
    assert_eq!(ok(thread.run("Two.")).await.text(), "Second.");
    drop(thread);
    ok(again.close()).await;
    stage.finish().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_has_a_path_of_any_length() {
    // An old runtime does not listen on a path that is too long for the system.
    let longest = if is_before(151) { 0 } else { 120 };
    for length in [0, longest] {
        let model = MockModel::start().await.unwrap();
        let home = Home::builder(&model).build().unwrap();
        let socket = home.root().join("x".repeat(length)).join("s");
        std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
        let _runtime = {
            let command = command(&home, &model, &format!("unix://{}", socket.display()));
            ListeningRuntime::start(command).unwrap()
        };
        model.push(Answer::text("Hello."));
        let codex = ok(Codex::attach(Remote::unix(&socket))).await;
        let thread = ok(codex.thread_start().cwd(home.workspace())).await;
        assert_eq!(ok(thread.run("Hello?")).await.text(), "Hello.");
        drop(thread);
        ok(codex.close()).await;
        assert!(Path::new(&socket).exists());
    }
}

#[tokio::test]
async fn a_refused_token_is_told_with_its_place_and_without_its_value() {
    let stage = Attached::new().await;
    let url = format!("ws://127.0.0.1:{}", stage.proxy.port());
    let file = stage.home.write("wrong", "wrong-secret-token\n").unwrap();
    let refused = [
        (Remote::ws(&url), "no token was sent"),
        (
            Remote::ws(&url).bearer_token("wrong-secret-token"),
            "the token of `bearer_token`",
        ),
        (
            Remote::ws(&url).bearer_token_file(&file),
            file.to_str().unwrap(),
        ),
    ];
    for (remote, source) in refused {
        let error = err(Codex::attach(remote)).await;
        let Error::Attach(attach) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(attach.status, Some(401));
        let text = format!("{error} {error:?}");
        assert!(text.contains(source) && text.contains("401"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
    let missing = Remote::ws(&url).bearer_token_file(stage.home.root().join("none"));
    let error = err(Codex::attach(missing)).await.to_string();
    assert!(error.contains("cannot be read"), "{error}");
    // With a token in the file that is right, it is read again at each connection.
    std::fs::write(&file, TOKEN).unwrap();
    let codex = ok(Codex::attach(Remote::ws(&url).bearer_token_file(&file))).await;
    ok(codex.close()).await;
    stage.finish().await;
}

/// A runtime has no TLS: a proxy in front of it has, here with a certificate of an authority of its own.
#[tokio::test]
async fn a_proxy_with_tls_is_trusted_by_its_authority_alone() {
    let stage = Attached::new().await;
    stage.model.push(Answer::text("Hello."));
    let (port, authority) = tls_proxy(stage.proxy.port()).await;
    let remote = Remote::ws(format!("wss://localhost:{port}/")).bearer_token(TOKEN);
    let error = err(Codex::attach(remote.clone())).await;
    assert!(error.to_string().contains("TLS failed"), "{error}");
    let codex = ok(Codex::attach(remote.root_certificate(authority))).await;
    let thread = ok(codex.thread_start().cwd(stage.home.workspace())).await;
    assert_eq!(ok(thread.run("Hello?")).await.text(), "Hello.");
    drop(thread);
    ok(codex.close()).await;
    let remote = Remote::ws(format!("wss://localhost:{port}/")).root_certificate("none");
    let error = err(Codex::attach(remote)).await;
    assert!(matches!(error, Error::InvalidInput(_)), "{error:?}");
    stage.finish().await;
}

/// Starts a proxy with TLS to a port; returns its port and the certificate to trust.
async fn tls_proxy(target: u16) -> (u16, String) {
    let names = vec!["localhost".to_owned()];
    let own = rcgen::generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = tokio_rustls::rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(client).await else {
                    return;
                };
                let server = tokio::net::TcpStream::connect(("127.0.0.1", target)).await;
                let mut server = server.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (port, own.cert.pem())
}

#[tokio::test]
async fn nobody_listens() {
    let error = err(Codex::attach(Remote::ws("ws://127.0.0.1:1"))).await;
    assert!(matches!(error, Error::Attach(_)), "{error:?}");
    let config = CodexConfig::new().cwd("/");
    let error = err(Codex::attach_with(config, Remote::ws("ws://127.0.0.1:1"))).await;
    assert!(matches!(error, Error::InvalidInput(_)), "{error:?}");
}

#[tokio::test]
async fn a_message_that_the_runtime_would_not_take_is_not_sent() {
    let stage = Attached::new().await;
    let thread = stage.thread().await;
    let text = "x".repeat(64 * 1024 * 1024);
    let error = err(thread.run(text)).await;
    assert!(matches!(error, Error::InvalidInput(_)), "{error:?}");
    assert!(error.to_string().contains("67108864"), "{error}");
    // A long one goes in several frames.
    stage.model.push(Answer::text("Read."));
    let long = "y".repeat(17 * 1024 * 1024);
    let error = err(thread.run(long)).await;
    assert!(matches!(error, Error::Rpc { .. }), "{error:?}");
    assert_eq!(ok(thread.run("Short.")).await.text(), "Read.");
    stage.finish().await;
}

#[tokio::test]
async fn the_blocking_client_attaches_too() {
    let stage = Attached::new().await;
    stage.model.push(Answer::text("Hello."));
    let (remote, folder) = (address(&stage.proxy), stage.home.workspace().to_owned());
    let work = move || {
        let codex = openai_codex::blocking::Codex::attach(remote)?;
        let thread = codex.thread_start().cwd(folder).send()?;
        let once = thread.once("key", "Hello?").send()?;
        codex.take_over(&thread)?;
        let bundle = thread.export()?;
        codex.close()?;
        Ok((once, bundle))
    };
    let work = tokio::task::spawn_blocking(work);
    let (once, bundle) = ok(async { work.await.unwrap() }).await;
    assert_eq!(once.into_result().text(), "Hello.");
    assert_eq!(bundle.rollouts.len(), 1);
    stage.finish().await;
}
