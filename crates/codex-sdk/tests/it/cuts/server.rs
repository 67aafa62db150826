//! A runtime that behaves as the real one does when a connection is lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use openai_codex::RUNTIME_VERSION;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::Message;

/// Numbers that look random and are the same for the same seed.
#[derive(Clone)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn word(&mut self) -> String {
        let letters = self.below(30) as usize + 1;
        let letter = char::from(b'a' + self.below(26) as u8);
        format!("{} ", letter.to_string().repeat(letters))
    }
}

/// What a turn does.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Message(Vec<String>),
    Reasoning(Vec<Vec<String>>),
    /// A command with the pieces of its output; asked about first, and then accepted or not.
    Command {
        output: Vec<String>,
        asked: Option<bool>,
    },
}

pub(super) fn steps(random: &mut Random) -> Vec<Step> {
    let words = |random: &mut Random| (0..random.below(8) + 1).map(|_| random.word()).collect();
    let count = random.below(5) + 1;
    (0..count)
        .map(|_| match random.below(4) {
            0 => Step::Reasoning((0..random.below(2) + 1).map(|_| words(random)).collect()),
            1 => Step::Command {
                output: words(random),
                asked: None,
            },
            2 => Step::Command {
                output: words(random),
                asked: Some(random.below(2) == 0),
            },
            _ => Step::Message(words(random)),
        })
        .collect()
}

#[derive(Default)]
pub(super) struct State {
    /// The turns, oldest first, with all of their stored items.
    turns: Vec<Value>,
    /// The connections that get events.
    subscribers: Vec<mpsc::UnboundedSender<Value>>,
    /// The requests without an answer.
    open: BTreeMap<u64, Value>,
    answers: BTreeMap<u64, String>,
    last_request: u64,
    usage: u64,
    last_usage: Option<Value>,
    /// How often a connection was lost.
    pub(super) losses: u64,
    /// How often a message was taken, by its id.
    pub(super) prompts: BTreeMap<String, u64>,
    running: bool,
}

#[derive(Clone)]
pub(super) struct Server {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) changed: watch::Sender<u64>,
}

impl Server {
    fn emit(&self, method: &str, params: Value) {
        let state = self.state.lock().unwrap();
        for subscriber in &state.subscribers {
            let _ = subscriber.send(json!({"method": method, "params": params}));
        }
    }

    fn store(&self, turn: usize, item: &Value) {
        let mut state = self.state.lock().unwrap();
        let items = state.turns[turn]["items"].as_array_mut().unwrap();
        match items.iter_mut().find(|stored| stored["id"] == item["id"]) {
            Some(stored) => *stored = item.clone(),
            None => items.push(item.clone()),
        }
    }

