//! `cargo xtask fuzz`: runs a fuzz target, with the recorded traffic as its first inputs.
//!
//! It needs cargo-fuzz (`cargo install cargo-fuzz`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use serde_json::Value;

const HELP: &str = "Usage: cargo xtask fuzz <stream|payload> [arguments of libFuzzer]";

/// Runs `fuzz TARGET [arguments of libFuzzer]`.
pub fn run(args: &[String]) -> Result<ExitCode> {
    let Some((target, args)) = args.split_first() else {
        bail!("{HELP}");
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the workspace has a root")?;
    let seeds = match target.as_str() {
        "stream" => streams(root)?,
        "payload" => payloads(root)?,
        other => bail!("no fuzz target {other:?}\n\n{HELP}"),
    };
    let fuzz = root.join("fuzz");
    let corpus = fuzz.join("corpus").join(target);
    fs::create_dir_all(&corpus)?;
    for (n, seed) in seeds.iter().enumerate() {
        fs::write(corpus.join(format!("recorded-{n}")), seed)?;
    }
    let status = Command::new("cargo")
        .args(["fuzz", "run", "--fuzz-dir"])
        .args([&fuzz, Path::new(target)])
        .arg("--")
        .args(args)
        // cargo-fuzz passes flags that a stable compiler takes only so.
        .env("RUSTC_BOOTSTRAP", "1")
        .status()
        .context("cannot run cargo; `cargo install cargo-fuzz` installs what is needed")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What the runtime sent in each recording, as it stands there.
fn recordings(root: &Path) -> Result<Vec<Vec<Value>>> {
    let mut recordings = Vec::new();
    for file in fs::read_dir(root.join("tests/transcripts"))? {
        let text = fs::read_to_string(file?.path())?;
        let rows = text.lines().map(serde_json::from_str::<Value>);
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let sent = rows.into_iter().filter(|row| row["dir"] == "s2c");
        let messages = sent.map(|mut row| row["msg"].take());
        recordings.push(
            messages
                .filter(|message| message["method"].is_string())
                .collect(),
        );
    }
    Ok(recordings)
}

/// One input a recording: all that the runtime told and asked, about the turn that the target runs.
fn streams(root: &Path) -> Result<BTreeSet<String>> {
    let stream = |messages: Vec<Value>| {
        let text: String = messages
            .iter()
            .map(|message| format!("{message}\n"))
            .collect();
        let id = |name: &str| {
            let mut ids = messages.iter().map(|message| &message["params"][name]);
            ids.find_map(Value::as_str).unwrap_or("none")
        };
        text.replace(id("threadId"), "t").replace(id("turnId"), "u")
    };
    Ok(recordings(root)?.into_iter().map(stream).collect())
}

/// One input a message.
fn payloads(root: &Path) -> Result<BTreeSet<String>> {
    let messages = recordings(root)?.into_iter().flatten();
    let payload = |message: Value| {
        let method = message["method"].as_str().unwrap_or_default();
        format!("{method}\n{}", message["params"])
    };
    Ok(messages.map(payload).collect())
}
