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
