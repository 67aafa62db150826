//! Recorded traffic of the real runtime, played back to the client.

use std::collections::HashMap;
use std::path::Path;

use codex_testkit::{Direction, Replay, ScriptedServer, Transcript};
use futures_util::future::join_all;
use openai_codex::{Codex, CodexConfig, Notification, Notifications, RetryPolicy, Thread};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::peer::{still_works, within};

/// Every run of every recording.
fn runs() -> Vec<(String, Transcript)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/transcripts");
    let transcripts = Transcript::load_all(folder).unwrap();
    assert!(!transcripts.is_empty());
    let runs = transcripts.into_iter().flat_map(|(name, transcript)| {
        let runs = transcript.runs().into_iter().enumerate();
        runs.map(move |(run, transcript)| (format!("{name}.{run}"), transcript))
    });
    runs.collect()
}

/// A client of a replay, and what it has done so far.
struct Driver {
    codex: Codex,
    globals: JoinHandle<Vec<Value>>,
    server: JoinHandle<ScriptedServer>,
}

impl Driver {
    async fn start(transcript: &Transcript) -> Self {
        let (replay, read, write) = Replay::pipe(transcript.clone());
        // As the recorded clients: everything at once, and nothing again.
        let config = CodexConfig::new()
            .max_in_flight(100_000)
            .request_timeout(None)
            .retry(RetryPolicy::none());
        let server = tokio::spawn(async move { replay.play().await.unwrap() });
        let codex = within(Codex::connect(config, read, write)).await.unwrap();
        let globals = tokio::spawn(all(codex.notifications()));
        Self {
            codex,
            globals,
            server,
        }
    }

    /// Waits until all is played, checks that the client is well, and closes it; returns what
    /// came on the global stream.
    async fn finish(self) -> Vec<Value> {
        let mut server = within(self.server).await.unwrap();
        still_works(&self.codex, &mut server).await;
        within(self.codex.close()).await.unwrap();
        within(self.globals).await.unwrap()
    }
}

/// Reads every notification until the connection ends.
async fn all(mut notifications: Notifications) -> Vec<Value> {
    let mut seen = Vec::new();
    while let Some(Ok(event)) = notifications.next().await {
        seen.push(shape(&event));
    }
    seen
}

/// A notification as JSON, without what only its envelope has.
fn shape(event: &Notification) -> Value {
    let event = serde_json::to_value(event).unwrap();
    json!({"method": event["method"], "params": event["params"]})
}

/// The notifications that the client is told once it has asked for them.
fn recorded_notifications(transcript: &Transcript) -> Vec<Value> {
    let messages = transcript.server_messages().into_iter();
    let notifications = messages.filter(|message| message["id"].is_null());
    let mut shapes = notifications
        .filter(|message| message["method"].is_string())
        .map(|message| json!({"method": message["method"], "params": message["params"]}));
    shapes.by_ref().collect()
}

/// What the recorded client asked after its handshake.
fn recorded_requests(transcript: &Transcript) -> Vec<Value> {
    let mut greeted = false;
    let mut requests = transcript.client_messages();
    requests.retain(|message| {
        let request = message["method"].is_string() && !message["id"].is_null();
        // The first one is what `connect` sends.
        let first = message["method"] == "initialize" && !std::mem::replace(&mut greeted, true);
        request && !first
    });
    requests
}

/// Tells whether the client can do what the recorded one did: not where that broke the protocol.
fn can_be_driven(transcript: &Transcript) -> bool {
    let mut methods = transcript.client_messages();
    methods.retain(|message| message["method"].is_string());
    let requests = |message: &Value| message["method"] == "initialized" || !message["id"].is_null();
    methods
        .first()
        .is_some_and(|message| message["method"] == "initialize")
        && methods
            .get(1)
            .is_some_and(|message| message["method"] == "initialized")
        && methods.iter().all(requests)
}

