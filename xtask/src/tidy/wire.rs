//! Wire strings stand only in generated code: everything else uses types and constants.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::source::Source;
use super::{Finding, GENERATED, Repository};

/// The crates whose sources are checked; the testkit plays the other side, and speaks plain JSON.
const CHECKED: [&str; 3] = [
    "crates/codex-runtime/src/",
    "crates/codex-sdk/src/",
    "crates/codex-types/src/",
];

/// Files that may hold wire strings, with the reason. A row without one is to be removed.
pub const ALLOWED: [(&str, &str); 9] = [
    (
        "crates/codex-sdk/src/connection/attached/look.rs",
        "makes an answer that the runtime gave and that was lost",
    ),
    (
        "crates/codex-sdk/src/event.rs",
        "acts on what it cannot decode by its raw ids",
    ),
    (
        "crates/codex-sdk/src/names.rs",
        "the few methods that the router itself acts on",
    ),
    (
        "crates/codex-sdk/src/schema/arguments.rs",
        "knows the keywords of JSON Schema",
    ),
    (
        "crates/codex-sdk/src/schema/strict.rs",
        "knows the keywords of JSON Schema",
    ),
    (
        "crates/codex-sdk/src/server_info.rs",
        "reads part by part what a runtime of any version says of itself",
    ),
    (
        "crates/codex-sdk/src/tool/registry.rs",
        "describes tools where the types of the experimental API are not there",
    ),
    (
        "crates/codex-types/src/failure.rs",
        "knows the errors of every version of the runtime",
    ),
    (
        "crates/codex-types/src/unknown.rs",
        "routes by raw ids what it cannot decode",
    ),
];

pub fn check(repository: &Repository<'_>) -> Result<Vec<Finding>> {
    let wire = Wire::read(repository)?;
    let mut findings = Vec::new();
    let mut used = BTreeSet::new();
    for file in repository.rust_files(&CHECKED) {
        if file
            .split('/')
            .any(|part| part == "tests" || part.ends_with("tests.rs"))
        {
            continue;
        }
        for (line, string) in Source::read(&repository.text(file)?, &[])?.strings {
            let Some(name) = wire.find(&string) else {
                continue;
            };
            if ALLOWED.iter().any(|(allowed, _)| *allowed == file) {
                used.insert(file);
                continue;
            }
            let what = format!("holds the wire string {name:?}");
            let remedy = "use the generated type, or its METHOD; if neither can say it, name the file \
                          in xtask/src/tidy/wire.rs with the reason";
            findings.push(Finding::error(file, line, what, remedy));
        }
    }
    for (file, _) in ALLOWED.iter().filter(|(file, _)| !used.contains(file)) {
        let what = format!("allows wire strings in {file}, which has none");
        findings.push(Finding::error(
            "xtask/src/tidy/wire.rs",
            1,
            what,
            "remove the row",
        ));
    }
    Ok(findings)
}

/// Every method name, and every field name that is not also a word of Rust (`threadId`, not `id`).
struct Wire {
    methods: BTreeSet<String>,
    fields: BTreeSet<String>,
}

impl Wire {
    fn read(repository: &Repository<'_>) -> Result<Self> {
        let (mut methods, mut fields) = (BTreeSet::new(), BTreeSet::new());
        let files = repository
            .files
            .iter()
            .filter(|file| file.starts_with(GENERATED));
        for file in files.filter(|file| file.ends_with(".rs")) {
            for line in repository.text(file)?.lines() {
                let Some(wire) = line.split('"').nth(1) else {
                    continue;
                };
                // Rows of the tables: `"turn/start" TurnStartParams …` and `0 thread_id "threadId" …`.
                let row = line.starts_with("    ") && line.ends_with(',');
                if file.ends_with("methods.rs") && row && wire.contains('/') {
                    methods.insert(wire.to_owned());
                } else if row && wire.contains(char::is_uppercase) && is_field_row(line) {
                    fields.insert(wire.to_owned());
                }
            }
        }
        ensure!(
            methods.len() > 100 && fields.contains("threadId"),
            "the generated tables do not look as expected: teach xtask/src/tidy/wire.rs"
        );
        Ok(Self { methods, fields })
    }

    /// The wire name that a string is, or holds as JSON does.
    fn find(&self, string: &str) -> Option<&str> {
        let whole = self.methods.get(string).or_else(|| self.fields.get(string));
        if let Some(name) = whole {
            return Some(name);
        }
        let parts = string.split('"').skip(1).step_by(2);
        let mut known = parts.filter_map(|part| self.methods.get(part).or(self.fields.get(part)));
        known.next().map(String::as_str)
    }
}

fn is_field_row(line: &str) -> bool {
    let line = line
        .trim_start()
        .trim_start_matches("#[cfg(feature = \"experimental\")] ");
    line.starts_with(|first: char| first.is_ascii_digit())
}
