//! The client for code that is not async; feature `blocking`.
//!
//! Every type here is the blocking version of the type of the same name at the root and has its
//! methods: what is awaited there blocks here, and a stream there is an iterator here. The builders in
//! [`request`](crate::request) are the same types, ended by `.send()` instead of `.await`.
//!
//! A thread of its own drives the connection for as long as anything that came from the client
//! lives, so that the runtime is served between calls too.
//!
//! ```no_run
//! use openai_codex::{Sandbox, blocking::Codex};
//!
//! # fn main() -> openai_codex::Result<()> {
//! let codex = Codex::start()?;
//! let thread = codex.thread_start().sandbox(Sandbox::ReadOnly).send()?;
//! for event in thread.turn("Describe this project.").send()? {
//!     println!("{}", event?.method());
//! }
//! codex.close()
//! # }
//! ```
//!
//! # Panics
//!
//! Every method that blocks panics in async code, where blocking would hold up other tasks, with a
//! text that says so. Use the types of the root there, or `tokio::task::spawn_blocking`. Dropping
//! is fine anywhere, and never blocks.

mod approvals;
mod client;
mod driver;
mod iterators;
mod login;
mod notifications;
mod pipe;
mod retry;
mod send;
mod thread;
mod turn;

pub use approvals::{Approvals, Pending};
pub use client::Codex;
pub use iterators::{Models, TextDeltas, Threads, Turns};
pub use login::{ChatgptLoginHandle, DeviceCodeLoginHandle};
pub use notifications::Notifications;
pub use retry::retry_on_overload;
pub use thread::Thread;
pub use turn::{TurnControl, TurnHandle};
