//! `cargo xtask regen` writes what differs, and nothing else.

use std::fs;

use crate::copy::{Copy, GENERATED};

#[test]
fn an_unchanged_tree_is_not_written() {
    let copy = Copy::new();
    let old = copy.age();
    let ran = copy.regen(&["--offline"]);
    assert!(ran.success, "{ran:?}");
    assert_eq!(ran.stdout, "schema and generated types are up to date\n");
    assert_eq!(copy.written_since(old), [""; 0]);
}

/// From nothing the same bytes come again.
#[test]
fn deleted_files_are_restored() {
    let copy = Copy::new();
    let before = copy.files();
    fs::remove_dir_all(copy.path(GENERATED)).unwrap();
    let ran = copy.regen(&["--offline"]);
    assert!(ran.success, "{ran:?}");
    assert_eq!(copy.files(), before);
}

#[test]
fn only_what_differs_is_written_and_what_is_not_generated_goes() {
    let copy = Copy::new();
    let before = copy.files();
    let old = copy.age();
    let changed = format!("{GENERATED}/params.rs");
    copy.edit(&changed, "pub struct", "pub  struct");
    fs::write(copy.path(&format!("{GENERATED}/stray.rs")), "//! X.\n").unwrap();
    // What an interrupted run leaves: the old file is whole, and the new one beside it is not.
    fs::write(copy.path(&format!("{GENERATED}/shared.new")), "//! Hal").unwrap();
    let ran = copy.regen(&["--offline"]);
    assert!(ran.success, "{ran:?}");
    assert_eq!(
        ran.stdout,
        format!(
            "wrote {GENERATED}/params.rs\nremoved {GENERATED}/shared.new\nremoved {GENERATED}/stray.rs\n"
        )
    );
    assert_eq!(copy.files(), before);
    assert_eq!(copy.written_since(old), [changed]);
}

#[test]
fn the_folder_and_the_locale_do_not_matter() {
    let (one, other) = (Copy::new(), Copy::new());
    for (copy, locale) in [(&one, "C"), (&other, "tr_TR.UTF-8")] {
        fs::remove_dir_all(copy.path(GENERATED)).unwrap();
        let ran = copy.regen_in(&["--offline"], |command| {
            command
                .env("LC_ALL", locale)
                .env("LANG", locale)
                .current_dir(copy.path("schema"));
        });
        assert!(ran.success, "{ran:?}");
    }
    assert_eq!(one.files(), other.files());
}

#[test]
fn offline_needs_neither_runtime_nor_npm() {
    let copy = Copy::new();
    let nothing = tempfile::tempdir().unwrap();
    let ran = copy.regen_in(&["--offline", "--check"], |command| {
        command
            .env_clear()
            .env("PATH", "")
            .env("OPENAI_CODEX_CACHE", nothing.path());
        // Windows cannot start a process without it.
        if let Some(root) = std::env::var_os("SystemRoot") {
            command.env("SystemRoot", root);
        }
    });
    assert!(ran.is_up_to_date(), "{ran:?}");
    assert_eq!(fs::read_dir(nothing.path()).unwrap().count(), 0);
}

/// A schema that the generator refuses changes nothing.
#[test]
fn a_broken_schema_leaves_the_generated_files() {
    let copy = Copy::new();
    for (from, to, expected) in [
        (
            "\"definitions\"",
            "\"definitionz\"",
            "does not describe the files beside it",
        ),
        ("{", "[", "does not describe the files beside it"),
    ] {
        let copy = Copy::new();
        let before = copy.files();
        copy.edit("schema/stable.json", from, to);
        let ran = copy.regen(&["--offline"]);
        assert!(!ran.success && ran.stderr.contains(expected), "{ran:?}");
        let mut after = copy.files();
        after.insert(
            "schema/stable.json".into(),
            before["schema/stable.json"].clone(),
        );
        assert_eq!(after, before);
    }
    fs::remove_file(copy.path("schema/experimental.json")).unwrap();
    let ran = copy.regen(&["--offline"]);
    assert!(
        !ran.success && ran.stderr.contains("experimental.json"),
        "{ran:?}"
    );
}

#[test]
fn the_steps_are_listed_in_their_order() {
    let ran = Copy::new().regen(&["--list-steps"]);
    let steps: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        steps,
        [
            "dump the schema of the runtime (not with --offline)",
            "correct the schema",
            "generate types with typify and lower them",
            "lay the experimental schema over the stable one",
            "emit types and registry",
        ]
    );
}

#[test]
fn an_unknown_option_shows_the_usage() {
    let ran = Copy::new().regen(&["--fast"]);
    assert!(!ran.success);
    assert!(
        ran.stderr
            .starts_with("error: unknown option --fast\n\nUsage: cargo xtask regen"),
        "{ran:?}"
    );
}
