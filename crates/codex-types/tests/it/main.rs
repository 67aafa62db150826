//! Tests of the generated types on single values.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "the helpers of tests fail by panicking, as tests do"
)]

mod open;
mod params;
mod safe;
mod since;
mod size;
mod unreadable;
