//! Recorded traffic of the real runtime: every message is typed, and none loses anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use codex_types::{ServerMessage, ServerNotification, ServerRequest};
use serde_json::{Map, Value, json};

use super::recode;

/// One message of a transcript and where it stands.
struct Message {
    place: String,
    from_client: bool,
    json: Map<String, Value>,
}

fn transcripts() -> Vec<Vec<Message>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(
        files.len() >= 60,
        "the transcripts are not there: {}",
        files.len()
    );
    files.iter().map(|path| transcript(path)).collect()
}

/// Whether a transcript, whose name begins with the minor version, is of a newer runtime than the types.
fn is_of_a_newer_runtime(place: &str) -> bool {
    let recorded = place.split('-').next().and_then(|minor| minor.parse().ok());
    let mut pinned = openai_codex::RUNTIME_VERSION.split('.').skip(1);
    let pinned = pinned.next().and_then(|minor| minor.parse::<u32>().ok());
    recorded > pinned
}

fn transcript(path: &Path) -> Vec<Message> {
    let name = path.file_name().unwrap().to_string_lossy();
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().enumerate().filter_map(|(number, line)| {
        let line: Value = serde_json::from_str(line).unwrap();
        let from_client = line["dir"] == "c2s";
        let place = format!("{name}:{}", number + 1);
        let json = line["msg"].as_object()?.clone();
        Some(Message {
            place,
            from_client,
            json,
        })
    });
    lines.collect()
}

/// Recorded methods that only the experimental types know.
const EXPERIMENTAL: &[&str] = if cfg!(feature = "experimental") {
    &[]
} else {
    &[
        "collaborationMode/list",
        "environment/status",
        "fuzzyFileSearch/sessionStart",
        "fuzzyFileSearch/sessionStop",
        "fuzzyFileSearch/sessionUpdate",
        "process/kill",
        "process/spawn",
        "process/writeStdin",
        "project/list",
        "remoteControl/status/read",
        "server/diagnostics",
        "thread/backgroundTerminals/list",
        "thread/queue/add",
        "thread/search",
    ]
};

/// Requests by id, so that an answer finds its method; each side has ids of its own.
#[derive(Default)]
struct Pending(BTreeMap<(bool, String), String>);

impl Pending {
    fn asked(&mut self, message: &Message) {
        if let (Some(id), Some(method)) = (message.json.get("id"), message.json.get("method")) {
            let key = (message.from_client, id.to_string());
            self.0
                .insert(key, method.as_str().unwrap_or_default().to_owned());
        }
    }

    fn answered(&self, message: &Message) -> Option<&str> {
        let id = message.json.get("id")?.to_string();
        self.0.get(&(!message.from_client, id)).map(String::as_str)
    }
}

fn params(message: &Message) -> Value {
    message.json.get("params").cloned().unwrap_or_default()
}

#[test]
fn every_message_of_the_runtime_encodes_back_unchanged_with_its_envelope() {
    for message in transcripts()
        .iter()
        .flatten()
        .filter(|message| !message.from_client)
    {
        let json = Value::Object(message.json.clone());
        let typed: ServerMessage = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(
            serde_json::to_value(typed).unwrap(),
            json,
            "{}",
            message.place
        );
    }
}

#[test]
fn every_notification_is_typed_and_encodes_back_unchanged() {
    let mut seen = BTreeSet::new();
    for message in transcripts().iter().flatten() {
        let Some(Value::String(method)) = message.json.get("method") else {
            continue;
        };
        if message.from_client || message.json.contains_key("id") {
            continue;
        }
        let (place, params) = (&message.place, params(message));
        let line = Value::Object(message.json.clone()).to_string();
        let typed: ServerNotification = serde_json::from_str(&line).unwrap();
        if let ServerNotification::Unknown(unknown) = &typed {
            panic!("{place}: {method} is unknown: {:?}", unknown.error);
        }
        assert_eq!(
            serde_json::to_value(&typed).unwrap(),
            json!({"method": method, "params": params}),
            "{place}"
        );
        assert_eq!(
            recode::payload(method, &params).unwrap().unwrap(),
            params,
            "{place}"
        );
        let raw_turn = params
            .get("turnId")
            .filter(|id| id.is_string())
            .or(params["turn"].get("id"));
        assert_eq!(typed.turn_id(), raw_turn.and_then(Value::as_str), "{place}");
        let raw_thread = params
            .get("threadId")
            .filter(|id| id.is_string())
            .or(params["thread"].get("id"));
        assert_eq!(
            typed.thread_id(),
            raw_thread.and_then(Value::as_str),
            "{place}"
        );
        seen.insert(method.clone());
    }
    assert!(
        seen.len() >= 40,
        "only {} methods were recorded",
        seen.len()
    );
}

