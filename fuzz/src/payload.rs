//! Decodes a message of the runtime: the first line is its method, the rest its params.
//!
//! Whatever comes is decoded without a panic, and what is written back stays what it is.

#![no_main]

use codex_types::{ServerNotification, ServerRequest};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

fuzz_target!(|input: &str| {
    let Some((method, params)) = input.split_once('\n') else {
        return;
    };
    let event = ServerNotification::decode(method, params);
    let request = ServerRequest::decode(method, params);
    let _ = (event.thread_id(), event.turn_id());
    // Params that are no JSON are kept as a string, which is what comes back.
    if serde_json::from_str::<IgnoredAny>(params).is_ok() {
        comes_back(&event);
        comes_back(&request);
    }
});

/// Compares JSON and not messages: a key that was there twice is there once when it comes back, and
/// then more may fit.
fn comes_back<T: Serialize + DeserializeOwned>(message: &T) {
    let written = serde_json::to_value(message).expect("a message is JSON");
    let text = written.to_string();
    let again: T = serde_json::from_str(&text).expect("what was written can be read");
    let again = serde_json::to_value(again).expect("a message is JSON");
    assert_eq!(written, again, "{text}");
}
