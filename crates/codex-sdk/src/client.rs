//! The client: a running runtime, and the requests that can be made to it.

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use codex_runtime::{Environment, Locator, Runtime};
use codex_types::ApprovalsReviewer;
use codex_types::request::ClientRequest;
use codex_types::since::Reader;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

#[cfg(feature = "remote")]
mod attach;
mod closed;
mod search;
mod support;
mod surroundings;

use crate::child::Child;
use crate::config::CodexConfig;
use crate::connection::{Connection, Response};
use crate::error::{Error, Result};
use crate::event;
use crate::message::Request;
use crate::names::INITIALIZED;
use crate::notifications::Notifications;
use crate::router::OnAnswer;
use crate::server_info::ServerInfo;

/// A running Codex app-server, and the connection to it.
///
/// Clones share both. Dropping the last clone, and every thread and turn that came from it, ends
/// the runtime in the background; [`Codex::close`] ends it and waits for that.
///
/// ```no_run
/// # async fn example() -> openai_codex::Result<()> {
/// let codex = openai_codex::Codex::start().await?;
/// println!("{}", codex.server_info().runtime_version);
/// codex.close().await
/// # }
/// ```
#[derive(Clone)]
pub struct Codex {
    inner: Arc<Inner>,
}

struct Inner {
    connection: Connection,
    info: ServerInfo,
    /// How the running version reads what is sent.
    reader: Reader,
}

impl Codex {
    /// Starts the runtime that is found first, with the default configuration.
    ///
    /// # Errors
    ///
    /// As [`Codex::start_with`].
    pub async fn start() -> Result<Self> {
        Self::start_with(CodexConfig::default()).await
    }

    /// Starts a runtime.
    ///
    /// Must be called within a tokio runtime with time and IO enabled, which drives the
    /// connection for as long as it lives.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the configuration cannot be used, or there is no such tokio
    /// runtime; [`Error::Runtime`] if no Codex runtime is found, it cannot be started, or it is too
    /// old; whatever the handshake fails with. The process is ended before an error is returned.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the process.
    pub async fn start_with(config: CodexConfig) -> Result<Self> {
        Self::start_boxed(config).await
    }

    /// Boxes [`Codex::start_inner`], so that the whole connection is compiled here and not in
    /// every program: the body of an `async fn` is compiled where it is awaited.
    fn start_boxed(config: CodexConfig) -> Pin<Box<dyn Future<Output = Result<Self>> + Send>> {
        Box::pin(Self::start_inner(config))
    }

    async fn start_inner(config: CodexConfig) -> Result<Self> {
        surroundings::check_for_process()?;
        config.check()?;
        config.check_launch()?;
        let (runtime, launch) = match config.custom_launch()? {
            Some(launch) => (None, launch),
            None => {
                let runtime = locate(&config).await?;
                let launch = config.launch(&runtime)?;
                (Some(runtime), launch)
            }
        };
        let plan = launch.plan(&Environment::current())?;
        let (child, pipes) =
            Child::spawn(plan.to_command()).map_err(|error| plan.spawn_error(error))?;
        let connection = Connection::open(
            config.connection(),
            pipes.stdout,
            pipes.stdin,
            Some((child, pipes.stderr)),
        );
        Self::initialize(connection, &config, runtime.as_ref()).await
    }

