//! Looking at one executable: does it exist, and which version is it.

use std::io::ErrorKind;
use std::path::Path;

mod probe;

pub(crate) use probe::ask_version;
pub use probe::probe_version;

/// Tells whether a path is a file that can be run, following links.
pub(crate) fn is_executable(path: &Path) -> bool {
    problem(path).is_none()
}

/// Says why a path cannot be run; `None` if it can.
pub(crate) fn problem(path: &Path) -> Option<&'static str> {
    match path.metadata() {
        Err(error) => Some(match error.kind() {
            ErrorKind::NotFound => "there is no such file",
            ErrorKind::PermissionDenied => "a folder above it may not be entered",
            ErrorKind::NotADirectory => "a folder above it is a file",
            ErrorKind::InvalidFilename => "its name is too long",
            ErrorKind::InvalidInput => "its path has a NUL character",
            _ => "it cannot be read",
        }),
        Ok(meta) if !meta.is_file() => Some("it is not a file"),
        Ok(meta) if !may_execute(&meta) => Some("it is not executable"),
        Ok(_) => None,
    }
}

#[cfg(unix)]
pub(crate) fn may_execute(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
pub(crate) fn may_execute(_: &std::fs::Metadata) -> bool {
    true
}