    async fn run(self, at: usize, turn: String, steps: Vec<Step>, mut random: Random) {
        let ids = |more: Value| {
            let mut params = json!({"threadId": "th", "turnId": turn});
            params
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            params
        };
        let started = |item: &Value| {
            self.emit("item/started", ids(json!({"item": item, "startedAtMs": 1})));
        };
        let completed = |item: &Value| {
            self.store(at, item);
            self.emit(
                "item/completed",
                ids(json!({"item": item, "completedAtMs": 2})),
            );
        };
        let delta = |method: &str, item: &str, text: &str, more: Value| {
            let mut params = ids(json!({"itemId": item, "delta": text}));
            params
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            self.emit(method, params);
        };
        for (number, step) in steps.iter().enumerate() {
            let id = format!("{turn}-{number}");
            match step {
                Step::Message(words) => {
                    started(&json!({"type": "agentMessage", "id": id, "text": ""}));
                    for word in words {
                        pause(&mut random).await;
                        delta("item/agentMessage/delta", &id, word, json!({}));
                    }
                    completed(&json!({"type": "agentMessage", "id": id, "text": words.concat()}));
                }
                Step::Reasoning(parts) => {
                    started(&json!({"type": "reasoning", "id": id, "summary": [], "content": []}));
                    for (index, part) in parts.iter().enumerate() {
                        for word in part {
                            pause(&mut random).await;
                            let more = json!({"summaryIndex": index});
                            delta("item/reasoning/summaryTextDelta", &id, word, more);
                        }
                    }
                    let summary: Vec<String> = parts.iter().map(|part| part.concat()).collect();
                    completed(
                        &json!({"type": "reasoning", "id": id, "summary": summary, "content": []}),
                    );
                }
                Step::Command { output, asked } => {
                    let mut item = json!({"type": "commandExecution", "id": id, "command": "x", "cwd": "/",
                        "commandActions": [], "status": "inProgress", "source": "agent"});
                    started(&item);
                    let losses = self.state.lock().unwrap().losses;
                    if asked.is_some() && self.ask(&turn, &id).await != "accept" {
                        item["status"] = "declined".into();
                        if losses == self.state.lock().unwrap().losses {
                            self.emit(
                                "item/completed",
                                ids(json!({"item": item, "completedAtMs": 2})),
                            );
                        }
                    } else {
                        self.store(at, &item);
                        for (number, word) in output.iter().enumerate() {
                            pause(&mut random).await;
                            // The first piece comes in no delta.
                            if number > 0 {
                                delta("item/commandExecution/outputDelta", &id, word, json!({}));
                            }
                        }
                        item["status"] = "completed".into();
                        item["aggregatedOutput"] = output.concat().into();
                        item["exitCode"] = 0.into();
                        completed(&item);
                    }
                }
            }
            pause(&mut random).await;
            let usage = {
                let mut state = self.state.lock().unwrap();
                state.usage += 10;
                let tokens = json!({"totalTokens": state.usage, "inputTokens": state.usage, "cachedInputTokens": 0,
                    "cacheWriteInputTokens": 0, "outputTokens": 0, "reasoningOutputTokens": 0});
                let usage = ids(
                    json!({"tokenUsage": {"total": tokens, "last": tokens, "modelContextWindow": null}}),
                );
                state.last_usage = Some(usage.clone());
                usage
            };
            self.emit("thread/tokenUsage/updated", usage);
        }
        let whole = {
            let mut state = self.state.lock().unwrap();
            state.running = false;
            state.turns[at]["status"] = "completed".into();
            state.turns[at].clone()
        };
        let mut short = whole;
        short["items"] = json!([]);
        short["itemsView"] = "notLoaded".into();
        self.emit("turn/completed", json!({"threadId": "th", "turn": short}));
    }

    async fn ask(&self, turn: &str, item: &str) -> String {
        let mut changed = self.changed.subscribe();
        let id = {
            let mut state = self.state.lock().unwrap();
            let id = state.last_request;
            state.last_request += 1;
            let request = json!({"id": id, "method": "item/commandExecution/requestApproval", "params": {
                "threadId": "th", "turnId": turn, "itemId": item, "command": "x", "cwd": "/", "startedAtMs": 1}});
            state.open.insert(id, request.clone());
            for subscriber in &state.subscribers {
                let _ = subscriber.send(request.clone());
            }
            id
        };
        loop {
            if let Some(decision) = self.state.lock().unwrap().answers.remove(&id) {
                return decision;
            }
            changed.changed().await.unwrap();
        }
    }

    pub(super) async fn serve(
        self,
        stream: TcpStream,
        mut random: Random,
        programs: Arc<Mutex<Vec<Vec<Step>>>>,
    ) {
        let Ok(socket) = tokio_tungstenite::accept_async(stream).await else {
            return;
        };
        let (mut outgoing, mut incoming) = socket.split();
        let (sender, mut messages) = mpsc::unbounded_channel::<Value>();
        let writing = tokio::spawn(async move {
            while let Some(message) = messages.recv().await {
                if outgoing
                    .send(Message::text(message.to_string()))
                    .await
                    .is_err()
                {
                    return;
                }
            }
        });
        while let Some(Ok(message)) = incoming.next().await {
            let Ok(text) = message.to_text() else {
                continue;
            };
            let Ok(message) = serde_json::from_str::<Value>(text) else {
                continue;
            };
            self.take(&message, &sender, &mut random, &programs);
        }
        {
            let mut state = self.state.lock().unwrap();
            state.losses += 1;
            state
                .subscribers
                .retain(|other| !other.same_channel(&sender));
        }
        writing.abort();
    }

