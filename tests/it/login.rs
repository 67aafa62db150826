//! Logins against the real runtime: by key, by tokens, and by a browser that never comes.

use std::fs::File;
use std::time::Duration;

use codex_testkit::{Answer, Request};
use openai_codex::types::{
    Account, CancelLoginAccountStatus, ChatgptAuthTokensLoginAccountParams, LoginAccountParams,
    LoginAccountResponse,
};

use crate::stage::{Stage, ok, within};

const KEY: &str = "sk-not-a-key";

/// A login by key is the account until the logout.
#[tokio::test]
async fn a_key_is_the_account_until_the_logout() {
    let stage = Stage::with_home(|home| home.requires_openai_auth()).await;
    assert_eq!(ok(stage.codex.account()).await.account, None);
    ok(stage.codex.login_api_key(KEY)).await;
    let account = ok(stage.codex.account()).await.account;
    assert!(matches!(account, Some(Account::ApiKey(_))), "{account:?}");
    ok(stage.codex.logout()).await;
    assert_eq!(ok(stage.codex.account()).await.account, None);
    stage.finish().await;
}

/// The key is on the next model request.
#[tokio::test]
async fn the_key_is_on_the_next_model_request() {
    let stage = Stage::with_home(|home| home.requires_openai_auth()).await;
    stage.model.push(Answer::text("welcome"));
    ok(stage.codex.login_api_key(KEY)).await;
    ok(stage.thread().await.run("hello")).await;
    let requests = stage.model.responses_requests();
    assert_eq!(authorizations(&requests), [format!("Bearer {KEY}")]);
    stage.finish().await;
}

fn authorizations(requests: &[Request]) -> Vec<String> {
    let headers = requests
        .iter()
        .map(|request| request.header("authorization"));
    headers
        .map(|header| header.unwrap_or("none").to_owned())
        .collect()
}

/// The access token of an embedding application is on the next model request.
#[tokio::test]
async fn the_access_token_is_on_the_next_model_request() {
    let token = token();
    let stage = Stage::with(
        |home| home.requires_openai_auth(),
        |config| config.experimental_api(true),
    )
    .await;
    stage.model.push(Answer::text("welcome"));
    let params = ChatgptAuthTokensLoginAccountParams::default()
        .access_token(&*token)
        .chatgpt_account_id("account-1");
    let params = LoginAccountParams::ChatgptAuthTokens(params);
    let response = ok(stage.codex.request(params)).await;
    let answered = matches!(response, LoginAccountResponse::ChatgptAuthTokens(_));
    assert!(answered, "{response:?}");
    ok(stage.thread().await.run("hello")).await;
    let requests = stage.model.responses_requests();
    assert_eq!(authorizations(&requests), [format!("Bearer {token}")]);
    let account = requests[0].header("chatgpt-account-id");
    assert_eq!(account, Some("account-1"));
    stage.finish().await;
}

/// Makes a token without a signature that says which account and plan it is for.
fn token() -> String {
    let auth = r#"{"chatgpt_account_id":"account-1","chatgpt_plan_type":"pro"}"#;
    let claims = format!(
        r#"{{"email":"a@example.com","https://api.openai.com/auth":{auth},"exp":4102444800}}"#
    );
    [r#"{"alg":"none","typ":"JWT"}"#, &claims, "signature"]
        .map(|part| base64url(part.as_bytes()))
        .join(".")
}

/// Encodes bytes for a token: no padding.
fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..=chunk.len() {
            let letter = (bits >> (18 - 6 * place)) & 63;
            text.push(LETTERS[letter as usize] as char);
        }
    }
    text
}

/// The runtime waits for the browser at a port that is the same for all: one login at a time, on
/// the whole machine. It ends when the file is dropped.
pub(crate) fn login_port_blocking() -> File {
    let path = std::env::temp_dir().join("openai-codex-tests-login-port.lock");
    let file = File::options().create(true).append(true).open(path);
    let file = file.unwrap();
    file.lock().unwrap();
    file
}

/// As [`login_port_blocking`], in async code.
pub(crate) async fn login_port() -> File {
    within(tokio::task::spawn_blocking(login_port_blocking))
        .await
        .unwrap()
}

/// A login by browser that is canceled is over for whoever waits for it.
#[tokio::test]
async fn a_canceled_login_by_browser_ends() {
    let port = login_port().await;
    let stage = Stage::new().await;
    let login = ok(stage.codex.login_chatgpt()).await;
    assert!(!login.login_id().is_empty());
    let url = login.auth_url();
    assert!(
        url.starts_with("https://") && url.contains("redirect_uri=http"),
        "{url}"
    );
    let canceled = ok(login.cancel()).await;
    assert_eq!(canceled.status, CancelLoginAccountStatus::Canceled);
    let outcome = ok(login.wait()).await;
    assert_eq!(outcome.login_id.as_deref(), Some(login.login_id()));
    assert!(!outcome.success);
    assert!(outcome.error.is_some_and(|error| !error.is_empty()));
    assert_eq!(ok(stage.codex.account()).await.account, None);
    stage.finish().await;
    drop(port);
}

/// A wait that is given up takes nothing with it.
#[tokio::test]
async fn a_login_is_canceled_while_another_task_waits() {
    let port = login_port().await;
    let stage = Stage::new().await;
    let login = ok(stage.codex.login_chatgpt()).await;
    let given_up = tokio::time::timeout(Duration::ZERO, login.wait());
    assert!(given_up.await.is_err());
    let both = async { tokio::join!(login.wait(), login.cancel()) };
    let (outcome, canceled) = within(both).await;
    assert_eq!(canceled.unwrap().status, CancelLoginAccountStatus::Canceled);
    assert!(!outcome.unwrap().success);
    let again = ok(login.cancel()).await;
    assert_eq!(again.status, CancelLoginAccountStatus::NotFound);
    stage.finish().await;
    drop(port);
}
