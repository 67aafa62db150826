//! The generated types against recorded traffic and against the schema they come from.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the helpers of tests fail by panicking, as tests do"
)]

mod instances;
mod recode;
mod transcripts;
