//! Rust SDK for Codex: threads, turns and streams over the Codex app-server.
//!
//! ```no_run
//! use openai_codex::{ApprovalMode, Codex, Notification, Sandbox};
//!
//! #[tokio::main]
//! async fn main() -> openai_codex::Result<()> {
//!     let codex = Codex::start().await?;
//!
//!     let thread = codex
//!         .thread_start()
//!         .sandbox(Sandbox::WorkspaceWrite)
//!         .approval_mode(ApprovalMode::AutoReview) // the default
//!         .await?;
//!
//!     let result = thread.run("Describe this project.").await?;
//!     println!("{}", result.text());
//!
//!     let mut turn = thread.turn("Fix the failing test.").model("gpt-5").await?;
//!     while let Some(event) = turn.next().await {
//!         match event? {
//!             Notification::ItemAgentMessageDelta(delta) => print!("{}", delta.delta),
//!             Notification::TurnCompleted(_) => println!(),
//!             _ => {}
//!         }
//!     }
//!     codex.close().await
//! }
//! ```
//!
//! The same without async, with the feature `blocking`:
//!
#![cfg_attr(feature = "blocking", doc = "```no_run")]
#![cfg_attr(not(feature = "blocking"), doc = "```text")]
//! use openai_codex::{blocking::Codex, Sandbox};
//!
//! fn main() -> openai_codex::Result<()> {
//!     let codex = Codex::start()?;
//!     let thread = codex.thread_start().sandbox(Sandbox::ReadOnly).send()?;
//!     for event in thread.turn("Describe this project.").send()? {
//!         println!("{}", event?.method());
//!     }
//!     codex.close()
//! }
//! ```
//!
//! The module `guide` of these docs, which are built with all features as on docs.rs, has a page for each task and a list
//! of sixty questions "How do I …".
//!
//! # What is what
//!
//! - [`Codex`] is a running runtime, `codex app-server`, and the connection to it.
//! - [`Thread`] is a conversation that the runtime keeps: started, resumed, forked, listed.
//! - [`TurnHandle`] is what the agent does about one input: a stream of [`Notification`]s, which
//!   [`Thread::run`] reads to its end for a [`TurnResult`].
//! - [`types`] has every type of the protocol, and [`Codex::request`] calls every method.
//!
//! # Who may do what
//!
//! A [`Sandbox`] says what the agent may touch, and an [`ApprovalMode`] who decides when it asks
//! for more: a reviewer model, nobody, or your code, by a handler
//! ([`CodexConfig::on_approval`]) or one question at a time ([`Codex::approvals`]); see [`approval`]. Nothing is
//! ever approved by this crate itself: a request of the runtime that no code of yours answers is declined. A
//! [`Budget`] says how much a turn may use.
//!
//! # Types in, types out
//!
//! With the feature `schemars`, `Thread::run_as` asks for a final response that is a type of yours, by its
//! JSON schema: `let review: Review = thread.run_as("Review the last commit.").await?`. See
//! `request::TurnStart::output`.
//!
//! With the feature `tools`, closures of yours are tools that the model calls, with typed arguments: the module
//! `tool`.
//!
//! # Which runtime
//!
//! [`CodexConfig::codex_bin`], else the environment variable `CODEX_BIN`, else the pinned runtime
//! ([`RUNTIME_VERSION`]) in the user's cache, else a `codex` on the `PATH` that is new enough.
//! Nothing is downloaded by that: `openai_codex::runtime::install()`, of the feature `install`, and
//! `cargo xtask runtime install` put the pinned runtime into the cache.
//!
//! # Which async runtime
//!
//! A tokio runtime with timers and IO (`enable_all()`), of either flavor; a client needs it for as
//! long as it lives. With a clock that is paused (`tokio::time::pause`, `start_paused`) time jumps to
//! the next deadline whenever every task waits, also when it is for a process or a socket: requests
//! then time out at once, and closing kills the runtime that it would have waited for. Tests with a
//! paused clock use [`Codex::connect`] with a peer in the same async runtime, or
//! [`CodexConfig::request_timeout`]`(None)` until they resume the clock. The blocking client brings an
//! async runtime of its own.
//!
//! # In a container
//!
//! A host that is the first process of a container has to reap what it did not start: run it under
//! an init (`docker run --init`). `docs/containers.md` of the repository says why.
//!
//! # What ends what
//!
//! Dropping a [`TurnHandle`] interrupts its turn, and dropping the last handle of a client ends
//! the runtime and every command that it runs. Futures can be dropped at any time. After the
//! runtime has ended, everything fails with the same [`Error::Closed`], which says why.
//!
//! # Errors
//!
//! Everything that can fail fails with an [`Error`], and [`Error::is_retryable`] tells whether a
//! second try may succeed. What the runtime refuses is an [`RpcError`] with an [`RpcErrorKind`], and
//! a turn that fails a [`TurnFailure`] with a [`TurnFailureKind`](error::TurnFailureKind).
//!
//! # What the runtime does
//!
//! Some behavior of the runtime is visible in no type:
//!
//! - The first piece of a command's output comes with the completed item only, as part of its
//!   `aggregated_output`; a command that the sandbox stops under [`ApprovalMode::DenyAll`] makes no
//!   item at all; `FileUpdateChange::diff` of an added or deleted file is its content.
//! - A misspelt configuration key is ignored, with a warning among [`Codex::notifications`].
//! - [`Codex::thread_list`] sorts by creation unless asked otherwise.
//! - A turn whose model cannot be connected to waits for the network; it does not fail.
//!
//! `docs/runtime-facts.md` of the repository has more, each with the test that holds it.
//!
//! # Testing what you build
//!
//! `codex-testkit` has a scripted model and a home for the real runtime, so that a test needs neither
//! an account nor a network:
//!
//! ```
//! use codex_testkit::{Answer, Home, MockModel};
//! use openai_codex::{Codex, CodexConfig};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = MockModel::start().await?;
//! model.push(Answer::text("It is a demo."));
//! let home = Home::new(&model)?;
//!
//! let runtime = codex_runtime::install()?;
//! let config = CodexConfig::new()
//!     .codex_bin(runtime.program())
//!     .isolated(&home);
//!
//! let codex = Codex::start_with(config).await?;
//! let thread = codex.thread_start().await?;
//! assert_eq!(thread.run("What is this?").await?.text(), "It is a demo.");
//! codex.close().await?;
//! model.assert_exhausted();
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! - `blocking`: a client for code that is not async.
//! - `install`: [`runtime`]`::install()`, which downloads the pinned runtime, verifies it, and keeps it
//!   in the user's cache.
//! - `schemars`: final responses that are types of the program, `Thread::run_as`.
//! - `tools`: closures of the program as tools that the model calls; brings `schemars`.
//! - `remote`: runtimes that run elsewhere, over WebSocket and Unix sockets: [`Codex`]`::attach`.
//! - `experimental`: the methods, types and fields that the runtime serves only to clients that
//!   opted into its experimental API, with [`CodexConfig::experimental_api`].

