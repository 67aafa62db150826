//! Logins and the account, with a scripted peer.

use openai_codex::Error;
use serde_json::json;

use crate::peer::{connect, joined, within};

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
