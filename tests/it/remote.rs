//! Clients that attach to a runtime which listens: over WebSocket and Unix sockets, and over a network that fails.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use codex_testkit::{Answer, Home, HomeBuilder, ListeningRuntime, MockModel, Proxy};
use openai_codex::approval::{Approval, Decision};
use openai_codex::remote::{Reconnect, Remote};
use openai_codex::request::ThreadStart;
use openai_codex::types::{ThreadItem, TurnStatus};
use openai_codex::{
    ApprovalMode, Codex, CodexConfig, Error, Notification, RpcErrorKind, Sandbox, Thread,
};
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::stage::{err, hosts_asked, ok, program, within};

const TOKEN: &str = "a-token-of-this-test";

/// A runtime that listens, behind a proxy, and a client that is attached to it.
///
/// The fields are dropped in this order: the runtime ends before its home goes.
pub(crate) struct Attached {
    pub(crate) codex: Codex,
    pub(crate) proxy: Proxy,
    runtime: ListeningRuntime,
    home: Home,
    pub(crate) model: MockModel,
}

impl Attached {
    async fn new() -> Self {
        Self::with(|config| config, |remote| remote).await
    }

    pub(crate) async fn with(
        config: impl FnOnce(CodexConfig) -> CodexConfig,
        remote: impl FnOnce(Remote) -> Remote,
    ) -> Self {
        Self::with_home(|home| home, config, remote).await
    }

