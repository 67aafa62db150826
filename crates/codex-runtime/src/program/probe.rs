//! Asking a program for its version.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::launch::Attempt;
use crate::{Error, Version};

/// How long `codex --version` may take. It is asked at every start that finds no pinned runtime, and
/// a program that says nothing is passed over, so this is what such a program costs.
const VERSION_LIMIT: Duration = Duration::from_secs(3);
/// How long a program that has closed its outputs may take to end.
const EXIT_LIMIT: Duration = Duration::from_millis(200);
/// How much of what `codex --version` prints is read.
const VERSION_OUTPUT: usize = 4096;

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
    Ok(probe(program, VERSION_LIMIT)?.ok())
}

/// Asks a program for its version; one that does not tell it gives what it did instead.
pub(crate) fn ask_version(program: &Path) -> Result<Result<Version, String>, Error> {
    probe(program, VERSION_LIMIT)
}

fn probe(program: &Path, limit: Duration) -> Result<Result<Version, String>, Error> {
    let attempt = Attempt {
        program: program.as_os_str(),
        args: &[],
        environment: None,
        cwd: None,
    };
    let mut child = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| attempt.failed(source))?;
    let printed = Printed::collect(child.stdout.take(), child.stderr.take());
    let printed = match printed {
        Ok(printed) => printed.wait(limit),
        Err(error) => Err(error),
    };
    let status = match &printed {
        // Its output has ended, and so has it, or it is about to.
        Ok(printed) if printed.ended => ended_within(&mut child, EXIT_LIMIT),
        _ => None,
    };
    // It has told all or is out of time: nothing is wanted of it any more.
    let _ = child.kill();
    let _ = child.wait();
    let printed = printed.map_err(|source| attempt.failed(source))?;
    Ok(match Version::from_output(&printed.out) {
        Some(version) => Ok(version),
        None => Err(silence(&printed, status, limit)),
    })
}

/// What a program has printed so far.
#[derive(Default)]
struct Printed {
    out: String,
    err: String,
    ended: bool,
}

/// The program's two outputs, read by threads that end with them, which killing the program does.
struct Outputs {
    pieces: mpsc::Receiver<(bool, Vec<u8>)>,
}

impl Printed {
    fn collect(out: Option<ChildStdout>, err: Option<ChildStderr>) -> io::Result<Outputs> {
        let (sender, pieces) = mpsc::channel();
        if let Some(out) = out {
            forward(out, true, sender.clone())?;
        }
        if let Some(err) = err {
            forward(err, false, sender)?;
        }
        Ok(Outputs { pieces })
    }
}

impl Outputs {
    /// Reads until a version is told, both outputs have ended, or the time is over.
    fn wait(&self, limit: Duration) -> io::Result<Printed> {
        let deadline = Instant::now() + limit;
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let ended = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.pieces.recv_timeout(left) {
                Ok((true, piece)) => {
                    out.extend_from_slice(&piece);
                    // A version counts with its line's end: it may go on in the next piece.
                    let whole = out.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
                    let text = String::from_utf8_lossy(&out[..whole]);
                    if Version::from_output(&text).is_some() {
                        break false;
                    }
                }
                Ok((false, piece)) => err.extend_from_slice(&piece),
                Err(RecvTimeoutError::Disconnected) => break true,
                Err(RecvTimeoutError::Timeout) => break false,
            }
            if out.len() > VERSION_OUTPUT {
                break false;
            }
            // Only the end is told.
            let excess = err.len().saturating_sub(VERSION_OUTPUT);
            err.drain(..excess);
        };
        Ok(Printed {
            out: String::from_utf8_lossy(&out).into_owned(),
            err: String::from_utf8_lossy(&err).into_owned(),
            ended,
        })
    }
}

fn forward(
    mut output: impl Read + Send + 'static,
    is_out: bool,
    pieces: mpsc::Sender<(bool, Vec<u8>)>,
) -> io::Result<()> {
    let read = move || {
        let mut piece = vec![0; VERSION_OUTPUT];
        while let Ok(length @ 1..) = output.read(&mut piece) {
            // The receiver goes when the version is known or the time is over.
            if pieces.send((is_out, piece[..length].to_vec())).is_err() {
                break;
            }
        }
    };
    thread::Builder::new()
        .name("codex-version".into())
        .spawn(read)
        .map(drop)
}

