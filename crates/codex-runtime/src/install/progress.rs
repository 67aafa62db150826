//! Telling how far an installation is.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::Cancel;
use crate::Error;

/// How often a live line is rewritten.
const REFRESH: Duration = Duration::from_millis(100);

/// What an installation is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Waiting for another installation of the same runtime to end.
    Waiting,
    /// Downloading the package with npm.
    Downloading,
    /// Comparing the digest of the package with the pin.
    Verifying,
    /// Unpacking the package.
    Unpacking,
    /// The runtime is in place.
    Done,
}

/// How far an installation is.
///
/// ```
/// use codex_runtime::{Progress, ProgressEvent};
///
/// struct Last(u64);
///
/// impl Progress for Last {
///     fn event(&mut self, event: &ProgressEvent<'_>) {
///         self.0 = event.bytes;
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProgressEvent<'a> {
    /// What is being done.
    pub step: Step,
    /// The package, as `name@version`.
    pub package: &'a str,
    /// How many bytes of the package this step is through with.
    pub bytes: u64,
    /// How many bytes the package has, if that is known.
    pub total: Option<u64>,
}

/// Something that is told how far an installation is.
///
/// Closures that take a [`ProgressEvent`] are sinks too. Events come several
/// times a second, on the thread that installs; none comes if the runtime is
/// already installed.
///
/// ```
/// use codex_runtime::{Installer, ProgressEvent};
///
/// let installer = Installer::new().progress(|_: &ProgressEvent<'_>| {});
/// ```
pub trait Progress: Send {
    /// Takes note of how far the installation is.
    fn event(&mut self, event: &ProgressEvent<'_>);
}

impl<F: FnMut(&ProgressEvent<'_>) + Send> Progress for F {
    fn event(&mut self, event: &ProgressEvent<'_>) {
        self(event);
    }
}

/// A sink that writes for people: a live line on a terminal, else one plain line.
///
/// ```
/// use codex_runtime::{Installer, TerminalProgress};
///
/// let installer = Installer::new().progress(TerminalProgress::plain(std::io::stdout()));
/// ```
#[derive(Debug)]
pub struct TerminalProgress<W: Write> {
    out: W,
    live: bool,
    step: Option<(Step, Instant)>,
    written: Option<Instant>,
    /// The length of the line that the cursor stands in.
    width: usize,
}

impl TerminalProgress<io::Stderr> {
    /// Writes to the standard error: a live line if it is a terminal, else one plain line.
    #[must_use]
    pub fn stderr() -> Self {
        let out = io::stderr();
        let live = out.is_terminal();
        Self::make(out, live)
    }
}

impl<W: Write> TerminalProgress<W> {
    /// Writes a line that is rewritten as the installation goes on.
    pub fn live(out: W) -> Self {
        Self::make(out, true)
    }

    /// Writes one line when the installation begins.
    pub fn plain(out: W) -> Self {
        Self::make(out, false)
    }

    fn make(out: W, live: bool) -> Self {
        Self {
            out,
            live,
            step: None,
            written: None,
            width: 0,
        }
    }

    fn rewrite(&mut self, text: &str) {
        let width = self.width.max(text.len());
        // Progress that cannot be shown is no reason to fail.
        let _ = write!(self.out, "\r{text:width$}");
        let _ = self.out.flush();
        self.width = text.len();
    }

