//! Every example runs offline and prints what it promises.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc;
use std::thread;

use serde_json::Value;

use crate::LIMIT;

/// The executables of the examples, by name; built once, as this test was.
static BUILT: LazyLock<HashMap<String, PathBuf>> = LazyLock::new(|| {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "build",
        "--quiet",
        "--package",
        "openai-codex",
        "--examples",
    ]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    for (feature, on) in [
        ("blocking", cfg!(feature = "blocking")),
        ("experimental", cfg!(feature = "experimental")),
    ] {
        if on {
            cargo.args(["--features", feature]);
        }
    }
    let built = cargo.output().unwrap();
    let errors = String::from_utf8_lossy(&built.stderr);
    assert!(
        built.status.success(),
        "cannot build the examples: {errors}"
    );
    let messages = String::from_utf8(built.stdout).unwrap();
    let artifacts = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let program = message["executable"].as_str()?;
        let name = message["target"]["name"].as_str()?;
        Some((name.to_owned(), PathBuf::from(program)))
    });
    artifacts.collect()
});

/// Runs an example to its end and returns what it printed.
fn run(name: &str, typed: &str) -> String {
    let mut child = Command::new(&BUILT[name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(typed.as_bytes()).unwrap();
    drop(input);
    let (done, end) = mpsc::channel();
    thread::spawn(move || done.send(child.wait_with_output()));
    let output = end.recv_timeout(LIMIT * 3).expect("it takes too long");
    let output = output.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{errors}");
    printed
}

/// Checks that each of `markers` was printed `times` times.
fn check(name: &str, typed: &str, times: usize, markers: &[&str]) -> String {
    let printed = run(name, typed);
    for marker in markers {
        let found = printed.matches(marker).count();
        assert!(
            found >= times,
            "{marker:?} occurs {found} times in:\n{printed}"
        );
    }
    printed
}

macro_rules! examples {
    ($($(#[$cfg:meta])* $name:ident: $($marker:literal)*;)*) => {
        $($(#[$cfg])* #[test]
        fn $name() {
            check(stringify!($name), "", 1, &[$($marker),*]);
        })*

        /// The examples that are run here.
        const RUN: &[&str] = &[$(stringify!($name)),*];
    };
}

examples! {
    quickstart: "scripted" "codex> This is a tiny" "completed in" "1862 tokens in";
    turn_run: "thread_id:" "turn_id:" "status: completed" "items.count: 2" "stored.items.count: 2";
    turn_stream_events: "assistant> Streams" "stream.completed: completed";
    existing_thread: "Created thread:" "Text: The word was walnut.";
    thread_lifecycle_and_controls: "Lifecycle OK:" "fork: From the fork" "compaction: completed";
    image_and_text: "Status: completed";
    local_image_and_text: "Status: completed";
    parallel_turns: "Thread:" "Turn:" "A tuple." "A slice.";
    error_handling_and_retry: "Text: Now I had time." "Failed:" "There is no such thread"
        "Closed: true";
    turn_params_kitchen_sink: "Status: completed" "summary:" "actions:" "Items:";
    model_select_and_turn_params: "selected.model:" "agent.message.params: Done."
        "items.params:";
    turn_controls: "steer.result: sent" "steer.final.status: completed" "Short: yes."
        "interrupt.result: sent" "interrupt.final.status: interrupted" "after: Of course.";
    login_and_account: "account: nobody" "account: an API key" "browser.cancel: canceled"
        "browser.success: false";
    external_message: "The build is green";
    approval_handler: "approval.decision: accept" "approval.decision: decline"
        "command.status: completed" "command.status: declined";
    notifications: "notification: thread/started" "notifications.count:";
    timeouts: "too late: interrupted" "next: This was quick.";
    #[cfg(feature = "experimental")]
    dynamic_tools: "tool.call: weather" "Text: It is 21 degrees";
    #[cfg(feature = "blocking")]
    blocking: "No runtime of yours" "a stream is an iterator";
}

#[test]
fn quickstart_constructor() {
    let markers = ["Server:", "Items: 2", "Text: Hello!"];
    let printed = check("quickstart_constructor", "", 1, &markers);
    assert!(!printed.contains("unknown"), "{printed}");
}

#[test]
fn models_and_metadata() {
    let markers = ["server:", "models.count:", "models:"];
    let printed = check("models_and_metadata", "", 1, &markers);
    assert!(!printed.contains("metadata:"), "{printed}");
}

#[test]
fn cli_mini_app() {
    let markers = ["assistant>", "assistant.status> completed", "usage>"];
    check("cli_mini_app", "one\ntwo\n/exit\n", 2, &markers);
}

#[test]
fn every_example_is_run_and_imports_only_the_public_names() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let others = [
        "quickstart_constructor",
        "models_and_metadata",
        "cli_mini_app",
    ];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .strip_suffix(".rs")
        else {
            continue;
        };
        assert!(
            RUN.contains(&name) || others.contains(&name),
            "{name} is not run"
        );
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{name}");
        for internal in ["codex_types", "codex_testkit", "request_raw"] {
            assert!(!text.contains(internal), "{name} has {internal}");
        }
    }
}
