//! The temporary folder of one installation, beside the place where it ends up.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::lock::Lock;
use crate::Error;

const PREFIX: &str = ".install-";

/// How often the folder of a process that is just ending is removed again.
const ATTEMPTS: usize = 20;

/// A folder of our own, on the file system of the cache so that a rename suffices.
///
/// It is removed when this is dropped. What a killed installer left is removed
/// by the next one.
#[derive(Debug)]
pub(super) struct StagingFolder {
    dir: PathBuf,
}

impl StagingFolder {
    pub(super) fn create(root: &Path, lock: &Lock) -> Result<Self, Error> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        if lock.is_exclusive() {
            remove_stale(root);
        }
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = root.join(format!("{PREFIX}{}-{count}", process::id()));
        fs::create_dir(&dir).map_err(|e| Error::io("create", &dir, e))?;
        Ok(Self { dir })
    }

    /// Makes the folder that npm downloads to.
    pub(super) fn download(&self) -> Result<PathBuf, Error> {
        self.folder("download")
    }

    /// Makes the folder that the package is unpacked to.
    pub(super) fn stage(&self) -> Result<PathBuf, Error> {
        self.folder("stage")
    }

    /// Moves something out of the way, to be removed with this folder.
    pub(super) fn take(&self, path: &Path) -> Result<(), Error> {
        fs::rename(path, self.dir.join("taken")).map_err(|e| Error::io("remove", path, e))
    }

    fn folder(&self, name: &str) -> Result<PathBuf, Error> {
        let dir = self.dir.join(name);
        fs::create_dir(&dir).map_err(|e| Error::io("create", &dir, e))?;
        Ok(dir)
    }
}

impl Drop for StagingFolder {
    fn drop(&mut self) {
        // A program that was just killed may still have been adding files.
        for _ in 0..ATTEMPTS {
            match fs::remove_dir_all(&self.dir) {
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                _ => break,
            }
        }
    }
}

/// Removes the folders of installers that ended without doing it.
fn remove_stale(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            // One that cannot be removed does no harm but to the disk.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Writes a file and waits until it is on the disk.
pub(super) fn write_synced(path: &Path, text: &[u8]) -> Result<(), Error> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|e| Error::io("create", path, e))?;
    file.write_all(text)
        .and_then(|()| file.sync_all())
        .map_err(|e| Error::io("write", path, e))
}

/// Waits until a rename in a folder is on the disk, where the system can.
pub(super) fn sync_folder(dir: Option<&Path>) -> Result<(), Error> {
    if let (true, Some(dir)) = (cfg!(unix), dir) {
        let synced = File::open(dir).and_then(|file| file.sync_all());
        return synced.map_err(|e| Error::io("write", dir, e));
    }
    Ok(())
}
