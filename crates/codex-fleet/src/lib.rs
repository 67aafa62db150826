//! Codex agents on many machines: jobs, leases, approvals and results on NATS JetStream.
//!
//! ```no_run
//! # async fn example() -> codex_fleet::Result<()> {
//! use codex_fleet::{Fleet, Task};
//!
//! let fleet = Fleet::connect("nats://127.0.0.1:4222").await?;
//! let task = Task::new("task-81", "Fix the failing test.").repo("https://git.example.org/api.git", "main");
//! let result = fleet.submit(task).await?.result().await?;
//! println!("{}", result.text());
//! # Ok(())
//! # }
//! ```
//!
//! A [`Fleet`] submits [`Task`]s. A [`Worker`] on any machine takes them, runs an agent for each by `openai-codex`, and
//! hands in its result: one for each key, however often it is submitted and whatever happens to workers. A [`Job`]
//! follows one from anywhere: its [events](Job::events), its [questions](Job::asks), its [result](Job::result).
//!
//! A job of a worker that is lost goes on elsewhere: the thread is saved after each batch of items and before each
//! question, the next worker imports it and says the prompt once
//! ([`Thread::once`](openai_codex::Thread::once)). What a worker writes that has lost its job is refused.
//!
//! The server is NATS 2.9 or newer with JetStream. How it is run, watched and secured is in `docs/fleet.md` of the
//! repository. The feature `cli`, which is on by default, has the program `codex-fleet`.

mod asks;
mod clock;
mod error;
mod events;
mod fleet;
mod job;
mod names;
mod record;
mod result;
mod saved;
mod server;
mod store;
mod task;
mod worker;
mod workspace;

pub use asks::{Ask, AskId, AskSubject, Asks};
pub use error::{Error, Result};
pub use events::{Events, JobEvent, JobEventKind, Position};
pub use fleet::Fleet;
pub use job::Job;
pub use record::JobStatus;
pub use result::{JobFailure, JobResult};
pub use server::Server;
pub use task::{Repo, Task};
pub use worker::Worker;
pub use workspace::{GitCheckout, Workspace, WorkspaceFuture};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
