//! The builders of requests, and the traits that make the types of the protocol callable.
//!
//! Builders are made by [`Codex`](crate::Codex) and [`Thread`](crate::Thread), take their options
//! by setters, and are sent by `.await` (async) or `.send()` (blocking). What is not set is not
//! sent: the runtime's configuration, or what the thread already has, decides.
//!
//! ```no_run
//! # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
//! use openai_codex::Sandbox;
//!
//! let thread = codex
//!     .thread_start()
//!     .model("gpt-5")
//!     .sandbox(Sandbox::ReadOnly)
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! An option that no builder offers is a field of the params type in [`types`](crate::types),
//! which [`Codex::request`](crate::Codex::request) sends.

use std::future::Future;
use std::pin::Pin;

mod model_list;
mod pages;
#[cfg(test)]
mod schema_tests;
mod thread_fork;
mod thread_list;
mod thread_options;
mod thread_resume;
mod thread_start;
pub(crate) mod wire;

pub use codex_types::request::{ClientRequest, ServerRequest};
pub use model_list::ModelList;
pub use thread_fork::ThreadFork;
pub use thread_list::ThreadList;
pub use thread_resume::ThreadResume;
pub use thread_start::ThreadStart;

pub use crate::turn::TurnStart;

pub(crate) use pages::Pages;

/// The future of a builder that is awaited.
pub(crate) type Pending<T> = Pin<Box<dyn Future<Output = crate::Result<T>> + Send>>;
