//! The blocking version of the client.

use std::io::{Read, Write};
use std::sync::Arc;

use codex_types::request::ClientRequest;
use serde_json::Value;

use super::driver::Driver;
use super::notifications::Notifications;
use super::pipe;
use crate::client;
use crate::config::CodexConfig;
use crate::error::{CloseReason, Result};
use crate::models::ModelList;
use crate::server_info::ServerInfo;
use crate::thread::ThreadList;

/// A running Codex app-server, and the connection to it. The blocking version of [`Codex`](crate::Codex).
///
/// Clones share both. Dropping the last clone, and every thread and turn that came from it, ends
/// the runtime in the background; [`Codex::close`] ends it and waits for that.
///
/// ```no_run
/// # fn main() -> openai_codex::Result<()> {
/// let codex = openai_codex::blocking::Codex::start()?;
/// println!("{}", codex.server_info().runtime_version);
/// codex.close()
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Codex {
    pub(super) inner: client::Codex,
    pub(super) driver: Arc<Driver>,
}

impl Codex {
    /// Starts the runtime that is found first, with the default configuration.
    ///
    /// # Errors
    ///
    /// As [`Codex::start`](crate::Codex::start).
    ///
    /// # Panics
    ///
    /// In async code, as everything here that blocks.
    pub fn start() -> Result<Self> {
        Self::start_with(CodexConfig::default())
    }

    /// Starts a runtime.
    ///
    /// # Errors
    ///
    /// As [`Codex::start_with`](crate::Codex::start_with).
    pub fn start_with(config: CodexConfig) -> Result<Self> {
        let driver = Driver::start()?;
        let inner = driver.block_on(client::Codex::start_with(config))?;
        Ok(Self::new(inner, driver))
    }

    /// Connects to a runtime over any byte pipe; there is no process to start or to end.
    ///
    /// A thread reads and another writes. The one that reads ends when `read` does, which is after the client
    /// where the other side keeps it open.
    ///
    /// # Errors
    ///
    /// As [`Codex::connect`](crate::Codex::connect).
    pub fn connect(
        config: CodexConfig,
        read: impl Read + Send + 'static,
        write: impl Write + Send + 'static,
    ) -> Result<Self> {
        let driver = Driver::start()?;
        let failed = |source| codex_runtime::Error::SetUp {
            what: "the threads of a pipe",
            source,
        };
        let read = pipe::reading(driver.handle(), read).map_err(failed)?;
        let write = pipe::writing(driver.handle(), write).map_err(failed)?;
        let inner = driver.block_on(client::Codex::connect(config, read, write))?;
        Ok(Self::new(inner, driver))
    }

    /// Connects to a runtime that runs elsewhere, with the default configuration.
    ///
    /// # Errors
    ///
    /// As [`Codex::attach`](crate::Codex::attach).
    #[cfg(feature = "remote")]
    #[cfg_attr(docsrs, doc(cfg(feature = "remote")))]
    pub fn attach(remote: crate::remote::Remote) -> Result<Self> {
        Self::attach_with(CodexConfig::default(), remote)
    }

    /// Connects to a runtime that runs elsewhere.
    ///
    /// # Errors
    ///
    /// As [`Codex::attach_with`](crate::Codex::attach_with).
    #[cfg(feature = "remote")]
    #[cfg_attr(docsrs, doc(cfg(feature = "remote")))]
    pub fn attach_with(config: CodexConfig, remote: crate::remote::Remote) -> Result<Self> {
        let driver = Driver::start()?;
        let inner = driver.block_on(client::Codex::attach_with(config, remote))?;
        Ok(Self::new(inner, driver))
    }

    fn new(inner: client::Codex, driver: Arc<Driver>) -> Self {
        driver.wait_on_drop(inner.connection().ended());
        Self { inner, driver }
    }

    /// Returns what the runtime said of itself in the handshake.
    pub fn server_info(&self) -> &ServerInfo {
        self.inner.server_info()
    }

    /// Returns the id of the runtime's process; `None` where this client did not start one.
    pub fn process_id(&self) -> Option<u32> {
        self.inner.process_id()
    }

    /// Makes any request of the protocol: the params pick the method and the response.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`](crate::Codex::request).
    pub fn request<P: ClientRequest>(&self, params: P) -> Result<P::Response> {
        self.driver.block_on(self.inner.request(params))
    }

    /// Makes a request of any name, with params and result as they stand in the JSON.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`](crate::Codex::request).
    pub fn request_raw(&self, method: &str, params: Value) -> Result<Value> {
        self.driver.block_on(self.inner.request_raw(method, params))
    }

    /// Subscribes to every notification that belongs to no turn and no login.
    pub fn notifications(&self) -> Notifications {
        Notifications::new(self.inner.notifications(), &self.driver)
    }

    /// Ends the runtime, and waits until it is gone.
    ///
    /// It may be called any number of times; every call waits.
    ///
    /// # Errors
    ///
    /// As [`Codex::close`](crate::Codex::close).
    pub fn close(&self) -> Result<()> {
        self.driver.block_on(self.inner.close())
    }

    /// Waits for the end of the client, and returns its reason.
    ///
    /// It returns as soon as calls fail with [`Error::Closed`](crate::Error::Closed), as
    /// [`Codex::closed`](crate::Codex::closed) does. The thread that waits keeps the client alive.
    ///
    /// ```no_run
    /// # fn example(codex: openai_codex::blocking::Codex) {
    /// let watched = codex.clone();
    /// std::thread::spawn(move || eprintln!("Codex has ended: {}", watched.closed()));
    /// # }
    /// ```
    pub fn closed(&self) -> Arc<CloseReason> {
        self.driver.block_on(self.inner.closed())
    }

    /// Lists stored threads: [`send`](ThreadList::send) gives one page,
    /// [`iter`](ThreadList::iter) all of them.
    pub fn thread_list(&self) -> ThreadList<Self> {
        ThreadList::new(self.clone())
    }

    /// Lists the models that a thread can be started with: [`send`](ModelList::send) gives one
    /// page, [`iter`](ModelList::iter) all of them.
    pub fn models(&self) -> ModelList<Self> {
        ModelList::new(self.clone())
    }
}
