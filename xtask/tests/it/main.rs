//! `cargo xtask` as its users run it, on copies of the tree.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(unreachable_pub, reason = "a test has no outside")]

mod check;
mod copy;
mod regen;
mod runtime;
