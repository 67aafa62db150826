//! `cargo xtask tidy`: the rules of this repository that the compiler does not check.

mod circles;
mod files;
mod layers;
mod named_tests;
mod source;
mod wire;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::runtime::check_pin;
use crate::tree;

const HELP: &str = "\
Usage: cargo xtask tidy

Checks the layers, circles of files, the module docs, the file sizes, the wire strings, the version of the
pin, and the tests that docs name. Exits 1 if anything is to be done.
";

/// Whether a finding fails the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Warning,
    Error,
}

/// Something to be done, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub level: Level,
    pub file: String,
    pub line: usize,
    pub what: String,
    pub remedy: String,
}

impl Finding {
    fn error(file: &str, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            file: file.to_owned(),
            line,
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

/// The repository as the checks see it.
pub struct Repository<'a> {
    root: &'a Path,
    files: Vec<String>,
}

impl<'a> Repository<'a> {
    fn read(root: &'a Path) -> Result<Self> {
        let files = tree::files(root)?;
        Ok(Self { root, files })
    }

    fn text(&self, file: &str) -> Result<String> {
        let path = self.root.join(file);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// The Rust files that people write, below any of the folders.
    fn rust_files(&self, folders: &[&str]) -> impl Iterator<Item = &str> {
        let below = move |file: &str, folders: &[&str]| {
            folders.iter().any(|folder| file.starts_with(folder))
        };
        let folders: Vec<String> = folders.iter().map(|&folder| folder.to_owned()).collect();
        self.files.iter().map(String::as_str).filter(move |file| {
            let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
            file.ends_with(".rs") && !is_generated(file) && below(file, &folders)
        })
    }
}

/// Where `cargo xtask regen` writes.
const GENERATED: &str = "crates/codex-types/src/generated/";

fn is_generated(file: &str) -> bool {
    file.starts_with(GENERATED)
}

type Check = fn(&Repository<'_>) -> Result<Vec<Finding>>;

const CHECKS: [Check; 7] = [
    layers::check,
    circles::check,
    files::docs,
    files::sizes,
    wire::check,
    pin,
    named_tests::check,
];

/// Runs the command.
pub fn run(args: &[String]) -> Result<ExitCode> {
    if let Some(arg) = args.first() {
        if arg == "--help" || arg == "-h" {
            print!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        anyhow::bail!("unknown option {arg}\n\n{HELP}");
    }
    let root = tree::root();
    let findings = findings(&root)?;
    for finding in &findings {
        let kind = match finding.level {
            Level::Warning => "warning: ",
            Level::Error => "",
        };
        let Finding {
            file,
            line,
            what,
            remedy,
            ..
        } = finding;
        println!("{file}:{line}: {kind}{what}: {remedy}");
    }
    let errors = findings
        .iter()
        .filter(|finding| finding.level == Level::Error)
        .count();
    if errors > 0 {
        eprintln!(
            "error: {errors} finding(s) to mend, {} warning(s)",
            findings.len() - errors
        );
        return Ok(ExitCode::FAILURE);
    }
    println!("tidy: nothing to mend, {} warning(s)", findings.len());
    Ok(ExitCode::SUCCESS)
}

fn findings(root: &Path) -> Result<Vec<Finding>> {
    let repository = Repository::read(root)?;
    let mut findings = Vec::new();
    for check in CHECKS {
        findings.extend(check(&repository)?);
    }
    Ok(findings)
}

/// No file but the pin repeats the runtime's version.
fn pin(repository: &Repository<'_>) -> Result<Vec<Finding>> {
    let places = check_pin::repeats(repository.root, codex_runtime::VERSION)?;
    Ok(places
        .into_iter()
        .map(|(file, line)| {
            let remedy = "read it from codex_runtime::VERSION";
            Finding::error(&file, line, "repeats the version of the pin", remedy)
        })
        .collect())
}

#[cfg(test)]
mod tests;
