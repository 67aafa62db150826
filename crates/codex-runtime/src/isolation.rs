//! Isolation of a runtime from the machine that it runs on.

use std::ffi::OsString;
use std::path::PathBuf;

/// The folder and the environment of a runtime that is kept apart from its user's files and keys.
///
/// The `Home` of `codex-testkit` is one; `CodexConfig::isolated` of `openai-codex` takes one.
pub trait Isolation {
    /// Returns the folder that the runtime works in.
    fn cwd(&self) -> PathBuf;

    /// Returns the variables to set for the runtime.
    fn env(&self) -> Vec<(OsString, OsString)>;

    /// Returns the variables of this process that the runtime must not inherit.
    fn env_remove(&self) -> Vec<OsString>;
}
