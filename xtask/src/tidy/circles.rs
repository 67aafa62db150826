//! No files of a crate depend on each other in a circle.
//!
//! A file depends on the files whose modules its paths from `crate`, `self` or `super` lead to.
//! A module and those inside it are one thing: what a parent re-exports of its children and what
//! they take from it is no circle. Code for tests is passed over.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anyhow::Result;

use super::source::Source;
use super::{Finding, Repository};

/// The files that each file depends on, by module path.
type Graph = BTreeMap<Vec<String>, BTreeSet<Vec<String>>>;

pub fn check(repository: &Repository<'_>) -> Result<Vec<Finding>> {
    let mut crates: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in &repository.files {
        if let Some((folder, rest)) = file.split_once("/src/")
            && rest.ends_with(".rs")
            && !rest.contains("/goldens/")
            && !rest.starts_with("bin/")
        {
            crates.entry(folder).or_default().push(rest);
        }
    }
    let mut findings = Vec::new();
    for (folder, files) in crates {
        let modules: BTreeSet<Vec<String>> = files.iter().map(|file| module(file)).collect();
        let mut graph = Graph::new();
        for file in files {
            let own = module(file);
            if is_test(&own) {
                continue;
            }
            let source = Source::read(&repository.text(&format!("{folder}/src/{file}"))?, &own)?;
            let targets = source.imports.iter().map(|(_, path)| {
                let lengths = (0..=path.len()).rev();
                let mut prefixes = lengths.map(|length| path[..length].to_vec());
                prefixes.find(|prefix| modules.contains(prefix))
            });
            let others = targets
                .flatten()
                .filter(|other| !own.starts_with(other) && !other.starts_with(&own));
            graph.insert(own.clone(), others.collect());
        }
        for circle in circles(&graph) {
            let shown: Vec<String> = circle.iter().map(|module| module.join("/")).collect();
            let what = format!("depend on each other: {}", shown.join(" → "));
            let remedy = "move what both need to a file below them";
            let file = format!("{folder}/src/{}.rs", shown[0]);
            findings.push(Finding::error(&file, 1, what, remedy));
        }
    }
    Ok(findings)
}

/// `thread/start.rs` is `[thread, start]`; the root of the crate is empty.
fn module(file: &str) -> Vec<String> {
    let path = file.strip_suffix(".rs").unwrap_or(file);
    let parts = path.split('/').map(str::to_owned);
    parts
        .filter(|part| !["lib", "main"].contains(&part.as_str()))
        .collect()
}

fn is_test(module: &[String]) -> bool {
    let mut parts = module.iter();
    parts.any(|part| part == "tests" || part.ends_with("_tests"))
}

/// Finds a shortest circle for each file that is in one and in none that was found before.
fn circles(graph: &Graph) -> Vec<Vec<Vec<String>>> {
    let mut found = Vec::new();
    let mut known = BTreeSet::new();
    for start in graph.keys() {
        if known.contains(start) {
            continue;
        }
        if let Some(circle) = shortest_circle(graph, start) {
            known.extend(circle.iter().cloned());
            found.push(circle);
        }
    }
    found
}

/// Finds the shortest way from a file back to itself.
fn shortest_circle(graph: &Graph, start: &[String]) -> Option<Vec<Vec<String>>> {
    let mut ways = VecDeque::from([vec![start.to_vec()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in graph.get(way.last()?).into_iter().flatten() {
            let longer = || way.iter().cloned().chain([next.clone()]).collect();
            if next == start {
                return Some(longer());
            }
            if seen.insert(next) {
                ways.push_back(longer());
            }
        }
    }
    None
}
