//! The examples of the SDK, each a program of its own, against the runtime and the scripted model
//! that it brings along.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::stage::within;

/// Runs an example in a folder that has nothing to do with it, with these lines as its input, and
/// returns what it prints.
pub(crate) async fn run(name: &str, input: &str) -> String {
    let mut child = Command::new(executable(name))
        .current_dir(std::env::temp_dir())
        .env_remove("CODEX_BIN")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // An example that reads nothing may have ended already.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = within(child.wait_with_output()).await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{name}: {}: {errors}",
        output.status
    );
    assert_eq!(errors, "", "{name} complains");
    String::from_utf8(output.stdout).unwrap()
}

/// Finds the executable of an example beside that of this test.
fn executable(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let path = profile.join("examples").join(file);
    assert!(
        path.is_file(),
        "there is no {}; run `cargo build -p openai-codex --examples --all-features`",
        path.display()
    );
    path
}

/// Checks that each marker is printed as often as it is listed.
#[track_caller]
fn prints(output: &str, markers: &[&str]) {
    for marker in markers {
        let expected = markers.iter().filter(|other| *other == marker).count();
        let printed = output.matches(marker).count();
        assert!(printed >= expected, "{marker:?} is missing in:\n{output}");
    }
}

/// Makes a test of each example: its input, and what it has to print.
macro_rules! examples {
    ($($(#[$attribute:meta])* $name:ident $input:literal [$($marker:literal),*],)*) => {
        /// Every example there is a test of.
        pub(crate) const TESTED: &[&str] = &[$(stringify!($name)),*];

        mod run {
            $(
                /// The example runs and prints its markers.
                $(#[$attribute])*
                #[tokio::test]
                async fn $name() {
                    let output = super::run(stringify!($name), $input).await;
                    super::prints(&output, &[$($marker),*]);
                }
            )*
        }
    };
}

examples! {
    approval_handler "" [
        "approval.request:", "approval.decision: Accept", "approval.decision: Decline", "command.status: completed",
        "Text:"
    ],
    approval_stream "y\nn\n" ["approval.decision: Accept", "approval.decision: Decline", "Text:"],
    attach "" [
        "listening: ws://127.0.0.1:", "the connection is cut", "command.completed: made",
        "nothing of it was lost", "turn.completed", "connections: 2"
    ],
    blocking "" ["assistant>", "assistant>"],
    #[cfg(feature = "experimental")]
    dynamic_tools "" ["tool.call:", "Text:"],
    error_handling_and_retry "" ["Text:"],
    existing_thread "" ["Created thread:"],
    external_message "" ["assistant>", "assistant>"],
    image_and_text "" ["Status: completed"],
    install_runtime "" ["runtime.pinned:", "runtime.program:", "runtime.running:"],
    local_image_and_text "" ["Status: completed"],
    model_select_and_turn_params "" [
        "selected.model:", "agent.message.params:", "items.params:"
    ],
    models_and_metadata "" ["server:", "models.count:", "models:"],
    notifications "" ["notification:", "notifications.count:"],
    once_and_travel "" [
        "\nran: It is fixed", "\nwas done: It is fixed", "\nbundle: ", "\nthere: You asked to fix"
    ],
    parallel_turns "" ["Thread:", "Turn:", "Thread:", "Turn:"],
    quickstart "" ["you>", "codex>", "completed in"],
    quickstart_constructor "" ["Server:", "Items:", "Text:"],
    structured_output "" [
        "verdict: Good", "finding: README.md:3: It is tiny.", "tokens:",
        r##""required":["findings","verdict"]"##,
        r##""line":{"description":"The line, counted from one; null for the whole file.","minimum":0,"type":["integer","null"]}"##,
        "asked: Review this project.", "asked: Your final response does not fit", "at findings: invalid type"
    ],
    thread_lifecycle_and_controls "" ["Lifecycle OK:"],
    three_runtimes "" [
        "build-1: completed | 30 tokens | I am build-1.", "build-2: completed", "build-3: completed"
    ],
    timeouts "" ["too late: interrupted", "next:", "result: interrupted"],
    turn_controls "" [
        "steer.result:", "steer.final.status: completed",
        "interrupt.result:", "interrupt.final.status: interrupted"
    ],
    turn_params_kitchen_sink "" ["Status:", "summary:", "actions:", "Items:"],
    turn_run "" ["thread_id:", "turn_id:", "status:", "items.count:"],
    turn_stream_events "" ["stream.completed:", "assistant>"],
    typed_tools "" [
        "tool.call: call-2", "tool.call: call-3", "Text: It will be 21 °C",
        r##""days":{"description":"How many days ahead; 0 is today. (default: 0, maximum: 7, minimum: 0)","type":"integer"}"##,
        r##""place":{"description":"The name of the place.","type":"string"}"##,
        r##""required":["place"]"##,
        "tool.output: the arguments do not fit", "at /days: 30 is greater than the maximum of 7",
        "tool.output: there is no such place", "tool.output: Lisbon in 1 days"
    ],
}

/// The example is driven by its input, two questions and the end.
#[tokio::test]
async fn cli_mini_app() {
    let output = run("cli_mini_app", "Who are you?\nAnd now?\n/exit\n").await;
    for marker in ["assistant>", "assistant.status> completed", "usage>"] {
        assert_eq!(output.matches(marker).count(), 2, "{marker:?}: {output}");
    }
}

/// The example logs in and out; the port of logins by browser is one for all.
#[tokio::test]
async fn login_and_account() {
    let port = crate::login::login_port().await;
    let output = run("login_and_account", "").await;
    prints(&output, &["account: none", "account: an API key"]);
    drop(port);
}

/// The pinned runtime is found from anywhere, and says its version.
#[tokio::test]
async fn the_pinned_runtime_is_found_from_anywhere() {
    let output = run("quickstart_constructor", "").await;
    let server = output.lines().find(|line| line.starts_with("Server:"));
    let server = server.unwrap_or_else(|| panic!("{output}"));
    assert!(server.contains(openai_codex::RUNTIME_VERSION), "{server}");
    let output = run("models_and_metadata", "").await;
    assert!(output.contains(openai_codex::RUNTIME_VERSION), "{output}");
    assert!(!output.contains("metadata:"), "{output}");
}

/// There is a test of every example, and every example can be read in one go.
#[test]
fn every_example_is_tested_and_short() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/codex-sdk/examples");
    let files = std::fs::read_dir(folder).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let examples: BTreeSet<String> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= 80, "{} has {lines} lines", path.display());
            path.file_stem().unwrap().to_str().unwrap().to_owned()
        })
        .collect();
    let mut tested: BTreeSet<String> = TESTED.iter().map(|&name| name.to_owned()).collect();
    tested.extend(["cli_mini_app", "login_and_account"].map(str::to_owned));
    assert_eq!(examples, tested);
}