    fn end_line(&mut self) {
        if self.width > 0 {
            let _ = writeln!(self.out);
            self.width = 0;
        }
    }
}

impl<W: Write + Send> Progress for TerminalProgress<W> {
    fn event(&mut self, event: &ProgressEvent<'_>) {
        let now = Instant::now();
        let new_step = self.step.is_none_or(|(step, _)| step != event.step);
        if !self.live {
            if self.step.is_none() {
                let size = event.total.map(|total| format!(" ({})", Megabytes(total)));
                let size = size.unwrap_or_default();
                let _ = writeln!(self.out, "{} {}{size}", event.step, event.package);
            }
            self.step = Some((event.step, now));
            return;
        }
        if new_step {
            self.step = Some((event.step, now));
        }
        let due = self.written.is_none_or(|at| now - at >= REFRESH);
        if !due && !new_step {
            return;
        }
        self.written = Some(now);
        let started = self.step.map_or(now, |(_, started)| started);
        self.rewrite(&line(event, now - started));
        if event.step == Step::Done {
            self.end_line();
        }
    }
}

impl<W: Write> Drop for TerminalProgress<W> {
    fn drop(&mut self) {
        self.end_line();
    }
}

fn line(event: &ProgressEvent<'_>, spent: Duration) -> String {
    // Without the version, to fit in 80 columns: a line that wraps cannot be rewritten.
    let name = event
        .package
        .rsplit_once('@')
        .map_or(event.package, |(name, _)| name);
    let mut text = format!("{} {name}", event.step);
    if event.bytes > 0 {
        text += &format!(": {}", Megabytes(event.bytes));
        if let Some(total) = event.total {
            text += &format!(" of {}", Megabytes(total));
        }
        let millis = u64::try_from(spent.as_millis()).unwrap_or(u64::MAX);
        let rate = event.bytes.saturating_mul(1000).checked_div(millis);
        if let Some(rate) = rate {
            text += &format!(", {}/s", Megabytes(rate));
        }
    }
    text
}

/// A number of bytes, shown as `12.3 MB`.
struct Megabytes(u64);

impl fmt::Display for Megabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} MB", self.0 / 1_000_000, self.0 / 100_000 % 10)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting for another installation of",
            Self::Downloading => "downloading",
            Self::Verifying => "verifying",
            Self::Unpacking => "unpacking",
            Self::Done => "installed",
        })
    }
}

/// Passes events on to the sink, and stops the installation if that was asked for.
pub(super) struct Reporter<'a> {
    sink: &'a mut dyn Progress,
    cancel: &'a Cancel,
    package: &'a str,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(sink: &'a mut dyn Progress, cancel: &'a Cancel, package: &'a str) -> Self {
        Self {
            sink,
            cancel,
            package,
        }
    }

    pub(super) fn report(
        &mut self,
        step: Step,
        bytes: u64,
        total: Option<u64>,
    ) -> Result<(), Error> {
        if self.cancel.is_canceled() && step != Step::Done {
            return Err(Error::Canceled);
        }
        self.sink.event(&ProgressEvent {
            step,
            package: self.package,
            bytes,
            total,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(step: Step, bytes: u64) -> ProgressEvent<'static> {
        ProgressEvent {
            step,
            package: "p@1",
            bytes,
            total: Some(167_000_000),
        }
    }

    fn shown(mut sink: TerminalProgress<&mut Vec<u8>>, events: &[ProgressEvent<'_>]) {
        for event in events {
            sink.event(event);
        }
    }

    #[test]
    fn a_plain_sink_writes_one_line() {
        let mut out = Vec::new();
        let events = [
            event(Step::Downloading, 0),
            event(Step::Downloading, 9),
            event(Step::Verifying, 0),
            event(Step::Done, 0),
        ];
        shown(TerminalProgress::plain(&mut out), &events);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "downloading p@1 (167.0 MB)\n"
        );
    }

    #[test]
    fn a_live_sink_rewrites_its_line_and_ends_it() {
        let mut out = Vec::new();
        let events = [event(Step::Downloading, 0), event(Step::Verifying, 0)];
        shown(TerminalProgress::live(&mut out), &events);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\rdownloading p\rverifying p  \n");
    }

    #[test]
    fn the_line_has_size_and_rate() {
        let text = line(
            &event(Step::Downloading, 50_000_000),
            Duration::from_secs(2),
        );
        assert_eq!(text, "downloading p: 50.0 MB of 167.0 MB, 25.0 MB/s");
    }
}
