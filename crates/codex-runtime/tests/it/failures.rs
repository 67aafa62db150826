//! Installations that fail: each names the thing and the remedy, and leaves nothing.

use std::fs;
use std::time::Duration;

use codex_runtime::{Environment, Error, Target};
use tar::EntryType;

use crate::packages::{Package, gzip};
use crate::support::{Machine, bounded};

#[test]
fn a_missing_npm_is_named() {
    let machine = Machine::with_package(&Package::complete().pack());
    let path = machine.dir().join("nothing").display().to_string();
    let cache = machine.cache().display().to_string();
    let environment = Environment::unix([("PATH", path), ("OPENAI_CODEX_CACHE", cache)]);
    let error = machine.fails(machine.installer().environment(environment));
    assert!(matches!(error, Error::NpmMissing));
    let text = error.to_string();
    assert!(text.contains("npm") && text.contains("Node.js"), "{text}");
}

#[test]
fn a_failing_npm_is_quoted_without_secrets() {
    let machine = Machine::with_package(&Package::complete().pack());
    machine.npm(
        "echo 'npm error code ENOTFOUND' >&2\n\
         echo 'npm error request to https://me:hunter22@host.test/fake failed' >&2\n\
         echo \"npm error sent $NPM_TOKEN\" >&2\nexit 7",
    );
    let text = machine.fails(machine.installer()).to_string();
    assert!(
        text.contains("npm could not download fake@7.8.9-"),
        "{text}"
    );
    assert!(text.contains("exit status: 7"), "{text}");
    assert!(
        text.contains("ENOTFOUND") && text.contains("network"),
        "{text}"
    );
    assert!(
        !text.contains("hunter22") && !text.contains("npm-secret-value"),
        "{text}"
    );
}

#[test]
fn an_npm_that_delivers_nothing_has_failed() {
    let machine = Machine::with_package(&Package::complete().pack());
    machine.npm("exit 0");
    let error = machine.fails(machine.installer());
    assert!(matches!(error, Error::NpmFailed { .. }), "{error}");
}

#[test]
fn an_npm_without_space_is_a_full_disk() {
    let machine = Machine::with_package(&Package::complete().pack());
    machine.npm(
        "head -c 1000 \"$package\" > \"$dest/x.tgz\"; echo 'npm error code ENOSPC' >&2; exit 228",
    );
    let error = machine.fails(machine.installer());
    assert!(matches!(error, Error::NoSpace { .. }), "{error}");
    assert!(error.to_string().contains("OPENAI_CODEX_CACHE"), "{error}");
}

#[test]
fn an_npm_that_hangs_is_stopped() {
    let machine = Machine::with_package(&Package::complete().pack());
    machine.npm("echo part > \"$dest/x.tgz\"; exec sleep 600");
    let installer = machine.installer().time_limit(Duration::from_millis(300));
    let error = bounded(move || machine.fails(installer));
    assert!(matches!(error, Error::NpmTimedOut { .. }), "{error}");
}

#[test]
fn an_npm_that_leaves_a_helper_running_is_not_waited_for() {
    let machine = Machine::with_package(&Package::complete().pack());
    machine.npm("cp \"$package\" \"$dest/x.tgz\"; sleep 20 & exit 0");
    let start = std::time::Instant::now();
    machine.installer().install().unwrap();
    assert!(start.elapsed() < Duration::from_secs(15));
}

/// Nothing that differs from its digest is unpacked.
#[test]
fn one_flipped_byte_is_refused() {
    let machine = Machine::with_package(&Package::complete().pack());
    let mut package = fs::read(machine.package()).unwrap();
    let middle = package.len() / 2;
    package[middle] ^= 1;
    fs::write(machine.package(), package).unwrap();
    let error = machine.fails(machine.installer());
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("expected sha512-") && text.contains("found sha512-"),
        "{text}"
    );
}

#[test]
fn a_download_that_is_cut_off_is_refused() {
    let machine = Machine::with_package(&Package::complete().pack());
    machine.npm("head -c 1000 \"$package\" > \"$dest/x.tgz\"");
    let error = machine.fails(machine.installer());
    assert!(matches!(error, Error::DigestMismatch { .. }), "{error}");
}

#[test]
fn what_is_no_archive_is_refused_even_if_it_is_pinned() {
    let whole = Package::complete().pack();
    for bytes in [
        b"not compressed".to_vec(),
        gzip(&[1; 4096]),
        whole[..whole.len() / 2].to_vec(),
    ] {
        let machine = Machine::with_package(&bytes);
        let error = machine.fails(machine.installer());
        assert!(matches!(error, Error::BadArchive { .. }), "{error}");
    }
}

