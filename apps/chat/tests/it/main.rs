//! The program in a pseudo-terminal, with the real runtime and a scripted model.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod approvals;
mod budget;
mod chat;
mod commands;
mod demo;
mod ending;
mod errors;
mod picture;
mod svg;
mod threads;
mod turns;
