//! `cargo xtask test`: all tests, with the programs that some of them start.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};

use crate::tree;

/// A program that tests start, on the loopback and in folders of their own.
struct Service {
    program: &'static str,
    /// The package of Debian that has it.
    package: &'static str,
}

const SERVICES: [Service; 1] = [Service {
    program: "nats-server",
    package: "nats-server",
}];

/// Runs `test [arguments of cargo test]`.
pub fn run(args: &[String]) -> Result<ExitCode> {
    let mut test = Command::new("cargo");
    test.args(["test", "--workspace"]);
    if cfg!(unix) {
        let missing = SERVICES
            .iter()
            .filter(|service| find(service.program).is_none());
        let missing: Vec<&Service> = missing.collect();
        if !missing.is_empty() {
            install(&missing)?;
        }
        test.args(["--features", "codex-fleet/service-tests"]);
    } else {
        println!("the tests of codex-fleet stop processes by signals: they are left out here");
    }
    let status = test
        .args(args)
        .current_dir(tree::root())
        .status()
        .context("cannot run cargo")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Installs what is missing, where this process may.
fn install(missing: &[&Service]) -> Result<()> {
    let packages: Vec<&str> = missing.iter().map(|service| service.package).collect();
    let names = packages.join(" ");
    let remedy = format!(
        "some tests start {names}, which is not on PATH.\nInstall it (Debian: apt-get install {names}), or run \
         `cargo test --workspace`, which leaves those tests out"
    );
    if find("apt-get").is_none() || !is_root() {
        bail!("{remedy}");
    }
    println!("installing {names} by apt-get");
    let install = ["install", "--yes", "--no-install-recommends"];
    // A fresh machine has no lists of packages, or old ones.
    let installed = apt(&[&install[..], &packages].concat())?
        || (apt(&["update"])? && apt(&[&install[..], &packages].concat())?);
    ensure!(installed, "apt-get has failed: {remedy}");
    for service in missing {
        ensure!(find(service.program).is_some(), "{remedy}");
    }
    Ok(())
}

fn apt(args: &[&str]) -> Result<bool> {
    let status = Command::new("apt-get")
        .arg("--quiet")
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        // The tests start their own: none is left running for the machine.
        .env("SYSTEMD_OFFLINE", "1")
        .status()
        .context("cannot run apt-get")?;
    Ok(status.success())
}

fn is_root() -> bool {
    let user = Command::new("id").arg("-u").output();
    user.is_ok_and(|user| user.stdout.trim_ascii() == b"0")
}

/// Looks for a program on `PATH`.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}
