//! Runtimes that are older, newer, or none.

use std::time::{Duration, Instant};

use codex_testkit::Script;
use openai_codex::{CloseReason, Codex, CodexConfig, Error};

use super::{reason, runs, scripted};
use crate::peer::within;

/// Starts what is no runtime, and returns the error.
async fn refused(config: CodexConfig) -> Error {
    let config = config.request_timeout(Some(Duration::from_millis(500)));
    let before = Instant::now();
    let error = within(Codex::start_with(config)).await.unwrap_err();
    assert!(before.elapsed() < Duration::from_secs(6), "{error}");
    error
}

/// What is no program is refused with its path and the setting's name.
#[tokio::test]
async fn what_is_no_program_is_refused_by_name() {
    let folder = std::env::temp_dir();
    let text = folder.join(format!("codex-not-executable-{}", std::process::id()));
    std::fs::write(&text, "#!/bin/sh\n").unwrap();
    for path in [folder.clone(), text.clone(), folder.join("no such codex")] {
        let error = refused(CodexConfig::new().codex_bin(&path)).await;
        assert!(matches!(error, Error::Runtime(_)), "{error:?}");
        let told = error.to_string();
        assert!(told.contains(&*path.to_string_lossy()), "{told}");
        assert!(told.contains("codex_bin"), "{told}");
    }
    std::fs::remove_file(text).unwrap();
}

/// Programs that end, echo, flood, or say nothing.
#[cfg(unix)]
#[tokio::test]
async fn programs_that_are_no_runtime_are_given_up() {
    let error = refused(CodexConfig::new().codex_bin("/bin/true")).await;
    assert!(
        matches!(
            reason(&error),
            CloseReason::Exited {
                status: Some(_),
                ..
            }
        ),
        "{error:?}"
    );

    let error = refused(CodexConfig::new().codex_bin("/bin/false")).await;
    for part in ["exit status: 1", "/bin/false", "codex_bin"] {
        assert!(error.to_string().contains(part), "no {part}: {error}");
    }

    let error = refused(CodexConfig::new().launch_command(["cat"])).await;
    assert!(error.rpc().is_some() || error.is_closed(), "{error:?}");

    let error = refused(CodexConfig::new().launch_command(["yes"])).await;
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");

    let error = refused(CodexConfig::new().launch_command(["sleep", "100"])).await;
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");

    let config = CodexConfig::new().launch_command(["cat", "/dev/zero"]);
    let error = refused(config.max_line_bytes(1024 * 1024)).await;
    assert!(
        matches!(reason(&error), CloseReason::Protocol(_)),
        "{error:?}"
    );

    let error = refused(CodexConfig::new().launch_command(["/bin/sh", "-c", "exit 3"])).await;
    assert!(error.to_string().contains("exit status: 3"), "{error}");

    let nothing: [&str; 0] = [];
    let error = refused(CodexConfig::new().launch_command(nothing)).await;
    assert!(
        matches!(error, Error::Runtime(_) | Error::InvalidInput(_)),
        "{error:?}"
    );
}

/// Below the supported range it is refused at the start with what was found, what is needed and
/// what to do, and does not stay.
#[tokio::test]
async fn a_runtime_that_is_too_old_is_refused_at_the_start() {
    for version in ["0.143.9", "0.42.0", "0.144.0-alpha.6"] {
        let script = Script::new().version(version).handshake().closed();
        let (process, config) = scripted(&script);
        let error = refused(config).await;
        assert!(matches!(error, Error::Runtime(_)), "{error:?}");
        let told = error.to_string();
        let needed = codex_runtime::MINIMUM_VERSION.to_string();
        assert!(told.contains(version) && told.contains(&needed), "{told}");
        assert!(told.contains("install"), "no remedy: {told}");
        assert!(!runs(process.starts()[0].pid));
    }
}

/// Within the supported range it is used.
#[tokio::test]
async fn an_older_runtime_is_used() {
    for version in ["0.144.0", "0.150.1", "0.163.0"] {
        let script = Script::new().version(version).handshake().closed();
        let (process, config) = scripted(&script);
        let codex = within(Codex::start_with(config)).await.unwrap();
        assert_eq!(codex.server_info().runtime_version, version);
        within(codex.close()).await.unwrap();
        process.check().unwrap();
    }
}

/// It is used.
#[tokio::test]
async fn a_newer_runtime_is_used() {
    for version in ["0.170.0", "1.0.0", "9.9.9"] {
        let script = Script::new().version(version).handshake().closed();
        let (process, config) = scripted(&script);
        let codex = within(Codex::start_with(config)).await.unwrap();
        assert_eq!(codex.server_info().runtime_version, version);
        within(codex.close()).await.unwrap();
        process.check().unwrap();
    }
}
