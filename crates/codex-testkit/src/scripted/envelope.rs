//! The envelopes of messages, as the runtime writes them.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// Makes the answer to `initialize`, in the runtime's own form.
pub(super) fn initialize_result(params: &Value, version: &str) -> Value {
    let client = &params["clientInfo"];
    let name = client["name"].as_str().unwrap_or("unknown");
    let client_version = client["version"].as_str().unwrap_or("0");
    json!({
        "userAgent": format!(
            "{name}/{version} (Debian 12.0.0; x86_64) xterm ({name}; {client_version})"
        ),
        "codexHome": "/home/u/.codex",
        "platformFamily": "unix",
        "platformOs": "linux",
    })
}

/// The stamp of a notification: milliseconds of Unix time.
pub(super) fn now_ms() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    elapsed.map_or(0, |elapsed| elapsed.as_millis() as u64)
}
