//! `ARCHITECTURE.md` stays short enough to be read.

use anyhow::Result;

use super::{Finding, Repository};

const FILE: &str = "ARCHITECTURE.md";
const CAP: usize = 200;

pub fn check(repository: &Repository<'_>) -> Result<Vec<Finding>> {
    let lines = repository.text(FILE)?.lines().count();
    let finding = (lines > CAP).then(|| {
        let what = format!("has {lines} lines, more than {CAP}");
        Finding::error(
            FILE,
            CAP,
            what,
            "keep the picture and move the rest to docs/",
        )
    });
    Ok(finding.into_iter().collect())
}
