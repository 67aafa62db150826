//! The isolated home as the real runtime sees it.

use codex_testkit::{Answer, Home, MockModel};
use serde_json::json;

use crate::runtime::Runtime;
use crate::stage::Stage;

#[tokio::test]
async fn a_home_is_removed_when_it_is_dropped() {
    let mut stage = Stage::new(json!({})).await;
    stage.model.push(Answer::text("hi"));
    stage.run("hello").await;
    let root = stage.home.root().to_owned();
    assert!(root.join("codex-home/sessions").is_dir());
    drop(stage);
    assert!(!root.exists());
}

#[tokio::test]
async fn a_home_goes_where_it_is_told() {
    let model = MockModel::start().await.unwrap();
    let parent = tempfile::tempdir().unwrap();
    let home = Home::builder(&model).parent(parent.path()).build().unwrap();
    let real = parent.path().canonicalize().unwrap();
    assert_eq!(home.root().parent(), Some(real.as_path()));
}

/// Whatever the runtime would ask of another host comes to the model's port as
/// a request to a proxy, and would be seen.
async fn behind_a_proxy(home: &Home, model: &MockModel) -> Runtime {
    let variables = model.proxy_env();
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    Runtime::start_with(home, &variables).await
}

#[tokio::test]
async fn nothing_is_asked_of_any_other_host() {
    let model = MockModel::start().await.unwrap();
    let home = Home::new(&model).unwrap();
    let mut runtime = behind_a_proxy(&home, &model).await;
    model.push(Answer::text("hi"));
    let thread = runtime.start_thread(json!({})).await;
    runtime.run(&thread, "hello").await;
    runtime.call("model/list", json!({})).await;
    runtime.call("account/read", json!({})).await;
    runtime.close().await;

    let requests = model.requests();
    let asked: Vec<String> = requests.iter().map(|request| request.summary()).collect();
    assert_eq!(asked, ["POST /v1/responses, last user text \"hello\""]);
}

#[tokio::test]
async fn an_account_is_not_shown_to_any_other_host() {
    let model = MockModel::start().await.unwrap();
    let home = Home::builder(&model)
        .requires_openai_auth()
        .build()
        .unwrap();
    let mut runtime = behind_a_proxy(&home, &model).await;
    model.push(Answer::text("hi"));
    let login = json!({"type": "apiKey", "apiKey": "sk-not-a-key"});
    runtime.call("account/login/start", login).await;
    let thread = runtime.start_thread(json!({})).await;
    runtime.run(&thread, "hello").await;
    runtime.call("model/list", json!({})).await;
    runtime.call("account/read", json!({})).await;
    runtime.close().await;

    let request = &model.responses_requests()[0];
    assert_eq!(request.header("Authorization"), Some("Bearer sk-not-a-key"));
    assert_eq!(model.foreign_requests().len(), 0);
}

#[tokio::test]
async fn the_folders_around_the_workspace_say_nothing() {
    let model = MockModel::start().await.unwrap();
    let parent = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::create_dir(parent.path().join(".git")).unwrap();
    std::fs::write(parent.path().join("AGENTS.md"), "Speak Latin.").unwrap();
    let home = Home::builder(&model)
        .parent(parent.path())
        .file("sub/AGENTS.md", "Not asked for.")
        .build()
        .unwrap();
    let mut runtime = Runtime::start(&home).await;
    model.push(Answer::text("hi"));
    let thread = runtime.start_thread(json!({})).await;
    runtime.run(&thread, "hello").await;
    runtime.close().await;

    let request = &model.responses_requests()[0];
    let told = request.body_json.to_string();
    assert!(!told.contains("Speak Latin"), "{told}");
}

#[tokio::test]
async fn the_settings_reach_the_runtime() {
    let mut stage = Stage::with_home(
        |home| {
            home.model("other-model")
                .approval_policy("on-request")
                .sandbox_mode("workspace-write")
                .config("developer_instructions", json!("Be \"brief\"."))
                .config_toml("[sandbox_workspace_write]\nnetwork_access = true")
                .file("AGENTS.md", "Count to three.")
        },
        json!({}),
    )
    .await;
    stage.model.push(Answer::text("hi"));
    stage.run("hello").await;

    let request = &stage.model.responses_requests()[0];
    assert_eq!(request.model(), Some("other-model"));
    assert!(request.developer_texts().contains(&"Be \"brief\"."));
    let project = request
        .user_texts()
        .iter()
        .any(|text| text.contains("Count to three."));
    assert!(project, "{:?}", request.user_texts());
    let params = json!({"includeLayers": false});
    let config = stage.runtime.call("config/read", params).await;
    assert_eq!(config["config"]["approval_policy"], "on-request");
    assert_eq!(
        config["config"]["sandbox_workspace_write"]["network_access"],
        true
    );
}
