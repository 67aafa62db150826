//! The order of the four places in which a runtime is looked for.

use std::fs;
use std::path::PathBuf;

use codex_runtime::{Environment, Error, Locator, MINIMUM_VERSION, Source, Version};

use crate::packages::Package;
use crate::support::{Machine, bounded, write_script};

/// A machine with a `codex` in every place.
struct Places {
    machine: Machine,
    explicit: PathBuf,
    named: PathBuf,
    on_path: PathBuf,
}

impl Places {
    fn new() -> Self {
        let machine = Machine::with_package(&Package::complete().pack());
        let dir = machine.dir();
        let places = Self {
            explicit: dir.join("explicit").join("codex"),
            named: dir.join("named").join("codex"),
            on_path: dir.join("bin").join("codex"),
            machine,
        };
        for program in [&places.explicit, &places.named, &places.on_path] {
            write_script(program, "#!/bin/sh\necho codex-cli 0.200.0\n");
        }
        places
    }

    fn locator(&self) -> Locator {
        Locator::new()
            .environment(self.machine.environment())
            .pin(self.machine.pin())
    }

    fn with_variable(&self, value: impl Into<std::ffi::OsString>) -> Locator {
        let mut environment = self.machine.environment();
        environment.set("CODEX_BIN", value);
        self.locator().environment(environment)
    }
}

/// The installed runtime is found where nothing else is named.
#[test]
fn the_places_are_tried_in_order() {
    let places = Places::new();

    let runtime = places.locator().locate().unwrap();
    assert_eq!(runtime.program(), places.on_path);
    assert_eq!(runtime.source(), Source::Path);
    assert_eq!(runtime.version(), Some(&Version::new(0, 200, 0)));
    assert_eq!(runtime.path_dir(), None);

    let installed = places.machine.installer().install().unwrap();
    assert_eq!(places.locator().locate().unwrap(), installed);

    let runtime = places.with_variable(&places.named).locate().unwrap();
    assert_eq!(runtime.program(), places.named);
    assert_eq!((runtime.source(), runtime.version()), (Source::Env, None));
    assert_eq!(runtime.path_dir(), None);

    let locator = places.with_variable(&places.named);
    let runtime = locator.explicit(&places.explicit).locate().unwrap();
    assert_eq!(runtime.program(), places.explicit);
    assert_eq!(
        (runtime.source(), runtime.version()),
        (Source::Explicit, None)
    );
    assert_eq!(runtime.path_dir(), None);
}

#[test]
fn a_path_that_was_named_is_used_or_is_an_error() {
    let places = Places::new();
    places.machine.installer().install().unwrap();
    let missing = places.machine.dir().join("missing");
    let plain = places.machine.dir().join("plain");
    fs::write(&plain, "text").unwrap();
    for (path, reason) in [
        (&missing, "there is no such file"),
        (&plain, "it is not executable"),
        (&places.machine.dir().to_owned(), "it is not a file"),
    ] {
        for (locator, setting) in [
            (places.locator().explicit(path), "codex_bin"),
            (places.with_variable(path), "CODEX_BIN"),
        ] {
            let error = locator.locate().unwrap_err();
            assert!(matches!(error, Error::MissingProgram { .. }), "{error}");
            let text = error.to_string();
            assert!(text.contains(&path.display().to_string()), "{text}");
            assert!(text.contains(reason) && text.contains(setting), "{text}");
        }
    }
}

/// A path that was given wins, and nothing else is looked at.
#[test]
fn an_explicit_path_is_all_that_is_looked_at() {
    let places = Places::new();
    // With this installation anything else would be an error.
    fs::create_dir_all(places.machine.installation().dir()).unwrap();
    let locator = places.locator().explicit(&places.explicit);
    assert_eq!(locator.locate().unwrap().program(), places.explicit);
    let error = places.locator().locate().unwrap_err();
    assert!(matches!(error, Error::CorruptCache { .. }), "{error}");
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let places = Places::new();
    let runtime = places.with_variable("").locate().unwrap();
    assert_eq!(runtime.source(), Source::Path);
}

