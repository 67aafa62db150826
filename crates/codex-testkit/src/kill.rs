//! Killing a process, for tests of crashes.

use std::io;

use crate::error::TestkitError;

/// Kills a process and the group that it leads, at once and without a word to it: as a crash, a kill by the system
/// or a pulled plug would.
///
/// On Unix that is `SIGKILL`, on Windows `taskkill /F /T`. It returns when the system has taken the order, which
/// may be before the process is gone.
///
/// ```no_run
/// # fn example(codex_process_id: Option<u32>) -> Result<(), Box<dyn std::error::Error>> {
/// // With openai-codex: `codex.process_id()`.
/// let process = codex_process_id.ok_or("a client without a process")?;
/// codex_testkit::kill(process)?;
/// // Every call of the client now fails as closed.
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`TestkitError::Io`] if there is no such process, or it may not be killed; this process and the system's first
/// are never killed.
pub fn kill(process: u32) -> Result<(), TestkitError> {
    let failed = TestkitError::io(format!("kill process {process}"));
    if process <= 1 || process == std::process::id() {
        let refused = io::Error::new(io::ErrorKind::InvalidInput, "it is not to be killed");
        return Err(failed(refused));
    }
    kill_now(process).map_err(failed)
}

#[cfg(unix)]
fn kill_now(process: u32) -> io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process, kill_process_group};

    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    let process = process.ok_or(io::ErrorKind::InvalidInput)?;
    // A process that leads no group has its own fate only.
    if kill_process_group(process, Signal::KILL).is_err() {
        kill_process(process, Signal::KILL)?;
    }
    Ok(())
}

#[cfg(windows)]
fn kill_now(process: u32) -> io::Result<()> {
    let output = std::process::Command::new("taskkill")
        .args(["/F", "/T", "/PID", &process.to_string()])
        .output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_process_is_killed_and_this_one_is_not() {
        use std::os::unix::process::ExitStatusExt;
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        kill(child.id()).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        assert!(kill(child.id()).is_err());
        for never in [0, 1, std::process::id(), u32::MAX] {
            assert!(kill(never).is_err(), "{never}");
        }
    }
}
