//! A good installation, what can happen to it, and how it is mended.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::{Arc, Mutex};

use codex_runtime::{
    Error, Installation, Locator, Pin, ProgressEvent, Source, Step, Target, Version,
};

use crate::packages::Package;
use crate::support::{Machine, VERSION, files_below};

fn installed() -> Machine {
    let machine = Machine::with_package(&Package::complete().pack());
    machine.installer().install().unwrap();
    machine
}

/// Every part of the package is installed, files that nobody knows too.
#[test]
fn an_installation_has_everything_and_is_not_repeated() {
    let machine = Machine::with_package(&Package::complete().pack());
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    let installer = machine
        .installer()
        .progress(move |event: &ProgressEvent<'_>| {
            let mut steps = seen.lock().unwrap();
            if steps.last() != Some(&event.step) {
                steps.push(event.step);
            }
        });
    let runtime = installer.install().unwrap();
    let dir = machine.installation().dir().to_owned();
    assert_eq!(runtime.program(), dir.join("bin").join("codex"));
    assert_eq!(runtime.source(), Source::Pinned);
    assert_eq!(runtime.version(), VERSION.parse::<Version>().ok().as_ref());
    assert_eq!(runtime.path_dir(), Some(dir.join("codex-path").as_path()));
    assert_eq!(
        *steps.lock().unwrap(),
        [
            Step::Downloading,
            Step::Verifying,
            Step::Unpacking,
            Step::Done
        ]
    );
    machine.assert_only_the_runtime();
    assert_eq!(
        files_below(&dir),
        [
            "bin/codex",
            "bin/codex-code-mode-host",
            "codex-package.json",
            "codex-path/rg",
            "codex-resources/extra/data.bin",
            "codex-resources/tool",
            "install-manifest.txt",
        ]
    );
    let mode = |path: &str| fs::metadata(dir.join(path)).unwrap().permissions().mode() & 0o111;
    assert_ne!(mode("bin/codex"), 0);
    assert_ne!(mode("codex-path/rg"), 0);
    assert_eq!(mode("codex-resources/extra/data.bin"), 0);

    let again = machine.installer().progress(|event: &ProgressEvent<'_>| {
        panic!("nothing is to be done, but {event:?}");
    });
    assert_eq!(again.install().unwrap(), runtime);
    let [call] = machine.npm_calls().try_into().unwrap();
    let package = format!("pack fake@{VERSION}-{} ", Target::current().unwrap().name());
    assert!(call.starts_with(&package), "{call}");
    assert!(call.contains("--ignore-scripts"), "{call}");
}

/// Something that happens to an installation, and what is said about it.
type Damage = (&'static str, fn(&Path));

const VISIBLE: [Damage; 9] = [
    ("codex-path/rg cannot be read", |dir| {
        fs::remove_file(dir.join("codex-path/rg")).unwrap();
    }),
    ("bin/codex has 3 bytes", |dir| {
        fs::write(dir.join("bin/codex"), "abc").unwrap();
    }),
    ("bin/codex is not executable any more", |dir| {
        fs::set_permissions(dir.join("bin/codex"), Permissions::from_mode(0o644)).unwrap();
    }),
    ("codex-resources/tool is not a regular file", |dir| {
        fs::remove_file(dir.join("codex-resources/tool")).unwrap();
        symlink("/bin/sh", dir.join("codex-resources/tool")).unwrap();
    }),
    ("install-manifest.txt is missing", |dir| {
        fs::remove_file(dir.join("install-manifest.txt")).unwrap();
    }),
    ("install-manifest.txt is cut off", |dir| {
        let path = dir.join("install-manifest.txt");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 10]).unwrap();
    }),
    ("install-manifest.txt is not text", |dir| {
        fs::write(dir.join("install-manifest.txt"), [0xff, 0xfe]).unwrap();
    }),
    ("install-manifest.txt lacks codex-path/", |dir| {
        let path = dir.join("install-manifest.txt");
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().filter(|line| !line.contains("codex-path"));
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        fs::write(&path, text).unwrap();
    }),
    ("it is not a folder", |dir| {
        fs::remove_dir_all(dir).unwrap();
        fs::write(dir, "a file").unwrap();
    }),
];

/// A damaged installation says so, and nothing else is used in its place.
#[test]
fn damage_is_an_error_of_its_own_and_installing_mends_it() {
    for (reason, damage) in VISIBLE {
        let machine = installed();
        let installation = machine.installation();
        damage(installation.dir());
        let locator = Locator::new().environment(machine.environment());
        for error in [
            installation.check().unwrap_err(),
            installation.verify().unwrap_err(),
            locator.pin(machine.pin()).locate().unwrap_err(),
        ] {
            assert!(matches!(error, Error::CorruptCache { .. }), "{error}");
            let text = error.to_string();
            assert!(text.contains(reason), "{reason}: {text}");
            assert!(text.contains("cargo xtask runtime install"), "{text}");
        }
        machine.installer().install().unwrap();
        machine.assert_only_the_runtime();
    }
}

const HIDDEN: [Damage; 3] = [
    ("codex-resources/extra/data.bin has changed", |dir| {
        let path = dir.join("codex-resources/extra/data.bin");
        let mut bytes = fs::read(&path).unwrap();
        bytes[200_000] ^= 1;
        fs::write(&path, bytes).unwrap();
    }),
    ("codex-path/git was added", |dir| {
        fs::write(dir.join("codex-path/git"), "x").unwrap();
    }),
    ("bin/link was added", |dir| {
        symlink("/bin/sh", dir.join("bin/link")).unwrap();
    }),
];

#[test]
fn verifying_finds_what_a_look_does_not() {
    for (reason, damage) in HIDDEN {
        let machine = installed();
        let installation = machine.installation();
        damage(installation.dir());
        assert!(installation.check().unwrap().is_some());
        let error = installation.verify().unwrap_err();
        assert!(matches!(error, Error::CorruptCache { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_package_that_was_pinned_before_is_replaced() {
    let machine = installed();
    let other = Package::complete().runtime_file("codex-path/new", 0o755, b"new");
    fs::write(machine.package(), other.pack()).unwrap();
    machine.pin_package();
    let error = machine.installation().check().unwrap_err().to_string();
    assert!(error.contains("not from the pinned package"), "{error}");
    machine.installer().install().unwrap();
    assert_eq!(machine.installation().verify().unwrap().files, 7);
}

#[test]
fn a_failed_replacement_keeps_what_was_there() {
    let machine = installed();
    let dir = machine.installation().dir().to_owned();
    fs::remove_file(dir.join("codex-path/rg")).unwrap();
    machine.npm("exit 1");
    assert!(machine.installer().install().is_err());
    assert!(dir.join("bin/codex").is_file());
}

#[test]
fn removing_leaves_nothing_and_can_be_repeated() {
    let machine = installed();
    let installation = machine.installation();
    assert!(installation.remove().unwrap());
    assert_eq!(files_below(&machine.cache()), [""; 0]);
    assert!(!installation.remove().unwrap());
    assert!(matches!(
        installation.verify().unwrap_err(),
        Error::NotInstalled { .. }
    ));
}

#[test]
fn removing_one_version_keeps_another() {
    let machine = installed();
    let cache = machine.cache();
    let pin = Pin::new(Version::new(9, 9, 9));
    let other = Installation::new(&cache, pin, Target::current().unwrap());
    fs::create_dir_all(other.dir()).unwrap();
    assert!(other.remove().unwrap());
    machine.assert_only_the_runtime();
}
