//! Clients of runtimes that run elsewhere.

use std::pin::Pin;

use super::{Codex, surroundings};
use crate::config::CodexConfig;
use crate::connection::{Connection, Redial};
use crate::dial::dial;
#[expect(unused_imports, reason = "for the docs")]
use crate::error::Error;
use crate::error::Result;
use crate::remote::Remote;
use crate::socket::TOO_LONG_MESSAGE;

impl Codex {
    /// Connects to a runtime that runs elsewhere, with the default configuration; see [`remote`](crate::remote).
    ///
    /// ```no_run
    /// # async fn example() -> openai_codex::Result<()> {
    /// use openai_codex::{Codex, remote::Remote};
    ///
    /// let codex = Codex::attach(Remote::unix("/run/codex/app-server.sock")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Codex::attach_with`].
    #[cfg_attr(docsrs, doc(cfg(feature = "remote")))]
    pub async fn attach(remote: Remote) -> Result<Self> {
        Self::attach_with(CodexConfig::default(), remote).await
    }

    /// Connects to a runtime that runs elsewhere; see [`remote`](crate::remote).
    ///
    /// Must be called within a tokio runtime with time and IO enabled, which drives the connection for as long as it
    /// lives. The first connection is tried once, for ten seconds; a lost one is made again as
    /// [`Remote::reconnect`](Remote::reconnect) says. Neither [`Codex::close`] nor a drop ends the
    /// runtime.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a remote or a configuration that cannot be used, such as one with settings that only
    /// a process has; [`Error::Attach`] if no connection can be made, with the credential that was refused; whatever
    /// the handshake fails with.
    #[cfg_attr(docsrs, doc(cfg(feature = "remote")))]
    pub async fn attach_with(config: CodexConfig, remote: Remote) -> Result<Self> {
        Self::attach_boxed(config, remote).await
    }

    /// Boxed for the reason of [`Codex::start_boxed`].
    fn attach_boxed(
        config: CodexConfig,
        remote: Remote,
    ) -> Pin<Box<dyn Future<Output = Result<Self>> + Send>> {
        Box::pin(async move {
            surroundings::check_for_process()?;
            config.check()?;
            config.check_without_process()?;
            let mut settings = config.connection();
            settings.too_long_message = Some(TOO_LONG_MESSAGE);
            let dialing = dial(&remote, &settings.secrets, settings.max_line_bytes);
            let socket = dialing.await?;
            let initialize = config.initialize();
            let redial = Redial { remote, initialize };
            let connection = Connection::attach(settings, socket, redial);
            Self::initialize(connection, &config, None).await
        })
    }
}
