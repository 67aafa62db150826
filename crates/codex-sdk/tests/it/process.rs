//! The runtime as a process: how it ends, and that nothing of it stays.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use openai_codex::{CloseReason, Codex, CodexConfig, Error};
use serde_json::json;

use crate::peer::{joined, within};

const GREETING: &str = r#"read line
echo '{"id":0,"result":{"userAgent":"codex_rust_sdk/0.200.1 (x)","codexHome":"/","platformFamily":"unix","platformOs":"linux"}}'
read line
"#;

/// A runtime that is a shell script: it greets, then does as told.
fn script(then: &str) -> CodexConfig {
    CodexConfig::new().launch_command(["sh", "-c", &format!("{GREETING}{then}")])
}

async fn start(then: &str) -> Codex {
    within(Codex::start_with(script(then))).await.unwrap()
}

/// A file in which a script writes the id of a process.
struct PidFile(PathBuf);

impl PidFile {
    fn new(name: &str) -> Self {
        let name = format!("codex-sdk-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    async fn pid(&self) -> String {
        within(async {
            loop {
                match std::fs::read_to_string(&self.0) {
                    Ok(pid) if pid.ends_with('\n') => return pid.trim().to_owned(),
                    _ => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        })
        .await
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    // One that nobody of this test has to reap counts as gone.
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

async fn gone(pid: &str) {
    within(async {
        while runs(pid) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

fn exited(error: &Error) -> (Option<i32>, String) {
    match error {
        Error::Closed(reason) => match &**reason {
            CloseReason::Exited {
                status,
                stderr_tail,
                ..
            } => (status.and_then(|status| status.code()), stderr_tail.clone()),
            other => panic!("another reason: {other:?}"),
        },
        other => panic!("not closed: {other:?}"),
    }
}

/// What the process said last is in the error.
#[tokio::test]
async fn an_exit_is_told_with_status_and_error_output() {
    let codex =
        start("i=0; while [ $i -lt 500 ]; do echo \"line $i\" >&2; i=$((i+1)); done; exit 3").await;
    let error = within(codex.request_raw("x/y", json!({})))
        .await
        .unwrap_err();
    let (code, tail) = exited(&error);
    assert_eq!(code, Some(3));
    assert!(tail.ends_with("line 498\nline 499"), "{tail}");
    assert!(error.to_string().contains("line 499"), "{error}");
    let later = Instant::now();
    let again = within(codex.request_raw("x/y", json!({})))
        .await
        .unwrap_err();
    assert_eq!(exited(&again), (code, tail));
    assert!(later.elapsed() < Duration::from_millis(100));
    within(codex.close()).await.unwrap();
}

/// Silence for good is an end.
#[tokio::test]
async fn a_runtime_that_closes_its_output_and_stays_is_ended() {
    let file = PidFile::new("stays");
    let then = format!("echo $$ > {}; exec >&-; exec sleep 100", file.0.display());
    let codex = start(&then).await;
    let pid = file.pid().await;
    let error = within(codex.request_raw("x/y", json!({})))
        .await
        .unwrap_err();
    assert_eq!(exited(&error).0, None);
    within(codex.close()).await.unwrap();
    assert!(!runs(&pid));
}

/// Closing ends what does not want to.
#[tokio::test]
async fn a_stubborn_runtime_is_killed_by_close() {
    let file = PidFile::new("stubborn");
    let then = format!(
        "trap '' TERM; echo $$ > {}; while :; do sleep 1; done",
        file.0.display()
    );
    let codex = start(&then).await;
    let pid = file.pid().await;
    let before = Instant::now();
    within(codex.close()).await.unwrap();
    assert!(before.elapsed() < Duration::from_secs(8));
    assert!(!runs(&pid));
}

#[tokio::test]
async fn what_the_runtime_leaves_behind_is_killed() {
    let file = PidFile::new("grandchild");
    let then = format!("sleep 100 & echo $! > {}; exit 0", file.0.display());
    let codex = start(&then).await;
    let pid = file.pid().await;
    let error = within(codex.request_raw("x/y", json!({})))
        .await
        .unwrap_err();
    assert_eq!(exited(&error).0, Some(0));
    within(codex.close()).await.unwrap();
    gone(&pid).await;
}

/// So does dropping.
#[tokio::test]
async fn dropping_the_client_ends_the_process() {
    let file = PidFile::new("dropped");
    let then = format!("echo $$ > {}; cat > /dev/null", file.0.display());
    let codex = start(&then).await;
    let pid = file.pid().await;
    drop(codex);
    gone(&pid).await;
}

#[test]
fn dropping_the_async_runtime_kills_the_process() {
    let file = PidFile::new("orphan");
    let then = format!(
        "trap '' TERM; echo $$ > {}; while :; do sleep 1; done",
        file.0.display()
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (codex, pid) = runtime.block_on(async {
        let codex = start(&then).await;
        (codex, file.pid().await)
    });
    drop(runtime);
    drop(codex);
    let before = Instant::now();
    while runs(&pid) {
        assert!(before.elapsed() < Duration::from_secs(10), "it still runs");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Error output is always read.
#[tokio::test]
async fn a_flood_of_error_output_does_not_stop_the_protocol() {
    let codex = start(
        "head -c 10000000 /dev/zero | tr '\\0' x >&2; read line; echo '{\"id\":1,\"result\":{\"ok\":true}}'; read line",
    )
    .await;
    let reply = within(codex.request_raw("x/y", json!({}))).await.unwrap();
    assert_eq!(reply, json!({"ok": true}));
    within(codex.close()).await.unwrap();
}

/// A start that fails cleans up.
#[tokio::test]
async fn a_failed_handshake_leaves_no_process() {
    let file = PidFile::new("handshake");
    let line = format!(
        "echo $$ > {}; read line; echo '{{\"id\":0,\"result\":{{}}}}'; cat",
        file.0.display()
    );
    let config = CodexConfig::new().launch_command(["sh", "-c", &line]);
    let error = within(Codex::start_with(config)).await.unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error}");
    assert!(!runs(&file.pid().await));
}

#[tokio::test]
async fn what_is_no_runtime_is_an_error_that_says_what_it_said() {
    let config =
        CodexConfig::new().launch_command(["sh", "-c", "echo hello; echo oh no >&2; exit 7"]);
    let error = within(Codex::start_with(config)).await.unwrap_err();
    assert_eq!(exited(&error), (Some(7), "oh no".into()));
    // As a `main` that returns the error prints it.
    assert!(
        format!("{error:?}").contains("exit status: 7 before it was ready"),
        "{error:?}"
    );

    let config = CodexConfig::new().launch_command(["/no/such/program"]);
    let error = within(Codex::start_with(config)).await.unwrap_err();
    assert!(matches!(error, Error::Runtime(_)), "{error}");
    assert!(error.to_string().contains("/no/such/program"), "{error}");
    assert_eq!(format!("{error:?}"), format!("Runtime({error})"));
}

#[tokio::test]
async fn a_killed_runtime_ends_pending_calls() {
    let file = PidFile::new("killed");
    let codex = start(&format!("echo $$ > {}; cat > /dev/null", file.0.display())).await;
    let pid = file.pid().await;
    let pending = tokio::spawn({
        let codex = codex.clone();
        async move { codex.request_raw("x/y", json!({})).await }
    });
    assert_eq!(codex.process_id().map(|id| id.to_string()), Some(pid));
    codex_testkit::kill(codex.process_id().unwrap()).unwrap();
    let error = joined(pending).await.unwrap_err();
    assert_eq!(exited(&error).0, None);
    assert!(error.to_string().contains("signal: 9"), "{error}");
}
