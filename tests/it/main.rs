//! Integration tests against the real runtime, with a scripted model behind it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the helpers of tests fail by panicking, as tests do"
)]

mod approvals;
mod items;
mod run;
mod stage;