#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::disallowed_methods)]

mod approvals;
#[cfg(feature = "blocking")]
#[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
pub mod blocking;
mod budget;
mod child;
mod client;
mod config;
mod connection;
#[cfg(feature = "remote")]
mod dial;
mod door;
pub mod error;
mod event;
// In the docs, and where its examples are tested; it is no part of the library.
#[cfg(all(
    any(doc, doctest),
    feature = "blocking",
    feature = "install",
    feature = "remote",
    feature = "tools"
))]
pub mod guide;
mod handler;
mod input;
mod login;
#[cfg_attr(
    not(feature = "remote"),
    allow(
        dead_code,
        reason = "only a connection to a remote runtime is made again"
    )
)]
mod message;
mod models;
mod names;
mod notifications;
mod pages;
mod policy;
mod question;
mod random;
mod reader;
#[cfg(feature = "remote")]
#[cfg_attr(docsrs, doc(cfg(feature = "remote")))]
pub mod remote;
mod result;
mod retry;
#[cfg_attr(
    not(feature = "remote"),
    allow(
        dead_code,
        reason = "only a connection to a remote runtime is made again"
    )
)]
mod router;
#[cfg(feature = "schemars")]
mod schema;
#[cfg(test)]
mod schema_tests;
mod secrets;
mod server_info;
#[cfg(feature = "remote")]
mod socket;
mod thread;
#[cfg(feature = "tools")]
pub mod tool;
mod turn;
mod writer;

pub use budget::Budget;
pub use client::Codex;
pub use codex_types::{
    ServerNotification as Notification, UnknownNotification, UserInput as InputItem,
};
pub use config::CodexConfig;
pub use error::{
    CloseReason, Error, ResponseError, Result, RpcError, RpcErrorCode, RpcErrorKind, TurnFailure,
};
pub use input::{ExternalMessage, Input, RunInput};
pub use login::{ChatgptLoginHandle, DeviceCodeLoginHandle};
pub use notifications::Notifications;
pub use policy::{ApprovalMode, Sandbox};
pub use result::TurnResult;
pub use retry::{RetryPolicy, retry_on_overload};
pub use server_info::ServerInfo;
pub use thread::{Thread, ThreadBundle, ThreadInfo};
pub use turn::{Once, TurnControl, TurnHandle};

