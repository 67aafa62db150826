//! The files of the repository, for the checks that read them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The workspace's root, wherever the command was typed.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Every file that git tracks or would, sorted, with `/` between folders.
///
/// Outside a repository, as in an unpacked archive, it is every file that is no build output.
pub fn files(root: &Path) -> Result<Vec<String>> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output();
    let mut files: Vec<String> = match listed {
        Ok(listed) if listed.status.success() => String::from_utf8(listed.stdout)?
            .split_terminator('\0')
            // A file may be deleted but still tracked.
            .filter(|file| root.join(file).is_file())
            .map(str::to_owned)
            .collect(),
        _ => {
            let mut found = Vec::new();
            walk(root, root, &mut found)?;
            found
        }
    };
    files.sort();
    files.dedup();
    Ok(files)
}

fn walk(root: &Path, dir: &Path, found: &mut Vec<String>) -> Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if name != ".git" && !name.starts_with("target") {
                walk(root, &path, found)?;
            }
        } else {
            let inside = path.strip_prefix(root).unwrap_or(&path);
            found.push(inside.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_listed_with_and_without_a_repository() {
        let temp = tempfile::tempdir().unwrap();
        for file in ["b.txt", "a/c.txt", "target/x.o"] {
            let path = temp.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        assert_eq!(files(temp.path()).unwrap(), ["a/c.txt", "b.txt"]);
        fs::write(temp.path().join(".gitignore"), "/target\n").unwrap();
        let made = Command::new("git")
            .args(["init", "-q"])
            .current_dir(temp.path())
            .status();
        assert!(made.unwrap().success());
        assert_eq!(
            files(temp.path()).unwrap(),
            [".gitignore", "a/c.txt", "b.txt"]
        );
    }
}
