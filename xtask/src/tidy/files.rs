//! Rules about files as texts: module docs and sizes.

use anyhow::Result;

use super::{Finding, Level, Repository};

/// Every module says in its first line what it is.
pub fn docs(repository: &Repository<'_>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in repository
        .rust_files(&[""])
        .filter(|file| !is_fragment(file))
    {
        if !repository.text(file)?.starts_with("//!") {
            let remedy = "say in one sentence what the module is";
            findings.push(Finding::error(file, 1, "does not start with `//!`", remedy));
        }
    }
    Ok(findings)
}

/// Expected output of the generator, and what the examples of the guide include, are no modules of their own.
fn is_fragment(file: &str) -> bool {
    file.contains("/goldens/") || file.contains("/guide/")
}

const SOFT_CAP: usize = 400;
const HARD_CAP: usize = 500;

/// No file that people write is too long to be read in one sitting.
pub fn sizes(repository: &Repository<'_>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in repository.rust_files(&[""]) {
        let lines = repository.text(file)?.lines().count();
        let (level, cap) = match lines {
            _ if lines > HARD_CAP => (Level::Error, HARD_CAP),
            _ if lines > SOFT_CAP => (Level::Warning, SOFT_CAP),
            _ => continue,
        };
        findings.push(Finding {
            level,
            ..Finding::error(
                file,
                cap,
                format!("has {lines} lines, more than {cap}"),
                "split it",
            )
        });
    }
    Ok(findings)
}
