//! The blocking version of logins and the account.

use std::sync::Arc;

use codex_types::{
    AccountLoginCompletedNotification, CancelLoginAccountResponse, GetAccountResponse,
};

use super::client::Codex;
use super::driver::Driver;
use crate::error::Result;
use crate::login;

/// A login with ChatGPT that waits for its user in a browser. The blocking version of
/// [`ChatgptLoginHandle`](crate::ChatgptLoginHandle).
#[derive(Debug)]
#[must_use = "the user has to open the URL"]
pub struct ChatgptLoginHandle {
    inner: login::ChatgptLoginHandle,
    driver: Arc<Driver>,
}

impl ChatgptLoginHandle {
    /// Returns the id of the login.
    pub fn login_id(&self) -> &str {
        self.inner.login_id()
    }

    /// Returns the URL that the user has to open in a browser of this machine.
    pub fn auth_url(&self) -> &str {
        self.inner.auth_url()
    }

    /// Waits until the login has succeeded, failed or was cancelled, however long that takes.
    ///
    /// # Errors
    ///
    /// As [`ChatgptLoginHandle::wait`](crate::ChatgptLoginHandle::wait).
    pub fn wait(&self) -> Result<AccountLoginCompletedNotification> {
        self.driver.block_on(self.inner.wait())
    }

    /// Gives the login up, `account/login/cancel`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`](crate::Codex::request).
    pub fn cancel(&self) -> Result<CancelLoginAccountResponse> {
        self.driver.block_on(self.inner.cancel())
    }
}

/// A login with ChatGPT by a code that its user types in. The blocking version of
/// [`DeviceCodeLoginHandle`](crate::DeviceCodeLoginHandle).
#[derive(Debug)]
#[must_use = "the user has to enter the code"]
pub struct DeviceCodeLoginHandle {
    inner: login::DeviceCodeLoginHandle,
    driver: Arc<Driver>,
}

impl DeviceCodeLoginHandle {
    /// Returns the id of the login.
    pub fn login_id(&self) -> &str {
        self.inner.login_id()
    }

    /// Returns the URL where the user enters the code.
    pub fn verification_url(&self) -> &str {
        self.inner.verification_url()
    }

    /// Returns the code.
    pub fn user_code(&self) -> &str {
        self.inner.user_code()
    }

    /// Waits until the login has succeeded, failed or was cancelled, however long that takes.
    ///
    /// # Errors
    ///
    /// As [`ChatgptLoginHandle::wait`](crate::ChatgptLoginHandle::wait).
    pub fn wait(&self) -> Result<AccountLoginCompletedNotification> {
        self.driver.block_on(self.inner.wait())
    }

    /// Gives the login up, `account/login/cancel`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`](crate::Codex::request).
    pub fn cancel(&self) -> Result<CancelLoginAccountResponse> {
        self.driver.block_on(self.inner.cancel())
    }
}

impl Codex {
    /// Logs in with an API key, `account/login/start`.
    ///
    /// # Errors
    ///
    /// As [`Codex::login_api_key`](crate::Codex::login_api_key).
    pub fn login_api_key(&self, key: impl Into<String>) -> Result<()> {
        self.driver.block_on(self.inner.login_api_key(key))
    }

    /// Starts a login with ChatGPT in a browser, `account/login/start`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`](crate::Codex::request).
    pub fn login_chatgpt(&self) -> Result<ChatgptLoginHandle> {
        Ok(ChatgptLoginHandle {
            inner: self.driver.block_on(self.inner.login_chatgpt())?,
            driver: Arc::clone(&self.driver),
        })
    }

    /// Starts a login with ChatGPT by a code that the user types in, `account/login/start`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`](crate::Codex::request).
    pub fn login_chatgpt_device_code(&self) -> Result<DeviceCodeLoginHandle> {
        Ok(DeviceCodeLoginHandle {
            inner: self
                .driver
                .block_on(self.inner.login_chatgpt_device_code())?,
            driver: Arc::clone(&self.driver),
        })
    }

    /// Reads who is logged in, `account/read`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`](crate::Codex::request).
    pub fn account(&self) -> Result<GetAccountResponse> {
        self.driver.block_on(self.inner.account())
    }

    /// Logs out, `account/logout`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`](crate::Codex::request).
    pub fn logout(&self) -> Result<()> {
        self.driver.block_on(self.inner.logout())
    }
}
