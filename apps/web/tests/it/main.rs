//! Tests of the server with the real runtime and a scripted model.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod approvals;
#[cfg(feature = "browser-tests")]
mod browser;
mod client;
mod doors;
mod endings;
#[cfg(feature = "browser-tests")]
mod page;
#[cfg(feature = "browser-tests")]
mod picture;
#[cfg(unix)]
mod program;
mod stage;
mod streams;
