//! `cargo xtask semver-check`: compares the API of the published crates with that of another revision.

use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::tree;

const HELP: &str = "\
Usage: cargo xtask semver-check <revision>

Tells which changes since <revision>, a name that git knows, break users of the published crates.";

const PACKAGES: [&str; 4] = [
    "codex-runtime",
    "codex-types",
    "openai-codex",
    "codex-testkit",
];

/// Runs `semver-check`.
pub fn run(args: &[String]) -> Result<ExitCode> {
    let [revision] = args else {
        bail!("{HELP}");
    };
    ensure!(
        is_installed()?,
        "cargo-semver-checks is not installed: run `cargo install cargo-semver-checks --locked`"
    );
    let mut check = Command::new("cargo");
    check
        .current_dir(tree::root())
        .args(["semver-checks", "--all-features"])
        // A change that breaks users is reported, whatever the version in the manifests is.
        .args(["--release-type", "minor", "--baseline-rev", revision]);
    for package in PACKAGES {
        check.args(["--package", package]);
    }
    let status = check.status().context("cannot run cargo")?;
    Ok(match status.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn is_installed() -> Result<bool> {
    let status = Command::new("cargo")
        .args(["semver-checks", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("cannot run cargo")?;
    Ok(status.success())
}
