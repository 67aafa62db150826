//! The account, and three ways to log in.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Outcome, Stage};
use openai_codex::Codex;
use openai_codex::types::Account;

async fn show_account(codex: &Codex) -> Outcome {
    match codex.account().await?.account {
        None => println!("account: none"),
        Some(Account::ApiKey(_)) => println!("account: an API key"),
        Some(Account::Chatgpt(account)) => {
            println!("account: ChatGPT, {}", account.email.unwrap_or_default());
        }
        Some(other) => println!("account: {other:?}"),
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::with_home([], |home| home.requires_openai_auth())?;
    let codex = Codex::start_with(stage.config()).await?;
    show_account(&codex).await?;
    if stage.is_live() {
        println!("This is your own account, so nothing is changed.");
        codex.close().await?;
        return Ok(());
    }

    codex.login_api_key("sk-example").await?;
    show_account(&codex).await?;
    codex.logout().await?;
    show_account(&codex).await?;

    // The user would open this in a browser. This example has no user, so the login is canceled.
    let login = codex.login_chatgpt().await?;
    let (page, _) = login.auth_url().split_once('?').unwrap_or_default();
    println!("browser.open: {page}");
    println!("browser.cancel: {}", login.cancel().await?.status);
    let done = login.wait().await?;
    println!("browser.success: {}", done.success);

    // A device code comes from OpenAI, so it is asked for only with `-- --device`.
    if std::env::args().any(|argument| argument == "--device") {
        let login = codex.login_chatgpt_device_code().await?;
        println!("device.open: {}", login.verification_url());
        println!("device.code: {}", login.user_code());
        login.cancel().await?;
    }

    codex.close().await?;
    Ok(())
}
