//! The fleet against a real nats-server, and the real runtime with a scripted model, all on the loopback.
//!
//! `cargo xtask test` installs the server and runs them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod access;
mod agents;
mod jobs;
mod kills;
mod moves;
mod program;
mod stage;