/// Approvals: questions of the runtime that a person, or your code, decides.
///
/// They come from threads with [`ApprovalMode::UserReview`], to the handler of
/// [`CodexConfig::on_approval`] or, one by one, from [`Codex::approvals`].
///
/// ```no_run
/// use openai_codex::approval::{Approval, Decision, Subject};
/// use openai_codex::{ApprovalMode, Codex, CodexConfig};
///
/// # async fn example() -> openai_codex::Result<()> {
/// let config = CodexConfig::new().on_approval(|ask: Approval| async move {
///     match &ask.subject {
///         Subject::Command(command) if command.argv() == Some(&["cargo", "test"][..]) => {
///             Decision::Accept
///         }
///         _ => Decision::Decline,
///     }
/// });
/// let codex = Codex::start_with(config).await?;
/// let thread = codex
///     .thread_start()
///     .approval_mode(ApprovalMode::UserReview)
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// Nothing is accepted by itself: a panic, a dropped question, a question that cannot be decoded, a change of
/// files that was not announced before, and a decision that the runtime does not offer ([`Approval::offers`](approval::Approval::offers)) all decline. An
/// [`on_request`](CodexConfig::on_request) handler for the same method goes first.
pub mod approval {
    pub use crate::approvals::{Approvals, Pending};
    pub use crate::question::{
        Approval, Command, Decision, FileChange, Permissions, ProposedRule, Subject,
    };
}

/// Every type of the protocol: params, responses, notifications, items, enums.
pub mod types {
    pub use codex_types::*;
}

/// The builders of requests, and the traits that make the types of the protocol callable.
///
/// Builders are made by [`Codex`] and [`Thread`], take their options by setters, and are sent by
/// `.await` (async) or `.send()` (blocking). What is not set is not sent: the
/// runtime's configuration, or what the thread already has, decides.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// use openai_codex::Sandbox;
///
/// let thread = codex
///     .thread_start()
///     .model("gpt-5")
///     .sandbox(Sandbox::ReadOnly)
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// An option that no builder offers is a field of the params type in [`types`], which
/// [`Codex::request`] sends.
pub mod request {
    pub use codex_types::request::{ClientRequest, ServerRequest};

    pub use crate::input::ExternalContent;
    pub use crate::models::ModelList;
    pub use crate::pages::{Models, Threads, Turns};
    pub use crate::thread::{ThreadFork, ThreadList, ThreadResume, ThreadStart};
    pub use crate::turn::{IfInterrupted, OnceStart, TextDelta, TextDeltas, TurnStart};
    #[cfg(feature = "schemars")]
    pub use crate::turn::{Typed, TypedResult};
}

/// What of the runtime's own crate, `codex-runtime`, a user meets.
///
/// The error of a runtime that is not found or cannot be started, and versions. With the feature
/// `install`, `install()` puts the pinned runtime into the user's cache, where
/// [`Codex::start`] finds it; nothing else downloads anything.
///
#[cfg_attr(feature = "install", doc = "```no_run")]
#[cfg_attr(not(feature = "install"), doc = "```text")]
/// use openai_codex::{Codex, runtime};
///
/// # async fn example() -> openai_codex::Result<()> {
/// // It downloads and verifies, so it is kept off the async threads.
/// let install = tokio::task::spawn_blocking(runtime::install);
/// let installed = install.await.expect("it does not panic")?;
/// println!("{}", installed.program().display());
/// let codex = Codex::start().await?;
/// # codex.close().await
/// # }
/// ```
///
/// `Installer` says more of how: another folder, progress, a way to cancel.
///
#[cfg_attr(feature = "install", doc = "```no_run")]
#[cfg_attr(not(feature = "install"), doc = "```text")]
/// use openai_codex::runtime::{Installer, ProgressEvent};
///
/// let progress = |event: &ProgressEvent<'_>| println!("{:?} {:?}", event.step, event.bytes);
/// Installer::new().progress(progress).install()?;
/// # Ok::<(), openai_codex::runtime::Error>(())
/// ```
pub mod runtime {
    #[cfg(feature = "install")]
    #[cfg_attr(docsrs, doc(cfg(feature = "install")))]
    pub use codex_runtime::{
        Cancel, Environment, Installer, Package, Pin, Progress, ProgressEvent, Runtime, Source,
        Step, Target, TerminalProgress, install,
    };
    pub use codex_runtime::{Error, InvalidVersion, Isolation, MINIMUM_VERSION, Version};
}

/// The version of this crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The version of the runtime that this crate is made for.
pub const RUNTIME_VERSION: &str = codex_runtime::VERSION;

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
