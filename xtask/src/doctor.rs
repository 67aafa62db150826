//! `cargo xtask doctor`: which runtime would start, and what to do if none would.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::bail;
use codex_runtime::{
    BIN_VARIABLE, CACHE_VARIABLE, Environment, Error, Installation, Locator, Runtime, VERSION,
    probe_version,
};

pub fn run(args: &[String]) -> anyhow::Result<ExitCode> {
    if !args.is_empty() {
        bail!("usage: cargo xtask doctor");
    }
    let environment = Environment::current();
    row("pin", &format!("runtime {VERSION}"));
    row(BIN_VARIABLE, &variable(&environment, BIN_VARIABLE));
    row(CACHE_VARIABLE, &variable(&environment, CACHE_VARIABLE));
    cache();
    on_path(&environment);
    npm(&environment);
    match start() {
        Ok(text) => {
            row("would start", &text);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            row("would start", "nothing");
            row("what to do", &format!("{:#}", anyhow::Error::from(error)));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Finds the runtime as the SDK does, and asks it for its version.
fn start() -> Result<String, Error> {
    let runtime = Locator::new().locate()?;
    let found = ask(&runtime)?;
    Ok(format!(
        "{} ({}), {found}",
        runtime.program().display(),
        runtime.source()
    ))
}

fn ask(runtime: &Runtime) -> Result<String, Error> {
    match probe_version(runtime.program())? {
        Some(version) => {
            runtime.check_version(&version)?;
            Ok(format!("version {version}"))
        }
        None => Ok("which does not tell its version".to_owned()),
    }
}

fn cache() {
    let installation = match Installation::pinned() {
        Ok(installation) => installation,
        Err(error) => return row("pinned runtime", &error.to_string()),
    };
    let dir = installation.dir();
    let state = match installation.check() {
        Ok(Some(_)) => format!("installed in {}", dir.display()),
        Ok(None) => format!("not installed in {}", dir.display()),
        Err(error) => error.to_string(),
    };
    row("pinned runtime", &state);
    row("free space", &free_space(dir));
}

fn on_path(environment: &Environment) {
    let names: &[&str] = if cfg!(windows) {
        &["codex.exe", "codex.cmd"]
    } else {
        &["codex"]
    };
    let programs = environment.on_path(names);
    if programs.is_empty() {
        row("codex on PATH", "none");
    }
    for program in programs {
        let version = match probe_version(&program) {
            Ok(Some(version)) if version.is_supported() => format!("version {version}"),
            Ok(Some(version)) => format!("version {version}, which is too old"),
            Ok(None) => "does not tell its version".to_owned(),
            Err(error) => error.to_string(),
        };
        row(
            "codex on PATH",
            &format!("{}, {version}", program.display()),
        );
    }
}

fn npm(environment: &Environment) {
    let names: &[&str] = if cfg!(windows) {
        &["npm.cmd"]
    } else {
        &["npm"]
    };
    let Some(npm) = environment.on_path(names).into_iter().next() else {
        return row("npm", &Error::NpmMissing.to_string());
    };
    let output = Command::new(&npm).arg("--version").output();
    let version = output.ok().filter(|output| output.status.success());
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok());
    let version = version.map_or_else(
        || "which does not start".to_owned(),
        |version| format!("version {}", version.trim()),
    );
    row("npm", &format!("{}, {version}", npm.display()));
}

fn free_space(dir: &Path) -> String {
    let existing = dir.ancestors().find(|dir| dir.exists());
    match existing.map(|dir| (dir, fs4::available_space(dir))) {
        Some((dir, Ok(bytes))) => {
            let megabytes = bytes / 1_000_000;
            let enough = if megabytes < 1000 {
                ", an installation needs about 1000"
            } else {
                ""
            };
            format!("{megabytes} MB in {}{enough}", dir.display())
        }
        _ => "unknown".to_owned(),
    }
}

fn variable(environment: &Environment, key: &str) -> String {
    match environment.get(key) {
        Some(value) if !value.is_empty() => value.to_string_lossy().into_owned(),
        _ => "not set".to_owned(),
    }
}

fn row(what: &str, text: &str) {
    println!("{what:<20}{text}");
}
