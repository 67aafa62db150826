//! The runtime as a child process: started in a group of its own, ended in steps, always reaped.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

use crate::reader::Lines;
use crate::secrets::Secrets;

mod input;

pub(crate) use input::Input;

/// How long the runtime may take to end after its input has ended.
const INPUT_GRACE: Duration = Duration::from_secs(2);
/// How long it may take to end after it was told to terminate.
const TERMINATE_GRACE: Duration = Duration::from_secs(1);
/// How long the system may take to end it after it was killed.
const KILL_GRACE: Duration = Duration::from_secs(5);

/// A running child process. Dropping it kills it and what it has started.
#[derive(Debug)]
pub(crate) struct Child {
    /// The program, as it was named to the system.
    pub(crate) program: PathBuf,
    process: tokio::process::Child,
    #[cfg(unix)]
    group: Option<rustix::process::Pid>,
    /// Kills all that is in it when it is closed.
    #[cfg(windows)]
    job: Option<win32job::Job>,
    /// Whether it was reaped: then its id may belong to another process.
    reaped: bool,
}

/// The child's ends of the pipes.
#[derive(Debug)]
pub(crate) struct Pipes {
    pub(crate) stdin: Input,
    pub(crate) stdout: ChildStdout,
    pub(crate) stderr: ChildStderr,
}

/// Makes room in the pipe of the child's output: the runtime and the reader wake each other less
/// often in a flood.
///
/// The system grants a user 64 MB of such room in all and a pipe 1 MB. A quarter of that leaves
/// room for 256 clients. One that gets none works as well.
#[cfg(target_os = "linux")]
fn widen(pipe: &ChildStdout) {
    const ROOM: usize = 256 * 1024;
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, ROOM);
}

impl Child {
    /// Starts a command that has pipes for output and error output, and a group of its own.
    ///
    /// # Errors
    ///
    /// What the system reports.
    pub(crate) fn spawn(command: std::process::Command) -> io::Result<(Self, Pipes)> {
        let program = command.get_program().into();
        let mut command = Command::from(command);
        command.kill_on_drop(true);
        #[cfg(unix)]
        let (mut process, stdin) = {
            let (input, its_end) = Input::pair()?;
            command.stdin(its_end);
            (command.spawn()?, input)
        };
        #[cfg(not(unix))]
        let (mut process, stdin) = {
            let mut process = command.spawn()?;
            let stdin = process.stdin.take().ok_or_else(no_pipe)?;
            (process, stdin)
        };
        // It has the other end of the input, which must not be open twice.
        drop(command);
        #[cfg(unix)]
        let group = process
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw);
        let pipes = Pipes {
            stdin,
            stdout: process.stdout.take().ok_or_else(no_pipe)?,
            stderr: process.stderr.take().ok_or_else(no_pipe)?,
        };
        #[cfg(target_os = "linux")]
        widen(&pipes.stdout);
        let child = Self {
            program,
            #[cfg(unix)]
            group,
            #[cfg(windows)]
            job: job_of(&process),
            process,
            reaped: false,
        };
        Ok((child, pipes))
    }

    /// Waits for the process to end, and reaps it. Cancel safe.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.process.wait().await?;
        if !self.reaped {
            self.reaped = true;
            // What it has started and left behind is still in its group.
            self.kill_group();
        }
        Ok(status)
    }

    /// Waits for the process to end for a limited time.
    pub(crate) async fn wait_for(&mut self, time: Duration) -> Option<ExitStatus> {
        timeout(time, self.wait()).await.ok()?.ok()
    }

    /// Ends the process, whose input has ended: waits, tells it to terminate, kills it.
    pub(crate) async fn end(&mut self) -> Option<ExitStatus> {
        if let Some(status) = self.wait_for(INPUT_GRACE).await {
            return Some(status);
        }
        tracing::warn!("the runtime did not end with its input; terminating it");
        self.terminate();
        if let Some(status) = self.wait_for(TERMINATE_GRACE).await {
            return Some(status);
        }
        tracing::warn!("the runtime did not terminate; killing it");
        self.kill_group();
        let _ = self.process.start_kill();
        self.wait_for(KILL_GRACE).await
    }

    /// Returns the id of the process, until it has been reaped.
    pub(crate) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    #[cfg(unix)]
    fn terminate(&self) {
        use rustix::process::{Signal, kill_process_group};
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::TERM);
        }
    }

    /// There is no way to ask a process without a window to end.
    #[cfg(not(unix))]
    fn terminate(&mut self) {}

    #[cfg(unix)]
    fn kill_group(&self) {
        use rustix::process::{Signal, kill_process_group};
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    #[cfg(windows)]
    fn kill_group(&mut self) {
        self.job = None;
    }

    #[cfg(not(any(unix, windows)))]
    fn kill_group(&mut self) {}
}

fn no_pipe() -> io::Error {
    io::Error::other("the child has no pipe")
}

