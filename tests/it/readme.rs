//! The README: what it shows is what happens.

use std::fs;
use std::path::{Path, PathBuf};

use crate::examples;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn readme() -> String {
    fs::read_to_string(repository().join("README.md")).unwrap()
}

/// The lines of the blocks in this language.
fn blocks<'text>(text: &'text str, language: &str) -> Vec<&'text str> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if let Some(opened) = line.strip_prefix("```") {
            inside = opened == language;
        } else if inside {
            lines.push(line);
        }
    }
    lines
}

/// How long the turn took is another number each time.
fn without_seconds(line: &str) -> String {
    match (line.split_once("completed in "), line.split_once(" s: ")) {
        (Some(("", _)), Some((_, rest))) => format!("completed: {rest}"),
        _ => line.to_owned(),
    }
}

#[tokio::test]
async fn the_output_in_the_readme_is_that_of_the_quickstart() {
    let readme = readme();
    let shown = blocks(&readme, "text");
    assert!(shown.len() > 3, "{shown:?}");
    let printed = examples::run("quickstart", "").await;
    let printed: Vec<String> = printed.lines().map(without_seconds).collect();
    for line in shown {
        let line = without_seconds(line);
        assert!(printed.contains(&line), "{line:?} is not in {printed:#?}");
    }
}

/// Each command is one that a test runs, or CI itself.
#[test]
fn the_commands_of_the_readme_are_run_by_tests() {
    let readme = readme();
    let commands = blocks(&readme, "sh");
    assert!(commands.len() >= 4, "{commands:?}");
    for line in commands {
        let (command, _) = line.split_once(" #").unwrap_or((line, ""));
        let words: Vec<&str> = command.split_whitespace().collect();
        match words[..] {
            ["cargo", "run", "--example", example] => {
                assert!(examples::TESTED.contains(&example), "{line}");
            }
            ["cargo", "xtask", ..] => {
                let ci = fs::read_to_string(repository().join(".ci/test")).unwrap();
                let step = format!("step {}", words.join(" "));
                assert!(ci.lines().any(|line| line == step), "{line}");
            }
            [
                "cargo",
                "run",
                "--manifest-path",
                "apps/Cargo.toml",
                "-p",
                app,
                "--",
                "--demo",
            ] => {
                let folder = app.strip_prefix("codex-").unwrap();
                let tests = repository().join("apps").join(folder).join("tests/it");
                let mut tests = fs::read_dir(tests).unwrap();
                let is_run = tests.any(|test| {
                    let test = fs::read_to_string(test.unwrap().path());
                    test.is_ok_and(|test| test.contains("\"--demo\""))
                });
                assert!(is_run, "{line}");
            }
            _ => panic!("no test is known to run {line}"),
        }
    }
}

#[test]
fn the_links_of_the_readme_lead_somewhere() {
    let readme = readme();
    let links = readme.split("](").skip(1);
    let links = links.map(|rest| rest.split_once(')').unwrap().0);
    for link in links.filter(|link| !link.contains("://")) {
        assert!(repository().join(link).exists(), "{link}");
    }
}
