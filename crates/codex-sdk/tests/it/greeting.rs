//! The handshake: what a runtime says of itself, and what it does not.

use codex_testkit::ScriptedServer;
use openai_codex::{Codex, CodexConfig, Error, Result};
use serde_json::{Value, json};

use crate::peer::{connect_to_version, start_thread, still_works, within};

/// Connects to a peer that greets with this result.
async fn greeted_with(result: Value) -> (Result<Codex>, ScriptedServer) {
    let (mut server, read, write) = ScriptedServer::pipe();
    let greeting = async {
        server.expect("initialize").await.unwrap().reply(result);
        // It does not come after a refusal.
        let _ = server.expect("initialized").await;
    };
    let connecting = Codex::connect(CodexConfig::new(), read, write);
    let (codex, ()) = within(async { tokio::join!(connecting, greeting) }).await;
    (codex, server)
}

/// A greeting of another shape does not cost the connection.
#[tokio::test]
async fn a_greeting_that_lacks_fields_is_enough() {
    let agent = "codex_rust_sdk/0.200.1 (Debian 12; x86_64) xterm (codex_rust_sdk; 0.1.0)";
    let rows = [
        (json!({"userAgent": agent}), ["0.200.1", agent, ""]),
        (
            json!({"userAgent": agent, "codexHome": 7, "platformFamily": null, "platformOs": []}),
            ["0.200.1", agent, ""],
        ),
        (json!({"codexHome": "/h"}), ["unknown", "", "/h"]),
        (
            json!({"userAgent": {"name": "x"}, "codexHome": "/h", "new": [1]}),
            ["unknown", "", "/h"],
        ),
    ];
    for (greeting, expected) in rows {
        let (codex, mut server) = greeted_with(greeting).await;
        let codex = codex.unwrap();
        let info = codex.server_info();
        let told = [&*info.runtime_version, &*info.user_agent, &*info.codex_home];
        assert_eq!(told, expected);
        still_works(&codex, &mut server).await;
    }
}

/// What says nothing of itself is no runtime.
#[tokio::test]
async fn a_greeting_that_says_nothing_is_refused() {
    for greeting in [json!({}), json!([]), json!(null), json!({"userAgent": " "})] {
        let (codex, _server) = greeted_with(greeting).await;
        assert!(matches!(codex, Err(Error::Decode { .. })), "{codex:?}");
    }
}

/// What needs a newer version than is known is refused with words that fit: to update is no remedy
/// for a version that cannot be read.
#[tokio::test]
async fn an_unknown_version_is_not_called_an_old_one() {
    let rows = [
        (
            "0.150.0",
            "the reported version is '0.150.0'; update the runtime",
        ),
        (
            "soon",
            "the reported version is 'unknown': there is none in the runtime's user agent",
        ),
        ("0.0.0", "a build from a checkout"),
    ];
    for (version, words) in rows {
        let (codex, mut server) = connect_to_version(version).await;
        let thread = start_thread(&codex, &mut server, "t").await;
        let error = within(thread.turn("x").source("cron").run())
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains(words), "{text}");
        assert_eq!(text.contains("update"), version == "0.150.0", "{text}");
        let agent = &codex.server_info().user_agent;
        assert_eq!(text.contains(agent), version == "soon", "{text}");
        assert!(
            matches!(&error, Error::UnsupportedRuntime { user_agent, .. } if user_agent == agent),
            "{error:?}"
        );
    }
}
