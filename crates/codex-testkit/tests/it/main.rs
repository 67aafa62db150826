//! The test doubles against the real runtime, and against themselves.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "the helpers of tests fail as tests do"
)]

mod approval;
mod home;
mod model;
mod process;
mod runtime;
mod scripted;
mod stage;
mod transcript;
