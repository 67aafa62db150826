//! The client, its runtime and its user under fault: processes, drops, load, memory, secrets.

use std::path::Path;
use std::time::Duration;

use codex_testkit::{Script, ScriptedProcess};
use openai_codex::{CloseReason, CodexConfig, Error};

use crate::peer::within;

mod drops;
mod launch;
mod load;
mod memory;
mod mutated;
mod ownership;
mod process;
mod runtimes;
mod secrets;
mod start;

/// Prepares a runtime that plays `script`, and the configuration of a client that starts it.
fn scripted(script: &Script) -> (ScriptedProcess, CodexConfig) {
    let executable = env!("CARGO_BIN_EXE_scripted-app-server");
    let process = ScriptedProcess::new(executable, script).unwrap();
    let config = CodexConfig::new().codex_bin(process.program());
    (process, config)
}

/// Set in the processes that [`alone`] starts.
#[cfg(unix)]
const ALONE: &str = "CODEX_TEST_ALONE";

/// Runs one test of this binary in a process of its own, started by a shell that does `first`.
#[cfg(unix)]
fn alone(test: &str, first: &str) -> std::process::Output {
    std::process::Command::new("/bin/sh")
        .args(["-c", &format!("{first}; exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads", "1"])
        .env(ALONE, "1")
        .output()
        .unwrap()
}

/// Tells whether a process runs; one that only waits to be reaped by a stranger does not.
fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

/// Waits until a process is gone.
async fn gone(pid: u32) {
    within(async {
        while runs(pid) {
            // Nothing tells of the end of a stranger's process.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Why the connection of this error ended.
fn reason(error: &Error) -> &CloseReason {
    match error {
        Error::Closed(reason) => reason,
        other => panic!("not closed: {other:?}"),
    }
}

/// Probe "docs": each test that `docs/reliability.md` and `docs/runtime-facts.md` name exists where
/// they say.
#[test]
fn each_promise_is_held_by_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let table = ["docs/reliability.md", "docs/runtime-facts.md"]
        .map(|file| std::fs::read_to_string(root.join(file)).unwrap())
        .concat();
    let rows = table
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("::"));
    let mut named = 0;
    for row in rows {
        let holders = row.trim_end_matches(" |").rsplit_once("| ").unwrap().1;
        for holder in holders.split(", ") {
            let holder = holder.trim_matches('`');
            let (folder, path) = match holder.split_once(": ") {
                Some(("types", path)) => ("crates/codex-types/tests/it", path),
                Some(("sdk", path)) => ("crates/codex-sdk/tests/it", path),
                Some(("runtime", path)) => ("crates/codex-runtime/tests/it", path),
                _ => ("tests/it", holder),
            };
            let (module, test) = path.rsplit_once("::").unwrap();
            let file = root
                .join(folder)
                .join(format!("{}.rs", module.replace("::", "/")));
            let source = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(
                source.contains(&format!("fn {test}(")),
                "there is no test {holder}"
            );
            named += 1;
        }
    }
    assert!(named > 80, "only {named} tests are named");
}
