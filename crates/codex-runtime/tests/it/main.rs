//! Integration tests: a scripted npm for what must go wrong, the real one for what must work.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "the lints allow these in test functions, and this crate is all tests"
)]

#[cfg(unix)]
mod concurrent;
#[cfg(unix)]
mod damaged;
#[cfg(unix)]
mod failures;
#[cfg(unix)]
mod interrupted;
#[cfg(unix)]
mod launch;
#[cfg(unix)]
mod locate;
#[cfg(unix)]
mod packages;
mod real;
#[cfg(unix)]
mod refused;
#[cfg(unix)]
mod support;
