//! Installing the pinned runtime: download, verify, unpack, and only then put in place.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::cache::{self, Installation};
use crate::manifest::{MANIFEST, Manifest};
use crate::pin::Package;
use crate::{Environment, Error, Pin, Runtime, Target};

mod archive;
mod lock;
mod npm;
mod npm_stderr;
mod progress;
mod staging;
mod verify;

pub use progress::{Progress, ProgressEvent, Step, TerminalProgress};
pub use verify::Verified;

use progress::Reporter;
use staging::StagingFolder;

/// How long a download may take, unless the caller says otherwise.
const TIME_LIMIT: Duration = Duration::from_secs(30 * 60);

/// Installs the pinned runtime in the user's cache and returns it.
///
/// If it is already there, that takes milliseconds. Otherwise `npm`, found on
/// `PATH`, downloads about 170 MB, and the progress is shown on the standard
/// error: a live line on a terminal, else one plain line. Nothing is put in
/// place before its digest and its files are checked. Two calls at the same
/// time, in one process or in several, download once and both succeed. What a
/// killed process leaves is never taken for a runtime, and the next
/// installation removes it.
///
/// It blocks; an async program calls it on a thread for blocking work.
///
/// ```no_run
/// let runtime = codex_runtime::install()?;
/// println!("{}", runtime.program().display());
/// # Ok::<(), codex_runtime::Error>(())
/// ```
///
/// # Errors
///
/// Every variant of [`Error`] but those of finding and starting a runtime. A
/// failed installation leaves nothing behind.
pub fn install() -> Result<Runtime, Error> {
    Installer::new().install()
}

/// An installation with choices: where to, what from, and who is told.
///
/// ```no_run
/// use codex_runtime::{Installer, ProgressEvent};
///
/// let runtime = Installer::new()
///     .cache_dir("/var/cache/agents")
///     .progress(|event: &ProgressEvent<'_>| eprintln!("{} {}", event.step, event.bytes))
///     .install()?;
/// # Ok::<(), codex_runtime::Error>(())
/// ```
#[must_use]
pub struct Installer {
    cache: Option<PathBuf>,
    environment: Option<Environment>,
    pin: Option<Pin>,
    target: Option<Target>,
    progress: Box<dyn Progress>,
    cancel: Cancel,
    limit: Duration,
}

/// A handle that stops an installation from elsewhere, such as a signal handler.
///
/// ```
/// let cancel = codex_runtime::Cancel::new();
/// let installer = codex_runtime::Installer::new().cancel(cancel.clone());
/// cancel.cancel();
/// assert!(cancel.is_canceled());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Makes a handle that has not been used.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the installation soon; it ends with [`Error::Canceled`] and leaves nothing behind.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Tells whether [`cancel`](Self::cancel) was called.
    #[must_use]
    pub fn is_canceled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for Installer {
    fn default() -> Self {
        Self::new()
    }
}

impl Installer {
    /// Makes an installer of the pinned runtime for this user, as [`install`] does it.
    pub fn new() -> Self {
        Self {
            cache: None,
            environment: None,
            pin: None,
            target: None,
            progress: Box::new(TerminalProgress::stderr()),
            cancel: Cancel::new(),
            limit: TIME_LIMIT,
        }
    }

