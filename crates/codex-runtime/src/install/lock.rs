//! One installer at a time, across processes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::progress::{Reporter, Step};
use crate::Error;

const LOCK_FILE: &str = ".lock";

/// How often it is looked whether another installer has ended.
const POLL: Duration = Duration::from_millis(50);

/// How often a folder that another installer removes is made again.
const ATTEMPTS: usize = 100;

/// The right to install. The system takes it back when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    root: PathBuf,
    /// The deepest folder that was there before, at least the cache folder if
    /// it was: nothing from it upwards is removed.
    existing: Option<PathBuf>,
    exclusive: bool,
    _file: File,
}

/// Makes the folder and waits for the right to change what is in it.
pub(super) fn acquire(root: &Path, reporter: &mut Reporter<'_>) -> Result<Lock, Error> {
    acquire_with(root, &mut || reporter.report(Step::Waiting, 0, None))
}

/// As [`acquire`], calling `waiting` each time that the lock is still taken.
pub(super) fn acquire_with(
    root: &Path,
    waiting: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<Lock, Error> {
    // The two last folders belong to this crate, also if another process made them.
    let mut above = root.ancestors().skip(2);
    let existing = above.find(|dir| dir.exists());
    let existing = existing.map(Path::to_owned);
    let path = root.join(LOCK_FILE);
    let mut last = None;
    for _ in 0..ATTEMPTS {
        match open(root, &path) {
            Ok(file) => {
                let exclusive = wait(&file, &path, waiting)?;
                if !exclusive || is_current(&file, &path) {
                    return Ok(Lock {
                        root: root.to_owned(),
                        existing,
                        exclusive,
                        _file: file,
                    });
                }
            }
            Err(error) if is_race(&error, root) => last = Some(error),
            Err(error) => return Err(Error::io("create", root, error)),
        }
    }
    let error = last.unwrap_or_else(|| io::ErrorKind::ResourceBusy.into());
    Err(Error::io("lock", path, error))
}

fn open(root: &Path, path: &Path) -> io::Result<File> {
    fs::create_dir_all(root)?;
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
}

/// Tells whether another installer removed the folders between two of our steps: before the file was
/// opened, or after one was there and before it was looked at.
fn is_race(error: &io::Error, root: &Path) -> bool {
    match error.kind() {
        io::ErrorKind::NotFound => true,
        io::ErrorKind::AlreadyExists => !root.is_file(),
        _ => false,
    }
}

/// Waits for the lock; `false` if the file system has none.
fn wait(
    file: &File,
    path: &Path,
    waiting: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<bool, Error> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => {
                waiting()?;
                thread::sleep(POLL);
            }
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                return Ok(false);
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", path, error)),
        }
    }
}

/// Tells whether the locked file is still the one that others will open.
#[cfg(unix)]
fn is_current(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(theirs)) => (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()),
        _ => false,
    }
}

/// Elsewhere the lock file is never removed.
#[cfg(not(unix))]
fn is_current(_: &File, _: &Path) -> bool {
    true
}

impl Lock {
    /// Tells whether no other installer can be at work in the folder.
    pub(super) fn is_exclusive(&self) -> bool {
        self.exclusive
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed while it is held: a waiting process notices, see `is_current`.
        if cfg!(unix) && self.exclusive {
            let _ = fs::remove_file(self.root.join(LOCK_FILE));
        }
        // Folders that are not empty stay, because they cannot be removed.
        for dir in self.root.ancestors() {
            if Some(dir) == self.existing.as_deref() || fs::remove_dir(dir).is_err() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn one_holder_at_a_time_and_nothing_is_left() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("a").join("b");
        let inside = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let lock = acquire_with(&root, &mut || Ok(())).unwrap();
                        assert!(lock.is_exclusive());
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        thread::yield_now();
                        assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                    }
                });
            }
        });
        if cfg!(unix) {
            assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_file_in_the_way_is_said_at_once() {
        let temp = tempfile::NamedTempFile::new().unwrap();
        let error = acquire_with(temp.path(), &mut || Ok(())).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Io {
                    action: "create",
                    ..
                }
            ),
            "{error:?}"
        );
    }

    #[test]
    fn waiting_can_be_given_up() {
        let temp = tempfile::tempdir().unwrap();
        let _held = acquire_with(temp.path(), &mut || Ok(())).unwrap();
        let error = acquire_with(temp.path(), &mut || Err(Error::Canceled)).unwrap_err();
        assert!(matches!(error, Error::Canceled));
    }
}
