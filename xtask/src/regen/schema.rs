//! The runtime's schema of its protocol, in canonical bytes.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::output::Files;

/// The file of the dump that holds everything the generator reads.
const BUNDLE: &str = "codex_app_server_protocol.schemas.json";

/// Both bundles, canonical.
#[derive(Debug, PartialEq)]
pub struct Schema {
    /// Version of the runtime that wrote it.
    pub version: String,
    pub stable: String,
    pub experimental: String,
}

impl Schema {
    /// Reads what is checked in.
    pub fn read(dir: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = dir.join(name);
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let source: Value =
            serde_json::from_str(&read("SOURCE.json")?).context("schema/SOURCE.json")?;
        let schema = Self {
            version: source["version"].as_str().unwrap_or_default().to_owned(),
            stable: read("stable.json")?,
            experimental: read("experimental.json")?,
        };
        ensure!(
            schema.source()? == source,
            "schema/SOURCE.json does not describe the files beside it: run cargo xtask regen"
        );
        Ok(schema)
    }

    /// Asks a runtime: the pinned one, installed if it is missing, or the executable given.
    pub fn dump(codex_bin: Option<&Path>) -> Result<Self> {
        let program = match codex_bin {
            Some(path) => path.to_path_buf(),
            None => codex_runtime::install()?.program().to_path_buf(),
        };
        let home = tempfile::tempdir().context("cannot make a temporary folder")?;
        let bundle = |kind: &str, flags: &[&str]| -> Result<String> {
            let out = home.path().join(kind);
            let out_text = out
                .to_str()
                .context("the temporary folder's name is not Unicode")?;
            let mut args = vec!["app-server", "generate-json-schema", "--out", out_text];
            args.extend_from_slice(flags);
            codex(&program, home.path(), &args)?;
            let text = fs::read_to_string(out.join(BUNDLE))
                .with_context(|| format!("the runtime wrote no {BUNDLE}"))?;
            canonical(&text)
        };
        let version = codex(&program, home.path(), &["--version"])?;
        let version = version
            .split_whitespace()
            .last()
            .unwrap_or_default()
            .to_owned();
        Ok(Self {
            version,
            stable: bundle("stable", &[])?,
            experimental: bundle("experimental", &["--experimental"])?,
        })
    }

    /// The files of `schema/`.
    pub fn files(&self) -> Result<Files> {
        Ok(Files::from([
            ("SOURCE.json".to_owned(), pretty(&self.source()?)?),
            ("experimental.json".to_owned(), self.experimental.clone()),
            ("stable.json".to_owned(), self.stable.clone()),
        ]))
    }

    /// One digest over both bundles, for the headers of generated files.
    pub fn digest(&self) -> String {
        sha256(&[&self.stable, &self.experimental])
    }

    fn source(&self) -> Result<Value> {
        Ok(json!({
            "version": self.version,
            "sha256": {
                "stable.json": sha256(&[&self.stable]),
                "experimental.json": sha256(&[&self.experimental]),
            },
        }))
    }
}

/// Runs the runtime with a home of its own, so that nothing of the user's is read or written.
fn codex(program: &Path, home: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(args)
        .env("CODEX_HOME", home)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    ensure!(
        output.status.success(),
        "{} {} ended with {}: {}",
        program.display(),
        args.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Sorted keys, two spaces, LF, one newline at the end.
fn canonical(text: &str) -> Result<String> {
    let mut value: Value =
        serde_json::from_str(text).context("the runtime's schema is not JSON")?;
    sort(&mut value);
    pretty(&value)
}

pub fn pretty(value: &Value) -> Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Sorts whatever order this build of `serde_json` keeps.
pub fn sort(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = std::mem::take(map).into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.iter_mut().for_each(|(_, value)| sort(value));
            *map = Map::from_iter(entries);
        }
        Value::Array(items) => items.iter_mut().for_each(sort),
        _ => {}
    }
}

fn sha256(texts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    texts.iter().for_each(|text| hasher.update(text));
    hasher
        .finalize()
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text_does_not_depend_on_the_order_of_keys() {
        let expected = "{\n  \"a\": [\n    {\n      \"x\": 1,\n      \"y\": 2\n    }\n  ],\n  \"b\": null\n}\n";
        assert_eq!(
            canonical(r#"{"b":null,"a":[{"y":2,"x":1}]}"#).unwrap(),
            expected
        );
        assert_eq!(
            canonical("{\"a\":[{\"x\":1,\"y\":2}],\r\n\"b\":null}").unwrap(),
            expected
        );
    }
}
