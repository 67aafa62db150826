//! The arguments, environment and folder that the runtime is started with.

use codex_testkit::{Script, Start};
use openai_codex::{Codex, CodexConfig, Error};
use serde_json::json;

use super::scripted;
use crate::peer::within;

/// Starts a runtime, closes it, and returns how it was started.
async fn start(change: impl FnOnce(CodexConfig) -> CodexConfig) -> Start {
    let (process, config) = scripted(&Script::new().handshake().closed());
    let codex = within(Codex::start_with(change(config))).await.unwrap();
    within(codex.close()).await.unwrap();
    process.check().unwrap();
    process.starts().remove(0)
}

/// The default arguments, with overrides in order.
#[tokio::test]
async fn overrides_stand_in_order_before_the_command() {
    let started = start(|config| {
        config
            .config_override("model", "m")
            .config_override("features.goals", false)
    })
    .await;
    assert_eq!(
        started.args,
        [
            "--config",
            "model=\"m\"",
            "--config",
            "features.goals=false",
            "app-server",
            "--listen",
            "stdio://",
        ]
    );
}

/// A command line is used as it is, and any text passes through the pipe.
#[tokio::test]
async fn a_command_line_is_used_as_it_is() {
    let script = Script::new()
        .handshake()
        .expect("x/y")
        .reply(json!({"text": "\u{1F600}\u{2028}é"}));
    let (process, _) = scripted(&script.closed());
    let mut argv = process.command_line();
    argv.push("--odd argument".into());
    let config = CodexConfig::new()
        .launch_command(argv)
        .config_override("model", "m");
    let codex = within(Codex::start_with(config)).await.unwrap();
    let text = json!({"text": "\u{1F600}\u{2028}é\n\r\u{0}"});
    let answer = within(codex.request_raw("x/y", text.clone()))
        .await
        .unwrap();
    assert_eq!(answer, json!({"text": "\u{1F600}\u{2028}é"}));
    within(codex.close()).await.unwrap();
    process.check().unwrap();
    assert_eq!(process.starts()[0].args, ["app-server", "--odd argument"]);
    assert_eq!(process.received()[2]["params"], text);
}

/// Each is one argument, and one value of TOML.
#[tokio::test]
async fn a_value_cannot_break_out_of_its_override() {
    let nasty = [
        "x\" --config approval_policy=\"never",
        "x\"\napproval_policy = \"never\"\n",
        "x\"\r\n[sandbox_workspace_write]\r\nnetwork_access = true",
        "\\\" , y = \"",
        "'''",
        "\"\"\"",
        "\\",
        "$(touch x)",
        "`touch x`",
        "; touch x",
        "--config",
        "=",
        "#",
        "\u{0}",
        "\u{1b}[31m",
        "\u{7f}\u{85}\u{2028}\u{feff}",
        "\u{1F600}",
        "",
    ];
    for text in nasty {
        for value in [json!(text), json!([text, {"k": text}]), json!({text: text})] {
            let started = start(|config| config.config_override("a.b", &value)).await;
            assert_eq!(started.args.len(), 5, "{:?}", started.args);
            assert_eq!(started.args[0], "--config");
            let written = started.args[1].strip_prefix("a.b=").unwrap();
            assert!(!written.contains(['\n', '\r', '\0']), "{written:?}");
            let read: toml::Value = toml::from_str::<toml::Table>(&format!("v = {written}"))
                .unwrap_or_else(|error| panic!("{written:?}: {error}"))
                .remove("v")
                .unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), value);
        }
    }
}

/// Keys and values that no override can have are refused before anything starts.
#[tokio::test]
async fn what_no_override_can_have_is_refused() {
    let refused = [
        ("a=b", json!(1)),
        ("a\nb", json!(1)),
        ("", json!(1)),
        ("a", json!(null)),
        ("a", json!([1, null])),
        ("a", json!(u64::MAX)),
    ];
    for (key, value) in refused {
        let (process, config) = scripted(&Script::new().handshake());
        let error = Codex::start_with(config.config_override(key, value))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{error:?}");
        assert!(process.starts().is_empty());
    }
    for value in [f64::NAN, f64::INFINITY] {
        let (process, config) = scripted(&Script::new().handshake());
        let error = Codex::start_with(config.config_override("a", value))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{error:?}");
        assert!(process.starts().is_empty());
    }
}

