//! Looking at one executable: does it exist, and which version is it.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::{Error, Version};

/// How long `codex --version` may take.
const VERSION_LIMIT: Duration = Duration::from_secs(10);
/// How much of what `codex --version` prints is read.
const VERSION_OUTPUT: u64 = 4096;

/// Tells whether a path is a file that can be run, following links.
pub(crate) fn is_executable(path: &Path) -> bool {
    problem(path).is_none()
}

/// Says why a path cannot be run; `None` if it can.
pub(crate) fn problem(path: &Path) -> Option<&'static str> {
    match path.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some("there is no such file"),
        Err(_) => Some("it cannot be read"),
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

/// Runs `<program> --version` and returns the version that it prints.
///
/// Bounded in time; a program that prints no version gives `None`.
///
/// ```no_run
/// let version = codex_runtime::probe_version("/usr/local/bin/codex".as_ref())?;
/// # Ok::<(), codex_runtime::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Spawn`] if the program cannot be started.
pub fn probe_version(program: &Path) -> Result<Option<Version>, Error> {
    probe_version_within(program, VERSION_LIMIT)
}

fn probe_version_within(program: &Path, limit: Duration) -> Result<Option<Version>, Error> {
    let spawn_error = |source| Error::Spawn {
        program: program.to_owned(),
        source,
    };
    let mut child = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(spawn_error)?;
    let (sender, output) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        // The thread ends when the pipe is closed, which killing the program does.
        thread::spawn(move || {
            let mut text = Vec::new();
            if stdout.take(VERSION_OUTPUT).read_to_end(&mut text).is_ok() {
                let _ = sender.send(text);
            }
        });
    }
    let text = output.recv_timeout(limit).unwrap_or_default();
    // It has printed all or is out of time: nothing is wanted of it any more.
    let _ = child.kill();
    let _ = child.wait();
    Ok(Version::from_output(&String::from_utf8_lossy(&text)))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_program_that_never_ends_is_not_waited_for() {
        let start = Instant::now();
        // It takes `--version` for the time to sleep, so it needs no script.
        let temp = tempfile::tempdir().unwrap();
        let program = temp.path().join("codex");
        std::os::unix::fs::symlink("/usr/bin/yes", &program).unwrap();
        let version = probe_version_within(&program, Duration::from_millis(200)).unwrap();
        assert_eq!(version, None);
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}
