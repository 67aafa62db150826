//! The folder in which isolated homes are made, and their removal.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// Chooses the folder that holds the homes of this test run.
///
/// It must not be under the system's folder for temporary files, where the
/// runtime warns and refuses to place its helpers: `target/tmp` of the build is
/// first, then the user's cache folder.
pub(crate) fn default_parent() -> PathBuf {
    let temp = std::env::temp_dir();
    let usable = |path: &PathBuf| !path.starts_with(&temp) && !path.starts_with("/tmp");
    build_folder()
        .map(|target| target.join("tmp"))
        .filter(usable)
        .or_else(|| user_cache().filter(usable))
        .unwrap_or(temp)
        .join("codex-testkit")
}

/// Finds the build's `target` folder: cargo's own variable for tests, else the
/// marker file that cargo leaves beside the running executable's ancestors.
fn build_folder() -> Option<PathBuf> {
    if let Some(tmp) = std::env::var_os("CARGO_TARGET_TMPDIR") {
        return Path::new(&tmp).parent().map(Path::to_owned);
    }
    let executable = std::env::current_exe().ok()?;
    let marked = |folder: &&Path| folder.join(".rustc_info.json").is_file();
    executable
        .ancestors()
        .skip(1)
        .find(marked)
        .map(Path::to_owned)
}

fn user_cache() -> Option<PathBuf> {
    let folder = |key: &str| std::env::var_os(key).filter(|value| !value.is_empty());
    if let Some(cache) = folder("XDG_CACHE_HOME") {
        return Some(PathBuf::from(cache));
    }
    if cfg!(windows) {
        return folder("LOCALAPPDATA").map(PathBuf::from);
    }
    let home = PathBuf::from(folder("HOME")?);
    Some(if cfg!(target_os = "macos") {
        home.join("Library/Caches")
    } else {
        home.join(".cache")
    })
}

/// Removes a folder, again and again for a second.
///
/// A runtime that was just killed can still be writing, and Windows keeps the
/// files of a process that is ending.
pub(crate) fn remove_folder(path: &Path) {
    for _ in 0..40 {
        match std::fs::remove_dir_all(path) {
            Ok(()) => return,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(_) => std::thread::sleep(Duration::from_millis(25)),
        }
    }
}