    fn take(
        &self,
        message: &Value,
        sender: &mpsc::UnboundedSender<Value>,
        random: &mut Random,
        programs: &Arc<Mutex<Vec<Vec<Step>>>>,
    ) {
        let params = &message["params"];
        let answer = |result: Value| {
            let _ = sender.send(json!({"id": message["id"], "result": result}));
        };
        let thread = json!({"thread": {"id": "th", "preview": "", "ephemeral": false, "modelProvider": "m",
            "createdAt": 1, "updatedAt": 1, "status": {"type": "idle"}, "cwd": "/", "cliVersion": RUNTIME_VERSION,
            "source": "appServer", "turns": [], "sessionId": "s"}, "model": "m", "modelProvider": "m", "cwd": "/",
            "approvalPolicy": "on-request", "approvalsReviewer": "user", "sandbox": {"type": "readOnly"}});
        match message["method"].as_str() {
            Some("initialize") => answer(
                json!({"userAgent": format!("x/{RUNTIME_VERSION} (test)"), "codexHome": "/",
                "platformFamily": "unix", "platformOs": "linux"}),
            ),
            Some("thread/start") => {
                self.state.lock().unwrap().subscribers.push(sender.clone());
                answer(thread);
            }
            Some("thread/resume") => {
                let mut state = self.state.lock().unwrap();
                if !state
                    .subscribers
                    .iter()
                    .any(|other| other.same_channel(sender))
                {
                    state.subscribers.push(sender.clone());
                }
                let open: Vec<Value> = state.open.values().cloned().collect();
                let first = random.below(2) == 0;
                if !first {
                    answer(thread.clone());
                }
                for request in open {
                    let _ = sender.send(request);
                }
                if first {
                    answer(thread);
                }
                if params["excludeTurns"] != json!(true)
                    && let Some(usage) = &state.last_usage
                {
                    let _ = sender
                        .send(json!({"method": "thread/tokenUsage/updated", "params": usage}));
                }
            }
            Some("thread/loaded/list") => answer(json!({"data": ["th"], "nextCursor": null})),
            Some("thread/turns/list") => {
                let state = self.state.lock().unwrap();
                let limit = params["limit"].as_u64().unwrap() as usize;
                let mut turns = state.turns.clone();
                turns.reverse();
                turns.truncate(limit);
                answer(json!({"data": turns, "nextCursor": null}));
            }
            Some("turn/start") => {
                let message = params["clientUserMessageId"].as_str().unwrap().to_owned();
                let (at, turn) = {
                    let mut state = self.state.lock().unwrap();
                    assert!(!std::mem::replace(&mut state.running, true));
                    *state.prompts.entry(message.clone()).or_default() += 1;
                    let at = state.turns.len();
                    let turn = format!("tu{at}");
                    let said = json!({"type": "userMessage", "id": format!("{turn}-user"), "clientId": message,
                        "content": params["input"]});
                    state
                        .turns
                        .push(json!({"id": turn, "status": "inProgress", "items": [said],
                        "itemsView": "full", "error": null}));
                    (at, turn)
                };
                let mut whole = self.state.lock().unwrap().turns[at].clone();
                let said = whole["items"][0].clone();
                whole["items"] = json!([]);
                answer(json!({"turn": whole}));
                self.emit("turn/started", json!({"threadId": "th", "turn": whole}));
                for method in ["item/started", "item/completed"] {
                    let item = json!({"threadId": "th", "turnId": turn, "item": said, "startedAtMs": 1,
                        "completedAtMs": 1});
                    self.emit(method, item);
                }
                let steps = programs.lock().unwrap().remove(0);
                let random = Random(random.next());
                tokio::spawn(self.clone().run(at, turn, steps, random));
            }
            Some(_) => {}
            None => {
                let id = message["id"].as_u64().unwrap();
                let mut state = self.state.lock().unwrap();
                if state.open.remove(&id).is_some() {
                    let decision = message["result"]["decision"].as_str().unwrap();
                    state.answers.insert(id, decision.to_owned());
                    for subscriber in &state.subscribers {
                        let params = json!({"threadId": "th", "requestId": id});
                        let _ = subscriber
                            .send(json!({"method": "serverRequest/resolved", "params": params}));
                    }
                    drop(state);
                    self.changed.send_modify(|count| *count += 1);
                }
            }
        }
    }
}

async fn pause(random: &mut Random) {
    match random.below(4) {
        0 => tokio::time::sleep(Duration::from_millis(random.below(4))).await,
        1 => tokio::task::yield_now().await,
        _ => {}
    }
}
