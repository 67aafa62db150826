//! A message of the client that the scripted server took.

use serde_json::{Value, json};

use super::wire::Outbox;

/// Holds a request or notification of the client, and answers it.
///
/// Calls may be answered in any order, more than once, or not at all.
#[derive(Clone, Debug)]
pub struct Call {
    message: Value,
    outbox: Outbox,
}

impl Call {
    pub(super) fn new(message: Value, outbox: Outbox) -> Self {
        Self { message, outbox }
    }

    /// Returns the method.
    pub fn method(&self) -> &str {
        self.message["method"].as_str().unwrap_or_default()
    }

    /// Returns the params; `Null` if there are none.
    pub fn params(&self) -> &Value {
        &self.message["params"]
    }

    /// Returns the request's id; `Null` on a notification.
    pub fn id(&self) -> &Value {
        &self.message["id"]
    }

    /// Returns the whole message.
    pub fn message(&self) -> &Value {
        &self.message
    }

    /// Answers with `result`.
    pub fn reply(&self, result: Value) {
        self.outbox.reply(self.id(), &result);
    }

    /// Answers with an error.
    pub fn error(&self, code: i64, message: &str) {
        self.error_with(json!({"code": code, "message": message}));
    }

    /// Answers with this value as the error: an object with `data`, or no object.
    pub fn error_with(&self, error: Value) {
        self.outbox
            .message(&json!({"error": error, "id": self.id()}));
    }
}
