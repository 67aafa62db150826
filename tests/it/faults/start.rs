//! Starts that fail for a reason of the system or of this process, which the error names.

use std::path::Path;

use codex_testkit::Script;
use openai_codex::{Codex, CodexConfig, Error};

use super::scripted;
#[cfg(unix)]
use super::{ALONE, alone};
use crate::peer::within;

/// Starts a client that must be refused as invalid input, with nothing started.
async fn invalid(change: impl FnOnce(CodexConfig) -> CodexConfig) -> String {
    let (process, config) = scripted(&Script::new().handshake());
    let error = within(Codex::start_with(change(config))).await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error:?}");
    assert!(process.starts().is_empty(), "it was started: {error}");
    let text = error.to_string();
    assert!(!text.contains("executable"), "{text}");
    text
}

/// Starts a client whose runtime cannot be started.
async fn refused(config: CodexConfig) -> String {
    let error = within(Codex::start_with(config)).await.unwrap_err();
    assert!(matches!(error, Error::Runtime(_)), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn a_folder_that_is_none_is_refused_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let missing = folder.path().join("missing");
    for (dir, words) in [
        (&*missing, "does not exist; create it"),
        (&file, "is a file; give a folder"),
        (&file.join("below"), "is not a folder"),
    ] {
        let text = invalid(|config| config.cwd(dir)).await;
        let told = format!("the working folder {} {words}", dir.display());
        assert!(text.contains(&told), "{text}");
        // It does not matter what would be started in it.
        let text = invalid(|config| config.launch_command(["/no/such/codex"]).cwd(dir)).await;
        assert!(text.contains(&told), "{text}");
    }
    let relative = invalid(|config| config.cwd("no/such/folder")).await;
    let absolute = std::env::current_dir().unwrap().join("no/such/folder");
    let told = format!("the working folder {} does not exist", absolute.display());
    assert!(relative.contains(&told), "{relative}");
    let empty = invalid(|config| config.cwd("")).await;
    assert!(empty.contains("the working folder \"\""), "{empty}");
}

/// A relative folder is meant from where this process is.
#[tokio::test]
async fn a_relative_folder_is_made_absolute() {
    let (process, config) = scripted(&Script::new().handshake().closed());
    let codex = within(Codex::start_with(config.cwd("it/../it")))
        .await
        .unwrap();
    within(codex.close()).await.unwrap();
    let expected = std::env::current_dir().unwrap().join("it");
    assert_eq!(process.starts()[0].cwd, expected);
}

#[tokio::test]
async fn a_nul_is_refused_where_it_is() {
    for (text, words) in [
        (
            invalid(|config| config.env("NAME", "a\0b")).await,
            "\"NAME\" has a NUL",
        ),
        (
            invalid(|config| config.env("NA\0ME", "a")).await,
            "\"NA\\0ME\" is not a name",
        ),
        (
            invalid(|config| config.env_remove("NA\0ME")).await,
            "\"NA\\0ME\" is not a name",
        ),
        (
            invalid(|config| config.cwd("/a\0b")).await,
            "\"/a\\0b\" is not a working folder",
        ),
        (
            invalid(|config| config.config_override("a\0b", 1)).await,
            "\"a\\0b\" is not a",
        ),
        (
            invalid(|config| config.launch_command(["codex", "a\0b"])).await,
            "argument 1 of the command line has a NUL",
        ),
        (
            invalid(|config| config.launch_command(["co\0dex"])).await,
            "the program of the command line has a NUL",
        ),
    ] {
        assert!(text.contains(words), "{text}");
    }
    let text = refused(CodexConfig::new().codex_bin("/a\0b")).await;
    assert!(text.contains("NUL") && text.contains("codex_bin"), "{text}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_override_that_is_too_long_is_named() {
    let (_process, config) = scripted(&Script::new().handshake());
    let long = "hush ".repeat(40_000);
    let text = refused(config.config_override("developer_instructions", &long)).await;
    let words = "the config override \"developer_instructions\" of 200025 bytes";
    assert!(text.contains(words), "{text}");
    assert!(!text.contains("hush"), "{text}");
    let (_process, config) = scripted(&Script::new().handshake());
    let text = refused(config.env("NOTES", &long)).await;
    assert!(
        text.contains("the variable NOTES of 200006 bytes"),
        "{text}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_script_without_its_interpreter_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("codex");
    write_script(&script, "#!/no/such/node\n");
    for config in [
        CodexConfig::new().codex_bin(&script),
        CodexConfig::new().launch_command([&script]),
    ] {
        let text = refused(config).await;
        assert!(
            text.contains("a script for \"/no/such/node\", which does not exist"),
            "{text}"
        );
    }
    // Found by the shell's own means, it ends at once, and says why.
    write_script(&script, "#!/usr/bin/env no-such-node\n");
    let error = within(Codex::start_with(CodexConfig::new().codex_bin(&script))).await;
    let text = error.unwrap_err().to_string();
    assert!(
        text.contains("exit status: 127") && text.contains("no-such-node"),
        "{text}"
    );
}

/// Written by another process: one that this process had open for writing could be inherited by a
/// program that another test starts, and then not be run.
#[cfg(unix)]
fn write_script(path: &Path, text: &str) {
    let line = "printf %s \"$2\" > \"$1\" && chmod 755 \"$1\"";
    let status = std::process::Command::new("/bin/sh")
        .args(["-c", line, "sh"])
        .arg(path)
        .arg(text)
        .status();
    assert!(status.unwrap().success());
}

/// However many files are left, what they do not suffice for is refused with the reason.
#[cfg(unix)]
#[test]
fn too_many_open_files_are_named() {
    if std::env::var_os(ALONE).is_none() {
        let output = alone(
            "faults::start::too_many_open_files_are_named",
            "ulimit -n 100",
        );
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}");
        return;
    }
    let sh = "read line; echo '{\"id\":0,\"result\":{\"codexHome\":\"/\"}}'; cat > /dev/null";
    let config = CodexConfig::new().launch_command(["/bin/sh", "-c", sh]);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    // The installed runtime is there; looking at it takes a file too.
    crate::stage::program();
    let mut files = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        files.push(file);
    }
    let named = |error: Error| {
        let text = error.to_string();
        assert!(text.contains("too many open files"), "{error:?}");
        assert!(!text.contains("executable"), "{text}");
    };
    named(runtime.block_on(within(Codex::start())).unwrap_err());
    // Neither is there room for the files of a blocking client.
    named(openai_codex::blocking::Codex::start_with(config.clone()).unwrap_err());
    let mut refusals = 0;
    let codex = loop {
        match runtime.block_on(within(Codex::start_with(config.clone()))) {
            Ok(codex) => break codex,
            Err(error) => named(error),
        }
        refusals += 1;
        drop(files.pop().expect("the client starts when there are files"));
    };
    assert!(refusals > 3, "{refusals}");
    runtime.block_on(within(codex.close())).unwrap();
    while files.len() > 80 {
        files.pop();
    }
    loop {
        match openai_codex::blocking::Codex::start_with(config.clone()) {
            Ok(codex) => break codex.close().unwrap(),
            Err(error) => named(error),
        }
        drop(files.pop().expect("the client starts when there are files"));
    }
}

/// A host whose SIGPIPE has its default action outlives a runtime that closes its input, or ends.
#[cfg(unix)]
#[test]
fn a_host_that_dies_of_broken_pipes_lives() {
    use std::io::Write;
    use std::os::unix::process::ExitStatusExt;

    /// What the host says when no runtime has ended it.
    const LIVES: &str = "the host lives";
    /// The signal that ends it afterwards.
    const SIGPIPE: i32 = 13;

    if std::env::var_os(ALONE).is_none() {
        let output = alone("faults::start::a_host_that_dies_of_broken_pipes_lives", ":");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains(LIVES), "{:?}: {told}{text}", output.status);
        assert_eq!(output.status.signal(), Some(SIGPIPE), "{text}");
        return;
    }
    sigpipe::reset();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let greeting = "read line; echo '{\"id\":0,\"result\":{\"codexHome\":\"/\"}}'; read line;";
    let close = "read line; exec 0<&-; echo '{\"id\":1,\"result\":{}}'";
    for then in ["exec sleep 100", "exit 3"] {
        let sh = format!("{greeting} {close}; {then}");
        let config = CodexConfig::new().launch_command(["/bin/sh", "-c", &sh]);
        runtime.block_on(async {
            let codex = within(Codex::start_with(config)).await.unwrap();
            let nothing = serde_json::json!({});
            within(codex.request_raw("x/close", nothing)).await.unwrap();
            let big = serde_json::json!({"text": "x".repeat(1024 * 1024)});
            let error = within(codex.request_raw("x/y", big)).await.unwrap_err();
            assert!(error.is_closed(), "{error:?}");
            within(codex.close()).await.unwrap();
        });
    }
    std::io::stdout().write_all(LIVES.as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
    // It was such a host: what writes to a broken pipe ends it.
    let mut child = std::process::Command::new("true");
    let mut child = child.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    child.wait().unwrap();
    let _ = pipe.write_all(b"x");
    unreachable!("the signal did not end this process");
}
