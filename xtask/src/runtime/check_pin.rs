//! Finding files that repeat the pinned version, which stands in the pin file alone.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use crate::tree;

/// The files that may hold the version, with the reason.
const ALLOWED: [(&str, &str); 6] = [
    ("crates/codex-runtime/runtime.pin.toml", "the pin itself"),
    (
        "schema/SOURCE.json",
        "says which runtime the schema was dumped from",
    ),
    (
        "schema/history.json",
        "says which runtime brought what, the pinned one too",
    ),
    (
        "crates/codex-types/src/generated/",
        "headers say what they were generated from",
    ),
    (
        "tests/transcripts/",
        "recorded messages say which runtime sent them",
    ),
    ("Cargo.lock", "another package may have the same version"),
];

pub fn run() -> anyhow::Result<ExitCode> {
    let repeats = repeats(&tree::root(), codex_runtime::VERSION)?;
    for (file, line) in &repeats {
        println!(
            "{file}:{line}: repeats the version of the pin; read it from codex_runtime::VERSION"
        );
    }
    Ok(if repeats.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Lists the places that hold the version, as file and line.
pub fn repeats(root: &Path, version: &str) -> anyhow::Result<Vec<(String, usize)>> {
    let mut places = Vec::new();
    for file in tree::files(root)? {
        if ALLOWED.iter().any(|(allowed, _)| file.starts_with(allowed)) {
            continue;
        }
        // A link may lead nowhere.
        let Ok(bytes) = fs::read(root.join(&file)) else {
            continue;
        };
        for (index, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            if contains(line, version) {
                places.push((file.clone(), index + 1));
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

    #[test]
    fn a_file_that_repeats_it_is_found() {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir(temp.path().join("schema")).unwrap();
        for (file, text) in [
            ("README.md", "first\nruns codex 7.8.9.\n"),
            ("schema/SOURCE.json", "7.8.9"),
            ("Cargo.lock", "7.8.9"),
            ("other.txt", "17.8.9 7.8.90 1.7.8.9"),
            ("asset.bin", "\0 rust-v7.8.9"),
        ] {
            fs::write(temp.path().join(file), text).unwrap();
        }
        let found = repeats(temp.path(), "7.8.9").unwrap();
        assert_eq!(
            found,
            [("README.md".to_owned(), 2), ("asset.bin".to_owned(), 1)]
        );
    }
}
