//! Logins and the account.

use codex_testkit::Answer;
use openai_codex::Error;
use openai_codex::types::{Account, CancelLoginAccountStatus};
use serde_json::json;

use crate::stage::Stage;
use crate::{connect, joined, within};

/// LOG-01, LOG-02, LOG-06.
#[tokio::test]
async fn an_api_key_logs_in_and_out_and_is_used() {
    let stage = Stage::with([Answer::text("hi")], |home| home.requires_openai_auth());
    let codex = stage.codex().await;
    within(codex.login_api_key("sk-test-key")).await.unwrap();
    let account = within(codex.account()).await.unwrap().account;
    assert!(matches!(account, Some(Account::ApiKey(_))), "{account:?}");
    let thread = within(codex.thread_start().into_future()).await.unwrap();
    within(thread.run("hello")).await.unwrap();
    let requests = stage.model.responses_requests();
    assert_eq!(
        requests[0].header("authorization"),
        Some("Bearer sk-test-key")
    );
    within(codex.logout()).await.unwrap();
    assert_eq!(within(codex.account()).await.unwrap().account, None);
}

/// LOG-03, LOG-04.
#[tokio::test]
async fn a_browser_login_that_is_canceled_completes_without_success() {
    let stage = Stage::with([], |home| home.requires_openai_auth());
    let codex = stage.codex().await;
    let login = within(codex.login_chatgpt()).await.unwrap();
    assert!(login.auth_url().contains("redirect_uri=http"));
    let canceled = within(login.cancel()).await.unwrap();
    assert_eq!(canceled.status, CancelLoginAccountStatus::Canceled);
    let (done, again) = within(async { tokio::join!(login.wait(), login.wait()) }).await;
    let done = done.unwrap();
    assert_eq!(done, again.unwrap());
    assert_eq!(done.login_id.as_deref(), Some(login.login_id()));
    assert!(!done.success && done.error.is_some());
    within(codex.close()).await.unwrap();
    assert_eq!(within(login.wait()).await.unwrap(), done);
}

/// LOG-08, ROU-32.
#[tokio::test]
async fn a_device_code_login_says_where_to_enter_which_code() {
    let (codex, mut server) = connect().await;
    let task = tokio::spawn({
        let codex = codex.clone();
        async move { codex.login_chatgpt_device_code().await }
    });
    let call = server.expect("account/login/start").await.unwrap();
    assert_eq!(call.params(), &json!({"type": "chatgptDeviceCode"}));
    // Before the answer, and for another login too.
    let completed = |id: &str| json!({"loginId": id, "success": true, "error": null});
    server
        .notify("account/login/completed", completed("other"))
        .notify("account/login/completed", completed("l"));
    call.reply(json!({
        "type": "chatgptDeviceCode", "loginId": "l",
        "verificationUrl": "https://x/device", "userCode": "ABCD-1234",
    }));
    let login = joined(task).await.unwrap();
    assert_eq!(
        (
            login.login_id(),
            login.verification_url(),
            login.user_code()
        ),
        ("l", "https://x/device", "ABCD-1234")
    );
    assert!(within(login.wait()).await.unwrap().success);
}

/// ROU-29.
#[tokio::test]
async fn a_login_that_the_connection_does_not_outlive_ends_with_it() {
    let (codex, mut server) = connect().await;
    let task = tokio::spawn(async move { codex.login_chatgpt().await });
    let call = server.expect("account/login/start").await.unwrap();
    call.reply(json!({"type": "chatgpt", "loginId": "l", "authUrl": "https://x"}));
    let login = joined(task).await.unwrap();
    server.close_output();
    assert!(within(login.wait()).await.unwrap_err().is_closed());
    assert!(within(login.wait()).await.unwrap_err().is_closed());
}

/// LOG-09, LOG-10.
#[tokio::test]
async fn an_unexpected_kind_of_login_is_named() {
    let (codex, mut server) = connect().await;
    let task = tokio::spawn({
        let codex = codex.clone();
        async move { codex.login_chatgpt().await }
    });
    let call = server.expect("account/login/start").await.unwrap();
    assert_eq!(call.params(), &json!({"type": "chatgpt"}));
    call.reply(json!({"type": "apiKey"}));
    match joined(task).await.unwrap_err() {
        Error::UnexpectedResponse { method, reason, .. } => {
            assert_eq!(method, "account/login/start");
            assert_eq!(
                reason,
                "it is for another kind of login (apiKey) than was asked for"
            );
        }
        other => panic!("{other:?}"),
    }
    let task = tokio::spawn(async move { (codex.account().await, codex.logout().await) });
    let call = server.expect("account/read").await.unwrap();
    assert_eq!(call.params(), &json!({"refreshToken": false}));
    call.reply(json!({"account": null, "requiresOpenaiAuth": true}));
    let call = server.expect("account/logout").await.unwrap();
    assert_eq!(call.message().get("params"), None);
    call.reply(json!({}));
    let (account, logout) = within(task).await.unwrap();
    assert_eq!(account.unwrap().account, None);
    logout.unwrap();
}
