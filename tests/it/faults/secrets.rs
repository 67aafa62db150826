//! Secrets: never in a log line, an error or a `Debug` form.

use std::cell::RefCell;
use std::error::Error as _;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use codex_testkit::Script;
use openai_codex::types::{ToolRequestUserInputParams, ToolRequestUserInputResponse};
use openai_codex::{Codex, CodexConfig, Error};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};

use super::scripted;
use crate::peer::{connect, joined, spawn, stage_with, start_turn, still_works, within};

const SECRET: &str = "sk-SECRET-0123456789abcdef";

thread_local! {
    /// The log of the test that runs on this thread.
    static CURRENT: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// The text of everything that is logged on this thread, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    /// Keeps what is logged on this thread from now on.
    fn start() -> Self {
        // One for the process: what is switched on for one thread only is now and then missed
        // while other threads log.
        static ALL: Once = Once::new();
        ALL.call_once(|| tracing::subscriber::set_global_default(ByThread).unwrap());
        // A line that another thread reached for the first time while the subscriber was set is
        // taken for one that nobody wants.
        tracing::callsite::rebuild_interest_cache();
        let log = Self::default();
        CURRENT.set(Some(log.clone()));
        log
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

/// Hands what is logged to the log of its thread.
struct ByThread;

impl ByThread {
    fn add(&self, target: &str, record: impl FnOnce(&mut dyn Visit)) {
        CURRENT.with_borrow(|log| {
            let Some(log) = log else { return };
            let mut line = Line(target.to_owned());
            record(&mut line);
            let mut text = log.0.lock().unwrap();
            text.push_str(&line.0);
            text.push('\n');
        });
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl Subscriber for ByThread {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let ours = ["openai_codex", "codex_"];
        ours.iter().any(|name| metadata.target().starts_with(name))
            && CURRENT.with_borrow(Option::is_some)
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.add(span.metadata().name(), |line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.add("record", |line| values.record(line));
    }

    fn event(&self, event: &Event<'_>) {
        self.add(event.metadata().target(), |line| event.record(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Everything that an error says, its causes too.
fn told(error: &Error) -> String {
    let mut told = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(error) = source {
        let _ = write!(told, " {error} {error:?}");
        source = error.source();
    }
    told
}

#[track_caller]
fn clean(what: &str, text: &str) {
    assert!(!text.contains(SECRET), "{what}: {text}");
}

/// Not in the configuration's `Debug`, the client's, the log, or the error of a runtime that
/// complains about them on its way out.
#[tokio::test]
async fn secrets_of_the_configuration_stay_secret() {
    let log = Log::start();
    let secret = |config: CodexConfig| {
        config
            .env("OPENAI_API_KEY", SECRET)
            .env("MY_TOKEN", format!("Bearer {SECRET}"))
            .config_override("model_providers.x.experimental_bearer_token", SECRET)
            .config_override("mcp_servers.x.env", json!({"KEY": SECRET}))
    };
    let (_process, config) = scripted(&Script::new().handshake().closed());
    let config = secret(config);
    clean("the configuration", &format!("{config:?} {config:#?}"));
    let codex = within(Codex::start_with(config)).await.unwrap();
    clean("the client", &format!("{codex:?} {codex:#?}"));
    within(codex.close()).await.unwrap();

    // A runtime that says what it did not like.
    let complaint = format!("Error: invalid value `{SECRET}` for model_providers.x\n");
    let script = Script::new().stderr(complaint).exit(1);
    let (_process, config) = scripted(&script);
    let error = within(Codex::start_with(secret(config))).await.unwrap_err();
    assert!(error.to_string().contains("invalid value"), "{error}");
    clean("the error", &told(&error));

    let missing = secret(CodexConfig::new().codex_bin("/no/such/codex"));
    clean(
        "the error",
        &told(&within(Codex::start_with(missing)).await.unwrap_err()),
    );
    let missing = secret(CodexConfig::new().launch_command(["/no/such/codex", SECRET]));
    clean("the configuration", &format!("{missing:?}"));
    clean(
        "the error",
        &told(&within(Codex::start_with(missing)).await.unwrap_err()),
    );
    let refused = CodexConfig::new().config_override("a", json!([SECRET, null]));
    clean(
        "the error",
        &told(&Codex::start_with(refused).await.unwrap_err()),
    );

    assert!(log.text().contains("request"), "nothing is logged");
    clean("the log", &log.text());
}

/// An API key is not in the log or in any error that the login may end with.
#[tokio::test]
async fn the_key_of_a_login_stays_secret() {
    let log = Log::start();
    let config = CodexConfig::new().request_timeout(Some(Duration::from_millis(100)));
    let (codex, mut server) = crate::peer::connect_with(config).await;
    let login = || {
        let codex = codex.clone();
        spawn(async move { codex.login_api_key(SECRET).await })
    };
    let answers = [
        json!({"result": SECRET}),
        json!({"result": {"type": "apiKey", "more": SECRET}}),
        json!({"result": [SECRET]}),
        json!({"error": {"code": -32600, "message": format!("invalid key: {SECRET}")}}),
        json!({"error": {"code": -32600, "message": "no", "data": {"key": SECRET}}}),
        json!({"error": SECRET}),
        json!({"error": {"code": SECRET, "message": 5}}),
    ];
    for mut answer in answers {
        let asking = login();
        let call = server.expect("account/login/start").await.unwrap();
        assert_eq!(call.params()["apiKey"], SECRET);
        answer["id"] = call.id().clone();
        server.send(&answer);
        if let Err(error) = joined(asking).await {
            clean(&answer.to_string(), &told(&error));
        }
    }
    let asking = login();
    server.expect("account/login/start").await.unwrap();
    clean("the timeout", &told(&joined(asking).await.unwrap_err()));
    let asking = login();
    server.expect("account/login/start").await.unwrap();
    server.close_output();
    clean("the end", &told(&joined(asking).await.unwrap_err()));
    assert!(
        log.text().contains("account/login/start"),
        "nothing is logged"
    );
    clean("the log", &log.text());
}

/// What the user told the agent in secret is in no log, also when the runtime refuses it or the
/// handler fails with it.
#[tokio::test]
async fn secret_answers_stay_secret() {
    let log = Log::start();
    let config = CodexConfig::new().on_request(|params: ToolRequestUserInputParams| async move {
        if params.item_id == "panics" {
            panic!("{SECRET}");
        }
        let answers = json!({"answers": {"q": {"answers": [SECRET]}}});
        Ok(serde_json::from_value::<ToolRequestUserInputResponse>(answers).unwrap())
    });
    let debug = format!("{config:?}");
    let (codex, mut server, thread) = stage_with(config).await;
    let turn = start_turn(&thread, &mut server, "a").await;
    for item in ["i", "panics"] {
        let question = json!({
            "id": "q", "header": "Password", "question": "Which?", "isOther": false,
            "isSecret": true, "options": null,
        });
        let id = server.ask(
            "item/tool/requestUserInput",
            json!({
                "isBlocking": true, "itemId": item, "questions": [question], "threadId": "t",
                "turnId": "a",
            }),
        );
        let answer = within(server.answer(id)).await.unwrap();
        assert_eq!(answer.to_string().contains(SECRET), item == "i", "{answer}");
    }
    still_works(&codex, &mut server).await;
    clean("the configuration", &debug);
    clean("the client", &format!("{codex:?} {thread:?} {turn:?}"));
    turn.detach();
    within(codex.close()).await.unwrap();
    clean("the log", &log.text());
}

/// What the runtime sends is in no log line and in no error's text, however malformed it is; `raw`
/// has it for who asks.
#[tokio::test]
async fn payloads_stay_out_of_logs_and_texts() {
    let log = Log::start();
    let (codex, mut server) = connect().await;
    for result in [
        json!(SECRET),
        json!({"account": SECRET}),
        json!({"account": {"type": "apiKey"}, "requiresOpenaiAuth": SECRET}),
        json!({"account": {"type": 5, "token": SECRET}, "requiresOpenaiAuth": 5}),
    ] {
        let asking = spawn({
            let codex = codex.clone();
            async move { codex.account().await }
        });
        server
            .expect("account/read")
            .await
            .unwrap()
            .reply(result.clone());
        if let Err(error) = joined(asking).await {
            clean(&result.to_string(), &told(&error));
            if let Error::Decode { raw, .. } = &error {
                assert!(raw.as_str().contains(SECRET));
            }
        }
    }
    server
        .line(SECRET)
        .line(format!("{{\"method\":\"{SECRET}"))
        .line(format!("{{\"id\":\"{SECRET}\",\"result\":{{}}}}"))
        .line(format!("[\"{SECRET}\"]"))
        .notify("account/updated", json!(SECRET))
        .notify("account/updated", json!({"authMode": {"token": SECRET}}))
        .notify(
            "item/agentMessage/delta",
            json!({"turnId": SECRET, "delta": [SECRET]}),
        );
    let id = server.ask(
        "item/tool/call",
        json!({"arguments": SECRET, "tool": [SECRET]}),
    );
    within(server.answer(id)).await.unwrap();
    still_works(&codex, &mut server).await;
    assert!(log.text().contains("skipping"), "nothing is logged");
    clean("the log", &log.text());
}
