//! The program: what a person types.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Output, Stdio};

use codex_testkit::{Answer, MockModel};

use crate::stage::{Nats, Place, until};

fn fleet(nats: &Nats, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codex-fleet"));
    command
        .args(["--server", &nats.url(), "--lease", "2"])
        .args(arguments);
    command
}

fn run(nats: &Nats, arguments: &[&str]) -> Output {
    fleet(nats, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_submitted_watched_approved_and_canceled() {
    let nats = Nats::start();
    let model = MockModel::start().await.unwrap();
    model
        .push(Answer::exec_command("echo hello").escalated("It must be."))
        .push(Answer::text("It said hello."));
    let place = Place::new(&model);
    let mut worker = place.spawn(&nats.url(), "w", 1);
    let submitted = run(&nats, &["submit", "a", "Say hello.", "--tokens", "100000"]);
    assert_eq!(text(&submitted.stdout), "submitted a\n", "{submitted:?}");

    let mut approving = fleet(&nats, &["approve", "a"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut shown = BufReader::new(approving.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("command:") {
        line.clear();
        assert_ne!(shown.read_line(&mut line).unwrap(), 0);
    }
    assert!(line.contains("echo hello"), "{line}");
    let mut input = approving.stdin.take().unwrap();
    input.write_all(b"what?\ny\n").unwrap();

    let watched = run(&nats, &["watch", "a"]);
    assert_eq!(text(&watched.stdout), "It said hello.\n", "{watched:?}");
    let told = text(&watched.stderr);
    for expected in [
        "taken by w",
        "a question waits",
        "the question is answered",
        "$ ",
        "It said hello.",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    let watched = run(&nats, &["watch", "a", "--json"]);
    let lines = text(&watched.stdout);
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["event"]["taken"]["worker"], "w");
    // The job is over, and with it what was asked for.
    assert!(approving.wait().unwrap().success());
    let mut rest = String::new();
    shown.read_to_string(&mut rest).unwrap();

    // The prompt comes from the input, and nobody has the label.
    let mut submitting = fleet(&nats, &["submit", "b", "-", "--label", "none"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    submitting
        .stdin
        .take()
        .unwrap()
        .write_all(b"Wait.")
        .unwrap();
    assert!(submitting.wait().unwrap().success());
    let canceled = run(&nats, &["cancel", "b"]);
    assert!(canceled.status.success(), "{canceled:?}");
    let watched = run(&nats, &["watch", "b"]);
    assert!(!watched.status.success());
    assert!(
        text(&watched.stderr).contains("was canceled"),
        "{watched:?}"
    );
    let unknown = run(&nats, &["watch", "gone"]);
    assert!(
        text(&unknown.stderr).contains("there is no job \"gone\""),
        "{unknown:?}"
    );
    let other = run(&nats, &["submit", "a", "Another."]);
    assert!(text(&other.stderr).contains("another task"), "{other:?}");

    // A service manager's signal ends the worker in good order.
    let id = worker.0.id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    until("the worker ends", async || {
        worker.0.try_wait().unwrap().is_some()
    })
    .await;
    assert!(worker.0.wait().unwrap().success(), "{}", place.log());
    model.assert_exhausted();
}
