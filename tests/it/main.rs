//! Integration tests against the real runtime, with a scripted model behind it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the helpers of tests fail by panicking, as tests do"
)]

mod approval_modes;
mod approvals;
mod blocking;
mod budgets;
mod control;
#[cfg(unix)]
mod disk;
mod endings;
mod errors;
mod examples;
mod facts;
mod failures;
mod faults;
mod history;
mod inputs;
mod isolation;
mod items;
mod launch;
mod lifecycle;
mod login;
mod mcp;
mod models;
mod nesting;
mod nulls;
mod once;
mod options;
#[path = "../../crates/codex-sdk/tests/it/peer.rs"]
mod peer;
#[cfg(target_os = "linux")]
mod processes;
mod readme;
mod reconnect;
mod remote;
mod run;
mod sandbox;
mod shared_runtime;
mod stage;
mod streams;
mod text;
mod thread_options;
mod tools;
mod typed_output;
mod typed_tools;
mod usage;
mod user_review;
