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
    let succeeds = |args: &[&str], rest: &[String]| {
        let mut command = Command::new(&cargo);
        command.args(args).args(rest).current_dir(tree::root());
        let status = command.env(VARIABLE, runtime.program()).status();
        status
            .map(|status| status.success())
            .context("cannot run cargo")
    };
    // The suite runs the examples too.
    let examples = [
        "build",
        "-p",
        "openai-codex",
        "--examples",
        "--all-features",
    ];
    let passed =
        succeeds(&examples, &[])? && succeeds(&["test", "-p", "codex-integration-tests"], rest)?;
    Ok(match passed {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