#[test]
fn entries_that_could_write_elsewhere_are_refused() {
    let target = Target::current().unwrap().triple();
    let inside = format!("package/vendor/{target}/bin/x");
    let above = format!("package/vendor/{target}/../../../x");
    for (path, kind, reason) in [
        (inside.as_str(), EntryType::Symlink, "it is a link"),
        (inside.as_str(), EntryType::Link, "it is a link"),
        ("package/elsewhere", EntryType::Symlink, "it is a link"),
        (
            inside.as_str(),
            EntryType::Fifo,
            "neither a file nor a folder",
        ),
        (
            inside.as_str(),
            EntryType::Char,
            "neither a file nor a folder",
        ),
        (
            above.as_str(),
            EntryType::Regular,
            "its path leads elsewhere",
        ),
        ("../x", EntryType::Regular, "its path leads elsewhere"),
        ("/tmp/x", EntryType::Regular, "its path is absolute"),
        ("package/C:/x", EntryType::Regular, "special somewhere"),
        ("package/a\\..\\x", EntryType::Regular, "special somewhere"),
    ] {
        let package = Package::complete().raw(path, kind, 0o644, b"").pack();
        let machine = Machine::with_package(&package);
        let error = machine.fails(machine.installer());
        assert!(
            matches!(error, Error::UnsafeEntry { .. }),
            "{path}: {error}"
        );
        assert!(error.to_string().contains(reason), "{path}: {error}");
    }
}

#[test]
fn a_file_that_comes_twice_is_refused() {
    let package = Package::complete().runtime_file("bin/codex", 0o755, b"other");
    let machine = Machine::with_package(&package.pack());
    let text = machine.fails(machine.installer()).to_string();
    assert!(text.contains("it is there twice"), "{text}");
}

/// An incomplete package is refused.
#[test]
fn a_package_that_lacks_a_part_is_refused() {
    for missing in [
        "codex-package.json",
        "bin/codex-code-mode-host",
        "codex-resources/tool",
        "codex-path/rg",
    ] {
        let package = Package::without(missing).runtime_file("bin/codex", 0o755, b"x");
        let machine = Machine::with_package(&package.pack());
        let error = machine.fails(machine.installer());
        assert!(matches!(error, Error::IncompletePackage { .. }), "{error}");
        let part = missing.trim_end_matches("tool").trim_end_matches("rg");
        assert!(
            error.to_string().contains(&format!("it lacks {part}")),
            "{error}"
        );
    }
    let machine = Machine::with_package(&Package::without("").pack());
    let text = machine.fails(machine.installer()).to_string();
    assert!(text.contains("it lacks bin/codex"), "{text}");
}

#[test]
fn a_package_of_another_version_is_refused() {
    for (metadata, reason) in [
        ("{\"version\": \"1.0.0\"}", "version 1.0.0, the pin 7.8.9"),
        (
            "{\"version\": \"7.8.9\", \"target\": \"pdp11\"}",
            "target pdp11, the pin",
        ),
        ("{}", "version none, the pin 7.8.9"),
        ("not json", "codex-package.json: "),
    ] {
        let package = Package::without("codex-package.json")
            .runtime_file("bin/codex", 0o755, b"x")
            .runtime_file("codex-package.json", 0o644, metadata.as_bytes());
        let machine = Machine::with_package(&package.pack());
        let error = machine.fails(machine.installer());
        assert!(matches!(error, Error::IncompletePackage { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let machine = Machine::with_package(&Package::complete().pack());
    let file = machine.dir().join("file");
    fs::write(&file, "in the way").unwrap();
    let error = machine.fails(machine.installer().cache_dir(file.join("cache")));
    assert!(matches!(error, Error::Io { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&file.display().to_string()), "{text}");
    assert!(text.contains("OPENAI_CODEX_CACHE"), "{text}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "in the way");
    assert_eq!(machine.npm_calls(), [""; 0]);
}

/// A platform without a package is an error that names it.
#[test]
fn a_platform_without_a_package_is_named() {
    let machine = Machine::with_package(&Package::complete().pack());
    let other = Target::ALL
        .into_iter()
        .find(|target| *target != Target::current().unwrap())
        .unwrap();
    let error = machine.fails(machine.installer().target(other));
    assert!(matches!(error, Error::NotPinned { .. }), "{error}");
    assert!(error.to_string().contains(other.name()), "{error}");
}

#[test]
fn without_a_home_folder_the_variable_to_set_is_named() {
    let machine = Machine::with_package(&Package::complete().pack());
    let environment = Environment::unix([("PATH", "/usr/bin")]);
    let error = machine.fails(machine.installer().environment(environment));
    assert!(matches!(error, Error::NoCacheDir { .. }), "{error}");
    assert!(error.to_string().contains("OPENAI_CODEX_CACHE"), "{error}");
}
