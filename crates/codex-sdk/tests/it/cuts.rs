//! Random traffic over a connection that is cut at random points: what a consumer sees is what it would have seen.
//!
//! The runtime is a server that behaves as the real one does when a connection is lost: turns go on, a thread that is
//! resumed has its open requests sent again, a half-written message is in no history, and a declined command is in
//! none either and never completes after a loss.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use codex_testkit::Proxy;
use futures_util::{SinkExt, StreamExt};
use openai_codex::approval::{Approval, Decision};
use openai_codex::remote::{Reconnect, Remote};
use openai_codex::types::{ThreadItem, TurnStatus};
use openai_codex::{ApprovalMode, Codex, CodexConfig, Notification, Result};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::Message;

/// Numbers that look random and are the same for the same seed.
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, bound: u64) -> u64 {
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
enum Step {
    Message(Vec<String>),
    Reasoning(Vec<Vec<String>>),
    /// A command with the pieces of its output; asked about first, and then accepted or not.
    Command {
        output: Vec<String>,
        asked: Option<bool>,
    },
}

fn steps(random: &mut Random) -> Vec<Step> {
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
struct State {
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
    losses: u64,
    /// How often a message was taken, by its id.
    prompts: BTreeMap<String, u64>,
    running: bool,
}

#[derive(Clone)]
struct Server {
    state: Arc<Mutex<State>>,
    changed: watch::Sender<u64>,
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

    async fn serve(
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
            "createdAt": 1, "updatedAt": 1, "status": {"type": "idle"}, "cwd": "/", "cliVersion": "0.169.0",
            "source": "appServer", "turns": [], "sessionId": "s"}, "model": "m", "modelProvider": "m", "cwd": "/",
            "approvalPolicy": "on-request", "approvalsReviewer": "user", "sandbox": {"type": "readOnly"}});
        match message["method"].as_str() {
            Some("initialize") => answer(json!({"userAgent": "x/0.169.0 (test)", "codexHome": "/",
                "platformFamily": "unix", "platformOs": "linux"})),
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

/// What a consumer adds up of a turn.
#[derive(Debug, Default)]
struct Seen {
    started: Vec<String>,
    completed: Vec<ThreadItem>,
    texts: BTreeMap<(String, i64), String>,
    turn_started: usize,
    turn_completed: usize,
    usage: Vec<i64>,
}

impl Seen {
    fn take(&mut self, event: Notification) {
        match event {
            Notification::TurnStarted(_) => self.turn_started += 1,
            Notification::TurnCompleted(completed) => {
                assert_eq!(completed.turn.status, TurnStatus::Completed);
                self.turn_completed += 1;
            }
            Notification::ItemStarted(started) => {
                self.started.push(started.item.id().unwrap().into());
            }
            Notification::ItemCompleted(completed) => self.completed.push(completed.item),
            Notification::ItemAgentMessageDelta(delta) => self.add(&delta.item_id, 0, &delta.delta),
            Notification::ItemCommandExecutionOutputDelta(delta) => {
                self.add(&delta.item_id, 0, &delta.delta);
            }
            Notification::ItemReasoningSummaryTextDelta(delta) => {
                self.add(&delta.item_id, delta.summary_index, &delta.delta);
            }
            Notification::ThreadTokenUsageUpdated(usage) => {
                self.usage.push(usage.token_usage.total.total_tokens);
            }
            other => panic!("{other:?}"),
        }
    }

    fn add(&mut self, item: &str, part: i64, delta: &str) {
        assert!(
            self.started.iter().any(|started| started == item),
            "{item} has not started"
        );
        assert!(
            !self.completed.iter().any(|done| done.id() == Some(item)),
            "{item} is complete"
        );
        self.texts
            .entry((item.into(), part))
            .or_default()
            .push_str(delta);
    }

    fn check(&self, turn: &str, steps: &[Step], usage: i64, context: &str) {
        assert_eq!(
            (self.turn_started, self.turn_completed),
            (1, 1),
            "{context}"
        );
        let mut ids = vec![format!("{turn}-user")];
        ids.extend((0..steps.len()).map(|number| format!("{turn}-{number}")));
        // Of a command that was declined and whose start was missed, the runtime has nothing at all.
        let is_declined = |id: &String| {
            let number = id
                .rsplit('-')
                .next()
                .and_then(|number| number.parse::<usize>().ok());
            let step = number.map(|number| &steps[number]);
            matches!(
                step,
                Some(Step::Command {
                    asked: Some(false),
                    ..
                })
            )
        };
        ids.retain(|id| !is_declined(id) || self.started.contains(id));
        assert_eq!(self.started, ids, "{context}");
        let mut completed: Vec<&str> = self.completed.iter().filter_map(ThreadItem::id).collect();
        // A command that the runtime has forgotten is ended with its turn.
        completed.sort_unstable_by_key(|id| ids.iter().position(|known| known == id));
        assert_eq!(completed, ids, "{context}");
        assert_eq!(
            self.usage.last(),
            Some(&usage),
            "{context}: {:?}",
            self.usage
        );
        assert!(
            self.usage.is_sorted_by(|a, b| a < b),
            "{context}: {:?}",
            self.usage
        );
        for item in &self.completed {
            let id = item.id().unwrap();
            let text = |part| {
                self.texts
                    .get(&(id.to_owned(), part))
                    .cloned()
                    .unwrap_or_default()
            };
            match item {
                ThreadItem::AgentMessage(message) => assert_eq!(text(0), message.text, "{context}"),
                ThreadItem::Reasoning(reasoning) => {
                    for (part, whole) in (0..).zip(&reasoning.summary) {
                        assert_eq!(&text(part), whole, "{context}");
                    }
                }
                ThreadItem::CommandExecution(command) => {
                    let whole = command.aggregated_output.clone().unwrap_or_default();
                    let number: usize = id.rsplit('-').next().unwrap().parse().unwrap();
                    let Step::Command { output, asked } = &steps[number] else {
                        panic!("{context}: {id} is no command");
                    };
                    if *asked == Some(false) {
                        assert_eq!(command.status.as_str(), "declined", "{context}");
                    } else {
                        assert_eq!(whole, output.concat(), "{context}");
                        let later = output[1..].concat();
                        assert!(
                            text(0) == whole || text(0) == later,
                            "{context}: {:?}",
                            text(0)
                        );
                    }
                }
                _ => {}
            }
        }
    }
}

async fn run(seed: u64) -> Result<u64> {
    let mut random = Random(seed);
    for _ in 0..8 {
        random.next();
    }
    let programs: Vec<Vec<Step>> = (0..random.below(3) + 1)
        .map(|_| steps(&mut random))
        .collect();
    let context = format!("seed {seed}, {programs:?}");
    let server = Server {
        state: Arc::default(),
        changed: watch::Sender::new(0),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let queue = Arc::new(Mutex::new(programs.clone()));
    let accepting = {
        let (server, mut random) = (server.clone(), random.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let random = Random(random.next());
                tokio::spawn(server.clone().serve(stream, random, Arc::clone(&queue)));
            }
        })
    };
    let proxy = Arc::new(Proxy::start(port).await.unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let wanted = programs.clone();
    let config = CodexConfig::new().on_approval({
        let (asked, random) = (Arc::clone(&asked), Mutex::new(random.clone()));
        move |ask: Approval| {
            asked.lock().unwrap().push(ask.key.clone());
            let (turn, number) = ask.item_id.rsplit_once('-').unwrap();
            let turn: usize = turn.trim_start_matches("tu").parse().unwrap();
            let step = &wanted[turn][number.parse::<usize>().unwrap()];
            let accepts = matches!(
                step,
                Step::Command {
                    asked: Some(true),
                    ..
                }
            );
            let wait = random.lock().unwrap().below(5);
            async move {
                tokio::time::sleep(Duration::from_millis(wait)).await;
                if accepts {
                    Decision::Accept
                } else {
                    Decision::Decline
                }
            }
        }
    });
    let quick = Duration::from_millis(1);
    let policy = Reconnect::new().pauses(quick, quick);
    let remote =
        Remote::ws(format!("ws://127.0.0.1:{port}", port = proxy.port())).reconnect(policy);
    let codex = Codex::attach_with(config, remote).await?;
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::UserReview)
        .await?;
    let cutting = {
        let (proxy, mut random) = (Arc::clone(&proxy), random.clone());
        tokio::spawn(async move {
            // A network that is cut for ever lets nobody take anything up.
            for _ in 0..30 {
                proxy.cut_after(random.below(8000));
                tokio::time::sleep(Duration::from_millis(random.below(40))).await;
                if random.below(3) == 0 {
                    proxy.cut();
                }
            }
        })
    };
    let mut usage = 0;
    for (number, steps) in programs.iter().enumerate() {
        let mut turn = thread.turn("Go.").await?;
        let mut seen = Seen::default();
        while let Some(event) = turn.next().await {
            seen.take(event?);
        }
        let result = turn.run().await?;
        usage += 10 * steps.len() as i64;
        seen.check(&format!("tu{number}"), steps, usage, &context);
        let total = result.usage.map(|usage| usage.total.total_tokens);
        assert_eq!(total, Some(usage), "{context}");
        // Each question is asked once.
        let mut keys = asked.lock().unwrap().clone();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all, "{context}");
    }
    cutting.abort();
    codex.close().await?;
    let state = server.state.lock().unwrap();
    assert!(
        state.prompts.values().all(|count| *count == 1),
        "{context}: {:?}",
        state.prompts
    );
    assert_eq!(state.prompts.len(), programs.len(), "{context}");
    accepting.abort();
    Ok(state.losses)
}

/// `OPENAI_CODEX_CUT_SEEDS` has more of them run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_seen_over_a_connection_that_is_cut_is_what_was_sent() {
    let seeds = std::env::var("OPENAI_CODEX_CUT_SEEDS").ok();
    let seeds: u64 = seeds.and_then(|seeds| seeds.parse().ok()).unwrap_or(30);
    let mut losses = 0;
    for seed in 0..seeds {
        let outcome = tokio::time::timeout(Duration::from_secs(30), run(seed)).await;
        let outcome = outcome.unwrap_or_else(|_| panic!("seed {seed} hangs"));
        losses += outcome.unwrap_or_else(|error| panic!("seed {seed}: {error} ({error:?})"));
    }
    assert!(losses > seeds, "only {losses} connections were lost");
}