    /// Installs below this folder instead of the user's cache.
    pub fn cache_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cache = Some(dir.into());
        self
    }

    /// Looks for npm in these variables, and runs it with them, instead of those of the process.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Installs another runtime than the one that this crate pins.
    pub fn pin(mut self, pin: Pin) -> Self {
        self.pin = Some(pin);
        self
    }

    /// Installs the runtime of another platform than this one.
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Tells the progress to this sink instead of the standard error.
    pub fn progress(mut self, progress: impl Progress + 'static) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// Stops when this handle says so.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Stops npm if the download takes longer than this; the default is 30 minutes.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Installs, unless it is there already, and returns the runtime.
    ///
    /// A damaged installation is replaced.
    ///
    /// # Errors
    ///
    /// As [`install()`].
    pub fn install(mut self) -> Result<Runtime, Error> {
        let environment = self.environment.take();
        let environment = environment.unwrap_or_else(Environment::current);
        let cache = match self.cache.take() {
            Some(dir) => std::path::absolute(&dir).map_err(|e| Error::io("resolve", dir, e))?,
            None => cache::cache_dir(&environment)?,
        };
        let pin = self.pin.take().unwrap_or_else(Pin::current);
        let target = self.target.take().map_or_else(Target::current, Ok)?;
        let installation = Installation::new(&cache, pin, target);
        if let Some(runtime) = intact(&installation)? {
            return Ok(runtime);
        }
        // Before any folder is made: without npm nothing can be done.
        let npm = npm::Npm::find(environment)?;
        let package = installation.pin().package(target)?.clone();
        let spec = package.spec();
        let mut reporter = Reporter::new(self.progress.as_mut(), &self.cancel, &spec);
        let lock = lock::acquire(installation.root(), &mut reporter)?;
        // The process that held the lock before may have installed it.
        if let Some(runtime) = intact(&installation)? {
            return Ok(runtime);
        }
        let work = StagingFolder::create(installation.root(), &lock)?;
        let tgz = npm.pack(&package, &work.download()?, self.limit, &mut reporter)?;
        archive::verify(&tgz, &package, &mut reporter)?;
        let stage = stage(&installation, &package, &tgz, &work, &mut reporter)?;
        put_in_place(&installation, &stage, &work)?;
        reporter.report(Step::Done, 0, None)?;
        installation.check()?.ok_or(Error::NotInstalled {
            dir: installation.dir().to_owned(),
        })
    }
}

/// Returns the runtime if it is there and whole; a damaged one counts as absent.
fn intact(installation: &Installation) -> Result<Option<Runtime>, Error> {
    match installation.check() {
        Err(Error::CorruptCache { .. }) => Ok(None),
        checked => checked,
    }
}

/// Unpacks into the work folder, and checks that what comes out is a whole runtime.
fn stage(
    installation: &Installation,
    package: &Package,
    tgz: &Path,
    work: &StagingFolder,
    reporter: &mut Reporter<'_>,
) -> Result<PathBuf, Error> {
    let stage = work.stage()?;
    let target = installation.target();
    let entries = archive::unpack(tgz, package, target, &stage, reporter)?;
    let manifest = Manifest::new(package.integrity(), entries);
    let incomplete = |reason| Error::IncompletePackage {
        package: package.spec(),
        reason,
    };
    let missing = manifest.missing(target);
    if !missing.is_empty() {
        return Err(incomplete(format!("it lacks {}", missing.join(", "))));
    }
    check_metadata(&stage, installation).map_err(incomplete)?;
    staging::write_synced(&stage.join(MANIFEST), manifest.render().as_bytes())?;
    Ok(stage)
}

/// Compares what the package says of itself with the pin.
fn check_metadata(stage: &Path, installation: &Installation) -> Result<(), String> {
    let text = fs::read(stage.join("codex-package.json")).map_err(|e| e.to_string())?;
    let metadata: serde_json::Value =
        serde_json::from_slice(&text).map_err(|e| format!("codex-package.json: {e}"))?;
    for (key, expected) in [
        ("version", installation.pin().version().to_string()),
        ("target", installation.target().triple().to_owned()),
    ] {
        let found = metadata.get(key).and_then(|value| value.as_str());
        if found != Some(&expected) {
            let found = found.unwrap_or("none");
            return Err(format!(
                "its codex-package.json has {key} {found}, the pin {expected}"
            ));
        }
    }
    Ok(())
}

/// Renames the unpacked runtime to its place; what was damaged goes to the work folder.
fn put_in_place(
    installation: &Installation,
    stage: &Path,
    work: &StagingFolder,
) -> Result<(), Error> {
    let dir = installation.dir();
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent).map_err(|e| Error::io("create", parent, e))?;
    }
    if fs::symlink_metadata(dir).is_ok() {
        work.take(dir)?;
    }
    match rename(stage, dir) {
        Ok(()) => staging::sync_folder(dir.parent()),
        // Without locks, which not every file system has, another may come first.
        Err(_) if intact(installation)?.is_some() => Ok(()),
        Err(error) => Err(Error::io("create", dir, error)),
    }
}

/// Renames; on Windows again while a virus scanner looks at the new files.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let mut attempts = if cfg!(windows) { 20 } else { 0 };
    loop {
        match fs::rename(from, to) {
            Err(error) if attempts > 0 && error.kind() == io::ErrorKind::PermissionDenied => {
                attempts -= 1;
                thread::sleep(Duration::from_millis(100));
            }
            other => return other,
        }
    }
}
