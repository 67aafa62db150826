//! Finds, installs and launches the pinned Codex runtime.
//!
//! [`Locator`] decides which runtime is used and [`Launch`] says how it is
//! started; neither downloads anything. `install()` puts the pinned runtime,
//! whose version is [`VERSION`], into the user's cache.
//!
//! ```no_run
//! use codex_runtime::{Launch, Locator};
//!
//! // Or `codex_runtime::install()?`, which downloads it if it is missing.
//! let runtime = Locator::new().locate()?;
//! let mut child = Launch::new(&runtime).to_command()?.spawn()?;
//! # child.kill()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Environment variables
//!
//! | variable | meaning |
//! |---|---|
//! | `CODEX_BIN` | the executable to use, unless the program names one |
//! | `OPENAI_CODEX_CACHE` | the folder below which the runtime is installed, instead of the user's cache folder |
//!
//! # Features
//!
//! - `install` (default): downloading, verifying and removing the pinned
//!   runtime. Without it the crate has one dependency, `semver`.

mod cache;
mod environment;
mod error;
#[cfg(feature = "install")]
mod install;
mod isolation;
mod launch;
mod locate;
mod manifest;
mod pin;
mod program;
#[doc(hidden)]
pub mod redact;
mod runtime;
mod shortage;
mod target;
mod version;

pub use cache::{CACHE_VARIABLE, Installation};
pub use environment::Environment;
pub use error::Error;
#[cfg(feature = "install")]
pub use install::{
    Cancel, Installer, Progress, ProgressEvent, Step, TerminalProgress, Verified, install,
};
pub use isolation::Isolation;
pub use launch::{Launch, Plan};
pub use locate::{BIN_VARIABLE, Locator};
pub use pin::{Package, Pin};
pub use program::probe_version;
pub use runtime::{Runtime, Source};
pub use target::Target;
pub use version::{InvalidVersion, MINIMUM_VERSION, VERSION, Version};

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
