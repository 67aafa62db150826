//! `cargo xtask regen` against runtimes: the pinned one, and scripts in its place.

use std::fs;

use crate::copy::{Copy, workspace};

/// The schema is what the pinned runtime says of itself.
#[test]
fn the_tree_is_what_the_pinned_runtime_says() {
    let runtime = codex_runtime::install().unwrap();
    let copy = Copy::new();
    let program = runtime.program().to_str().unwrap();
    let ran = copy.regen(&["--check", "--codex-bin", program]);
    assert!(ran.is_up_to_date(), "{ran:?}");
    let source = fs::read_to_string(workspace().join("schema/SOURCE.json")).unwrap();
    let source: serde_json::Value = serde_json::from_str(&source).unwrap();
    assert_eq!(source["version"], codex_runtime::VERSION);
}

/// A script in the runtime's place, which needs a shell.
#[cfg(unix)]
mod scripted {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use crate::copy::{Copy, workspace};

    /// Writes a runtime that reports a version and dumps what `body` says (`$out` is the folder).
    fn runtime(copy: &Copy, body: &str) -> String {
        let path = copy.path("codex");
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = --version ]; then echo codex-cli 9.9.9; exit; fi\n\
             out=$4; schema='{}/schema'; mkdir -p \"$out\"\n{body}\n",
            workspace().canonicalize().unwrap().display()
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    const SAME: &str = "kind=stable; [ \"$5\" = --experimental ] && kind=experimental\n\
                        cp \"$schema/$kind.json\" \"$out/codex_app_server_protocol.schemas.json\"";

    #[test]
    fn a_schema_that_changed_is_shown_and_then_written() {
        let copy = Copy::new();
        let changed = format!(
            "{SAME}\nsed -i.old 's/An absolute/Some absolute/;s/A path that/Some path that/' \"$out\"/*.json"
        );
        let program = runtime(&copy, &changed);
        let before = copy.files();
        let ran = copy.regen(&["--check", "--codex-bin", &program]);
        assert!(!ran.success, "{ran:?}");
        assert!(
            ran.stdout.starts_with("--- a/schema/SOURCE.json\n"),
            "{}",
            ran.stdout
        );
        assert!(
            ran.stdout.contains("\n+  \"version\": \"9.9.9\"\n"),
            "{}",
            ran.stdout
        );
        assert!(
            ran.stdout.contains("\n+++ b/schema/stable.json\n"),
            "{}",
            ran.stdout
        );
        assert!(
            ran.stderr.ends_with("run: cargo xtask regen\n"),
            "{}",
            ran.stderr
        );
        assert_eq!(copy.files(), before);

        let ran = copy.regen(&["--codex-bin", &program]);
        assert!(ran.success, "{ran:?}");
        let shared = fs::read_to_string(copy.path("crates/codex-types/src/generated/shared.rs"));
        assert!(shared.unwrap().contains("Some path that is guaranteed"));
        let again = copy.regen(&["--offline", "--check"]);
        assert!(again.is_up_to_date(), "{again:?}");
    }

    #[test]
    fn a_dump_that_fails_or_is_refused_changes_nothing() {
        let other =
            format!("{SAME}\nsed -i.old 's/\"ClientRequest\": {{/\"Gone\": {{/' \"$out\"/*.json");
        for (body, expected) in [
            ("echo no memory >&2; exit 3", "no memory"),
            (
                ":",
                "the runtime wrote no codex_app_server_protocol.schemas.json",
            ),
            (
                "echo '{' > \"$out/codex_app_server_protocol.schemas.json\"",
                "the runtime's schema is not JSON",
            ),
            (&other, "the bundle has no ClientRequest"),
        ] {
            let copy = Copy::new();
            let program = runtime(&copy, body);
            let before = copy.files();
            let ran = copy.regen(&["--codex-bin", &program]);
            assert!(
                !ran.success && ran.stderr.contains(expected),
                "{expected}\n{ran:?}"
            );
            assert_eq!(copy.files(), before);
        }
    }
}
