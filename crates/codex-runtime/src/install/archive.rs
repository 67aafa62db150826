//! The packed file: its digest, and unpacking it without trusting it.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use sha2::{Digest, Sha256, Sha512};

use super::progress::{Reporter, Step};
use crate::manifest::Entry;
use crate::pin::Package;
use crate::{Error, Target};

const CHUNK: usize = 256 * 1024;

/// Compares the digest of the packed file with the pin.
pub(super) fn verify(
    tgz: &Path,
    package: &Package,
    reporter: &mut Reporter<'_>,
) -> Result<(), Error> {
    let read_error = |e| Error::io("read", tgz, e);
    let mut file = File::open(tgz).map_err(read_error)?;
    let total = file.metadata().map_err(read_error)?.len();
    let mut digest = Sha512::new();
    let mut chunk = vec![0; CHUNK];
    let mut bytes = 0;
    loop {
        reporter.report(Step::Verifying, bytes, Some(total))?;
        let count = read_some(&mut file, &mut chunk).map_err(read_error)?;
        let Some(part) = chunk.get(..count).filter(|part| !part.is_empty()) else {
            break;
        };
        digest.update(part);
        bytes += part.len() as u64;
    }
    let found = format!("sha512-{}", STANDARD.encode(digest.finalize()));
    if found == package.integrity() {
        return Ok(());
    }
    Err(Error::DigestMismatch {
        package: package.spec(),
        expected: package.integrity().to_owned(),
        found,
    })
}

/// Unpacks the runtime of a platform into an empty folder and lists its files.
///
/// Every entry is checked, also those that are not unpacked.
pub(super) fn unpack(
    tgz: &Path,
    package: &Package,
    target: Target,
    stage: &Path,
    reporter: &mut Reporter<'_>,
) -> Result<Vec<Entry>, Error> {
    let bad = |source| Error::BadArchive {
        package: package.spec(),
        source,
    };
    let file = File::open(tgz).map_err(|e| Error::io("read", tgz, e))?;
    let total = file.metadata().ok().map(|meta| meta.len());
    let through = Cell::new(0);
    let counted = Counted {
        file,
        through: &through,
    };
    let mut archive = tar::Archive::new(GzDecoder::new(counted));
    let prefix = format!("package/vendor/{}/", target.triple());
    let mut files = Vec::new();
    for entry in archive.entries().map_err(bad)? {
        let mut entry = entry.map_err(bad)?;
        let name = String::from_utf8(entry.path_bytes().into_owned());
        let name = name.map_err(|e| refuse(&e.to_string(), "its name is not Unicode"))?;
        let kind = entry.header().entry_type();
        check_name(&name)?;
        let Some(path) = name.strip_prefix(&prefix) else {
            check_kind(&name, kind)?;
            continue;
        };
        check_kind(&name, kind)?;
        if kind.is_dir() {
            continue;
        }
        let executable = entry.header().mode().map_err(bad)? & 0o111 != 0;
        let mut out = create(&stage.join(path), &name, executable)?;
        let mut digest = Sha256::new();
        let mut chunk = vec![0; CHUNK];
        let mut size = 0;
        loop {
            reporter.report(Step::Unpacking, through.get(), total)?;
            let count = read_some(&mut entry, &mut chunk).map_err(bad)?;
            let Some(part) = chunk.get(..count).filter(|part| !part.is_empty()) else {
                break;
            };
            digest.update(part);
            let written = out.write_all(part);
            written.map_err(|e| Error::io("write", stage.join(path), e))?;
            size += part.len() as u64;
        }
        out.sync_all()
            .map_err(|e| Error::io("write", stage.join(path), e))?;
        files.push(Entry {
            sha256: hex(&digest.finalize()),
            size,
            executable,
            path: path.to_owned(),
        });
    }
    Ok(files)
}

/// Writes a digest as text.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads once, again if a signal interrupts it.
pub(super) fn read_some(from: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

fn refuse(entry: &str, reason: &'static str) -> Error {
    Error::UnsafeEntry {
        entry: entry.chars().take(200).collect(),
        reason,
    }
}

fn check_kind(name: &str, kind: tar::EntryType) -> Result<(), Error> {
    if kind.is_file() || kind.is_dir() {
        Ok(())
    } else if kind.is_symlink() || kind.is_hard_link() {
        Err(refuse(name, "it is a link"))
    } else {
        Err(refuse(name, "it is neither a file nor a folder"))
    }
}

/// Accepts relative paths of plain names, on every platform the same.
fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(refuse(name, "it has no name"));
    }
    if name.starts_with('/') {
        return Err(refuse(name, "its path is absolute"));
    }
    if name.contains(['\\', ':']) || name.contains(|c: char| c.is_control()) {
        return Err(refuse(
            name,
            "its name has a character that is special somewhere",
        ));
    }
    let mut parts = name.strip_suffix('/').unwrap_or(name).split('/');
    match parts.find(|part| ["", ".", ".."].contains(part)) {
        Some(_) => Err(refuse(name, "its path leads elsewhere")),
        None => Ok(()),
    }
}

/// Creates a file that must not be there yet, and the folders above it.
fn create(path: &Path, name: &str, executable: bool) -> Result<File, Error> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|e| Error::io("create", parent, e))?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(if executable { 0o755 } else { 0o644 });
    }
    #[cfg(not(unix))]
    let _ = executable;
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(refuse(name, "it is there twice"))
        }
        opened => opened.map_err(|e| Error::io("create", path, e)),
    }
}

/// Counts how much of the packed file has been read.
struct Counted<'a> {
    file: File,
    through: &'a Cell<u64>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.through.set(self.through.get() + count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_relative_paths_are_accepted() {
        for name in ["package/vendor/t/bin/codex", "package/", "a b/c.d"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "/etc/passwd",
            "//x",
            "a/../b",
            "..",
            "../x",
            "a/..",
            "./a",
            "a//b",
            "a\\b",
            "C:/x",
            "c:x",
            "a\0b",
            "a\nb",
            "/",
        ] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }
}
