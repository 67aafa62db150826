//! Golden files: one feature each, which `xtask/tests/goldens` compiles.
//!
//! `UPDATE_GOLDENS=1 cargo test -p xtask --bin xtask goldens` writes them anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use similar::TextDiff;

use super::sample::Sample;

/// One feature each, so that a reader has it before their eyes.
const LINES: usize = 30;

fn folder() -> PathBuf {
    crate::tree::root().join("xtask/goldens")
}

fn names() -> BTreeSet<String> {
    let entries = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let inputs = entries.filter(|path| path.extension().is_some_and(|end| end == "json"));
    inputs
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn every_golden_is_what_the_generator_makes() {
    let update = std::env::var_os("UPDATE_GOLDENS").is_some();
    for name in names() {
        let input = fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
        let made = Sample::parse(&input)
            .code()
            .unwrap_or_else(|error| panic!("{name}: {error:#}"));
        let golden = folder().join(format!("{name}.rs"));
        if update {
            fs::write(&golden, &made).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        let diff = TextDiff::from_lines(&expected, &made);
        let diff = diff
            .unified_diff()
            .header(&format!("{name}.rs"), "generated")
            .to_string();
        assert!(
            expected == made,
            "{diff}to accept it: UPDATE_GOLDENS=1 cargo test -p xtask --bin xtask goldens"
        );
        let lines = made.lines().count();
        assert!(
            (1..=LINES).contains(&lines),
            "{name} has {lines} lines: show one feature"
        );
    }
}

#[test]
fn every_golden_is_compiled() {
    let list = fs::read_to_string(crate::tree::root().join("xtask/tests/goldens/main.rs")).unwrap();
    for name in names() {
        assert!(
            list.contains(&format!("golden!({name})")) || list.contains(&format!("/{name}.rs")),
            "{name} is not compiled: include it in xtask/tests/goldens/main.rs"
        );
    }
}
