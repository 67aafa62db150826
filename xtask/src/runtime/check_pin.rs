//! Finding files that repeat the pinned version, which stands in the pin file alone.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

/// The files that may hold the version, with the reason.
const ALLOWED: [(&str, &str); 4] = [
    ("crates/codex-runtime/runtime.pin.toml", "the pin itself"),
    (
        "schema/SOURCE.json",
        "says which runtime the schema was dumped from",
    ),
    (
        "crates/codex-types/src/generated/",
        "headers say what they were generated from",
    ),
    ("Cargo.lock", "another package may have the same version"),
];

pub fn run() -> anyhow::Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("no workspace")?;
    let repeats = repeats(root, codex_runtime::VERSION)?;
    for place in &repeats {
        println!("{place}: repeats the version of the pin; read it from codex_runtime::VERSION");
    }
    Ok(if repeats.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Lists the places in tracked files that hold the version, as `file:line`.
pub fn repeats(root: &Path, version: &str) -> anyhow::Result<Vec<String>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root)
        .output()
        .context("cannot run git ls-files")?;
    if !listed.status.success() {
        bail!(
            "git ls-files failed: {}",
            String::from_utf8_lossy(&listed.stderr).trim()
        );
    }
    let mut places = Vec::new();
    for file in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        if ALLOWED.iter().any(|(allowed, _)| file.starts_with(allowed)) {
            continue;
        }
        // A file may be deleted but still tracked, and a link may lead nowhere.
        let Ok(bytes) = fs::read(root.join(file)) else {
            continue;
        };
        for (number, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            if contains(line, version) {
                places.push(format!("{file}:{}", number + 1));
            }
        }
    }
    Ok(places)
}

/// Tells whether a line has the version, and not as a part of a longer number.
fn contains(line: &str, version: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    line.match_indices(version).any(|(at, found)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line
            .get(at + found.len()..)
            .and_then(|text| text.chars().next());
        !part(before) && before != Some('.') && !part(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(dir: &Path, args: &[&str]) {
        let status = Command::new("git").args(args).current_dir(dir).status();
        assert!(status.unwrap().success());
    }

    #[test]
    fn no_file_repeats_the_pinned_version() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        assert_eq!(repeats(root, codex_runtime::VERSION).unwrap(), [""; 0]);
    }

    #[test]
    fn a_file_that_repeats_it_is_found() {
        let temp = tempfile::tempdir().unwrap();
        git(temp.path(), &["init", "-q"]);
        fs::create_dir(temp.path().join("schema")).unwrap();
        for (file, text) in [
            ("README.md", "first\nruns codex 7.8.9.\n"),
            ("schema/SOURCE.json", "7.8.9"),
            ("Cargo.lock", "7.8.9"),
            ("other.txt", "17.8.9 7.8.90 1.7.8.9"),
            ("asset.bin", "\0 rust-v7.8.9"),
            ("untracked.md", "7.8.9"),
        ] {
            fs::write(temp.path().join(file), text).unwrap();
        }
        git(
            temp.path(),
            &[
                "add",
                "README.md",
                "schema",
                "Cargo.lock",
                "other.txt",
                "asset.bin",
            ],
        );
        let found = repeats(temp.path(), "7.8.9").unwrap();
        assert_eq!(found, ["README.md:2", "asset.bin:1"]);
    }
}