#[test]
fn every_server_request_and_its_answer_are_typed() {
    let mut seen = BTreeSet::new();
    for transcript in transcripts() {
        let mut pending = Pending::default();
        for message in &transcript {
            let place = &message.place;
            if let Some(Value::String(method)) = message.json.get("method") {
                if message.from_client || !message.json.contains_key("id") {
                    continue;
                }
                pending.asked(message);
                let params = params(message);
                let typed = ServerRequest::decode(method, &params.to_string());
                assert!(
                    !matches!(typed, ServerRequest::Unknown(_)),
                    "{place}: {typed:?}"
                );
                assert_eq!(
                    serde_json::to_value(&typed).unwrap()["params"],
                    params,
                    "{place}"
                );
                assert_eq!(
                    recode::server_params(method, &params).unwrap().unwrap(),
                    params,
                    "{place}"
                );
                seen.insert(method.clone());
            } else if message.from_client
                && let (Some(method), Some(result)) =
                    (pending.answered(message), message.json.get("result"))
            {
                // Two scenarios answer wrongly on purpose.
                if place.contains("approval-bad-decision") || place.contains("approval-empty-reply")
                {
                    continue;
                }
                if place.contains("user-default-handler") && result == &json!({}) {
                    continue;
                }
                assert_eq!(
                    recode::server_response(method, result).unwrap().unwrap(),
                    *result,
                    "{place}"
                );
            }
        }
    }
    assert!(seen.len() >= 6, "only {seen:?} were recorded");
}

#[test]
fn every_client_request_and_its_response_are_typed() {
    let (mut requests, mut responses) = (BTreeSet::new(), BTreeSet::new());
    for transcript in transcripts() {
        let mut pending = Pending::default();
        let mut refused = BTreeSet::new();
        for message in &transcript {
            if !message.from_client && message.json.contains_key("error") {
                refused.insert(message.json["id"].to_string());
            }
        }
        for message in &transcript {
            let place = &message.place;
            if let Some(Value::String(method)) = message.json.get("method") {
                let Some(id) = message.json.get("id").filter(|_| message.from_client) else {
                    continue;
                };
                pending.asked(message);
                if refused.contains(&id.to_string()) || place.contains("bad-requests") {
                    continue;
                }
                let params = params(message);
                let Some(recoded) = recode::client_params(method, &params) else {
                    assert!(
                        EXPERIMENTAL.contains(&method.as_str()) || is_of_a_newer_runtime(place),
                        "{place}: {method}"
                    );
                    continue;
                };
                let recoded = recoded.unwrap_or_else(|error| panic!("{place}: {method}: {error}"));
                assert_eq!(recoded, params, "{place}");
                requests.insert(method.clone());
            } else if !message.from_client
                && let (Some(method), Some(result)) =
                    (pending.answered(message), message.json.get("result"))
            {
                let Some(recoded) = recode::client_response(method, result) else {
                    continue;
                };
                let recoded = recoded.unwrap_or_else(|error| panic!("{place}: {method}: {error}"));
                assert_eq!(recoded, *result, "{place}: {method}");
                responses.insert(method.to_owned());
            }
        }
    }
    assert!(
        requests.len() >= 40 && responses.len() >= 40,
        "{} and {}",
        requests.len(),
        responses.len()
    );
}
