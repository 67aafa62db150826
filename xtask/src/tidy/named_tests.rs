//! The tests that the docs name exist.

use std::collections::HashMap;

use anyhow::Result;

use super::layers::quoted;
use super::{Finding, Repository};

/// The docs whose promises name their tests, as `path.rs::test`.
const DOCS: [&str; 3] = [
    "docs/behaviors.md",
    "docs/reliability.md",
    "docs/runtime-facts.md",
];

pub fn check(repository: &Repository<'_>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut sources = HashMap::new();
    let docs = repository.files.iter().map(String::as_str);
    for doc in docs.filter(|file| DOCS.contains(file)) {
        for (index, line) in repository.text(doc)?.lines().enumerate() {
            for name in quoted(line) {
                let Some((file, test)) = name.split_once(".rs::") else {
                    continue;
                };
                let file = format!("{file}.rs");
                let source = sources
                    .entry(file.clone())
                    .or_insert_with(|| repository.text(&file).unwrap_or_default());
                if !source.contains(&format!("fn {test}(")) {
                    let what = format!("names the test {name}, which does not exist");
                    let remedy = "name the test that holds it now, or remove the row";
                    findings.push(Finding::error(doc, index + 1, what, remedy));
                }
            }
        }
    }
    Ok(findings)
}
