//! Tasks and threads start only in files that `ARCHITECTURE.md` lists, with their owner and end.

use std::collections::BTreeSet;

use anyhow::Result;

use super::layers::quoted;
use super::source::Source;
use super::{Finding, Repository};

const SDK: &str = "crates/codex-sdk/src/";
const ARCHITECTURE: &str = "ARCHITECTURE.md";

const SPAWNS: [&str; 6] = [
    "tokio::spawn",
    "task::spawn",
    "task::spawn_blocking",
    "thread::spawn",
    "thread::Builder",
    "JoinSet::new",
];

pub fn check(repository: &Repository<'_>) -> Result<Vec<Finding>> {
    let listed = listed(&repository.text(ARCHITECTURE)?);
    let mut findings = Vec::new();
    let mut spawning = BTreeSet::new();
    for file in repository.rust_files(&[SDK]) {
        let short = file.strip_prefix(SDK).unwrap_or(file);
        if short
            .split('/')
            .any(|part| part == "tests" || part.ends_with("tests.rs"))
        {
            continue;
        }
        for (line, path) in Source::read(&repository.text(file)?, 1)?.pairs {
            if !SPAWNS.contains(&path.as_str()) {
                continue;
            }
            spawning.insert(short.to_owned());
            if !listed.contains(short) {
                let what = format!("{path} in a file that the tasks of {ARCHITECTURE} do not list");
                let remedy = "list `the file`, what it starts, its owner and its end under a heading \
                              with the word tasks";
                findings.push(Finding::error(
                    file,
                    line,
                    what,
                    remedy.replace("the file", short),
                ));
            }
        }
    }
    for file in listed.difference(&spawning) {
        let what = format!("lists `{file}` among the tasks, which starts none");
        findings.push(Finding::error(ARCHITECTURE, 1, what, "remove the row"));
    }
    Ok(findings)
}

/// The `….rs` names under the headings that speak of tasks.
fn listed(text: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut files = BTreeSet::new();
    for line in text.lines() {
        if line.starts_with('#') {
            inside = line.to_lowercase().contains("task");
        } else if inside {
            files.extend(quoted(line).filter(|name| name.ends_with(".rs")));
        }
    }
    files
        .into_iter()
        .map(|name| name.strip_prefix(SDK).unwrap_or(&name).to_owned())
        .collect()
}
