//! Async runtimes that cannot drive a client, and those that can.

use futures_util::FutureExt;
use openai_codex::{Codex, CodexConfig, Error};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::peer::within;

#[track_caller]
fn refused(error: Error, thing: &str, remedy: &str) {
    let Error::InvalidInput(reason) = &error else {
        panic!("{error:?}");
    };
    assert!(
        reason.contains(thing) && reason.contains(remedy),
        "{reason}"
    );
}

fn runtime(change: impl FnOnce(&mut Builder)) -> Runtime {
    let mut builder = Builder::new_current_thread();
    change(&mut builder);
    builder.build().unwrap()
}

/// A command that must not be run: it leaves a file.
fn trap(folder: &tempfile::TempDir) -> (CodexConfig, std::path::PathBuf) {
    let file = folder.path().join("started");
    let argv = ["touch".as_ref(), file.as_os_str()];
    (CodexConfig::new().launch_command(argv), file)
}

#[test]
fn what_a_runtime_lacks_is_named_and_nothing_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let (config, file) = trap(&folder);
    let rows: [(Runtime, &str); 3] = [
        (runtime(|_| {}), "has no timers"),
        (runtime(|builder| _ = builder.enable_io()), "has no timers"),
        (runtime(|builder| _ = builder.enable_time()), "has no IO"),
    ];
    for (runtime, thing) in rows {
        // A deadline would need the timers.
        let error = runtime.block_on(Codex::start_with(config.clone()));
        refused(error.unwrap_err(), thing, ".enable_all()");
        let many = Builder::new_multi_thread().worker_threads(1).build();
        let error = many.unwrap().block_on(Codex::start_with(config.clone()));
        refused(error.unwrap_err(), "has no timers", ".enable_all()");
    }
    assert!(!file.exists());
}

#[test]
fn a_start_outside_of_an_async_runtime_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (config, file) = trap(&folder);
    let error = Codex::start_with(config).now_or_never().unwrap();
    refused(
        error.unwrap_err(),
        "within a tokio runtime",
        "#[tokio::main]",
    );
    let (read, write) = (tokio::io::empty(), tokio::io::sink());
    let error = Codex::connect(CodexConfig::new(), read, write).now_or_never();
    let error = error.unwrap().unwrap_err();
    refused(error, "within a tokio runtime", "#[tokio::main]");
    assert!(!file.exists());
}

/// A pipe in memory needs timers alone.
#[test]
fn a_connection_needs_timers_alone() {
    let (read, write) = (tokio::io::empty(), tokio::io::sink());
    let connecting = Codex::connect(CodexConfig::new(), read, write);
    let error = runtime(|_| {}).block_on(connecting).unwrap_err();
    refused(error, "has no timers", ".enable_all()");

    let with_timers = runtime(|builder| _ = builder.enable_time());
    with_timers.block_on(async {
        let (codex, mut server) = crate::peer::connect().await;
        let call = codex.request_raw("x/y", json!({}));
        let answer = async { server.expect("x/y").await.unwrap().reply(json!({"a": 1})) };
        let (result, ()) = within(async { tokio::join!(call, answer) }).await;
        assert_eq!(result.unwrap(), json!({"a": 1}));
        within(codex.close()).await.unwrap();
    });
}
