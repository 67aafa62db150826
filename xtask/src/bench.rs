//! `cargo xtask bench`: what the SDK costs to run and to build, as ratios.
//!
//! The programs are in `benches/`, outside the workspace. Nothing here is a test: the numbers are
//! for people.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Runs `bench [--build | --fleet] [arguments of the harness]`.
pub fn run(args: &[String]) -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the workspace has a root")?;
    match args.first().map(String::as_str) {
        Some("--build") => build_costs(root)?,
        Some("--fleet") => fleet_costs(root, &args[1..])?,
        _ => run_costs(root, args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn run_costs(root: &Path, args: &[String]) -> Result<()> {
    let benches = root.join("benches");
    let harness = release(&benches, "bench")?;
    let mut command = Command::new(harness);
    command.arg("run").args(args);
    // Peers that no longer build do not stop the rest.
    match release(&benches.join("peers"), "codex-benches-peers") {
        Ok(peers) => drop(command.arg("--peers").arg(peers)),
        Err(error) => eprintln!("going on without the peers: {error:#}"),
    }
    if !command.status()?.success() {
        bail!("the harness failed");
    }
    Ok(())
}

/// Measures the fleet's own part, which needs a nats-server.
fn fleet_costs(root: &Path, args: &[String]) -> Result<()> {
    let harness = release(&root.join("benches/fleet"), "codex-benches-fleet")?;
    if !Command::new(harness).args(args).status()?.success() {
        bail!("the harness failed");
    }
    Ok(())
}

/// Builds a package in release mode and returns the path of its binary.
fn release(package: &Path, binary: &str) -> Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(package.join("target"), PathBuf::from);
    let status = Command::new("cargo")
        .args(["build", "--release", "--quiet"])
        .current_dir(package)
        .env("CARGO_TARGET_DIR", &target)
        .status()?;
    if !status.success() {
        bail!("cannot build {}", package.display());
    }
    Ok(target.join("release").join(binary))
}

fn build_costs(root: &Path) -> Result<()> {
    const REPETITIONS: usize = 5;

    println!("| measure | value | target | |\n|---|---|---|---|");
    let scratch = tempfile::tempdir()?;
    let crates = root.join("crates");
    let path = |name: &str| format!("{{ path = {:?} }}", crates.join(name));
    let ours = Consumer::new(scratch.path(), "ours", &path("codex-types"), "codex-types")?;
    let peer = "{ version = \"0.166\", default-features = false, features = [\"types\"] }";
    let peer = Consumer::new(scratch.path(), "peer", peer, "codex-codes")?;
    let (mut types, mut peers) = (Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        types.push(ours.rebuild("codex-types")?);
        peers.push(peer.rebuild("codex-codes")?);
    }
    let ratios = types.iter().zip(&peers).map(|(ours, peer)| ours / peer);
    row(
        "CPU of a dev build, codex-types ÷ the types of codex-codes",
        median(ratios.collect()),
        "≤ 0.5",
        |x| x <= 0.5,
    );
    row("CPU seconds of codex-types", median(types), "", |_| true);
    row(
        "CPU seconds of the types of codex-codes",
        median(peers),
        "",
        |_| true,
    );

    let user = Consumer::new(scratch.path(), "user", &path("codex-sdk"), "openai-codex")?;
    user.cargo(&["check", "--quiet"])?;
    let mut checks = Vec::new();
    for n in 0..REPETITIONS {
        user.write(&format!("{USER}const _: usize = {n};\n"))?;
        let began = Instant::now();
        user.cargo(&["check", "--quiet"])?;
        checks.push(began.elapsed().as_secs_f64());
    }
    row(
        "seconds of `cargo check` after touching a consumer",
        median(checks),
        "< 1.5",
        |x| x < 1.5,
    );
    let mut builds = Vec::new();
    user.cargo(&["build", "--release", "--quiet"])?;
    for n in 0..REPETITIONS {
        user.write(&format!("{USER}const _: u8 = {n};\n"))?;
        let before = child_cpu();
        user.cargo(&["build", "--release", "--quiet"])?;
        builds.push((child_cpu() - before).as_secs_f64());
    }
    row(
        "CPU seconds of `cargo build --release` after touching it",
        median(builds),
        "",
        |_| true,
    );

    let versions = user.versions()?;
    let count = versions.values().map(BTreeSet::len).sum::<usize>();
    row(
        "crates in a consumer's default tree",
        count as f64,
        "≤ 60",
        |x| x <= 60.0,
    );
    let twice: Vec<&String> = versions
        .iter()
        .filter(|(_, v)| v.len() > 1)
        .map(|(name, _)| name)
        .collect();
    row(
        "crates that are there in two major versions",
        twice.len() as f64,
        "0",
        |x| x == 0.0,
    );
    for name in twice {
        eprintln!("twice: {name}");
    }
    Ok(())
}

/// What a small program does with the SDK.
const USER: &str = "\
#[tokio::main]
async fn main() -> openai_codex::Result<()> {
    let codex = openai_codex::Codex::start().await?;
    let thread = codex.thread_start().await?;
    println!(\"{}\", thread.run(\"Describe this project.\").await?.text());
    codex.close().await
}
";

/// A package of its own that depends on what is measured.
struct Consumer {
    dir: PathBuf,
}

impl Consumer {
    fn new(scratch: &Path, name: &str, dependency: &str, on: &str) -> Result<Self> {
        let dir = scratch.join(name);
        std::fs::create_dir_all(dir.join("src"))?;
        let client = on == "openai-codex";
        let tokio = "tokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }\n";
        let manifest = format!(
            "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{on} = {dependency}\n{}",
            if client { tokio } else { "" }
        );
        std::fs::write(dir.join("Cargo.toml"), manifest)?;
        let consumer = Self { dir };
        consumer.write(if client { USER } else { "fn main() {}\n" })?;
        if !client {
            consumer.cargo(&["build", "--quiet"])?;
        }
        Ok(consumer)
    }

    fn write(&self, main: &str) -> Result<()> {
        Ok(std::fs::write(self.dir.join("src/main.rs"), main)?)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("cargo");
        command
            .args(args)
            .current_dir(&self.dir)
            .env("CARGO_TARGET_DIR", self.dir.join("target"))
            .env_remove("CARGO_INCREMENTAL");
        command
    }

    fn cargo(&self, args: &[&str]) -> Result<()> {
        if !self.command(args).status()?.success() {
            bail!("cargo {} failed in {}", args.join(" "), self.dir.display());
        }
        Ok(())
    }

    /// Builds one package anew, with its dependencies built; returns the CPU seconds.
    ///
    /// As a dependency from a registry is built: not incrementally.
    fn rebuild(&self, package: &str) -> Result<f64> {
        self.cargo(&["clean", "--quiet", "--package", package])?;
        let before = child_cpu();
        let mut build = self.command(&["build", "--quiet", "--package", package]);
        if !build.env("CARGO_INCREMENTAL", "0").status()?.success() {
            bail!("cannot build {package}");
        }
        Ok((child_cpu() - before).as_secs_f64())
    }

    /// The versions of each crate of the default tree, by what is compatible.
    fn versions(&self) -> Result<BTreeMap<String, BTreeSet<String>>> {
        let output = self
            .command(&["tree", "--prefix", "none", "--edges", "normal,build"])
            .stderr(Stdio::inherit())
            .output()?;
        let mut versions = BTreeMap::<String, BTreeSet<String>>::new();
        for line in String::from_utf8(output.stdout)?.lines().skip(1) {
            let mut words = line.split(' ');
            let (Some(name), Some(version)) = (words.next(), words.next()) else {
                continue;
            };
            let numbers: Vec<&str> = version.trim_start_matches('v').split('.').collect();
            let major = match numbers[..] {
                ["0", minor, ..] => format!("0.{minor}"),
                [major, ..] => major.to_owned(),
                [] => continue,
            };
            versions.entry(name.to_owned()).or_default().insert(major);
        }
        Ok(versions)
    }
}

/// User and system time of the children that have ended; wall time where there is no `/proc`.
fn child_cpu() -> Duration {
    static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    /// Ticks of `/proc` a second, on every Linux.
    const TICKS: u64 = 100;

    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The fields after the name, which may hold anything: `cutime` and `cstime` are 14th and 15th.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let times = fields.split_whitespace().skip(13).take(2);
    let ticks: Option<Vec<u64>> = times.map(|field| field.parse().ok()).collect();
    match ticks {
        Some(ticks) if ticks.len() == 2 => {
            Duration::from_millis(ticks.iter().sum::<u64>() * 1000 / TICKS)
        }
        _ => BEGAN.get_or_init(Instant::now).elapsed(),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn row(title: &str, value: f64, target: &str, met: fn(f64) -> bool) {
    let mark = match (target, met(value)) {
        ("", _) => "",
        (_, true) => "✓",
        (_, false) => "✗",
    };
    println!("| {title} | {value:.2} | {target} | {mark} |");
}
