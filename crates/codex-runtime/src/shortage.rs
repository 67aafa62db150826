//! System resources that have run out, told from other failures of a start.

use std::io;

/// `EMFILE`: this process has too many open files.
#[cfg(unix)]
const PROCESS_FILES: i32 = 24;
/// `ENFILE`: all processes together have.
#[cfg(unix)]
const SYSTEM_FILES: i32 = 23;
/// `ERROR_TOO_MANY_OPEN_FILES`.
#[cfg(windows)]
const PROCESS_FILES: i32 = 4;
/// `ERROR_NO_SYSTEM_RESOURCES`.
#[cfg(windows)]
const SYSTEM_FILES: i32 = 1450;

/// Says what the system lacks and what to do; `None` if this error tells of no shortage.
pub(crate) fn remedy(error: &io::Error) -> Option<&'static str> {
    #[cfg(any(unix, windows))]
    match error.raw_os_error() {
        Some(PROCESS_FILES) => {
            return Some(
                "this process has too many open files; close some, or raise its limit (ulimit -n)",
            );
        }
        Some(SYSTEM_FILES) => {
            return Some(
                "the system has too many open files; end what holds them, or raise its limit",
            );
        }
        _ => {}
    }
    match error.kind() {
        io::ErrorKind::WouldBlock => Some(
            "there are too many processes or threads; end some, or raise the limit (ulimit -u, or \
             that of the container)",
        ),
        io::ErrorKind::OutOfMemory => {
            Some("the memory does not suffice; free some, or raise the limit")
        }
        _ => None,
    }
}