#[test]
fn an_unsupported_codex_on_path_is_passed_over() {
    let places = Places::new();
    let dir = places.machine.dir();
    let scripts = [
        ("old", "echo codex-cli 0.139.0"),
        ("unknown", "echo codex-cli unknown"),
        ("broken", "exit 1"),
        ("loud", "echo cannot load >&2; exit 7"),
        ("early", "echo codex-cli 0.144.0-alpha.3"),
    ];
    for (name, body) in scripts {
        write_script(
            &dir.join(name).join("codex"),
            &format!("#!/bin/sh\n{body}\n"),
        );
    }
    write_script(&dir.join("odd").join("codex"), "#!/no/such/interpreter\n");
    fs::create_dir_all(dir.join("folder").join("codex")).unwrap();
    let path = |names: &[&str]| {
        let dirs = names.iter().map(|name| dir.join(name));
        std::env::join_paths(dirs).unwrap()
    };
    let mut names = vec!["folder", "old", "unknown", "broken", "loud", "early", "odd"];
    let environment = |names: &[&str]| Environment::unix([("PATH", path(names))]);

    let locator = places.locator().environment(environment(&names));
    let text = locator.locate().unwrap_err().to_string();
    for part in [
        "codex_bin (not set)".to_owned(),
        "CODEX_BIN (not set)".to_owned(),
        "the pinned runtime 7.8.9 (cannot tell the user's cache folder".to_owned(),
        format!(
            "{} (version 0.139.0, {MINIMUM_VERSION} or newer",
            dir.join("old/codex").display()
        ),
        format!(
            "{} (it does not tell its version)",
            dir.join("unknown/codex").display()
        ),
        format!(
            "{} (it does not tell its version)",
            dir.join("broken/codex").display()
        ),
        format!(
            "{} (version 0.144.0-alpha.3",
            dir.join("early/codex").display()
        ),
        format!(
            "{} (it cannot be started): it is a script for \"/no/such/interpreter\", which does not \
             exist",
            dir.join("odd/codex").display()
        ),
        format!(
            "{} (it does not tell its version): it ended with exit status: 7: cannot load",
            dir.join("loud/codex").display()
        ),
        "run openai_codex::runtime::install()".to_owned(),
    ] {
        assert!(text.contains(&part), "{part}: {text}");
    }

    names.push("bin");
    let locator = places.locator().environment(environment(&names));
    assert_eq!(locator.locate().unwrap().program(), places.on_path);
}

/// A program that hangs is passed over within seconds, and one that tells its version and then
/// hangs is used at once.
#[test]
fn a_codex_that_hangs_costs_seconds() {
    let places = Places::new();
    let dir = places.machine.dir();
    let scripts = [
        ("mute", "exec sleep 100"),
        ("chatty", "while :; do echo thinking >&2; sleep 0.1; done"),
        ("slow", "echo codex-cli 0.201.0; exec sleep 100"),
    ];
    for (name, body) in scripts {
        write_script(
            &dir.join(name).join("codex"),
            &format!("#!/bin/sh\n{body}\n"),
        );
    }
    let path = |names: &[&str]| {
        let dirs = names.iter().map(|name| dir.join(name));
        Environment::unix([("PATH", std::env::join_paths(dirs).unwrap())])
    };
    let locate = |names: &[&str]| {
        let locator = places.locator().environment(path(names));
        let begin = std::time::Instant::now();
        (bounded(move || locator.locate()), begin.elapsed())
    };

    let (found, time) = locate(&["slow"]);
    assert_eq!(found.unwrap().version(), Some(&Version::new(0, 201, 0)));
    assert!(time < std::time::Duration::from_secs(2), "{time:?}");

    let (found, time) = locate(&["mute", "chatty", "bin"]);
    assert_eq!(found.unwrap().program(), places.on_path);
    assert!(time < std::time::Duration::from_secs(9), "{time:?}");

    let (found, time) = locate(&["mute", "chatty"]);
    let text = found.unwrap_err().to_string();
    assert!(
        text.contains("mute/codex (it did not tell its version within 3 s), "),
        "{text}"
    );
    assert!(
        text.contains("chatty/codex (it did not tell its version within 3 s): thinking"),
        "{text}"
    );
    assert!(time < std::time::Duration::from_secs(9), "{time:?}");
}

/// Nothing is downloaded or guessed; the error says what was tried.
#[test]
fn nothing_anywhere_says_everything_that_was_tried() {
    let machine = Machine::with_package(&Package::complete().pack());
    let mut environment = machine.environment();
    // A relative entry is never looked at: it would depend on the current folder.
    environment.set("PATH", "relative::.");
    let locator = Locator::new().environment(environment).pin(machine.pin());
    let error = locator.locate().unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    let text = error.to_string();
    for part in [
        "codex_bin (not set)",
        "CODEX_BIN (not set)",
        &format!("(not in {})", machine.installation().dir().display()),
        "codex on PATH (there is none)",
        "cargo xtask runtime install",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(machine.npm_calls(), [""; 0]);
}
