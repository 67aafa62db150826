//! Starting and ending the runtime, and the metadata of its handshake.

use codex_testkit::{Answer, Home, MockModel};
use openai_codex::types::{ConfigReadParams, ThreadLoadedListParams, TurnStatus};
use openai_codex::{CloseReason, Codex, Error, RpcErrorKind, VERSION};
use serde_json::json;

use crate::stage::{Stage, config, err, is_before, ok, program, supported, version, within};

/// The runtime says which version it is, and where it lives.
#[tokio::test]
async fn the_server_info_is_that_of_the_runtime() {
    let stage = Stage::new().await;
    let info = stage.codex.server_info();
    assert_eq!(info.runtime_version, version().to_string());
    let start = format!("codex_rust_sdk/{} (", version());
    assert!(info.user_agent.starts_with(&start), "{}", info.user_agent);
    let end = format!("(codex_rust_sdk; {VERSION})");
    assert!(info.user_agent.ends_with(&end), "{}", info.user_agent);
    assert_eq!(info.codex_home, stage.home.codex_home().to_str().unwrap());
    assert_eq!(info.platform_family, std::env::consts::FAMILY);
    assert_eq!(info.platform_os, std::env::consts::OS);
    stage.finish().await;
}

/// The client's name reaches the model's service.
#[tokio::test]
async fn the_client_is_named() {
    let stage = Stage::with_config(|config| config.client_info("my/agent", "1.2.3")).await;
    stage.model.push(Answer::text("hello"));
    assert_eq!(
        stage.codex.server_info().runtime_version,
        version().to_string()
    );
    ok(stage.thread().await.run("hello")).await;
    let requests = stage.model.responses_requests();
    assert_eq!(requests[0].header("originator"), Some("my/agent"));
    stage.finish().await;
}

/// Overrides of the configuration are used.
#[tokio::test]
async fn overrides_of_the_configuration_are_used() {
    let stage = Stage::with_config(|config| {
        config
            .config_override("model", "quoted \"model\"")
            .config_override("sandbox_workspace_write.network_access", true)
            .config_override("project_doc_max_bytes", 12)
            .config_override("notify", ["a", "b = c"])
    })
    .await;
    assert_eq!(stage.thread().await.info().model, "quoted \"model\"");
    let params = ConfigReadParams::default().include_layers(false);
    let config = ok(stage.codex.request(params)).await.config;
    let config = serde_json::to_value(config).unwrap();
    assert_eq!(config["model"], "quoted \"model\"");
    assert_eq!(config["sandbox_workspace_write"]["network_access"], true);
    assert_eq!(config["project_doc_max_bytes"], 12);
    assert_eq!(config["notify"], json!(["a", "b = c"]));
    stage.finish().await;
}

/// The agent's commands run in the folder and with the variables that were set, and without those
/// that were removed.
#[cfg(unix)]
#[tokio::test]
async fn folder_and_variables_reach_the_agent() {
    let stage = Stage::with(
        |home| home.sandbox_mode("danger-full-access"),
        |config| {
            config
                .env("MY_SETTING", "forty two")
                .env("MY_OTHER", "gone")
                .env_remove("MY_OTHER")
        },
    )
    .await;
    let command = "pwd > seen; echo \"$MY_SETTING.${MY_OTHER-unset}\" >> seen";
    stage
        .model
        .push(Answer::exec_command(command))
        .push(Answer::text("done"));
    ok(stage.thread().await.run("look around")).await;
    let folder = stage.home.workspace().display();
    let expected = format!("{folder}\nforty two.unset\n");
    assert_eq!(stage.home.read("seen"), Some(expected));
    stage.finish().await;
}

/// Without the experimental API what needs it is refused, and with it, it is not.
#[tokio::test]
async fn the_experimental_api_is_off_unless_asked_for() {
    let method = "thread/search";
    let params = json!({"searchTerm": "parser"});
    let stage = Stage::new().await;
    let error = err(stage.codex.request_raw(method, params.clone())).await;
    let kind = error.rpc().map(|error| error.kind());
    assert_eq!(kind, Some(RpcErrorKind::ExperimentalRequired), "{error}");
    stage.finish().await;

    let stage = Stage::with_config(|config| config.experimental_api(true)).await;
    let found = ok(stage.codex.request_raw(method, params)).await;
    assert_eq!(found["data"], json!([]));
    stage.finish().await;
}

/// The client connects over any pipe to a runtime that somebody else started.
#[tokio::test]
async fn a_client_connects_over_any_pipe() {
    let model = MockModel::start().await.unwrap();
    let home = Home::new(&model).unwrap();
    let mut command = tokio::process::Command::from(home.command(program()));
    let mut child = command
        .arg("app-server")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (read, write) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    let codex = ok(Codex::connect(
        openai_codex::CodexConfig::new(),
        read,
        write,
    ))
    .await;
    model.push(Answer::text("over a pipe"));
    let thread = ok(codex.thread_start()).await;
    assert_eq!(ok(thread.run("hello")).await.text(), "over a pipe");
    ok(codex.close()).await;
    within(child.wait()).await.unwrap();
    model.assert_exhausted();
}

/// A whole command line takes the place of the runtime that would be found.
#[tokio::test]
async fn a_command_line_starts_the_runtime() {
    let stage = Stage::with_config(|config| {
        let argv = [program().as_os_str(), "app-server".as_ref()];
        config.launch_command(argv)
    })
    .await;
    stage.model.push(Answer::text("by command"));
    let result = ok(stage.thread().await.run("hello \u{1f980}")).await;
    assert_eq!(result.text(), "by command");
    let requests = stage.model.responses_requests();
    assert_eq!(requests[0].last_user_text(), Some("hello \u{1f980}"));
    stage.finish().await;
}