    async fn with_home(
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

    async fn thread(&self) -> Thread {
        ok(self.thread_start()).await
    }

    /// Kills the runtime, and starts another one at the same address.
    fn restart(&mut self) {
        self.runtime.kill().unwrap();
        self.listen_again();
    }

    fn listen_again(&mut self) {
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
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        command.env(name, model.origin());
        command.env(name.to_ascii_uppercase(), model.origin());
    }
    command
        .env("no_proxy", "127.0.0.1")
        .env("NO_PROXY", "127.0.0.1");
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
    for length in [0, 120] {
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
    assert!(matches!(error, Error::Attach(_)), "{error:?}");
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
async fn a_turn_goes_on_over_a_new_connection() {
    let stage = Attached::new().await;
    stage
        .model
        .push(Answer::exec_command("sleep 1; echo made"))
        .push(Answer::text("It is made."));
    let thread = stage.thread().await;
    let mut turn = ok(thread.turn("Make it.")).await;
    let mut events = Vec::new();
    while let Some(event) = within(turn.next()).await {
        let event = event.unwrap();
        if let Notification::ItemStarted(started) = &event
            && matches!(started.item, ThreadItem::CommandExecution(_))
        {
            stage.proxy.cut();
        }
        events.push(event);
    }
    let result = ok(turn.run()).await;
    assert_eq!(result.text(), "It is made.");
    assert!(stage.proxy.connections() >= 2);
    let completed = events.iter().filter_map(|event| match event {
        Notification::ItemCompleted(completed) => completed.item.id(),
        _ => None,
    });
    let mut completed: Vec<_> = completed.collect();
    let all = completed.len();
    completed.sort_unstable();
    completed.dedup();
    assert_eq!(completed.len(), all, "an item is completed twice");
    assert_eq!(all, 3, "{events:?}");
    stage.finish().await;
}

#[tokio::test]
async fn a_client_that_gives_up_ends_with_one_reason() {
    let patience = Reconnect::new().give_up_after(Duration::from_secs(1));
    let stage = Attached::with(|config| config, |remote| remote.reconnect(patience)).await;
    let thread = stage.thread().await;
    stage.proxy.refuse(true);
    stage.proxy.cut();
    let error = err(thread.run("Hello?")).await;
    assert!(error.is_closed(), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("127.0.0.1"), "{text}");
    assert_eq!(err(thread.read()).await.to_string(), text);
    stage.finish().await;
}

/// Ten turns, each with a command that is asked about, over a connection that is cut fifty times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn approvals_are_asked_once_over_a_connection_that_is_cut_again_and_again() {
    const TURNS: usize = 10;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let decide = {
        let asked = Arc::clone(&asked);
        move |ask: Approval| {
            asked.lock().unwrap().push(ask.item_id.to_string());
            async {
                tokio::time::sleep(Duration::from_millis(30)).await;
                Decision::Accept
            }
        }
    };
    let quick = Duration::from_millis(10);
    let policy = Reconnect::new().pauses(quick, quick);
    let stage = Attached::with(
        |config| config.on_approval(decide),
        |remote| remote.reconnect(policy),
    )
    .await;
    for turn in 0..TURNS {
        let command = format!("echo made {turn}; sleep 0.1; echo it");
        let call = Answer::exec_command(&command).escalated("May I?");
        stage
            .model
            .push(call)
            .push(Answer::text(format!("Turn {turn} is done.")));
    }
    let start = stage.codex.thread_start().cwd(stage.home.workspace());
    let thread = ok(start.approval_mode(ApprovalMode::UserReview)).await;
    let proxy = Arc::new(stage.proxy);
    let cutting = tokio::spawn({
        let proxy = Arc::clone(&proxy);
        async move {
            for number in 0..50 {
                proxy.cut_after(number * 131 % 4000);
                tokio::time::sleep(Duration::from_millis(60)).await;
            }
        }
    });
    for number in 0..TURNS {
        let mut turn = ok(thread.turn("Make it.")).await;
        let mut completed = Vec::new();
        while let Some(event) = within(turn.next()).await {
            if let Notification::ItemCompleted(done) = event.unwrap() {
                completed.push(done.item);
            }
        }
        let result = ok(turn.run()).await;
        assert_eq!(result.text(), format!("Turn {number} is done."));
        let commands: Vec<_> = completed
            .iter()
            .filter_map(|item| match item {
                ThreadItem::CommandExecution(command) => command.aggregated_output.as_deref(),
                _ => None,
            })
            .collect();
        assert_eq!(
            commands,
            [format!("made {number}\nit\n")],
            "turn {number}: {completed:?}"
        );
        assert!(result.usage.is_some());
    }
    cutting.await.unwrap();
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked.len(), TURNS, "{asked:?}");
    assert!(proxy.connections() > 10, "{}", proxy.connections());
    // Nothing was prompted twice.
    assert_eq!(stage.model.responses_requests().len(), 2 * TURNS);
    drop(thread);
    ok(stage.codex.close()).await;
    stage.model.assert_exhausted();
}

/// A runtime that is started again has the thread on disk, and nothing of the connection.
#[tokio::test]
async fn a_runtime_may_be_started_again_while_nothing_runs() {
    let mut stage = Attached::new().await;
    stage
        .model
        .push(Answer::text("First."))
        .push(Answer::text("Second."));
    let thread = stage.thread().await;
    assert_eq!(ok(thread.run("One.")).await.text(), "First.");
    stage.restart();
    assert_eq!(ok(thread.run("Two.")).await.text(), "Second.");
    drop(thread);
    stage.finish().await;
}

/// A runtime that reads a thread from its store takes the sandbox from its own configuration.
#[tokio::test]
async fn a_thread_keeps_its_options_when_the_runtime_is_started_again() {
    let mut stage = Attached::with_home(
        |home| home.sandbox_mode("workspace-write"),
        |config| config,
        |remote| remote,
    )
    .await;
    let start = stage.thread_start().sandbox(Sandbox::ReadOnly);
    let thread = ok(start.approval_mode(ApprovalMode::DenyAll)).await;
    let write = || Answer::exec_command("touch made.txt; echo tried");
    stage.model.push(write()).push(Answer::text("One."));
    ok(thread.turn("Write.").model("later-model").run()).await;
    assert_eq!(stage.home.read("made.txt"), None);
    stage.restart();
    stage.model.push(write()).push(Answer::text("Two."));
    ok(thread.run("Write.")).await;
    assert_eq!(stage.home.read("made.txt"), None);
    let requests = stage.model.responses_requests();
    assert_eq!(requests.last().unwrap().body_json["model"], "later-model");
    assert!(
        requests
            .last()
            .unwrap()
            .function_call_outputs()
            .last()
            .unwrap()
            .text()
            .contains("tried")
    );
    drop(thread);
    stage.finish().await;
}

/// The turn is stored as interrupted, and told as such.
#[tokio::test]
async fn a_turn_of_a_runtime_that_is_killed_ends_as_interrupted() {
    let mut stage = Attached::new().await;
    stage.model.push(Answer::exec_command("sleep 60"));
    let thread = stage.thread().await;
    let mut turn = ok(thread.turn("Wait.")).await;
    loop {
        let event = within(turn.next()).await.unwrap().unwrap();
        if let Notification::ItemStarted(started) = &event
            && matches!(started.item, ThreadItem::CommandExecution(_))
        {
            break;
        }
    }
    stage.restart();
    let result = ok(turn.run()).await;
    assert_eq!(result.status, TurnStatus::Interrupted);
    stage.model.push(Answer::text("On."));
    assert_eq!(ok(thread.run("Go on.")).await.text(), "On.");
    drop(thread);
    stage.finish().await;
}

/// A runtime that is told to end waits for its turn, whose completion it then often does not tell.
#[cfg(unix)]
#[tokio::test]
async fn a_turn_that_ends_while_its_runtime_drains_is_complete() {
    let mut stage = Attached::new().await;
    stage
        .model
        .push(Answer::exec_command("sleep 1"))
        .push(Answer::text("Done."));
    let thread = stage.thread().await;
    let turn = ok(thread.turn("Wait a second.")).await;
    let running = tokio::spawn(turn.run());
    stage.model.wait_for_requests(1).await.unwrap();
    stage.runtime.drain().unwrap();
    let draining = err(stage.thread_start()).await;
    assert!(
        matches!(&draining, Error::Rpc { source, .. } if source.kind() == RpcErrorKind::ShuttingDown),
        "{draining:?}"
    );
    stage.runtime.wait().unwrap();
    stage.listen_again();
    let result = within(running).await.unwrap().unwrap();
    assert_eq!(result.text(), "Done.");
    assert_eq!(result.status, TurnStatus::Completed);
    assert!(result.usage.is_some());
    drop(thread);
    stage.finish().await;
}
