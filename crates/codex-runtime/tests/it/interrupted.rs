//! Installations that are stopped, kindly and by force.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Command;

use codex_runtime::{Cancel, Error, ProgressEvent};

use crate::packages::Package;
use crate::support::{Machine, bounded, files_below, role, spawn_role};

/// Writes a part of the package and never ends by itself.
const ENDLESS_NPM: &str = "head -c 1000 \"$package\" > \"$dest/x.tgz\"\n\
    echo $$ > \"$(dirname \"$package\")/npm-pid\"; exec sleep 600";

#[test]
fn a_canceled_installation_leaves_nothing() {
    let machine = Machine::with_package(&Package::complete().pack());
    machine.npm(ENDLESS_NPM);
    let cancel = Cancel::new();
    let handle = cancel.clone();
    let installer = machine.installer().cancel(cancel);
    let installer = installer.progress(move |event: &ProgressEvent<'_>| {
        if event.bytes == 1000 {
            handle.cancel();
        }
    });
    let error = bounded(move || machine.fails(installer));
    assert!(matches!(error, Error::Canceled), "{error}");
}

#[test]
fn a_canceled_installation_does_not_wait_for_another() {
    let machine = Machine::with_package(&Package::complete().pack());
    machine.npm(ENDLESS_NPM);
    let (first, second) = (Cancel::new(), Cancel::new());
    let (stop_first, stop_second) = (first.clone(), second.clone());
    let waiting = machine.installer().cancel(second);
    let waiting = waiting.progress(move |_: &ProgressEvent<'_>| stop_second.cancel());
    let mut waiting = Some(waiting);
    let installer = machine.installer().cancel(first);
    let installer = installer.progress(move |event: &ProgressEvent<'_>| {
        if event.bytes == 1000
            && let Some(waiting) = waiting.take()
        {
            // The lock is held here, so the other gets no further than to it.
            let error = waiting.install().unwrap_err();
            assert!(matches!(error, Error::Canceled), "{error}");
            stop_first.cancel();
        }
    });
    let error = bounded(move || machine.fails(installer));
    assert!(matches!(error, Error::Canceled), "{error}");
}

#[test]
fn a_killed_installer_leaves_no_runtime_and_the_next_cleans_up() {
    if let Some(machine) = role() {
        let installer = machine.installer();
        let installer = installer.progress(|event: &ProgressEvent<'_>| {
            println!("\n{} {}", event.step, event.bytes);
        });
        assert!(installer.install().is_err());
        return;
    }
    let machine = Machine::with_package(&Package::complete().pack());
    machine.npm(ENDLESS_NPM);
    let test = "interrupted::a_killed_installer_leaves_no_runtime_and_the_next_cleans_up";
    let mut child = spawn_role(test, &machine);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let begun = bounded(move || lines.any(|line| line.unwrap() == "downloading 1000"));
    assert!(begun);
    child.kill().unwrap();
    child.wait().unwrap();

    assert_eq!(machine.installation().check().unwrap(), None);
    let left = files_below(&machine.cache());
    assert!(left.iter().any(|file| file.ends_with("x.tgz")), "{left:?}");
    machine.npm("cp \"$package\" \"$dest/x.tgz\"");
    machine.installer().install().unwrap();
    machine.assert_only_the_runtime();

    // Its npm went on without it.
    let pid = fs::read_to_string(machine.dir().join("npm-pid")).unwrap();
    assert!(
        Command::new("kill")
            .arg(pid.trim())
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn a_panicking_sink_leaves_nothing() {
    let machine = Machine::with_package(&Package::complete().pack());
    let installer = machine.installer();
    let installer = installer.progress(|event: &ProgressEvent<'_>| {
        assert!(event.bytes == 0, "stop here");
    });
    let result = std::thread::spawn(move || installer.install()).join();
    assert!(result.is_err());
    assert_eq!(files_below(&machine.dir().join("home")), [""; 0]);
    machine.installer().install().unwrap();
    machine.assert_only_the_runtime();
}
