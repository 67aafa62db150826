//! `cargo xtask doctor`: which runtime would start, and what to do if none would.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::bail;
use codex_runtime::{
    BIN_VARIABLE, CACHE_VARIABLE, Environment, Error, Installation, Locator, MINIMUM_VERSION,
    VERSION, probe_version,
};

mod attach;

pub fn run(args: &[String]) -> anyhow::Result<ExitCode> {
    match args {
        [] => {}
        [option, rest @ ..] if option == "--attach" => {
            let attaches = attach::Attach::read(rest)?.report(&mut io::stdout().lock())?;
            return Ok(if attaches {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        _ => bail!("usage: cargo xtask doctor [--attach <address> [--token-file FILE]]"),
    }
    report(&Environment::current(), &mut io::stdout().lock())
}

/// Writes what was looked for and found; 1 if no runtime would start.
fn report(environment: &Environment, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let mut row = |what: &str, text: &str| writeln!(out, "{what:<20}{text}");
    row("pin", &format!("runtime {VERSION}"))?;
    row("supported", &format!("runtime {MINIMUM_VERSION} and newer"))?;
    for key in [BIN_VARIABLE, CACHE_VARIABLE] {
        row(key, &variable(environment, key))?;
    }
    match Installation::pinned_in(environment) {
        Ok(installation) => {
            row("pinned runtime", &state(&installation))?;
            row("free space", &free_space(installation.dir()))?;
        }
        Err(error) => row("pinned runtime", &error.to_string())?,
    }
    for text in on_path(environment) {
        row("codex on PATH", &text)?;
    }
    row("npm", &npm(environment))?;
    match start(environment) {
        Ok(text) => {
            row("would start", &text)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            row("would start", "nothing")?;
            row("what to do", &format!("{:#}", anyhow::Error::from(error)))?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Finds the runtime as the SDK does, and asks it for its version.
fn start(environment: &Environment) -> Result<String, Error> {
    let runtime = Locator::new().environment(environment.clone()).locate()?;
    let version = match probe_version(runtime.program())? {
        Some(version) => {
            runtime.check_version(&version)?;
            format!("version {version}")
        }
        None => "which does not tell its version".to_owned(),
    };
    let (program, source) = (runtime.program().display(), runtime.source());
    Ok(format!("{program} ({source}), {version}"))
}

fn state(installation: &Installation) -> String {
    let dir = installation.dir().display();
    match installation.check() {
        Ok(Some(_)) => format!("installed in {dir}"),
        Ok(None) => format!("not installed in {dir}"),
        Err(error) => error.to_string(),
    }
}

fn on_path(environment: &Environment) -> Vec<String> {
    let found = environment.codex();
    if found.is_empty() {
        return vec!["none".to_owned()];
    }
    let describe = |program: &Path| match probe_version(program) {
        Ok(Some(version)) if version.is_supported() => format!("version {version}"),
        Ok(Some(version)) => format!("version {version}, which is too old"),
        Ok(None) => "which does not tell its version".to_owned(),
        Err(error) => error.to_string(),
    };
    let text = |program: &Path| format!("{}, {}", program.display(), describe(program));
    found.iter().map(|program| text(program)).collect()
}

fn npm(environment: &Environment) -> String {
    let Some(npm) = environment.npm() else {
        return Error::NpmMissing.to_string();
    };
    let output = Command::new(&npm).arg("--version").output();
    let output = output.ok().filter(|output| output.status.success());
    let version = output.map_or_else(
        || "which does not start".to_owned(),
        |output| format!("version {}", String::from_utf8_lossy(&output.stdout).trim()),
    );
    format!("{}, {version}", npm.display())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(vars: &[(&str, &str)]) -> (ExitCode, String) {
        let mut out = Vec::new();
        let environment = Environment::native(vars.iter().copied());
        let code = report(&environment, &mut out).unwrap();
        (code, String::from_utf8(out).unwrap())
    }

    #[test]
    fn an_empty_machine_is_told_what_to_do() {
        let temp = tempfile::tempdir().unwrap();
        let cache = temp.path().to_str().unwrap();
        let (code, text) = reported(&[(CACHE_VARIABLE, cache), ("PATH", cache)]);
        assert_eq!(code, ExitCode::FAILURE);
        for part in [
            &format!("supported           runtime {MINIMUM_VERSION} and newer"),
            "CODEX_BIN           not set",
            "pinned runtime      not installed in ",
            "free space          ",
            "codex on PATH       none",
            "npm                 cannot find npm on PATH",
            "would start         nothing",
            "what to do          cannot find a Codex runtime; tried codex_bin",
            "cargo xtask runtime install",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn the_readme_names_the_supported_range() {
        let readme = std::fs::read_to_string(crate::tree::root().join("README.md")).unwrap();
        assert!(readme.contains(&format!("version {MINIMUM_VERSION} and newer")));
    }

    #[test]
    fn a_wrong_codex_bin_is_named() {
        let (code, text) = reported(&[(BIN_VARIABLE, "/no/such/codex"), ("HOME", "/nowhere")]);
        assert_eq!(code, ExitCode::FAILURE);
        assert!(
            text.contains("CODEX_BIN           /no/such/codex"),
            "{text}"
        );
        assert!(text.contains("cannot use /no/such/codex"), "{text}");
    }
}
