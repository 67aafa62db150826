//! The scripted server as an executable.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use codex_testkit::{LogEvent, Script, ScriptedProcess};
use serde_json::{Value, json};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_codex-scripted-server");

/// A started process, and what it writes.
struct Started {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Started {
    fn new(process: &ScriptedProcess) -> Self {
        let mut child = Command::new(process.program())
            .args(["app-server", "--listen"])
            .env("SHOWN", "yes")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    fn send(&mut self, message: Value) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{message}").unwrap();
    }

    /// The next message; `None` at the end of the output.
    fn receive(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        (!line.is_empty()).then(|| serde_json::from_str(&line).unwrap())
    }

    fn close(&mut self) {
        drop(self.child.stdin.take());
    }

    fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    fn stderr(&mut self) -> String {
        let mut text = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut text).unwrap();
        text
    }
}

fn staged(script: Script) -> (ScriptedProcess, Started) {
    let process = ScriptedProcess::new(EXECUTABLE, &script).unwrap();
    let started = Started::new(&process);
    (process, started)
}

#[test]
fn a_process_plays_its_script_and_writes_down_how_it_was_started() {
    let script = Script::new()
        .expect("model/list")
        .reply(json!({"data": []}))
        .stderr("a last word\n")
        .exit(3);
    let (process, mut started) = staged(script);
    let call = json!({"id": 1, "method": "model/list"});
    started.send(call.clone());
    assert_eq!(
        started.receive(),
        Some(json!({"id": 1, "result": {"data": []}}))
    );
    assert_eq!(started.receive(), None);
    assert_eq!(started.exit_code(), Some(3));
    assert_eq!(started.stderr(), "a last word\n");
    process.check().unwrap();
    let start = &process.starts()[0];
    assert_eq!(start.args, ["app-server", "--listen"]);
    assert_eq!(start.env["SHOWN"], "yes");
    assert_eq!(start.cwd, std::env::current_dir().unwrap());
    assert_eq!(start.pid, started.child.id());
    assert_eq!(process.received(), [call]);
    let last = process.log().pop().unwrap();
    assert_eq!(last.event, LogEvent::Exited { code: 3 });
}

#[test]
fn a_process_ends_when_its_input_closes() {
    let (process, mut started) = staged(Script::new().expect("never"));
    started.close();
    assert_eq!(started.exit_code(), Some(0));
    process.check().unwrap();
    assert!(
        process
            .log()
            .iter()
            .any(|line| line.event == LogEvent::Closed)
    );
}

#[test]
fn each_start_has_its_own_script() {
    let scripts = [Script::new().exit(1), Script::new().exit(2)];
    let process = ScriptedProcess::with_runs(EXECUTABLE, &scripts).unwrap();
    let codes = [(); 3].map(|()| Started::new(&process).exit_code());
    assert_eq!(codes, [Some(1), Some(2), Some(2)]);
    assert_eq!(process.starts().len(), 3);
}

#[test]
fn a_failed_script_is_reported() {
    let (process, mut started) = staged(Script::new().expect("thread/start"));
    started.send(json!({"method": "other"}));
    assert_eq!(started.exit_code(), Some(97));
    assert_eq!(
        process.check().unwrap_err().to_string(),
        "run 1 of the scripted process failed: \
         expected thread/start from the client, but it sent {\"method\":\"other\"}"
    );
}

#[tokio::test]
async fn a_process_holds_until_the_test_goes_on() {
    let script = Script::new().hold("go").notify("went", json!({}));
    let (process, mut started) = staged(script);
    process.reached("go").await.unwrap();
    process.open("go").unwrap();
    assert_eq!(started.receive().unwrap()["method"], "went");
    let finished = |event: &LogEvent| *event == LogEvent::Finished;
    process
        .wait_for("the script's end", finished)
        .await
        .unwrap();
    started.close();
    assert_eq!(started.exit_code(), Some(0));
}

#[cfg(unix)]
#[tokio::test]
async fn a_process_ignores_what_it_is_told_to_ignore() {
    let script = Script::new()
        .ignore_signals()
        .ignore_closing()
        .hold("ready");
    let (process, mut started) = staged(script);
    process.reached("ready").await.unwrap();
    started.close();
    let closed = |event: &LogEvent| *event == LogEvent::Closed;
    process.wait_for("the closing", closed).await.unwrap();
    let pid = started.child.id().to_string();
    Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    let signaled = LogEvent::Signaled {
        signal: "SIGTERM".to_owned(),
    };
    let came = |event: &LogEvent| *event == signaled;
    process.wait_for("the signal", came).await.unwrap();
    assert_eq!(started.child.try_wait().unwrap(), None);
    started.child.kill().unwrap();
    assert_eq!(started.exit_code(), None);
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_a_process() {
    let (process, mut started) = staged(Script::new().hold("ready"));
    process.reached("ready").await.unwrap();
    let pid = started.child.id().to_string();
    Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert_eq!(started.exit_code(), Some(0));
}

#[cfg(unix)]
#[tokio::test]
async fn a_process_closes_its_output_and_lives_on() {
    let script = Script::new()
        .notify("last", json!({}))
        .close_output()
        .expect("more");
    let (process, mut started) = staged(script);
    assert_eq!(started.receive().unwrap()["method"], "last");
    assert_eq!(started.receive(), None);
    started.send(json!({"method": "more"}));
    let finished = |event: &LogEvent| *event == LogEvent::Finished;
    process
        .wait_for("the script's end", finished)
        .await
        .unwrap();
    assert_eq!(started.child.try_wait().unwrap(), None);
    started.close();
    assert_eq!(started.exit_code(), Some(0));
}

#[test]
fn a_child_holds_the_output_after_the_process() {
    let began = Instant::now();
    let length = Duration::from_millis(400);
    let (process, mut started) = staged(Script::new().leave_a_child(length).exit(0));
    assert_eq!(started.exit_code(), Some(0));
    assert_eq!(started.receive(), None);
    assert!(began.elapsed() >= length);
    let left = process.log();
    assert!(
        left.iter()
            .any(|line| matches!(line.event, LogEvent::LeftChild { .. }))
    );
}

#[test]
fn the_stage_is_removed_when_it_is_dropped() {
    let (process, mut started) = staged(Script::new().exit(0));
    started.exit_code();
    let folder = process.program().parent().unwrap().to_owned();
    assert!(folder.is_dir());
    drop(process);
    assert!(!folder.exists());
}
