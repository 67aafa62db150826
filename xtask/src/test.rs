//! `cargo xtask test`: all tests, with the programs that some of them start.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};

use crate::tree;

/// A program that tests start, on the loopback and in folders of their own.
#[derive(Clone, Copy)]
struct Service {
    program: &'static str,
    /// The package of Debian that has it.
    package: &'static str,
}

const FLEET: &[Service] = &[Service {
    program: "nats-server",
    package: "nats-server",
}];

/// The browser of the web page's tests, which are those of Linux.
const BROWSER: &[Service] = &[
    Service {
        program: "chromium",
        package: "chromium",
    },
    Service {
        program: "chromedriver",
        package: "chromium-driver",
    },
];

/// Runs `test [arguments of cargo test]`: all tests; with arguments, such as a filter, those of the workspace alone.
pub fn run(args: &[String]) -> Result<ExitCode> {
    let apps = cfg!(unix) && args.is_empty();
    let mut test = cargo_test(&["--workspace"]);
    if cfg!(unix) {
        let browser = if apps && cfg!(target_os = "linux") {
            BROWSER
        } else {
            &[]
        };
        install_missing(&[FLEET, browser].concat())?;
        test.args(["--features", "codex-fleet/service-tests"]);
    } else {
        println!(
            "the tests of codex-fleet and of apps/ need signals and terminals: they are left out here"
        );
    }
    test.args(args);
    if !succeeds(&mut test)? {
        return Ok(ExitCode::FAILURE);
    }
    if apps {
        let mut test = cargo_test(&["--manifest-path", "apps/Cargo.toml", "--workspace"]);
        // Most dependencies are those that were built just now.
        if std::env::var_os("CARGO_TARGET_DIR").is_none() {
            test.args(["--target-dir", "target"]);
        }
        if cfg!(target_os = "linux") {
            test.args(["--features", "codex-web/browser-tests"]);
        }
        if !succeeds(&mut test)? {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn cargo_test(args: &[&str]) -> Command {
    let mut test = Command::new("cargo");
    test.arg("test").args(args).current_dir(tree::root());
    test
}

fn succeeds(test: &mut Command) -> Result<bool> {
    Ok(test.status().context("cannot run cargo")?.success())
}

fn install_missing(services: &[Service]) -> Result<()> {
    let missing = services
        .iter()
        .filter(|service| find(service.program).is_none());
    let missing: Vec<&Service> = missing.collect();
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing)
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
