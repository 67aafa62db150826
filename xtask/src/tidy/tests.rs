//! Each rule against a small tree that breaks it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;

/// With the modules of the files that may hold wire strings in a layer of their own.
fn architecture() -> String {
    let sdk = wire::ALLOWED
        .iter()
        .filter_map(|(file, _)| file.strip_prefix("crates/codex-sdk/src/"));
    let modules = sdk.filter_map(|file| file.split(['/', '.']).next());
    let modules: BTreeSet<String> = modules
        .filter(|name| !["error", "client", "turn"].contains(name))
        .map(|name| format!("`{name}`"))
        .collect();
    let modules: Vec<String> = modules.into_iter().collect();
    format!(
        "# Architecture\n\nLayers of `codex-sdk`, bottom first:\n\
         values (`error`) → {}, `client` → `turn`, `lib`.\n\n\
         ## More\n",
        modules.join(", ")
    )
}

/// A tree that satisfies every rule, with some files changed.
fn tree(changes: &[(&str, &[u8])]) -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    let methods: String = (0..101)
        .map(|n| format!("    \"a/m{n}\" P object => R,\n"))
        .collect();
    let shared = "    0 thread_id \"threadId\" required,\n    0 id \"id\" required,\n";
    let sdk = "crates/codex-sdk/src/";
    let good = [
        ("ARCHITECTURE.md".to_owned(), architecture()),
        (format!("{GENERATED}methods.rs"), methods),
        (format!("{GENERATED}shared.rs"), shared.to_owned()),
        (format!("{sdk}error.rs"), "//! X.\n".to_owned()),
        (format!("{sdk}client.rs"), "//! X.\n".to_owned()),
        (
            format!("{sdk}turn.rs"),
            "//! X.\nuse crate::client::Codex;\n".to_owned(),
        ),
        (format!("{sdk}lib.rs"), "//! X.\nmod turn;\n".to_owned()),
    ];
    for (file, text) in &good {
        write(temp.path(), file, text.as_bytes());
    }
    for (file, _) in wire::ALLOWED {
        write(
            temp.path(),
            file,
            b"//! X.\nconst M: &str = r#\"{\"threadId\":\"#;\n",
        );
    }
    for (file, bytes) in changes {
        write(temp.path(), file, bytes);
    }
    temp
}

fn write(root: &Path, file: &str, bytes: &[u8]) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// The findings as `file:line: what`.
fn found(changes: &[(&str, &[u8])]) -> Vec<String> {
    let temp = tree(changes);
    let findings = findings(temp.path()).unwrap();
    let shown = findings
        .iter()
        .map(|found| format!("{}:{}: {}", found.file, found.line, found.what));
    shown.collect()
}

#[test]
fn a_tidy_tree_has_no_findings() {
    assert_eq!(found(&[]), [""; 0]);
}

#[test]
fn imports_from_a_higher_layer_are_found() {
    let text = b"//! X.\n\nuse crate::turn::Turn;\n#[cfg(test)]\nmod tests { use crate::lib; }\n";
    assert_eq!(
        found(&[("crates/codex-sdk/src/error/rpc.rs", text)]),
        ["crates/codex-sdk/src/error/rpc.rs:3: error imports from the higher layer of turn"]
    );
}

#[test]
fn a_module_in_no_layer_is_found() {
    assert_eq!(
        found(&[("crates/codex-sdk/src/novel.rs", b"//! X.\n")]),
        ["crates/codex-sdk/src/novel.rs:1: the module novel is in no layer"]
    );
}

#[test]
fn modules_without_docs_and_long_files_are_found() {
    let soft = format!("//! X.\n{}", "\n".repeat(400));
    let hard = format!("//! X.\n{}", "\n".repeat(500));
    assert_eq!(
        found(&[
            ("crates/a/src/lib.rs", b"mod a;\n"),
            ("crates/a/src/soft.rs", soft.as_bytes()),
            ("crates/a/src/hard.rs", hard.as_bytes()),
        ]),
        [
            "crates/a/src/lib.rs:1: does not start with `//!`",
            "crates/a/src/hard.rs:500: has 501 lines, more than 500",
            "crates/a/src/soft.rs:400: has 401 lines, more than 400",
        ]
    );
}

/// No wire string stands outside of generated code.
#[test]
fn wire_strings_outside_of_generated_code_are_found() {
    let text = r##"//! "threadId" in docs.
/// "a/m2" as well.
fn f() -> [&'static str; 3] { ["id", "a/m2", "x threadId"] }
fn g() -> &'static str { r#"{"threadId":1}"# }
#[cfg(test)]
mod tests { const T: &str = "threadId"; }
"##;
    assert_eq!(
        found(&[("crates/codex-sdk/src/error.rs", text.as_bytes())]),
        [
            "crates/codex-sdk/src/error.rs:3: holds the wire string \"a/m2\"",
            "crates/codex-sdk/src/error.rs:4: holds the wire string \"threadId\"",
        ]
    );
}

#[test]
fn an_allowance_without_use_is_found() {
    assert_eq!(
        found(&[("crates/codex-sdk/src/names.rs", b"//! X.\n")]),
        [
            "xtask/src/tidy/wire.rs:1: allows wire strings in crates/codex-sdk/src/names.rs, which has none"
        ]
    );
}

#[test]
fn the_pinned_version_is_found() {
    assert_eq!(
        found(&[("docs/b.md", codex_runtime::VERSION.as_bytes())]),
        ["docs/b.md:1: repeats the version of the pin"]
    );
}

#[test]
fn circles_of_files_are_found_and_parents_with_their_children_are_none() {
    assert_eq!(
        found(&[
            ("crates/a/src/lib.rs", b"//! X.\nmod one;\nmod two;\n"),
            (
                "crates/a/src/one.rs",
                b"//! X.\nmod inner;\npub use inner::Inner;\nuse crate::two::{Two, other};\n"
            ),
            (
                "crates/a/src/one/inner.rs",
                b"//! X.\nuse super::One;\npub struct Inner;\n"
            ),
            ("crates/a/src/two.rs", b"//! X.\nuse super::one::One;\n"),
            (
                "crates/a/src/three.rs",
                b"//! X.\nuse crate::two::Two;\n#[cfg(test)]\nuse crate::three::x;\n"
            ),
        ]),
        ["crates/a/src/one.rs:1: depend on each other: one → two → one"]
    );
}

#[test]
fn names_of_tests_that_do_not_exist_are_found() {
    assert_eq!(
        found(&[
            (
                "docs/behaviors.md",
                b"| a | `tests/it/a.rs::it_holds` |\n| b | `tests/it/a.rs::it_is_gone` |\n"
            ),
            ("tests/it/a.rs", b"//! X.\n#[test]\nfn it_holds() {}\n"),
        ]),
        ["docs/behaviors.md:2: names the test tests/it/a.rs::it_is_gone, which does not exist"]
    );
}
