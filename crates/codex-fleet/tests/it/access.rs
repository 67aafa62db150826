//! Who may connect: tokens, files of credentials, TLS; and that no secret is logged.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use codex_fleet::{Fleet, GitCheckout, Server, Task, Worker};
use codex_testkit::{Answer, MockModel};
use nkeys::KeyPair;
use openai_codex::approval::Decision;
use serde_json::{Value, json};

use crate::stage::{Nats, Place, Serving, all_events, ok, within};

const SECRET: &str = "s3cr3t-0123456789abcdef";

/// What every test of this process logs, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start() -> Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Self::default();
            let writer = log.clone();
            tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_writer(move || writer.clone())
                .init();
            log
        })
        .clone()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs a job over a server, and looks for secrets in what is told of it.
async fn works(server: Server, secret: &str) {
    let log = Log::start();
    let worker = ok(Worker::connect(server.clone())).await;
    let _serving = Serving::start(worker.answering(|task| task.prompt().to_owned()));
    let fleet = ok(Fleet::connect(server.clone())).await;
    let job = ok(fleet.submit(Task::new("a", "x"))).await;
    assert_eq!(ok(job.result()).await.text(), "x");
    let shown = format!("{server:?} {fleet:?} {job:?}");
    let text = log.text();
    assert!(text.contains("connecting to server"), "nothing is logged");
    assert!(!shown.contains(secret) && !text.contains(secret));
}

async fn is_refused(server: Server, secret: &str) {
    let error = within(Fleet::connect(server)).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
}

#[tokio::test]
async fn a_token_and_a_password_log_in() {
    let nats = Nats::with_config(&format!("authorization {{ token: {SECRET:?} }}"));
    works(Server::new(nats.url()).token(SECRET), SECRET).await;
    let in_url = format!("nats://{SECRET}@127.0.0.1:{}", nats.port);
    works(Server::new(in_url), SECRET).await;
    let wrong = format!("{SECRET}-wrong");
    is_refused(Server::new(nats.url()).token(&wrong), SECRET).await;
    is_refused(Server::new(nats.url()), SECRET).await;

    let nats = Nats::with_config(&format!(
        "authorization {{ user: u, password: {SECRET:?} }}"
    ));
    works(
        Server::new(nats.url()).user_and_password("u", SECRET),
        SECRET,
    )
    .await;
    let in_url = format!("nats://u:{SECRET}@127.0.0.1:{}", nats.port);
    works(Server::new(in_url), SECRET).await;
}

#[tokio::test]
async fn a_file_of_credentials_logs_in() {
    let (operator, account, system, user) = (
        KeyPair::new_operator(),
        KeyPair::new_account(),
        KeyPair::new_account(),
        KeyPair::new_user(),
    );
    let account_claims = json!({"type": "account", "version": 2, "limits": {
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1,
        "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1,
    }});
    let system_claims = json!({"type": "account", "version": 2, "limits": {
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1,
    }});
    let nats = Nats::with_config(&format!(
        "operator: {}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{ {}: {}, {}: {} }}",
        token(
            &operator,
            &operator,
            json!({"type": "operator", "version": 2})
        ),
        system.public_key(),
        account.public_key(),
        token(&operator, &account, account_claims),
        system.public_key(),
        token(&operator, &system, system_claims),
    ));
    let claims = json!({"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1});
    let seed = user.seed().unwrap();
    let path = nats.folder().join("fleet.creds");
    let text = format!(
        "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n",
        token(&account, &user, claims)
    );
    std::fs::write(&path, text).unwrap();
    works(Server::new(nats.url()).credentials_file(&path), &seed).await;
    is_refused(Server::new(nats.url()), &seed).await;
    let gone = nats.folder().join("gone.creds");
    is_refused(Server::new(nats.url()).credentials_file(gone), &seed).await;
}

/// Signs claims about a key.
fn token(issuer: &KeyPair, subject: &KeyPair, nats: Value) -> String {
    let header = json!({"typ": "JWT", "alg": "ed25519-nkey"});
    let claims = json!({
        "iss": issuer.public_key(), "sub": subject.public_key(), "iat": 1_700_000_000, "jti": subject.public_key(),
        "name": "test", "nats": nats,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = issuer.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn tls_is_checked_against_the_given_authority() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let folder = tempfile::tempdir_in(crate::stage::scratch()).unwrap();
    let (certificate, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let nats = Nats::with_config(&format!(
        "authorization {{ token: {SECRET:?} }}\ntls {{ cert_file: {certificate:?}, key_file: {key:?} }}"
    ));
    let server = Server::new(format!("tls://127.0.0.1:{}", nats.port)).token(SECRET);
    works(server.clone().root_certificates(&certificate), SECRET).await;
    is_refused(server, SECRET).await;
    // A server without TLS gets no token where TLS is asked for.
    let plain = Nats::start();
    is_refused(Server::new(plain.url()).token(SECRET).require_tls(), SECRET).await;
}

/// The permissions that `docs/fleet.md` gives to each role.
#[tokio::test]
async fn each_role_gets_along_with_its_permissions() {
    let docs = include_str!("../../../../docs/fleet.md");
    let users = ["worker", "whoever submits", "whoever answers"].map(|role| {
        let start = format!("| {role} |");
        let row = docs.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
        let mut cells = row.split('|').map(|cell| {
            let subjects: Vec<_> = cell.split('`').skip(1).step_by(2).collect();
            format!("{subjects:?}")
        });
        let (publish, subscribe) = (cells.next().unwrap(), cells.next().unwrap());
        let user = role.replace(' ', "-");
        format!(
            "{{ user: {user}, password: p, permissions: {{ publish: {publish}, subscribe: {subscribe} }} }}"
        )
    });
    let nats = Nats::with_config(&format!(
        "authorization {{ users: [ {} ] }}",
        users.join(", ")
    ));
    let log_in = |role: &str| nats.server().user_and_password(role, "p");
    let model = MockModel::start().await.unwrap();
    model
        .push(Answer::exec_command("touch asked").escalated("It must be."))
        .push(Answer::text("Done."));
    let place = Place::new(&model);
    let worker = ok(Worker::connect(log_in("worker")))
        .await
        .runtime(place.config());
    let _serving = Serving::start(worker.workspace(GitCheckout::at(&place.checkouts)));
    let fleet = ok(Fleet::connect(log_in("whoever-submits"))).await;
    let job = ok(fleet.submit(Task::new("a", "x").labels(["l"]))).await;
    ok(job.cancel()).await;
    let job = ok(fleet.submit(Task::new("b", "x"))).await;
    let mut asks = ok(Fleet::connect(log_in("whoever-answers"))).await.asks();
    let ask = within(asks.next()).await.unwrap().unwrap();
    ok(ask.answer(Decision::Accept)).await;
    assert_eq!(ok(job.result()).await.text(), "Done.");
    assert!(all_events(&job).await.len() > 3);
}
