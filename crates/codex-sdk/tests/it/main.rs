//! The client against scripted runtimes: what a healthy one cannot do.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails panics, in its helpers too"
)]

mod approvals;
#[cfg(feature = "blocking")]
mod blocking;
mod bounds;
mod builders;
mod calls;
#[cfg(feature = "remote")]
mod cuts;
mod decisions;
mod ended;
mod endings;
mod faults;
mod greeting;
mod guide;
mod lines;
mod logins;
mod notifications;
mod novel;
mod peer;
mod process;
mod replay;
mod requests;
mod server_requests;
mod surface;
mod surroundings;
mod time;
mod turns;
mod unreadable;
mod wire;
