//! Logins and the account.

use std::borrow::Cow;

use codex_types::request::ClientRequest;
use codex_types::{
    AccountLoginCompletedNotification, AccountLogoutParams, ApiKeyLoginAccountParams,
    CancelLoginAccountResponse, ChatgptDeviceCodeLoginAccountParams, ChatgptLoginAccountParams,
    GetAccountParams, GetAccountResponse, LoginAccountParams, LoginAccountResponse,
};
use serde_json::Value;

mod pending;

use crate::client::Codex;
use crate::connection::{LoginEvents, Opened};
use crate::error::{Error, RawPayload, Result};
use crate::router::OnAnswer;
use pending::PendingLogin;

/// A login with ChatGPT that waits for its user in a browser.
///
/// Dropping it leaves the login to the runtime, which gives it up in time.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// let login = codex.login_chatgpt().await?;
/// println!("Open {}", login.auth_url());
/// let done = login.wait().await?;
/// println!("{}", if done.success { "logged in" } else { "not logged in" });
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "the user has to open the URL"]
pub struct ChatgptLoginHandle {
    auth_url: String,
    login: PendingLogin,
}

impl ChatgptLoginHandle {
    /// Returns the id of the login.
    pub fn login_id(&self) -> &str {
        self.login.id()
    }

    /// Returns the URL that the user has to open in a browser of this machine.
    pub fn auth_url(&self) -> &str {
        &self.auth_url
    }

    /// Waits until the login has succeeded, failed or was cancelled, however long that takes.
    ///
    /// Waiting again gives the same answer.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] if the connection ends first; [`Error::Decode`] if the completion cannot be
    /// understood. A login that failed is no error: its `success` is false.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn wait(&self) -> Result<AccountLoginCompletedNotification> {
        self.login.wait().await
    }

    /// Gives the login up, `account/login/cancel`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`].
    pub async fn cancel(&self) -> Result<CancelLoginAccountResponse> {
        self.login.cancel().await
    }
}

/// A login with ChatGPT by a code that its user types in, on any device.
///
/// Dropping it leaves the login to the runtime, which gives it up in time.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// let login = codex.login_chatgpt_device_code().await?;
/// println!("Open {} and enter {}", login.verification_url(), login.user_code());
/// login.wait().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "the user has to enter the code"]
pub struct DeviceCodeLoginHandle {
    verification_url: String,
    user_code: String,
    login: PendingLogin,
}

impl DeviceCodeLoginHandle {
    /// Returns the id of the login.
    pub fn login_id(&self) -> &str {
        self.login.id()
    }

    /// Returns the URL where the user enters the code.
    pub fn verification_url(&self) -> &str {
        &self.verification_url
    }

    /// Returns the code.
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// Waits until the login has succeeded, failed or was cancelled, however long that takes.
    ///
    /// Waiting again gives the same answer.
    ///
    /// # Errors
    ///
    /// As [`ChatgptLoginHandle::wait`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn wait(&self) -> Result<AccountLoginCompletedNotification> {
        self.login.wait().await
    }

    /// Gives the login up, `account/login/cancel`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`].
    pub async fn cancel(&self) -> Result<CancelLoginAccountResponse> {
        self.login.cancel().await
    }
}

impl Codex {
    /// Logs in with an API key, `account/login/start`.
    ///
    /// ```no_run
    /// # async fn example(codex: openai_codex::Codex, key: String) -> openai_codex::Result<()> {
    /// codex.login_api_key(key).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Codex::request`]. No error has the key in it.
    pub async fn login_api_key(&self, key: impl Into<String>) -> Result<()> {
        let key = key.into();
        self.connection().learn_secret(&key);
        let params = LoginAccountParams::ApiKey(ApiKeyLoginAccountParams::new(key));
        match self.start_login(&params).await? {
            (LoginAccountResponse::ApiKey(_), _) => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    /// Starts a login with ChatGPT in a browser, `account/login/start`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves a login that it may have started to the runtime.
    pub async fn login_chatgpt(&self) -> Result<ChatgptLoginHandle> {
        let params = LoginAccountParams::Chatgpt(ChatgptLoginAccountParams::default());
        match self.start_login(&params).await? {
            (LoginAccountResponse::Chatgpt(response), Some(events)) => Ok(ChatgptLoginHandle {
                auth_url: response.auth_url,
                login: PendingLogin::new(self.clone(), events),
            }),
            other => Err(unexpected(other)),
        }
    }

    /// Starts a login with ChatGPT by a code that the user types in, `account/login/start`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves a login that it may have started to the runtime.
    pub async fn login_chatgpt_device_code(&self) -> Result<DeviceCodeLoginHandle> {
        let params =
            LoginAccountParams::ChatgptDeviceCode(ChatgptDeviceCodeLoginAccountParams::default());
        match self.start_login(&params).await? {
            (LoginAccountResponse::ChatgptDeviceCode(response), Some(events)) => {
                Ok(DeviceCodeLoginHandle {
                    verification_url: response.verification_url,
                    user_code: response.user_code,
                    login: PendingLogin::new(self.clone(), events),
                })
            }
            other => Err(unexpected(other)),
        }
    }

    /// Reads who is logged in, `account/read`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`].
    pub async fn account(&self) -> Result<GetAccountResponse> {
        let params = GetAccountParams::default().refresh_token(false);
        self.request(params).await
    }

    /// Logs out, `account/logout`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`].
    pub async fn logout(&self) -> Result<()> {
        self.request(AccountLogoutParams).await?;
        Ok(())
    }
}

/// Refuses the answer to another kind of login than the one that was started.
fn unexpected((response, _): (LoginAccountResponse, Option<LoginEvents>)) -> Error {
    let response = serde_json::to_value(response).unwrap_or_default();
    let kind = response.get("type").and_then(Value::as_str);
    let kind = kind.unwrap_or("without a type");
    Error::UnexpectedResponse {
        method: Cow::Borrowed(LoginAccountParams::METHOD),
        reason: format!("it is for another kind of login ({kind}) than was asked for").into(),
        raw: Some(RawPayload::new(response.to_string())),
    }
}

impl Codex {
    /// Starts a login; the second part waits for its completion, for the logins that have one.
    async fn start_login(
        &self,
        params: &LoginAccountParams,
    ) -> Result<(LoginAccountResponse, Option<LoginEvents>)> {
        let request = self.encode(params)?;
        let response = self
            .connection()
            .request(request, OnAnswer::OpenLogin)
            .await?;
        let result = response.decode_as::<LoginAccountParams>()?;
        Ok(match response.opened {
            Opened::Login(events) => (result, Some(events)),
            _ => (result, None),
        })
    }
}
