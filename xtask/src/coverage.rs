//! `cargo xtask coverage-of-catalogue`: which behaviors of the catalogue have a test that names them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::tree;

const HELP: &str = "\
Usage: cargo xtask coverage-of-catalogue [--catalogue PATH]

Reads the ids of the catalogue (**ABC-12**), and the ids in the doc lines above tests, and prints what is
covered and what is missing, by group. The catalogue is ../shared/reference/behaviours.md by default.
";

/// Where the catalogue is on machines that have it.
const DEFAULT: &str = "../shared/reference/behaviours.md";

/// Runs the command.
pub fn run(args: &[String]) -> Result<ExitCode> {
    let root = tree::root();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let path = match args.as_slice() {
        [] => root.join(DEFAULT),
        ["--catalogue", path] => PathBuf::from(path),
        ["--help" | "-h"] => {
            print!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        _ => bail!("unknown arguments {}\n\n{HELP}", args.join(" ")),
    };
    if args.is_empty() && !path.exists() {
        println!(
            "no catalogue at {}: nothing to compare with",
            path.display()
        );
        return Ok(ExitCode::SUCCESS);
    }
    let catalogue = fs::read_to_string(&path)
        .with_context(|| format!("cannot read the catalogue {}", path.display()))?;
    print!("{}", report(&catalogued(&catalogue), &tested(&root)?));
    Ok(ExitCode::SUCCESS)
}

/// A behavior's id: its group and its number, which may have a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Id {
    group: String,
    number: String,
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.group, self.number)
    }
}

/// The ids that the catalogue defines: bold, at the start of an entry.
fn catalogued(text: &str) -> BTreeSet<Id> {
    let entries = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("- **"));
    entries.filter_map(|entry| ids(entry).next()).collect()
}

/// Ids in a text: up to four capitals (one for a deliberate difference), a dash, two digits or more.
fn ids(text: &str) -> impl Iterator<Item = Id> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter_map(|word| {
        let (group, number) = word.split_once('-')?;
        let capitals =
            (1..=4).contains(&group.len()) && group.bytes().all(|b| b.is_ascii_uppercase());
        let digits = number.trim_end_matches(|c: char| c.is_ascii_lowercase());
        let numbered = digits.len() >= 2 && digits.bytes().all(|b| b.is_ascii_digit());
        (capitals && numbered).then(|| Id {
            group: group.to_owned(),
            number: number.to_owned(),
        })
    })
}

/// The ids that tests name, with the tests' places.
fn tested(root: &Path) -> Result<BTreeMap<Id, Vec<String>>> {
    let mut tested: BTreeMap<Id, Vec<String>> = BTreeMap::new();
    let folders = ["tests/", "crates/", "xtask/"];
    for file in tree::files(root)? {
        if !file.ends_with(".rs") || !folders.iter().any(|folder| file.starts_with(folder)) {
            continue;
        }
        let text = fs::read_to_string(root.join(&file))?;
        for (line, id) in named(&text) {
            tested.entry(id).or_default().push(format!("{file}:{line}"));
        }
    }
    Ok(tested)
}

/// The ids in the doc lines right above tests, with the line of the test.
fn named(text: &str) -> Vec<(usize, Id)> {
    let mut named = Vec::new();
    let mut docs: Vec<Id> = Vec::new();
    let mut is_test = false;
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if let Some(doc) = line.strip_prefix("///") {
            docs.extend(ids(doc));
        } else if line.starts_with("#[") {
            // `#[test]`, `#[tokio::test]`, `#[tokio::test(flavor = …)]`.
            let name = line
                .trim_start_matches("#[")
                .split(['(', ']'])
                .next()
                .unwrap_or_default();
            is_test |= name == "test" || name.ends_with("::test");
        } else {
            if is_test && line.contains("fn ") {
                named.extend(docs.drain(..).map(|id| (index + 1, id)));
            }
            docs.clear();
            is_test = false;
        }
    }
    named
}

fn report(catalogue: &BTreeSet<Id>, tested: &BTreeMap<Id, Vec<String>>) -> String {
    let mut groups: BTreeMap<&str, (Vec<&Id>, Vec<&Id>)> = BTreeMap::new();
    for id in catalogue {
        let (covered, missing) = groups.entry(&id.group).or_default();
        if tested.contains_key(id) {
            covered
        } else {
            missing
        }
        .push(id);
    }
    let mut text = String::new();
    let mut totals = (0, 0);
    for (group, (covered, missing)) in &groups {
        let all = covered.len() + missing.len();
        totals = (totals.0 + covered.len(), totals.1 + all);
        text.push_str(&format!("{group}: {} of {all}\n", covered.len()));
        for id in covered {
            let places = tested
                .get(id)
                .map(|places| places.join(", "))
                .unwrap_or_default();
            text.push_str(&format!("  {id}  {places}\n"));
        }
        if !missing.is_empty() {
            let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
            text.push_str(&format!("  missing: {}\n", names.join(" ")));
        }
    }
    let groups: BTreeSet<&str> = catalogue.iter().map(|id| id.group.as_str()).collect();
    for (id, places) in tested {
        if groups.contains(id.group.as_str()) && !catalogue.contains(id) {
            let places = places.join(", ");
            text.push_str(&format!(
                "unknown: {id}, which no entry of the catalogue has  {places}\n"
            ));
        }
    }
    text.push_str(&format!("all: {} of {}\n", totals.0, totals.1));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOGUE: &str =
        "# 1. Text\n- **ROU-01** One.\n- **ROU-02** Two, see ROU-09.\n- **D-03 Bold.** Three.\n";

    #[test]
    fn the_catalogue_s_ids_are_those_that_start_an_entry() {
        let names: Vec<String> = catalogued(CATALOGUE)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(names, ["D-03", "ROU-01", "ROU-02"]);
    }

    #[test]
    fn ids_count_only_above_tests() {
        let text = "/// ROU-01: not a test.\nfn helper() {}\n\n/// ROU-02, D-03.\n/// And PIN-4 is none.\n\
                    #[tokio::test(flavor = \"current_thread\")]\n#[cfg(unix)]\nasync fn works() {}\n\n\
                    #[test]\nfn plain() {}\nproptest! {\n    /// ROU-40b\n    #[test]\n    fn holds(a in 0..1) {}\n}\n";
        let found: Vec<String> = named(text)
            .iter()
            .map(|(line, id)| format!("{line} {id}"))
            .collect();
        assert_eq!(found, ["8 ROU-02", "8 D-03", "15 ROU-40b"]);
    }

    #[test]
    fn the_report_lists_covered_missing_and_unknown_ids() {
        let tested = named("/// ROU-01, ROU-07, XYZ-11.\n#[test]\nfn a() {}\n");
        let tested = tested
            .into_iter()
            .map(|(line, id)| (id, vec![format!("a.rs:{line}")]))
            .collect();
        let expected = "D: 0 of 1\n  missing: D-03\nROU: 1 of 2\n  ROU-01  a.rs:3\n  missing: ROU-02\n\
                        unknown: ROU-07, which no entry of the catalogue has  a.rs:3\nall: 1 of 3\n";
        assert_eq!(report(&catalogued(CATALOGUE), &tested), expected);
    }
}