/// A runtime that cannot start is an error that tells why.
#[tokio::test]
async fn a_runtime_that_cannot_start_tells_why() {
    let model = MockModel::start().await.unwrap();
    let home = Home::builder(&model).approval_policy("untrusted");
    let home = home.build().unwrap();
    // A policy that the runtime of today does not have, and a provider that none has.
    let (config, expected) = match is_before(151) {
        false => (
            config(&home, &model),
            r#"approval_policy = "untrusted" is no longer supported"#,
        ),
        true => (
            config(&home, &model).config_override("model_provider", "missing"),
            "Model provider `missing` not found",
        ),
    };
    let error = err(Codex::start_with(config)).await;
    let Error::Closed(reason) = &error else {
        panic!("{error:?}");
    };
    assert!(matches!(**reason, CloseReason::Exited { .. }), "{reason:?}");
    assert!(error.to_string().contains(expected), "{error}");
}

/// After the close every call fails the same way, and what ran is over.
#[tokio::test]
async fn after_the_close_every_call_fails() {
    let stage = Stage::new().await;
    let gate = codex_testkit::Gate::new();
    stage.model.push(Answer::text("never").gate(&gate));
    let thread = stage.thread().await;
    let mut global = stage.codex.notifications();
    let turn = ok(thread.turn("go")).await;
    gate.reached().await.unwrap();
    ok(stage.codex.close()).await;
    ok(stage.codex.close()).await;

    let params = ThreadLoadedListParams::default();
    for error in [
        err(turn.run()).await,
        err(thread.run("more")).await,
        err(stage.codex.models()).await,
        err(stage.codex.request(params)).await,
        err(stage.codex.thread_start()).await,
    ] {
        assert!(error.is_closed(), "{error:?}");
        let Error::Closed(reason) = error else {
            panic!("{error:?}");
        };
        assert!(matches!(*reason, CloseReason::Requested), "{reason:?}");
    }
    while let Some(event) = within(global.next()).await {
        if let Err(error) = event {
            assert!(error.is_closed());
        }
    }
    stage.finish().await;
}

/// A turn that a close cut off is found as interrupted.
#[tokio::test]
async fn a_turn_that_a_close_cut_off_is_interrupted() {
    let mut stage = Stage::new().await;
    let gate = codex_testkit::Gate::new();
    stage.model.push(Answer::text("never").gate(&gate));
    let thread = stage.thread().await;
    let turn = ok(thread.turn("go")).await;
    gate.reached().await.unwrap();
    let id = thread.id().to_owned();
    stage.restart().await;
    assert!(err(turn.run()).await.is_closed());
    let thread = ok(stage.codex.thread_resume(id)).await;
    let turns = ok(thread.read_with_turns()).await.thread.turns;
    let statuses: Vec<_> = turns.iter().map(|turn| turn.status.clone()).collect();
    assert_eq!(statuses, [TurnStatus::Interrupted]);
    stage.finish().await;
}

/// However the environment names the host, the runtime's version is read, and what needs a version
/// is not refused.
#[tokio::test]
async fn an_originator_of_any_form_leaves_the_version_readable() {
    let forms = [
        ("my/host app", "xterm"),
        (
            "tool/1.2.3 (beta; 2) vscode/1.0.0",
            "vscode (a; b) /1.2.3 (c; d)",
        ),
        (
            "codex_rust_sdk/9.9.9 (Linux; x86_64) xterm (codex_rust_sdk; 1.0)",
            "a/1.2.3",
        ),
        ("h\u{f4}te/1.2.3", "t\u{e9}"),
    ];
    for (originator, terminal) in forms {
        let stage = Stage::with_config(|config| {
            config
                .env("CODEX_INTERNAL_ORIGINATOR_OVERRIDE", originator)
                .env("TERM_PROGRAM", terminal)
                .env("TERM_PROGRAM_VERSION", "1.2.3")
        })
        .await;
        let info = stage.codex.server_info();
        let found = version().to_string();
        assert_eq!(info.runtime_version, found, "{}", info.user_agent);
        stage.model.push(Answer::text("tagged"));
        let run = stage.thread().await.turn("hello").source("a test").run();
        let Some(result) = supported(run).await else {
            return stage.leave().await;
        };
        assert_eq!(result.text(), "tagged");
        stage.finish().await;
    }
}

/// What the runtime sets for the agent's commands does not reach a runtime that one of them starts.
#[cfg(unix)]
#[tokio::test]
async fn what_the_runtime_sets_for_commands_stays_outside() {
    use codex_runtime::{Environment, Launch};

    for mode in ["danger-full-access", "workspace-write"] {
        let stage = Stage::with_home(|home| home.sandbox_mode(mode)).await;
        stage
            .model
            .push(Answer::exec_command("env > seen"))
            .push(Answer::text("done"));
        ok(stage.thread().await.run("look around")).await;
        let seen = stage.home.read("seen").unwrap();
        let own = stage.home.env();
        let set: Vec<_> = seen
            .lines()
            .filter_map(|line| line.split_once('='))
            .filter(|(name, _)| name.contains("CODEX_"))
            .filter(|(name, _)| own.iter().all(|(own, _)| own != name))
            .collect();
        let names: Vec<_> = set.iter().map(|(name, _)| *name).collect();
        assert!(names.contains(&"CODEX_THREAD_ID"), "{names:?}");
        let sandboxed = names.contains(&"CODEX_SANDBOX_NETWORK_DISABLED");
        assert_eq!(sandboxed, mode == "workspace-write", "{names:?}");
        let plan = Launch::command_line(["codex"]).plan(&Environment::unix(set));
        assert_eq!(plan.unwrap().environment().iter().count(), 0, "{names:?}");
        stage.finish().await;
    }
}