/// Puts a process into a job of its own; what it starts from then on is in it too.
#[cfg(windows)]
fn job_of(process: &tokio::process::Child) -> Option<win32job::Job> {
    let mut limits = win32job::ExtendedLimitInfo::new();
    limits.limit_kill_on_job_close();
    let job = win32job::Job::create_with_limit_info(&limits).ok()?;
    job.assign_process(process.raw_handle()? as isize).ok()?;
    Some(job)
}

impl Drop for Child {
    fn drop(&mut self) {
        // Reached without a wait only if the async runtime was shut down under the connection;
        // tokio kills and reaps the process itself.
        if !self.reaped {
            self.kill_group();
        }
    }
}

/// The last lines that the runtime wrote to its standard error.
#[derive(Clone, Debug, Default)]
pub(crate) struct StderrTail {
    lines: Arc<Mutex<VecDeque<String>>>,
}

impl StderrTail {
    /// How many lines are kept.
    const LINES: usize = 40;
    /// How much of a line is kept, in bytes.
    const LINE: usize = 1000;
    /// How much of all is told, in bytes.
    const TEXT: usize = 2000;

    fn push(&self, line: &str) {
        let mut end = line.len().min(Self::LINE);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == Self::LINES {
            lines.pop_front();
        }
        lines.push_back(line[..end].to_owned());
    }

    /// Returns the end of what was written.
    pub(crate) fn text(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let mut from = lines.len();
        let mut size = 0;
        while from > 0 && size + lines[from - 1].len() < Self::TEXT {
            from -= 1;
            size += lines[from].len() + 1;
        }
        let lines: Vec<&str> = lines.range(from..).map(String::as_str).collect();
        lines.join("\n")
    }
}

/// Reads the runtime's standard error until it ends, whatever is in it: a runtime whose error
/// output is not read stops.
pub(crate) async fn drain_stderr(
    mut pipe: impl AsyncRead + Unpin,
    tail: StderrTail,
    secrets: Arc<Secrets>,
) {
    /// A line is cut here.
    const LONGEST: usize = 64 * 1024;

    let mut lines = Lines::new(LONGEST);
    loop {
        match pipe.read_buf(lines.room()).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        loop {
            match lines.next_line() {
                Ok(Some(line)) => note_stderr(line, &tail, &secrets),
                Ok(None) => break,
                Err(_) => note_stderr(lines.rest(), &tail, &secrets),
            }
        }
    }
    note_stderr(lines.rest(), &tail, &secrets);
}

fn note_stderr(line: &[u8], tail: &StderrTail, secrets: &Secrets) {
    let line = String::from_utf8_lossy(line);
    let line = without_escapes(line.trim_end());
    // The runtime quotes what it does not like.
    let line = secrets.redact(&line);
    if !line.is_empty() {
        tracing::debug!(target: "openai_codex::stderr", "{line}");
        tail.push(&line);
    }
}

/// Drops the colors that the runtime gives a terminal.
fn without_escapes(line: &str) -> Cow<'_, str> {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default();
    if first.len() == line.len() {
        return Cow::Borrowed(line);
    }
    let mut plain = first.to_owned();
    for part in parts {
        // A sequence ends with its first letter.
        let rest = part.strip_prefix('[').map(|sequence| {
            let end = sequence.find(|c| ('@'..='~').contains(&c));
            end.map_or("", |end| &sequence[end + 1..])
        });
        plain.push_str(rest.unwrap_or(part));
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_terminals_are_dropped() {
        let table = [
            ("plain", "plain"),
            (
                "\u{1b}[2m2026\u{1b}[0m \u{1b}[31mERROR\u{1b}[0m: no",
                "2026 ERROR: no",
            ),
            ("a\u{1b}b\u{1b}[1;3", "ab"),
            ("", ""),
        ];
        for (line, plain) in table {
            assert_eq!(without_escapes(line), plain);
        }
    }

    #[tokio::test]
    async fn the_tail_holds_the_last_lines() {
        let mut text = String::new();
        for line in 0..500 {
            text.push_str(&format!("line {line}\r\n"));
        }
        text.push_str("no end \u{1F600}");
        let tail = StderrTail::default();
        drain_stderr(text.as_bytes(), tail.clone(), Arc::default()).await;
        let told = tail.text();
        assert!(told.starts_with("line 461\n"), "{told}");
        assert!(told.ends_with("line 499\nno end \u{1F600}"), "{told}");
    }

    #[tokio::test]
    async fn long_lines_and_bad_bytes_are_survived() {
        let mut bytes = vec![b'x'; 1_000_000];
        bytes.extend_from_slice(b"\n\xff\xfe\nlast\n");
        let tail = StderrTail::default();
        drain_stderr(bytes.as_slice(), tail.clone(), Arc::default()).await;
        let told = tail.text();
        assert!(told.ends_with("last"), "{told}");
        assert!(told.len() <= StderrTail::TEXT);
    }
}
