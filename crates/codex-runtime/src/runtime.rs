//! A runtime that was found: where it is and how it came to be chosen.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::{Error, Version};

/// A runtime that can be started.
///
/// [`Locator::locate`](crate::Locator::locate) and `install()` make it;
/// [`Launch`](crate::Launch) starts it.
///
/// ```no_run
/// let runtime = codex_runtime::Locator::new().locate()?;
/// println!("{} ({})", runtime.program().display(), runtime.source());
/// # Ok::<(), codex_runtime::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    pub(crate) program: PathBuf,
    pub(crate) source: Source,
    pub(crate) version: Option<Version>,
    pub(crate) path_dir: Option<PathBuf>,
}

/// What decided that a runtime is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// The `codex_bin` that the caller gave.
    Explicit,
    /// The environment variable `CODEX_BIN`.
    Env,
    /// The pinned runtime in the user's cache.
    Pinned,
    /// A `codex` on `PATH`.
    Path,
}

impl Runtime {
    /// Returns the executable.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Returns what decided that this runtime is used.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }

    /// Returns the version, where it is known without asking the runtime.
    ///
    /// That is the case for the pinned one and for one found on `PATH`; a
    /// runtime that was named explicitly says its version when it is started.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// Returns the folder of helpers that goes first in the runtime's `PATH`.
    ///
    /// Only the pinned runtime has one.
    #[must_use]
    pub fn path_dir(&self) -> Option<&Path> {
        self.path_dir.as_deref()
    }

    /// Checks a version that this runtime reported against the supported range.
    ///
    /// A build from a checkout reports `0.0.0`, which says nothing of its age: it passes, and what
    /// needs a known version is refused when it is used.
    ///
    /// # Errors
    ///
    /// [`Error::UnsupportedVersion`] if it is older than
    /// [`MINIMUM_VERSION`](crate::MINIMUM_VERSION).
    pub fn check_version(&self, found: &Version) -> Result<(), Error> {
        if found.is_supported() || *found == Version::new(0, 0, 0) {
            return Ok(());
        }
        Err(Error::UnsupportedVersion {
            program: self.program.clone(),
            found: found.clone(),
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Explicit => "codex_bin",
            Self::Env => "CODEX_BIN",
            Self::Pinned => "pinned runtime",
            Self::Path => "codex on PATH",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_runtimes_are_refused_and_checkouts_are_not() {
        let runtime = Runtime {
            program: "/codex".into(),
            source: Source::Explicit,
            version: None,
            path_dir: None,
        };
        assert!(runtime.check_version(&Version::new(0, 139, 9)).is_err());
        assert!(runtime.check_version(&Version::new(0, 0, 0)).is_ok());
        assert!(runtime.check_version(&Version::pinned()).is_ok());
    }
}
