//! `cargo xtask minimal-versions`: builds the published crates with the lowest versions that their
//! manifests allow.
//!
//! It happens in a copy, whose lock file is another one, and without dev-dependencies, which no user of
//! a crate builds.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};

use crate::tree;

const HELP: &str = "Usage: cargo xtask minimal-versions";

/// Runs `minimal-versions`.
pub fn run(args: &[String]) -> Result<ExitCode> {
    if !args.is_empty() {
        bail!("{HELP}");
    }
    let root = tree::root();
    let copy = root.join("target/minimal-versions");
    if copy.is_dir() {
        fs::remove_dir_all(&copy).with_context(|| format!("cannot empty {}", copy.display()))?;
    }
    for file in tree::files(&root)? {
        let manifest = file.ends_with("/Cargo.toml");
        if file == "Cargo.toml" || file.starts_with("crates/") {
            let to = copy.join(&file);
            fs::create_dir_all(to.parent().context("a file has a folder")?)?;
            let bytes =
                fs::read(root.join(&file)).with_context(|| format!("cannot read {file}"))?;
            let bytes = match (file == "Cargo.toml", manifest) {
                (true, _) => crates_only(&String::from_utf8(bytes)?).into_bytes(),
                (_, true) => without_dev_dependencies(&String::from_utf8(bytes)?).into_bytes(),
                _ => bytes,
            };
            fs::write(to, bytes)?;
        }
    }
    cargo(&copy, &["update", "-Z", "direct-minimal-versions"])?;
    let check = ["check", "--locked", "--workspace", "--lib", "--bins"];
    cargo(&copy, &[&check[..], &["--all-features"]].concat())?;
    cargo(&copy, &[&check[..], &["--no-default-features"]].concat())?;
    Ok(ExitCode::SUCCESS)
}

fn cargo(dir: &Path, args: &[&str]) -> Result<()> {
    let status = Command::new("cargo")
        .args(args)
        .current_dir(dir)
        .env(
            "CARGO_TARGET_DIR",
            dir.with_file_name("minimal-versions-target"),
        )
        // Stable releases of cargo take `-Z` only so.
        .env("RUSTC_BOOTSTRAP", "1")
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "cargo {} failed", args.join(" "));
    Ok(())
}

/// The manifest of a workspace that has the published crates alone.
fn crates_only(manifest: &str) -> String {
    let line = |line: &str| match line.split_once(" = ") {
        Some(("members", _)) => "members = [\"crates/*\"]\n".to_owned(),
        Some(("exclude", _)) => String::new(),
        _ => format!("{line}\n"),
    };
    // Profiles name packages that are not there.
    let kept = manifest.split("\n[profile").next().unwrap_or_default();
    kept.lines().map(line).collect()
}

/// A manifest without its sections of dev-dependencies.
fn without_dev_dependencies(manifest: &str) -> String {
    let mut kept = String::new();
    let mut skipping = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            skipping = line.contains("dev-dependencies");
        }
        if !skipping {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dev_dependencies_and_other_members_are_left_out() {
        let manifest =
            "[dependencies]\na = \"1\"\n[dev-dependencies]\nb = \"1\"\n[lints]\nc = true\n";
        let kept = "[dependencies]\na = \"1\"\n[lints]\nc = true\n";
        assert_eq!(without_dev_dependencies(manifest), kept);
        let workspace = "[workspace]\nmembers = [\"crates/*\", \"x\"]\nexclude = [\"y\"]\n\n[profile.dev]\nz = 1\n";
        assert_eq!(
            crates_only(workspace),
            "[workspace]\nmembers = [\"crates/*\"]\n"
        );
    }
}
