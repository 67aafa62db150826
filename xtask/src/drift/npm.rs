//! What the npm client says of the runtime's packages.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use codex_runtime::{Environment, Package, Target, Version};
use serde_json::Value;

/// The npm package of the runtime.
pub const PACKAGE: &str = "@openai/codex";

/// The newest release.
pub fn latest() -> Result<Version> {
    let text = view(PACKAGE, "dist-tags.latest")?;
    super::version(&text)
}

/// The package of a platform: its version and its digest, without its size.
pub fn package(version: &Version, target: Target) -> Result<Package> {
    let of_target = format!("{version}-{}", target.name());
    let spec = format!("{PACKAGE}@{of_target}");
    let integrity = view(&spec, "dist.integrity")?;
    Ok(Package::new(PACKAGE, of_target, integrity))
}

/// The same with its size, for which npm has to download it.
pub fn package_with_size(version: &Version, target: Target) -> Result<Package> {
    let package = package(version, target)?;
    let spec = package.spec();
    // A cache in a folder of its own: nothing of the download stays in the user's.
    let dir = tempfile::tempdir().context("cannot make a temporary folder")?;
    let packed = npm(&[
        "pack",
        "--dry-run",
        "--json",
        "--ignore-scripts",
        "--cache",
        dir.path()
            .to_str()
            .context("the temporary folder's name is not Unicode")?,
        &spec,
    ])?;
    let packed: Value = serde_json::from_str(&packed)
        .with_context(|| format!("npm pack --json of {spec} printed no JSON"))?;
    let packed = &packed[0];
    ensure!(
        packed["integrity"] == package.integrity(),
        "npm packed {spec} with the digest {}, and publishes {}",
        packed["integrity"],
        package.integrity()
    );
    let size = packed["size"].as_u64();
    let size = size.with_context(|| format!("npm pack --json of {spec} tells no size"))?;
    Ok(package.with_size(size))
}

/// One field of a package that must be there.
fn view(spec: &str, field: &str) -> Result<String> {
    let text = npm(&["view", spec, field, "--json"])?;
    ensure!(!text.trim().is_empty(), "npm has no {spec}");
    match serde_json::from_str(&text) {
        Ok(Value::String(text)) => Ok(text),
        _ => bail!("npm view {spec} {field} printed: {}", text.trim()),
    }
}

fn npm(args: &[&str]) -> Result<String> {
    let program = Environment::current().npm().context(
        "npm is not installed, and nothing else downloads the runtime: install Node.js with npm",
    )?;
    let output = Command::new(program)
        .args(args)
        .args(["--loglevel=error", "--update-notifier=false"])
        .stdin(Stdio::null())
        .output()
        .context("cannot run npm")?;
    ensure!(
        output.status.success(),
        "npm {} failed: {}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8(output.stdout).context("npm printed no text")
}
