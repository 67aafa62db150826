//! `cargo xtask test-with`: the tests against another runtime than the pinned one.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use super::runtimes;
use crate::tree;

const HELP: &str = "\
Usage: cargo xtask test-with <version|latest> [arguments of cargo test]

Installs this runtime beside the pinned one and runs the tests of `tests/` against it.
";

/// The variable by which the tests take another runtime.
const VARIABLE: &str = "OPENAI_CODEX_TEST_RUNTIME";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let Some((text, rest)) = args.split_first() else {
        bail!("{HELP}");
    };
    if text == "--help" || text == "-h" {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    let version = super::release(text)?;
    let runtime = runtimes::install(&version)?;
    println!("testing with {}", runtime.program().display());
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["test", "-p", "codex-integration-tests"])
        .args(rest)
        .current_dir(tree::root())
        .env(VARIABLE, runtime.program())
        .status()
        .context("cannot run cargo")?;
    Ok(match status.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
