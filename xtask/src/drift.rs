//! Following the runtime: `bump`, `history`, `diff` and `test-with`.

mod bump;
mod diff;
mod npm;
mod runtimes;
mod test_with;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use codex_runtime::Version;

use crate::regen::Tree;
use crate::regen::history::{self, History};
use crate::tree;

/// The runtimes that the history begins with: the oldest that is supported, and about one a month after it.
/// Every one that was pinned is added to them.
const LOOKED_AT: [&str; 7] = [
    "0.144.4", "0.147.0", "0.151.0", "0.155.0", "0.159.3", "0.163.0", "0.166.0",
];

/// `cargo xtask bump`.
pub fn bump(args: &[String]) -> Result<ExitCode> {
    bump::run(args)
}

/// `cargo xtask diff`.
pub fn diff(args: &[String]) -> Result<ExitCode> {
    diff::run(args)
}

/// `cargo xtask test-with`.
pub fn test_with(args: &[String]) -> Result<ExitCode> {
    test_with::run(args)
}

const HISTORY_HELP: &str = "\
Usage: cargo xtask history [--check]

Makes schema/history.json from the runtimes that are looked at. Each that has not been looked at on this
machine is downloaded, asked for its schema, and removed; the schemas stay in target/schema/.

Options:
  --check   write nothing, and exit 1 if the file would change
";

/// `cargo xtask history`.
pub fn history(args: &[String]) -> Result<ExitCode> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let check = match args.as_slice() {
        [] => false,
        ["--check"] => true,
        ["--help" | "-h"] => {
            print!("{HISTORY_HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        _ => bail!("{HISTORY_HELP}"),
    };
    let root = tree::root();
    let dir = root.join("schema");
    let known = History::read(&dir)?;
    let mut versions: Vec<Version> = known.versions().to_vec();
    for text in LOOKED_AT {
        versions.push(version(text)?);
    }
    versions.push(Version::pinned());
    versions.sort();
    versions.dedup();
    let mut made = History::default();
    for version in &versions {
        let model = runtimes::model(version).with_context(|| format!("runtime {version}"))?;
        println!(
            "{version}: {} methods",
            model.registry.client_requests.len()
        );
        made = made.with(version, &model);
    }
    let file = Tree::file(&dir, history::FILE, made.text()?);
    let outcome = crate::regen::put(&root, &[file], check)?;
    if outcome == ExitCode::FAILURE {
        eprintln!(
            "error: schema/{} is not what the runtimes say; run: cargo xtask history",
            history::FILE
        );
    }
    Ok(outcome)
}

/// Reads a version as people type it, or finds out the latest.
fn release(text: &str) -> Result<Version> {
    match text {
        "latest" => npm::latest(),
        text => version(text),
    }
}

/// Reads a version as people type it.
fn version(text: &str) -> Result<Version> {
    text.parse()
        .with_context(|| format!("{text:?} is no version of a runtime"))
}
