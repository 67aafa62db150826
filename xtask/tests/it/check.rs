//! `cargo xtask regen --check` says how the tree differs, and changes nothing.

use std::fs;

use crate::copy::{Copy, GENERATED, Ran};

/// Checks a copy after a change, and that the check itself changed nothing.
fn check(change: impl FnOnce(&Copy)) -> Ran {
    let copy = Copy::new();
    change(&copy);
    let before = copy.files();
    let ran = copy.regen(&["--offline", "--check"]);
    assert_eq!(copy.files(), before);
    ran
}

const REMEDY: &str =
    "error: the tree is not what the generator makes; run: cargo xtask regen --offline\n";

#[test]
fn a_tree_as_generated_passes() {
    let ran = check(|_| ());
    assert!(ran.is_up_to_date(), "{ran:?}");
}

#[test]
fn a_changed_file_is_shown_as_a_diff_with_the_remedy() {
    let ran = check(|copy| copy.edit(&format!("{GENERATED}/params.rs"), "//! What", "//! That"));
    assert!(!ran.success);
    assert!(ran.stderr.ends_with(REMEDY), "{ran:?}");
    let expected =
        format!("--- a/{GENERATED}/params.rs\n+++ b/{GENERATED}/params.rs\n@@ -1,7 +1,7 @@\n");
    assert!(ran.stdout.starts_with(&expected), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("\n-//! That the client sends"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("\n+//! What the client sends"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_missing_and_a_stray_file_are_shown() {
    let ran = check(|copy| fs::remove_file(copy.path(&format!("{GENERATED}/methods.rs"))).unwrap());
    assert!(!ran.success);
    assert!(ran.stderr.ends_with(REMEDY), "{ran:?}");
    let expected = format!("--- /dev/null\n+++ b/{GENERATED}/methods.rs\n@@ -0,0 +1,");
    assert!(ran.stdout.starts_with(&expected), "{}", &ran.stdout[..200]);

    let stray = format!("{GENERATED}/stray.rs");
    let ran = check(|copy| fs::write(copy.path(&stray), "//! X.\n").unwrap());
    assert!(!ran.success);
    let expected = format!("--- a/{stray}\n+++ /dev/null\n@@ -1 +0,0 @@\n-//! X.\n");
    assert_eq!(ran.stdout, expected);
}

#[test]
fn a_schema_that_was_edited_by_hand_is_refused() {
    let ran = check(|copy| copy.edit("schema/stable.json", "\"AbsolutePathBuf\"", "\"APath\""));
    assert!(!ran.success);
    assert_eq!(
        ran.stderr,
        "error: --offline starts from the checked-in schema: schema/SOURCE.json does not describe \
         the files beside it: run cargo xtask regen\n"
    );
}
