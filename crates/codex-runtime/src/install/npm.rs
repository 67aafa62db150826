//! Running `npm pack`, the only thing that downloads.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::npm_stderr::summary;
use super::progress::{Reporter, Step};
use crate::launch::Attempt;
use crate::pin::Package;
use crate::{Environment, Error};

/// How often the growing download is looked at.
const POLL: Duration = Duration::from_millis(100);

/// How often it is looked for the end of an npm that has closed its standard error.
const LAST_POLL: Duration = Duration::from_millis(5);

/// How much of npm's standard error is kept for an error: its last lines.
const TAIL: usize = 2000;

/// Without a network the default pauses would take more than a minute.
const FLAGS: [&str; 5] = [
    "--ignore-scripts",
    "--loglevel=error",
    "--update-notifier=false",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=10000",
];

/// The npm that was found, and the environment to run it with.
pub(super) struct Npm {
    program: PathBuf,
    environment: Environment,
}

impl Npm {
    pub(super) fn find(environment: Environment) -> Result<Self, Error> {
        Ok(Self {
            program: environment.npm().ok_or(Error::NpmMissing)?,
            environment,
        })
    }

    /// Downloads a package into an empty folder and returns the packed file.
    pub(super) fn pack(
        &self,
        package: &Package,
        dir: &Path,
        limit: Duration,
        reporter: &mut Reporter<'_>,
    ) -> Result<PathBuf, Error> {
        let total = package.size();
        reporter.report(Step::Downloading, 0, total)?;
        let start = Instant::now();
        let mut child = Running(self.spawn(package, dir)?);
        let stderr = child.0.stderr.take();
        let (sender, ended) = mpsc::channel();
        // Ends when npm closes its standard error, at the latest by being killed.
        thread::spawn(move || {
            let _ = sender.send(stderr.map(read_tail).unwrap_or_default());
        });
        let mut stderr = None;
        loop {
            match stderr {
                // Wakes up as soon as npm ends, or to look at the download.
                None => stderr = ended.recv_timeout(POLL).ok(),
                // All is said, so this is its very end.
                Some(_) => thread::sleep(LAST_POLL),
            }
            let status = child.0.try_wait();
            let status = status.map_err(|e| Error::io("wait for", &self.program, e))?;
            // Before the outcome: an interrupt from the keyboard ends npm too.
            reporter.report(Step::Downloading, largest_file(dir), total)?;
            if let Some(status) = status {
                let stderr = stderr.or_else(|| ended.recv_timeout(POLL).ok());
                return self.outcome(package, dir, status, &stderr.unwrap_or_default());
            }
            if start.elapsed() > limit {
                return Err(Error::NpmTimedOut {
                    package: package.spec(),
                    after: limit,
                });
            }
        }
    }

    fn spawn(&self, package: &Package, dir: &Path) -> Result<Child, Error> {
        Command::new(&self.program)
            .arg("pack")
            .arg(package.spec())
            .arg("--pack-destination")
            .arg(dir)
            // A cache in our own folder: its growth is the progress, and
            // nothing of the download stays in the user's.
            .arg("--cache")
            .arg(dir.join("cache"))
            .args(FLAGS)
            .current_dir(dir)
            .env_clear()
            .envs(self.environment.iter())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| {
                let attempt = Attempt {
                    program: self.program.as_os_str(),
                    args: &[],
                    environment: Some(&self.environment),
                    cwd: Some(dir),
                };
                attempt.failed(source)
            })
    }

    fn outcome(
        &self,
        package: &Package,
        dir: &Path,
        status: ExitStatus,
        stderr: &[u8],
    ) -> Result<PathBuf, Error> {
        let stderr = String::from_utf8_lossy(stderr);
        if stderr.contains("ENOSPC") {
            return Err(Error::NoSpace {
                path: dir.to_owned(),
            });
        }
        match packed_file(dir) {
            Some(file) if status.success() => Ok(file),
            _ => Err(Error::NpmFailed {
                package: package.spec(),
                status,
                stderr: summary(&stderr, &self.environment),
            }),
        }
    }
}

/// npm at work; killed if it is not waited for.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // On Windows npm is a script whose interpreter would go on without it.
        if cfg!(windows) && matches!(self.0.try_wait(), Ok(None)) {
            let _ = Command::new("taskkill")
                .args(["/T", "/F", "/PID", &self.0.id().to_string()])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads all, and keeps the last part, from the beginning of a line.
fn read_tail(mut from: impl Read) -> Vec<u8> {
    let (mut tail, mut chunk) = (Vec::new(), [0; 4096]);
    while let Ok(count) = from.read(&mut chunk) {
        if count == 0 {
            break;
        }
        tail.extend(chunk.iter().take(count));
        if tail.len() > 2 * TAIL {
            let cut = tail.len() - TAIL;
            let line = tail.iter().skip(cut).position(|b| *b == b'\n');
            tail.drain(..line.map_or(cut, |at| cut + at + 1));
        }
    }
    tail
}

/// Returns the size of the largest file: the package, on its way through npm's cache.
fn largest_file(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => largest_file(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    sizes.max().unwrap_or(0)
}

/// Finds the one packed file; its name depends on npm's version.
fn packed_file(dir: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(dir).ok()?.flatten();
    entries
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ext| ext == "tgz") && path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_short_and_begins_with_a_line() {
        let text: String = (0..5000).map(|n| format!("line {n}\n")).collect();
        let tail = String::from_utf8(read_tail(text.as_bytes())).unwrap();
        assert!(tail.len() <= 2 * TAIL + 4096);
        assert!(tail.starts_with("line ") && tail.ends_with("line 4999\n"));
        assert_eq!(read_tail(&b"short"[..]), b"short");
    }
}
