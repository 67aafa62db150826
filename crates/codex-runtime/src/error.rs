//! The errors of this crate, each with its remedy.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::{MINIMUM_VERSION, Target, Version, shortage};

/// The remedy of most errors: how the pinned runtime gets installed.
pub(crate) const INSTALL: &str = "openai_codex::runtime::install() (feature `install`), codex_runtime::install(), or \
     `cargo xtask runtime install` in a clone";

/// Why a runtime could not be found, installed or started.
///
/// The text names the thing, the value that decides, and what to do. What an
/// underlying call reported is in it, and in [`source`](std::error::Error::source).
/// The `Debug` form is the same text, as a `main` that returns an error prints that.
///
/// ```
/// use codex_runtime::{Error, Locator};
///
/// let error = Locator::new().explicit("/no/such/codex").locate().unwrap_err();
/// assert!(matches!(error, Error::MissingProgram { .. }));
/// assert!(error.to_string().contains("codex_bin"));
/// ```
#[non_exhaustive]
pub enum Error {
    /// No place had a runtime.
    NotFound {
        /// Every place that was looked at, and what was there.
        tried: Vec<String>,
    },
    /// The program that was asked for does not exist or cannot be run.
    MissingProgram {
        /// The path that was given.
        path: PathBuf,
        /// What gave it: `codex_bin` or `CODEX_BIN`.
        setting: &'static str,
        /// What is wrong with the path.
        reason: &'static str,
    },
    /// The runtime is too old.
    UnsupportedVersion {
        /// The runtime.
        program: PathBuf,
        /// The version that it reported.
        found: Version,
    },
    /// The installed runtime is not as it was installed.
    CorruptCache {
        /// Where it is installed.
        dir: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The pinned runtime is not installed.
    NotInstalled {
        /// Where it would be.
        dir: PathBuf,
    },
    /// There is no folder for the cache, because no home folder is known.
    NoCacheDir {
        /// The environment variables that would say it.
        variables: &'static str,
    },
    /// No runtime is published for this platform.
    UnknownPlatform {
        /// The operating system.
        os: String,
        /// The processor architecture.
        arch: String,
    },
    /// The pin has no package for the platform.
    NotPinned {
        /// The version of the pin.
        version: Version,
        /// The platform.
        target: Target,
    },
    /// A command line or an environment that cannot be used was asked for.
    InvalidLaunch {
        /// What was given, and why it cannot be used.
        reason: String,
    },
    /// The runtime could not be started.
    Spawn {
        /// The program.
        program: PathBuf,
        /// What hinders it, and what to do.
        reason: String,
        /// What the system reported.
        source: io::Error,
    },
    /// A thread or an event loop that the client needs could not be started.
    SetUp {
        /// What could not be started.
        what: &'static str,
        /// What the system reported.
        source: io::Error,
    },
    /// The search for the runtime panicked, which is a fault of this library.
    SearchPanicked {
        /// What the panic said.
        message: String,
    },
    /// There is no `npm` on `PATH`.
    NpmMissing,
    /// `npm pack` failed.
    NpmFailed {
        /// The package that was asked for.
        package: String,
        /// How npm ended.
        status: ExitStatus,
        /// What npm wrote to its standard error, cut down and without secrets.
        stderr: String,
    },
    /// `npm pack` took too long and was stopped.
    NpmTimedOut {
        /// The package that was asked for.
        package: String,
        /// How long it ran.
        after: Duration,
    },
    /// The disk is full.
    NoSpace {
        /// What could not be written.
        path: PathBuf,
    },
    /// The package is not the one that was pinned.
    DigestMismatch {
        /// The package.
        package: String,
        /// The digest in the pin file.
        expected: String,
        /// The digest of what was downloaded.
        found: String,
    },
    /// The package has an entry that must not be unpacked.
    UnsafeEntry {
        /// The path in the package.
        entry: String,
        /// Why it is refused.
        reason: &'static str,
    },
    /// The package could not be read.
    BadArchive {
        /// The package.
        package: String,
        /// What the reader reported.
        source: io::Error,
    },
    /// The package lacks files that a runtime needs, or is another version.
    IncompletePackage {
        /// The package.
        package: String,
        /// What is missing or different.
        reason: String,
    },
    /// The installation was stopped by its caller.
    Canceled,
    /// A file or folder could not be read or written.
    Io {
        /// What was being done, such as `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system reported.
        source: io::Error,
    },
}

impl Error {
    /// Wraps the error of a file operation; a full disk gets its own variant.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { path },
            _ => Self::Io {
                action,
                path,
                source,
            },
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { tried } => write!(
                f,
                "cannot find a Codex runtime; tried {}; run {INSTALL}, or set CODEX_BIN",
                tried.join(", ")
            ),
            Self::MissingProgram {
                path,
                setting,
                reason,
            } => write!(
                f,
                "cannot use {} as the Codex runtime: {reason}; correct {setting} or leave it unset",
                path.display()
            ),
            Self::UnsupportedVersion { program, found } => write!(
                f,
                "the runtime {} has version {found}, {MINIMUM_VERSION} or newer is needed; run {INSTALL}",
                program.display()
            ),
            Self::CorruptCache { dir, reason } => write!(
                f,
                "the runtime in {} is damaged: {reason}; run {INSTALL} to replace it",
                dir.display()
            ),
            Self::NotInstalled { dir } => write!(
                f,
                "no runtime is installed in {}; run {INSTALL}",
                dir.display()
            ),
            Self::NoCacheDir { variables } => write!(
                f,
                "cannot tell the user's cache folder; set {variables}"
            ),
            Self::UnknownPlatform { os, arch } => write!(
                f,
                "no Codex runtime is published for {os} on {arch}; set CODEX_BIN to one built for it"
            ),
            Self::NotPinned { version, target } => write!(
                f,
                "the pin of the runtime {version} has no package for {}; add it with \
                 Pin::with_package, or name another runtime",
                target.name()
            ),
            Self::InvalidLaunch { reason } => write!(f, "cannot launch the runtime: {reason}"),
            Self::Spawn {
                program, reason, ..
            } => write!(f, "cannot start {}: {reason}", program.display()),
            Self::SetUp { what, source } => match shortage::remedy(source) {
                Some(remedy) => write!(f, "cannot start {what}: {remedy}"),
                None => write!(
                    f,
                    "cannot start {what}: {source}; check the limits of this process"
                ),
            },
            Self::SearchPanicked { message } => write!(
                f,
                "the search for the Codex runtime panicked ({message:?}); report it, and set \
                 codex_bin or CODEX_BIN to do without the search"
            ),
            Self::NpmMissing => f.write_str(
                "cannot find npm on PATH, which downloads the Codex runtime; install Node.js, or set CODEX_BIN to an installed codex",
            ),
            Self::NpmFailed {
                package,
                status,
                stderr,
            } => write!(
                f,
                "npm could not download {package} ({status}): {}; check the network and npm's settings, then try again",
                if stderr.is_empty() { "it said nothing" } else { stderr }
            ),
            Self::NpmTimedOut { package, after } => write!(
                f,
                "npm did not download {package} within {} s and was stopped; check the network, then try again",
                after.as_secs()
            ),
            Self::NoSpace { path } => write!(
                f,
                "no space left to write {}; free about 1 GB, or set {} to a folder on another disk",
                path.display(),
                crate::cache::CACHE_VARIABLE
            ),
            Self::DigestMismatch {
                package,
                expected,
                found,
            } => write!(
                f,
                "the download of {package} is not the pinned one: expected {expected}, found {found}; nothing was installed; try again, and check npm's registry settings if it stays"
            ),
            Self::UnsafeEntry { entry, reason } => write!(
                f,
                "the package has an unsafe entry {entry:?}: {reason}; nothing was installed; report it to the package's publisher"
            ),
            Self::BadArchive { package, source } => write!(
                f,
                "cannot unpack {package}: {source}; nothing was installed; try again"
            ),
            Self::IncompletePackage { package, reason } => write!(
                f,
                "{package} is not a complete runtime: {reason}; nothing was installed; check runtime.pin.toml"
            ),
            Self::Canceled => f.write_str("the installation was stopped; run it again to complete it"),
            Self::Io {
                action,
                path,
                source,
            } => match shortage::remedy(source) {
                Some(remedy) => write!(f, "cannot {action} {}: {remedy}", path.display()),
                None => write!(
                    f,
                    "cannot {action} {}: {source}; check its permissions, or set {} to another folder",
                    path.display(),
                    crate::cache::CACHE_VARIABLE
                ),
            },
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Spawn { source, .. }
            | Self::SetUp { source, .. }
            | Self::BadArchive { source, .. }
            | Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let text = Error::io("write", "/cache/file", full).to_string();
        assert!(
            text.contains("no space left to write /cache/file"),
            "{text}"
        );
        assert!(text.contains("OPENAI_CODEX_CACHE"), "{text}");

        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = Error::io("write", "/cache/file", denied);
        assert!(matches!(error, Error::Io { .. }));
        assert!(std::error::Error::source(&error).is_some());
    }
}