fn ended_within(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    /// Nothing tells of the end of a process without waiting for it.
    const PAUSE: Duration = Duration::from_millis(5);
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => thread::sleep(PAUSE),
            _ => return None,
        }
    }
}

/// Says what a program did instead of telling its version: the fact, then its last words.
fn silence(printed: &Printed, status: Option<ExitStatus>, limit: Duration) -> String {
    let mut text = match status {
        None if !printed.ended && printed.out.len() <= VERSION_OUTPUT => format!(
            "(it did not tell its version within {} s)",
            limit.as_secs_f32()
        ),
        _ => "(it does not tell its version)".to_owned(),
    };
    let failed = status.filter(|status| !status.success());
    let last = last_lines(&printed.err).or_else(|| last_lines(&printed.out));
    match (failed, last) {
        (Some(status), Some(last)) => text.push_str(&format!(": it ended with {status}: {last}")),
        (Some(status), None) => text.push_str(&format!(": it ended with {status}")),
        (None, Some(last)) => text.push_str(&format!(": {last}")),
        (None, None) => {}
    }
    text
}

/// The last lines of a text as one line, cut down; `None` if it has none.
fn last_lines(text: &str) -> Option<String> {
    const LINES: usize = 3;
    const LENGTH: usize = 300;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut last: Vec<&str> = lines.rev().take(LINES).collect();
    last.reverse();
    let line: String = last
        .join(" / ")
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    let excess = line.chars().count().saturating_sub(LENGTH);
    let line: String = line.chars().skip(excess).collect();
    (!line.is_empty()).then_some(line)
}

#[cfg(all(test, unix))]
#[allow(
    clippy::unwrap_used,
    reason = "the helpers of tests fail by panicking, as tests do"
)]
mod tests {
    use super::*;
    use std::time::Instant;

    const SHORT: Duration = Duration::from_millis(200);

    /// Asks a shell script for its version, run as `<temp>/codex`.
    fn asked(body: &str, limit: Duration) -> Result<Version, String> {
        let temp = tempfile::tempdir().unwrap();
        let program = temp.path().join("codex");
        write(&program, &format!("#!/bin/sh\n{body}\n"));
        probe(&program, limit).unwrap()
    }

    /// Writes an executable in another process: one that this process had open for writing could be
    /// inherited by a program that a test starts at that moment, and then not be run.
    fn write(program: &Path, text: &str) {
        let line = "printf %s \"$2\" > \"$1\" && chmod 755 \"$1\"";
        let status = Command::new("/bin/sh")
            .args(["-c", line, "sh"])
            .arg(program)
            .arg(text)
            .status()
            .unwrap();
        assert!(status.success());
    }

    #[test]
    fn a_program_that_never_ends_is_not_waited_for() {
        let start = Instant::now();
        // It takes `--version` for the text to repeat, so it needs no script.
        let temp = tempfile::tempdir().unwrap();
        let program = temp.path().join("codex");
        std::os::unix::fs::symlink("/usr/bin/yes", &program).unwrap();
        let told = probe(&program, SHORT).unwrap();
        assert!(told.is_err());
        let told = asked("exec sleep 100", SHORT).unwrap_err();
        assert_eq!(told, "(it did not tell its version within 0.2 s)");
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_version_counts_as_soon_as_it_is_told() {
        let long = Duration::from_secs(60);
        let start = Instant::now();
        let told = asked("echo codex-cli 1.2.3; exec sleep 100", long);
        assert_eq!(told, Ok(Version::new(1, 2, 3)));
        assert!(start.elapsed() < Duration::from_secs(30));
        let told = asked("echo warning >&2; printf 'codex-cli 1.2.3'", long);
        assert_eq!(told, Ok(Version::new(1, 2, 3)));
    }

    #[test]
    fn what_it_did_instead_is_told() {
        let long = Duration::from_secs(60);
        for (body, told) in [
            ("exit 0", "(it does not tell its version)"),
            (
                "echo a; echo b >&2; exit 3",
                "(it does not tell its version): it ended with exit status: 3: b",
            ),
            (
                "echo codex-cli unknown",
                "(it does not tell its version): codex-cli unknown",
            ),
            (
                "for i in 1 2 3 4 5; do echo \"line $i\" >&2; done; exit 1",
                "(it does not tell its version): it ended with exit status: 1: line 3 / line 4 / \
                 line 5",
            ),
        ] {
            assert_eq!(asked(body, long), Err(told.to_owned()), "{body}");
        }
    }
}