/// Every recorded request gets its recorded answer, and every recorded notification is told, in
/// order and with all that it held.
#[tokio::test]
async fn every_recording_plays_through_the_client_without_loss() {
    let mut played = 0;
    for (name, transcript) in runs() {
        if !can_be_driven(&transcript) {
            continue;
        }
        played += 1;
        let driver = Driver::start(&transcript).await;
        let requests = recorded_requests(&transcript);
        let answers = join_all(requests.iter().map(|request| {
            let method = request["method"].as_str().unwrap().to_owned();
            let params = request["params"].clone();
            let codex = driver.codex.clone();
            async move { codex.request_raw(&method, params).await }
        }));
        let answers = tokio::spawn(answers);
        let told = driver.finish().await;
        let answers = within(answers).await.unwrap();

        // The greeting comes before anybody can listen.
        let notifications = recorded_notifications(&transcript);
        let heard = notifications.len() - told.len().min(notifications.len());
        assert!(heard <= 4, "{name}: {heard} notifications are missing");
        assert_eq!(told, notifications[heard..], "{name}");

        let mut recorded: HashMap<String, Vec<Value>> = HashMap::new();
        for answer in transcript.server_messages() {
            if answer["method"].is_null() {
                recorded
                    .entry(answer["id"].to_string())
                    .or_default()
                    .push(answer);
            }
        }
        for (request, answer) in requests.iter().zip(answers) {
            let id = request["id"].to_string();
            let twice = requests
                .iter()
                .filter(|other| other["id"] == request["id"])
                .count()
                > 1;
            let expected = recorded.get(&id).map(Vec::as_slice).unwrap_or_default();
            match (expected, answer) {
                _ if twice => {}
                ([], Err(error)) => assert!(error.is_closed(), "{name}: {error:?}"),
                ([expected, ..], Ok(result)) => assert_eq!(result, expected["result"], "{name}"),
                ([expected, ..], Err(error)) => {
                    let rpc = error.rpc().unwrap_or_else(|| panic!("{name}: {error:?}"));
                    assert_eq!(i64::from(rpc.code), expected["error"]["code"], "{name}");
                    assert_eq!(rpc.message, expected["error"]["message"], "{name}");
                }
                ([], Ok(result)) => panic!("{name}: {result} was never recorded"),
            }
        }
    }
    assert!(played > 50, "only {played} recordings were played");
}

/// Turns that are started through threads get all of their recorded events, in order, and end.
#[tokio::test]
async fn the_turns_of_every_recording_get_their_events() {
    let mut turns = 0;
    for (name, transcript) in runs() {
        if !can_be_driven(&transcript) || !starts_turns_in_order(&transcript) {
            continue;
        }
        let driver = Driver::start(&transcript).await;
        let mut threads: HashMap<String, Thread> = HashMap::new();
        let mut others = Vec::new();
        let mut handles = Vec::new();
        for request in recorded_requests(&transcript) {
            let codex = driver.codex.clone();
            let thread = request["params"]["threadId"].as_str().unwrap_or_default();
            match (request["method"].as_str().unwrap(), threads.get(thread)) {
                ("thread/start", _) => {
                    if let Ok(thread) = within(codex.thread_start().into_future()).await {
                        threads.insert(thread.id().to_string(), thread);
                    }
                }
                ("turn/start", Some(thread)) => {
                    if let Ok(turn) = within(thread.turn("x").into_future()).await {
                        handles.push(tokio::spawn(read(turn)));
                    }
                }
                (method, _) => {
                    let (method, params) = (method.to_owned(), request["params"].clone());
                    others.push(tokio::spawn(async move {
                        let _ = codex.request_raw(&method, params).await;
                    }));
                }
            }
        }
        driver.finish().await;
        let mut recorded = recorded_notifications(&transcript);
        recorded.retain(|event| turn_of(event).is_some());
        for handle in handles {
            let (id, joined, seen) = within(handle).await.unwrap();
            let mut expected: Vec<Value> = Vec::new();
            for event in recorded.iter().filter(|event| turn_of(event) == Some(&id)) {
                expected.push(event.clone());
                if event["method"] == "turn/completed" {
                    break;
                }
            }
            if joined {
                assert!(expected.ends_with(&seen), "{name}: a joined turn");
            } else {
                assert_eq!(seen, expected, "{name}");
            }
            turns += 1;
        }
        for other in others {
            within(other).await.unwrap();
        }
    }
    assert!(turns > 40, "only {turns} turns were played");
}

/// Tells whether each start was answered before the client did anything else: the replay awaits
/// what the recorded client did, and this one waits for its starts.
fn starts_turns_in_order(transcript: &Transcript) -> bool {
    let mut waiting: Option<Value> = None;
    for line in transcript.lines() {
        let message = line.message();
        match (&line.dir, &waiting) {
            (Direction::ClientToServer, Some(_)) => return false,
            (Direction::ClientToServer, None)
                if message["method"] == "turn/start" || message["method"] == "thread/start" =>
            {
                waiting = Some(message["id"].clone());
            }
            (Direction::ServerToClient, Some(id))
                if message["method"].is_null() && message["id"] == *id =>
            {
                waiting = None;
            }
            _ => {}
        }
    }
    waiting.is_none()
}

fn turn_of(event: &Value) -> Option<&str> {
    let params = &event["params"];
    params["turnId"]
        .as_str()
        .or_else(|| params["turn"]["id"].as_str())
}

async fn read(mut turn: openai_codex::TurnHandle) -> (String, bool, Vec<Value>) {
    let (id, joined) = (turn.id().to_owned(), turn.is_joined());
    let mut seen = Vec::new();
    while let Some(Ok(event)) = turn.next().await {
        seen.push(shape(&event));
    }
    (id.into(), joined, seen)
}
