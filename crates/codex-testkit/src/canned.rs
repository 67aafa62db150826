//! What a healthy runtime says in the usual case, so that no test copies it.

use serde_json::{Value, json};

use crate::error::TestkitError;
use crate::scripted::{Script, ScriptedServer};

/// A notification: its method and its params.
pub type Notice = (&'static str, Value);

/// Makes the answer to `thread/start`, `thread/resume` and `thread/fork`: an idle thread in the folder `/w`.
///
/// ```
/// let answer = codex_testkit::thread_started("t1");
/// assert_eq!(answer["thread"]["id"], "t1");
/// ```
pub fn thread_started(thread: &str) -> Value {
    json!({
        "thread": {
            "id": thread, "sessionId": thread, "preview": "", "ephemeral": false,
            "historyMode": "paginated", "modelProvider": "mock_provider", "createdAt": 1,
            "updatedAt": 1, "status": {"type": "idle"}, "cwd": "/w", "cliVersion": "0.200.1",
            "source": "vscode", "turns": [],
        },
        "model": "mock-model", "modelProvider": "mock_provider", "cwd": "/w",
        "approvalPolicy": "on-request", "approvalsReviewer": "auto_review",
        "sandbox": {"type": "readOnly", "networkAccess": false},
    })
}

/// Makes the answer to `turn/start`: a turn that runs.
pub fn turn_started(turn: &str) -> Value {
    json!({"turn": turn_with(turn, "inProgress")})
}

/// Makes what the runtime says during a whole turn in which the agent says `text`: the turn and its message start,
/// the text comes in one delta, both are completed, and 15 tokens are used.
///
/// ```
/// let notices = codex_testkit::text_turn("t1", "u1", "Done.");
/// let methods: Vec<_> = notices.iter().map(|(method, _)| *method).collect();
/// assert_eq!(methods.first(), Some(&"turn/started"));
/// assert_eq!(methods.last(), Some(&"turn/completed"));
/// ```
pub fn text_turn(thread: &str, turn: &str, text: &str) -> Vec<Notice> {
    let item_id = format!("{turn}-message");
    let message = |text: &str| json!({"type": "agentMessage", "id": item_id, "text": text});
    let of_turn = |mut params: Value| {
        params["threadId"] = json!(thread);
        params["turnId"] = json!(turn);
        params
    };
    let lifecycle = |status| json!({"threadId": thread, "turn": turn_with(turn, status)});
    let count = json!({
        "totalTokens": 15, "inputTokens": 10, "cachedInputTokens": 0, "cacheWriteInputTokens": 0,
        "outputTokens": 5, "reasoningOutputTokens": 0,
    });
    let usage = json!({"total": count, "last": count, "modelContextWindow": 258_400});
    vec![
        ("turn/started", lifecycle("inProgress")),
        (
            "item/started",
            of_turn(json!({"item": message(""), "startedAtMs": 1})),
        ),
        (
            "item/agentMessage/delta",
            of_turn(json!({"itemId": item_id, "delta": text})),
        ),
        (
            "item/completed",
            of_turn(json!({"item": message(text), "completedAtMs": 1})),
        ),
        (
            "thread/tokenUsage/updated",
            of_turn(json!({"tokenUsage": usage})),
        ),
        ("turn/completed", lifecycle("completed")),
    ]
}

fn turn_with(turn: &str, status: &str) -> Value {
    json!({"id": turn, "items": [], "itemsView": "notLoaded", "status": status, "error": null})
}

impl ScriptedServer {
    /// Takes the client's `thread/start`, which must be its next call, answers it with [`thread_started`], and
    /// returns its params.
    ///
    /// # Errors
    ///
    /// As [`expect`](Self::expect).
    pub async fn thread_started(&mut self, thread: &str) -> Result<Value, TestkitError> {
        let call = self.expect("thread/start").await?;
        call.reply(thread_started(thread));
        Ok(call.params().clone())
    }

    /// Takes the client's `turn/start`, which must be its next call, answers it with [`turn_started`], and
    /// returns its params.
    ///
    /// # Errors
    ///
    /// As [`expect`](Self::expect).
    pub async fn turn_started(&mut self, turn: &str) -> Result<Value, TestkitError> {
        let call = self.expect("turn/start").await?;
        call.reply(turn_started(turn));
        Ok(call.params().clone())
    }

    /// Sends what the runtime says during a whole turn, [`text_turn`].
    pub fn text_turn(&mut self, thread: &str, turn: &str, text: &str) -> &mut Self {
        for (method, params) in text_turn(thread, turn, text) {
            self.notify(method, params);
        }
        self
    }
}

impl Script {
    /// Takes the client's `thread/start` and answers it with [`thread_started`].
    pub fn thread_started(self, thread: &str) -> Self {
        self.expect("thread/start").reply(thread_started(thread))
    }

    /// Takes the client's `turn/start` and answers it with [`turn_started`].
    pub fn turn_started(self, turn: &str) -> Self {
        self.expect("turn/start").reply(turn_started(turn))
    }

    /// Sends what the runtime says during a whole turn, [`text_turn`].
    pub fn text_turn(self, thread: &str, turn: &str, text: &str) -> Self {
        let notices = text_turn(thread, turn, text).into_iter();
        notices.fold(self, |script, (method, params)| {
            script.notify(method, params)
        })
    }
}
