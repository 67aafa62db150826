//! The real runtime, spoken to in bare JSON lines.

use std::path::Path;
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Duration;

use codex_testkit::Home;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

const LIMIT: Duration = Duration::from_secs(30);

/// A runtime process in a [`Home`].
pub(crate) struct Runtime {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    next_id: i64,
    /// Everything that the runtime wrote.
    pub(crate) seen: Vec<Value>,
}

impl Runtime {
    /// Starts the runtime and shakes hands.
    pub(crate) async fn start(home: &Home) -> Self {
        Self::start_with(home, &[]).await
    }

    /// Starts the runtime with more variables, and shakes hands.
    pub(crate) async fn start_with(home: &Home, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::from(home.command(program()));
        let mut child = command
            .envs(variables.iter().copied())
            .arg("app-server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut runtime = Self {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
            next_id: 0,
            seen: Vec::new(),
        };
        let client = json!({"clientInfo": {"name": "testkit", "version": "1.0.0"}});
        runtime.call("initialize", client).await;
        runtime.send(json!({"method": "initialized"})).await;
        runtime
    }

    pub(crate) async fn send(&mut self, message: Value) {
        let line = format!("{message}\n");
        self.input.write_all(line.as_bytes()).await.unwrap();
    }

    /// Calls `method` and returns its result.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        self.send(json!({"id": id, "method": method, "params": params}))
            .await;
        let answer = self
            .wait_for(|message| message["id"] == id && message.get("method").is_none())
            .await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Reads until a message is `wanted`.
    pub(crate) async fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = tokio::time::timeout(LIMIT, self.output.next_line()).await;
            let line = line.expect("the runtime is silent").unwrap();
            let line = line.expect("the runtime has ended");
            let message: Value = serde_json::from_str(&line).unwrap();
            self.seen.push(message.clone());
            if wanted(&message) {
                return message;
            }
        }
    }

    /// Reads until a notification or request of `method`, and returns it.
    pub(crate) async fn wait_for_method(&mut self, method: &str) -> Value {
        self.wait_for(|message| message["method"] == method).await
    }

    /// Starts a thread and returns its id.
    pub(crate) async fn start_thread(&mut self, params: Value) -> String {
        let started = self.call("thread/start", params).await;
        started["thread"]["id"].as_str().unwrap().to_owned()
    }

    /// Starts a turn with one text and returns its id.
    pub(crate) async fn start_turn(&mut self, thread: &str, text: &str) -> String {
        let input = json!([{"type": "text", "text": text}]);
        let params = json!({"threadId": thread, "input": input});
        let started = self.call("turn/start", params).await;
        started["turn"]["id"].as_str().unwrap().to_owned()
    }

    /// Waits for the end of a turn and returns it.
    pub(crate) async fn end_of_turn(&mut self, turn: &str) -> Value {
        let ended = |message: &Value| {
            message["method"] == "turn/completed" && message["params"]["turn"]["id"] == turn
        };
        let seen = self.seen.iter().find(|message| ended(message)).cloned();
        let message = match seen {
            Some(message) => message,
            None => self.wait_for(ended).await,
        };
        message["params"]["turn"].clone()
    }

    /// Runs a turn to its end and returns it.
    pub(crate) async fn run(&mut self, thread: &str, text: &str) -> Value {
        let turn = self.start_turn(thread, text).await;
        self.end_of_turn(&turn).await
    }

    /// The finished items of one type, in order.
    pub(crate) fn items(&self, kind: &str) -> Vec<Value> {
        self.seen
            .iter()
            .filter(|message| message["method"] == "item/completed")
            .map(|message| message["params"]["item"].clone())
            .filter(|item| item["type"] == kind)
            .collect()
    }

    /// The texts of the agent's messages, in order.
    pub(crate) fn agent_texts(&self) -> Vec<String> {
        let items = self.items("agentMessage");
        let texts = items.iter().map(|item| item["text"].as_str().unwrap());
        texts.map(str::to_owned).collect()
    }

    /// Closes the runtime's input and waits for its end.
    pub(crate) async fn close(mut self) {
        drop(self.input);
        tokio::time::timeout(LIMIT, self.child.wait())
            .await
            .expect("the runtime does not end")
            .unwrap();
    }
}

/// The pinned runtime; the first test to ask installs it, if it must.
fn program() -> &'static Path {
    static RUNTIME: LazyLock<codex_runtime::Runtime> =
        LazyLock::new(|| codex_runtime::install().unwrap());
    RUNTIME.program()
}
