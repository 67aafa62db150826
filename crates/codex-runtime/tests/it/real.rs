//! The real npm, the real package, the real runtime.

use std::io::{BufRead, BufReader, Write};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use codex_runtime::{
    Installation, Installer, Launch, ProgressEvent, VERSION, install, probe_version,
};

/// Takes the one in the user's cache, so that it is downloaded once.
#[test]
fn install_gets_the_real_runtime() {
    let runtime = install().unwrap();
    let version = probe_version(runtime.program()).unwrap();
    assert_eq!(version.as_ref(), runtime.version());
    assert_eq!(version.unwrap().to_string(), VERSION);

    let installation = Installation::pinned().unwrap();
    assert!(installation.verify().unwrap().bytes > 100_000_000);

    let start = Instant::now();
    let again = Installer::new().progress(|event: &ProgressEvent<'_>| {
        panic!("nothing is to be done, but {event:?}");
    });
    assert_eq!(again.install().unwrap(), runtime);
    assert!(start.elapsed() < Duration::from_millis(500));
}

#[test]
fn the_real_runtime_starts_and_answers() {
    let runtime = install().unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut child = Launch::new(&runtime)
        .config("check_for_update_on_startup", "false")
        .cwd(home.path())
        .env("CODEX_HOME", home.path())
        .env_remove("OPENAI_API_KEY")
        .to_command()
        .unwrap()
        .spawn()
        .unwrap();
    let request =
        r#"{"id":1,"method":"initialize","params":{"clientInfo":{"name":"test","version":"1"}}}"#;
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{request}").unwrap();
    let (sender, line) = mpsc::channel();
    let stdout = child.stdout.take().unwrap();
    thread::spawn(move || sender.send(BufReader::new(stdout).lines().next()));
    let line = line.recv_timeout(Duration::from_secs(60));
    child.kill().unwrap();
    child.wait().unwrap();
    let line = line.unwrap().unwrap().unwrap();
    assert!(line.contains(VERSION), "{line}");
}
