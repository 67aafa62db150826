//! `cargo xtask bump`: another runtime in one command.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use codex_runtime::{MINIMUM_VERSION, Package, Target, Version};

use super::{diff, npm, runtimes};
use crate::regen::carried::Carried;
use crate::regen::schema::Schema;
use crate::regen::{self, Model, Outputs, Tree};
use crate::tree;

const HELP: &str = "\
Usage: cargo xtask bump <version|latest> [--dry-run]

Pins a runtime: asks npm for its packages, writes the pin, installs it, writes its schema and the generated
types, and prints what changed and what is left to decide. Nothing needs to be edited by hand: what is
undecided is refused, hidden or kept apart until somebody decides.

Options:
  --dry-run   print the report and write nothing
";

const PIN: &str = "runtime.pin.toml";
const PIN_DIR: &str = "crates/codex-runtime";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (text, dry_run) = match args.as_slice() {
        ["--help" | "-h"] => {
            print!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        [text] => (*text, false),
        [text, "--dry-run"] | ["--dry-run", text] => (*text, true),
        _ => bail!("{HELP}"),
    };
    let version = super::release(text)?;
    ensure!(
        version.is_supported(),
        "runtimes before {MINIMUM_VERSION} are not supported, and this is {version}"
    );
    let root = tree::root();
    println!("asking npm for the packages of {version}");
    let mut packages = Vec::new();
    for target in Target::ALL {
        let package = npm::package_with_size(&version, target)
            .with_context(|| format!("the package of {}", target.name()))?;
        let size = package.size().unwrap_or_default();
        println!("  {}: {} MB", package.spec(), size / 1_000_000);
        packages.push((target, package));
    }
    let pin = pin(&root, &version, &packages)?;
    let before = Schema::read(&root.join("schema"))?;
    let after = match dry_run {
        true => runtimes::schema(&version)?,
        false => Schema::dump(Some(runtimes::install(&version)?.program()))?,
    };
    let old = Model::of(&before, &Carried::default())?;
    let Outputs {
        mut trees,
        model,
        plain: new,
        ..
    } = regen::outputs(&root, &after)?;
    println!(
        "\n{}",
        diff::report(&before.version, &old, &after.version, &new)
    );
    regen::report(&model.findings);
    if dry_run {
        println!("nothing was written");
        return Ok(ExitCode::SUCCESS);
    }
    trees.push(Tree::file(&root.join(PIN_DIR), PIN, pin));
    regen::put(&root, &trees, false)
}

/// The text of the pin, with the comment that is there.
fn pin(root: &Path, version: &Version, packages: &[(Target, Package)]) -> Result<String> {
    let path = root.join(PIN_DIR).join(PIN);
    let old =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let comment = old.lines().take_while(|line| line.starts_with('#'));
    let mut text: String = comment.map(|line| format!("{line}\n")).collect();
    write!(
        text,
        "\nversion = \"{version}\"\npackage = \"{}\"\n",
        npm::PACKAGE
    )?;
    for (target, package) in packages {
        let size = package.size().unwrap_or_default();
        write!(
            text,
            "\n[{}]\nversion = \"{}\"\nintegrity = \"{}\"\nsize = \"{size}\"\n",
            target.name(),
            package.version(),
            package.integrity(),
        )?;
    }
    Ok(text)
}
