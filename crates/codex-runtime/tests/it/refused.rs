//! Starts that fail, and the error of each.

use std::fs;
use std::path::{Path, PathBuf};

use codex_runtime::{Environment, Error, Launch};

use crate::support::write_script;

/// A folder with things that cannot be started.
struct Things(tempfile::TempDir);

impl Things {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// An executable file with these bytes, written by another process.
    fn executable(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let (source, path) = (self.path("source"), self.path(name));
        fs::write(&source, bytes).unwrap();
        write_script(&path, "");
        let copied = std::process::Command::new("cp")
            .args([&source, &path])
            .status();
        assert!(copied.unwrap().success());
        path
    }
}

/// Starts it, and returns the words of the refusal.
#[track_caller]
fn refused(launch: &Launch) -> String {
    let plan = launch.plan(&Environment::current()).unwrap();
    let source = plan.to_command().spawn().map(drop).unwrap_err();
    let error = plan.spawn_error(source);
    assert!(matches!(error, Error::Spawn { .. }), "{error:?}");
    assert!(std::error::Error::source(&error).is_some());
    error.to_string()
}

fn of(program: &Path) -> Launch {
    Launch::command_line([program])
}

#[track_caller]
fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    assert!(!text.contains("check that it is an executable"), "{text}");
}

#[test]
fn a_folder_that_cannot_be_entered_is_named() {
    let things = Things::new();
    let (missing, file) = (things.path("missing"), things.path("file"));
    fs::write(&file, "").unwrap();
    for (dir, words) in [
        (missing, "does not exist; create it"),
        (file.clone(), "is a file; give a folder"),
        (file.join("below"), "is not a folder"),
    ] {
        let launch = of("/bin/true".as_ref()).cwd(&dir);
        let told = format!("its working folder {} {words}", dir.display());
        holds(&refused(&launch), &["cannot start /bin/true: ", &told]);
        let early = launch.check().unwrap_err();
        assert!(matches!(early, Error::InvalidLaunch { .. }), "{early:?}");
        holds(&early.to_string(), &[&*dir.to_string_lossy(), words]);
    }
    of("/bin/true".as_ref()).cwd("/").check().unwrap();
}

#[test]
fn a_file_that_is_no_program_is_named() {
    let things = Things::new();
    let plain = things.path("plain");
    fs::write(&plain, "text").unwrap();
    let script = |name: &str, text: &str| things.executable(name, text.as_bytes());
    for (program, words) in [
        (things.path("missing"), "there is no such file"),
        (plain.clone(), "it is not executable"),
        (plain.join("codex"), "a folder above it is a file"),
        (things.path(""), "it is not a file"),
        (script("empty", ""), "the file is empty"),
        (
            script("odd", "#!/no/such/shell -x\n"),
            "it is a script for \"/no/such/shell\", which does not exist",
        ),
        (
            script("dos", "#!/bin/sh\r\necho\r\n"),
            "it is a script for \"/bin/sh\\r\", which does not exist",
        ),
        (
            script("folder", "#!/tmp\n"),
            "this user may not run it or its interpreter \"/tmp\"",
        ),
    ] {
        let told = format!("cannot start {}: {words}", program.display());
        holds(&refused(&of(&program)), &[&told]);
    }
    let told = refused(&Launch::command_line(["no-such-codex", "x"]));
    holds(
        &told,
        &["cannot start no-such-codex: there is no such program on PATH"],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_for_another_system_is_named() {
    let things = Things::new();
    let own = fs::read("/bin/true").unwrap();

    let mut foreign = own.clone();
    let other = if cfg!(target_arch = "aarch64") {
        0x3e
    } else {
        0xb7
    };
    foreign[0x12..0x14].copy_from_slice(&[other, 0]);
    let foreign = things.executable("foreign", &foreign);
    let told = refused(&of(&foreign));
    let system = format!("and this system is linux {}", std::env::consts::ARCH);
    holds(&told, &["it is a program for linux ", &system, "install()"]);

    let mach = things.executable("mach", b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01");
    holds(
        &refused(&of(&mach)),
        &["it is a program for macos", &system],
    );

    // As a build for another C library.
    let loader = b"/ld-linux-";
    let at = own.windows(loader.len()).position(|part| part == loader);
    let at = at.expect("/bin/true has a loader");
    let mut unlinked = own;
    unlinked[at..at + loader.len()].copy_from_slice(b"/no-such--");
    let unlinked = things.executable("unlinked", &unlinked);
    let told = refused(&of(&unlinked));
    holds(
        &told,
        &["it needs the loader /lib", "/no-such--", "does not have"],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_text_that_is_too_long_is_named_and_not_shown() {
    let things = Things::new();
    let program = things.executable("codex", b"#!/bin/sh\n");
    let runtime = codex_runtime::Locator::new().explicit(&program).locate();
    let (runtime, long) = (runtime.unwrap(), "secret".repeat(40_000));
    let too_long = [
        (
            Launch::new(&runtime).config("instructions", format!("'{long}'")),
            "the config override \"instructions\" of 240015 bytes",
        ),
        (
            Launch::command_line(["/bin/true", "a", &long]),
            "argument 2 of 240000 bytes",
        ),
        (
            of("/bin/true".as_ref()).env("NOTES", &long),
            "the variable NOTES of 240006 bytes",
        ),
    ];
    for (launch, words) in too_long {
        let told = refused(&launch);
        holds(&told, &[words, "larger than the system allows"]);
        assert!(!told.contains("secret"));
    }
}
