//! Reading an installation to the last byte, and removing it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::archive::{hex, read_some};
use super::lock;
use super::staging::StagingFolder;
use crate::manifest::MANIFEST;
use crate::{Error, Installation};

/// What [`Installation::verify`] has read.
///
/// ```no_run
/// let verified = codex_runtime::Installation::pinned()?.verify()?;
/// println!("{} files, {} bytes", verified.files, verified.bytes);
/// # Ok::<(), codex_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// How many files there are.
    pub files: usize,
    /// How many bytes they have.
    pub bytes: u64,
}

impl Installation {
    /// Compares every byte of the runtime with what was installed.
    ///
    /// Files that were not installed count as damage too, because the runtime
    /// could run them. It takes seconds.
    ///
    /// # Errors
    ///
    /// [`Error::NotInstalled`] if it is not there, [`Error::CorruptCache`] if a
    /// file is missing, changed or added.
    pub fn verify(&self) -> Result<Verified, Error> {
        if self.check()?.is_none() {
            return Err(Error::NotInstalled {
                dir: self.dir().to_owned(),
            });
        }
        let manifest = self.manifest()?;
        let mut verified = Verified { files: 0, bytes: 0 };
        for entry in manifest.entries() {
            let path = self.dir().join(&entry.path);
            if sha256(&path)? != entry.sha256 {
                return Err(self.corrupt(format!("{} has changed", entry.path)));
            }
            verified.files += 1;
            verified.bytes += entry.size;
        }
        let known: BTreeSet<_> = manifest.entries().iter().map(|e| e.path.as_str()).collect();
        let mut found = Vec::new();
        list(self.dir(), "", &mut found)?;
        match found
            .iter()
            .find(|path| *path != MANIFEST && !known.contains(path.as_str()))
        {
            Some(path) => Err(self.corrupt(format!("{path} was added"))),
            None => Ok(verified),
        }
    }

    /// Removes the runtime; `false` if there was none.
    ///
    /// It is moved away before it is deleted, so no half of it is ever found.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be moved, for example because it is running on Windows.
    pub fn remove(&self) -> Result<bool, Error> {
        if fs::symlink_metadata(self.dir()).is_err() {
            return Ok(false);
        }
        let lock = lock::acquire_with(self.root(), &mut || Ok(()))?;
        let work = StagingFolder::create(self.root(), &lock)?;
        work.take(self.dir())?;
        // Empty folders go too; one with another platform's runtime stays.
        if let Some(version) = self.dir().parent() {
            let _ = fs::remove_dir(version);
        }
        Ok(true)
    }
}

fn sha256(path: &Path) -> Result<String, Error> {
    let read_error = |e| Error::io("read", path, e);
    let mut file = File::open(path).map_err(read_error)?;
    let mut digest = Sha256::new();
    let mut chunk = vec![0; 256 * 1024];
    loop {
        let count = read_some(&mut file, &mut chunk).map_err(read_error)?;
        match chunk.get(..count) {
            Some(part) if !part.is_empty() => digest.update(part),
            _ => return Ok(hex(&digest.finalize())),
        }
    }
}

/// Lists everything but folders, relative and separated by `/`.
fn list(dir: &Path, prefix: &str, found: &mut Vec<String>) -> Result<(), Error> {
    let read_error = |e| Error::io("read", dir, e);
    for entry in fs::read_dir(dir).map_err(read_error)? {
        let entry = entry.map_err(read_error)?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().map_err(read_error)?.is_dir() {
            list(&entry.path(), &format!("{name}/"), found)?;
        } else {
            found.push(name);
        }
    }
    Ok(())
}