/// What is set, removed and cleared is so in the child, in any order.
#[tokio::test]
async fn the_environment_of_the_child_is_controlled() {
    let inherited = start(|config| config.env("CODEX_TEST_SET", "1").env_remove("HOME")).await;
    assert_eq!(
        inherited.env.get("CODEX_TEST_SET").map(String::as_str),
        Some("1")
    );
    assert_eq!(inherited.env.get("HOME"), None);
    assert_eq!(
        inherited.env.get("PATH"),
        std::env::var("PATH").ok().as_ref()
    );

    let last = start(|config| {
        config
            .env("A", "1")
            .env("A", "2")
            .env_remove("B")
            .env("B", "3")
    })
    .await;
    assert_eq!((&*last.env["A"], &*last.env["B"]), ("2", "3"));

    let cleared = start(|config| config.env("A", "1").env_clear().env("B", "2")).await;
    let names: Vec<&str> = cleared.env.keys().map(String::as_str).collect();
    assert_eq!(names, ["A", "B"]);
}

/// What an outer Codex sets for its processes does not reach the child, unless the caller sets it:
/// the client is named as it was asked for, also in a program that an agent runs.
#[cfg(unix)]
#[test]
fn the_environment_of_an_outer_codex_stays_outside() {
    use super::{ALONE, alone};
    use crate::stage::{ok, program};

    let outer = [
        "CODEX_CI",
        "CODEX_INTERNAL_ORIGINATOR_OVERRIDE",
        "CODEX_SANDBOX",
        "CODEX_SANDBOX_NETWORK_DISABLED",
        "CODEX_SESSION_ID",
        "CODEX_THREAD_ID",
        "CODEX_TOOL_CALL_ID",
    ];
    if std::env::var_os(ALONE).is_none() {
        let exports = outer.map(|name| format!("export {name}='of the/outer one'"));
        let output = alone(
            "faults::launch::the_environment_of_an_outer_codex_stays_outside",
            &exports.join("; "),
        );
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}");
        return;
    }
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(async {
        let inherited = start(|config| config).await.env;
        let explicit = start(|config| config.env("CODEX_SANDBOX", "mine"))
            .await
            .env;
        for name in outer {
            assert!(std::env::var_os(name).is_some());
            assert_eq!(inherited.get(name), None, "{name}");
            let expected = (name == "CODEX_SANDBOX").then_some("mine");
            assert_eq!(explicit.get(name).map(String::as_str), expected, "{name}");
        }
        assert_eq!(inherited.get("HOME"), std::env::var("HOME").ok().as_ref());

        // The real runtime, in a home that removes nothing of what is inherited.
        let model = codex_testkit::MockModel::start().await.unwrap();
        let home = codex_testkit::Home::new(&model).unwrap();
        let config = CodexConfig::new()
            .codex_bin(program())
            .cwd(home.workspace())
            .client_info("my_agent", "1.0");
        let config = home
            .env()
            .into_iter()
            .fold(config, |config, (name, value)| config.env(name, value));
        let explicit = config.clone().env(outer[1], "mine");
        for (config, name) in [(config, "my_agent/"), (explicit, "mine/")] {
            let codex = ok(Codex::start_with(config)).await;
            let agent = &codex.server_info().user_agent;
            assert!(agent.starts_with(name), "{agent}");
            ok(codex.close()).await;
        }
    });
}

/// An explicit executable gets no folder in front of its `PATH`.
#[tokio::test]
async fn an_explicit_executable_keeps_its_path() {
    let started = start(|config| config.env("PATH", "/nowhere")).await;
    assert_eq!(started.env["PATH"], "/nowhere");
}

/// The folder is the one that was set, or that of this process.
#[tokio::test]
async fn the_folder_of_the_child_is_controlled() {
    let folder = std::env::temp_dir().canonicalize().unwrap();
    let started = start(|config| config.cwd(&folder)).await;
    assert_eq!(started.cwd, folder);
    let started = start(|config| config).await;
    assert_eq!(started.cwd, std::env::current_dir().unwrap());
}

/// Clones of a client share its one process.
#[tokio::test]
async fn a_client_and_its_clones_have_one_process() {
    let (process, config) = scripted(&Script::new().handshake().closed());
    let codex = within(Codex::start_with(config)).await.unwrap();
    let clones = [codex.clone(), codex.clone()];
    within(codex.close()).await.unwrap();
    for clone in clones {
        let error = within(clone.request_raw("x/y", json!({})))
            .await
            .unwrap_err();
        assert!(error.is_closed());
    }
    assert_eq!(process.starts().len(), 1);
}