    /// Connects to a runtime over any byte pipe; there is no process to start or to end.
    ///
    /// Must be called within a tokio runtime with time enabled, and with what the pipe needs.
    ///
    /// # Errors
    ///
    /// As [`Codex::start_with`]; [`Error::InvalidInput`] too for the settings that only a process has:
    /// `codex_bin`, `launch_command`, `cwd`, the environment, and `config_override`.
    pub async fn connect(
        config: CodexConfig,
        read: impl AsyncRead + Send + Unpin + 'static,
        write: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Result<Self> {
        surroundings::check()?;
        config.check()?;
        config.check_without_process()?;
        let connection = Connection::open(config.connection(), read, write, None);
        Self::initialize(connection, &config, None).await
    }

    /// Gives the message of a turn an id, if it has none and the connection may be lost: by that it is found in the
    /// history.
    pub(crate) fn name_message(&self, id: &mut Option<String>) {
        #[cfg(feature = "remote")]
        if self.connection().is_remote() {
            id.get_or_insert_with(crate::random::id);
        }
        #[cfg(not(feature = "remote"))]
        let _ = id;
    }

    /// Makes a client of a connection by the handshake, `initialize`; ends it if that fails.
    async fn initialize(
        connection: Connection,
        config: &CodexConfig,
        runtime: Option<&Runtime>,
    ) -> Result<Self> {
        match handshake(&connection, config, runtime).await {
            Ok(info) => Ok(Self {
                inner: Arc::new(Inner {
                    reader: support::reader(info.version().as_ref(), config.is_experimental()),
                    connection,
                    info,
                }),
            }),
            Err(error) => {
                connection.close().await;
                Err(error)
            }
        }
    }

    /// Returns what the runtime said of itself in the handshake.
    pub fn server_info(&self) -> &ServerInfo {
        &self.inner.info
    }

    /// Returns the id of the runtime's process; `None` where this client did not start one.
    pub fn process_id(&self) -> Option<u32> {
        self.connection().process_id()
    }

    /// Makes any request of the protocol: the params pick the method and the response.
    ///
    /// ```no_run
    /// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
    /// use openai_codex::types::ThreadLoadedListParams;
    ///
    /// let loaded = codex.request(ThreadLoadedListParams::default()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::UnsupportedRuntime`] before anything is sent, where the running version of the runtime
    /// lacks the method or something that is set; [`Error::Closed`], [`Error::Timeout`],
    /// [`Error::Rpc`], [`Error::Encode`] and [`Error::Decode`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ignores the answer.
    pub async fn request<P: ClientRequest>(&self, params: P) -> Result<P::Response> {
        let request = self.encode(&params)?;
        drop(params);
        self.respond(request).await?.decode_as::<P>()
    }

    /// Makes a request of any name, with params and result as they stand in the JSON.
    ///
    /// Null params are left out. Nothing is checked: an older runtime refuses or ignores what it does
    /// not have.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`], without [`Error::UnsupportedRuntime`].
    pub async fn request_raw(&self, method: &str, params: Value) -> Result<Value> {
        let method: Cow<'static, str> = Cow::Owned(method.to_owned());
        let request = Request::new(method.clone(), &params)
            .map_err(|source| self.closed_or(Error::Encode { method, source }))?;
        self.respond(request).await?.decode_value()
    }

    async fn respond(&self, request: Request) -> Result<Response> {
        let on_answer = event::on_answer(&request);
        self.connection().request(request, on_answer).await
    }

    /// Tells whether the client opted into the runtime's experimental API.
    #[cfg(feature = "tools")]
    pub(crate) fn is_experimental(&self) -> bool {
        self.inner.reader.experimental
    }

    /// Makes a request with a list in a field that its params have only with the feature `experimental`, added to
    /// what the field has there.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`].
    #[cfg(feature = "tools")]
    pub(crate) async fn request_with<P: ClientRequest>(
        &self,
        params: P,
        field: &str,
        items: Vec<Value>,
    ) -> Result<P::Response> {
        self.check_support(&params)?;
        let failed = |source| {
            self.closed_or(Error::Encode {
                method: P::METHOD.into(),
                source,
            })
        };
        let mut whole = serde_json::to_value(&params).map_err(failed)?;
        match &mut whole[field] {
            Value::Array(list) => list.extend(items),
            list => *list = Value::Array(items),
        }
        let request = Request::new(P::METHOD.into(), &whole).map_err(failed)?;
        self.respond(request).await?.decode_as::<P>()
    }

    /// Subscribes to every notification that belongs to no turn and no login.
    ///
    /// Warnings come here too: that the runtime ignores a misspelt configuration key is told by a
    /// `configWarning` and, for each thread that is started, by a `warning`.
    pub fn notifications(&self) -> Notifications {
        Notifications::new(self.connection().subscribe())
    }

    /// Ends the runtime, and waits until it is gone: its input ends, and if it does not follow
    /// within a few seconds it is terminated and then killed, with what it has started.
    ///
    /// It may be called any number of times; every call waits. All other calls, current and
    /// later, end with [`Error::Closed`].
    ///
    /// # Errors
    ///
    /// None at present.
    pub async fn close(&self) -> Result<()> {
        self.connection().close().await;
        Ok(())
    }

    /// Returns the connection.
    pub(crate) fn connection(&self) -> &Connection {
        &self.inner.connection
    }

    /// Refuses a folder that does not exist, where this client has started the runtime: over any other
    /// pipe the runtime may be on another machine.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`].
    pub(crate) fn check_folder(&self, folder: Option<&str>) -> Result<()> {
        match folder {
            Some(folder)
                if self.process_id().is_some() && !std::path::Path::new(folder).is_dir() =>
            {
                Err(Error::InvalidInput(format!(
                    "the folder {folder:?} does not exist, or is no folder; make it, or give another one"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Refuses approvals by the user where no question would reach the program.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`].
    pub(crate) fn check_reviewer(&self, reviewer: Option<&ApprovalsReviewer>) -> Result<()> {
        if reviewer == Some(&ApprovalsReviewer::User) && !self.connection().decides_approvals() {
            // The end of the client takes its consumer away.
            return Err(self.closed_or(Error::InvalidInput(
                "approvals by the user need someone to decide them: set `CodexConfig::on_approval`, or take \
                 `Codex::approvals` first"
                    .into(),
            )));
        }
        Ok(())
    }

    /// Encodes a request that the running version of the runtime has.
    ///
    /// # Errors
    ///
    /// [`Error::UnsupportedRuntime`] and [`Error::Encode`], or [`Error::Closed`] in their place.
    pub(crate) fn encode<P: ClientRequest>(&self, params: &P) -> Result<Request> {
        self.check_support(params)?;
        encode(params).map_err(|error| self.closed_or(error))
    }
}

impl fmt::Debug for Codex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codex")
            .field("server_info", &self.inner.info)
            .field("closed", &self.inner.connection.closed())
            .field("statistics", &self.inner.connection.statistics())
            .finish()
    }
}

/// Encodes a request.
fn encode<P: ClientRequest>(params: &P) -> Result<Request> {
    event::encode(params).map_err(|source| Error::Encode {
        method: P::METHOD.into(),
        source,
    })
}

/// Does the handshake, and returns what the runtime said of itself.
async fn handshake(
    connection: &Connection,
    config: &CodexConfig,
    runtime: Option<&Runtime>,
) -> Result<ServerInfo> {
    let params = config.initialize();
    let request = encode(&params)?;
    let response = connection.request(request, OnAnswer::Nothing).await?;
    connection.ready();
    let found = runtime.and_then(Runtime::version);
    let info = ServerInfo::read(&response.text, &params.client_info, found)?;
    if let (Some(runtime), Some(version)) = (runtime, info.version()) {
        runtime.check_version(&version)?;
    }
    connection.notify(INITIALIZED);
    Ok(info)
}

/// Looks for a runtime, which may ask one for its version: off the async threads.
async fn locate(config: &CodexConfig) -> Result<Runtime> {
    let mut locator = Locator::new();
    if let Some(path) = config.explicit_bin() {
        locator = locator.explicit(path);
    }
    search::find(move || locator.locate()).await
}
