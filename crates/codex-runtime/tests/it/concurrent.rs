//! Several installers at once, in one process and in several.

use std::thread;

use crate::packages::Package;
use crate::support::{Machine, bounded, role, spawn_role};

/// Delivers slowly enough that the others come while it is at work.
const SLOW_NPM: &str = "sleep 0.3; cp \"$package\" \"$dest/x.tgz\"";

#[test]
fn threads_that_install_at_once_all_succeed() {
    let machine = Machine::with_package(&Package::complete().pack());
    machine.npm(SLOW_NPM);
    let runtimes: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| machine.installer().install().unwrap()))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(runtimes.iter().all(|runtime| *runtime == runtimes[0]));
    assert_eq!(machine.npm_calls().len(), 1);
    machine.assert_only_the_runtime();
}

#[test]
fn processes_that_install_at_once_all_succeed() {
    if let Some(machine) = role() {
        let runtime = machine.installer().install().unwrap();
        assert!(runtime.program().is_file());
        return;
    }
    let machine = Machine::with_package(&Package::complete().pack());
    machine.npm(SLOW_NPM);
    let test = "concurrent::processes_that_install_at_once_all_succeed";
    let children: Vec<_> = (0..4).map(|_| spawn_role(test, &machine)).collect();
    for child in children {
        let output = bounded(|| child.wait_with_output().unwrap());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && text.contains("1 passed"),
            "{text}"
        );
    }
    assert_eq!(machine.npm_calls().len(), 1);
    machine.assert_only_the_runtime();
}

#[test]
fn a_failure_lets_the_next_in_line_try() {
    let machine = Machine::with_package(&Package::complete().pack());
    // Fails for the first that comes, works for the others.
    machine.npm(
        "sleep 0.2; mkdir \"$(dirname \"$package\")/first\" 2>/dev/null && exit 1\n\
         cp \"$package\" \"$dest/x.tgz\"",
    );
    let failed = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| machine.installer().install().is_err()))
            .collect();
        let failed = threads.into_iter().map(|t| t.join().unwrap());
        failed.filter(|failed| *failed).count()
    });
    assert_eq!(failed, 1);
    assert_eq!(machine.npm_calls().len(), 2);
    machine.assert_only_the_runtime();
}
