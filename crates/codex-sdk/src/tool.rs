//! Tools of the program that the model calls; feature `tools`.
//!
//! ```no_run
//! use openai_codex::tool::Tool;
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Weather {
//!     /// The name of the place.
//!     place: String,
//! }
//!
//! # async fn example() -> openai_codex::Result<()> {
//! let config = openai_codex::CodexConfig::new().experimental_api(true);
//! let codex = openai_codex::Codex::start_with(config).await?;
//! let weather = Tool::new("weather", "Tells the weather of a place.", |w: Weather, _call| async move {
//!     Ok(format!("{}: 21 °C", w.place))
//! });
//! let thread = codex.thread_start().tools([weather]).await?;
//! println!("{}", thread.run("What is the weather in Lisbon?").await?.text());
//! # Ok(())
//! # }
//! ```
//!
//! # Who allows a call
//!
//! Nobody is asked before a tool of the program runs, whatever the approval mode is: the closure is the gate. One
//! that changes or tells something must check by itself whether it may.
//!
//! # What the model knows
//!
//! The name, the description, and the JSON schema of the arguments, with the doc comments of their fields. The
//! runtime drops some of the schema (bounds, patterns, formats, defaults), which therefore stands in the
//! descriptions, and it checks no arguments, which the client does: those that do not fit are a failed call that
//! tells the model why, and the closure is not called.
//!
//! # What the model is told
//!
//! What the closure returns: a text, JSON, images, or several of them; or the text of its error, as a failed call
//! after which the turn goes on. A panic is a failed call too. The runtime cuts long texts in the middle, at about
//! 12,000 characters for a model that it does not know.
//!
//! A call has no deadline, neither the runtime's nor one of the client: the turn waits for the closure. One that may
//! wait for something else must give up by itself, with `tokio::time::timeout` for example.
//!
//! # How long tools live
//!
//! The runtime stores the names and schemas of a thread's tools with the thread when it is started, and nothing can
//! change them later. The closures belong to a client: one that resumes or forks the thread brings them again with
//! `tools`. A call that no tool of the client is for fails with a text that says so. The client forgets the tools of
//! a thread that is closed, archived or deleted.
//!
//! Dynamic tools are a part of the runtime's experimental API, which a client opts into when it starts:
//! [`CodexConfig::experimental_api`](crate::CodexConfig::experimental_api). `tools` does not do that by itself, as
//! it would come too late, and as it opens more than tools.
//!
//! # Tools that other programs share
//!
//! Tools that are not one program's are a server of the Model Context Protocol (MCP), in any language. One on
//! loopback, with a secret of its own, is told to the runtime by its configuration, which needs neither this feature
//! nor the experimental API:
//!
//! ```no_run
//! use openai_codex::{Codex, CodexConfig};
//! use serde_json::json;
//!
//! # async fn example(port: u16, secret: &str) -> openai_codex::Result<()> {
//! let server = json!({
//!     "url": format!("http://127.0.0.1:{port}/mcp"),
//!     "bearer_token_env_var": "OWN_TOOLS_TOKEN",
//!     // The runtime does not start without the server, or without having its tools.
//!     "required": true,
//!     // No call asks for approval: the server is the gate. Without it those of a tool that is not marked as
//!     // reading only fail under `ApprovalMode::DenyAll`.
//!     "default_tools_approval_mode": "approve",
//! });
//! let config = CodexConfig::new()
//!     .config_override("mcp_servers.own", server)
//!     .env("OWN_TOOLS_TOKEN", secret);
//! let codex = Codex::start_with(config).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The model knows its tools in the namespace `mcp__own`. `ThreadStart::config` with the same keys gives the server to
//! one thread alone, which has to be given it again when it is resumed. The server may answer each request of the
//! protocol's HTTP transport with plain JSON; `tests/it/mcp.rs` of the repository has a small one.

mod call;
mod output;
mod registry;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use call::ToolCall;
pub use output::{ToolError, ToolOutput};
pub(crate) use registry::{Registry, ToolSet};

use crate::schema::Refused;
use crate::schema::arguments::Arguments;

type Running = Pin<Box<dyn Future<Output = Result<ToolOutput, ToolError>> + Send>>;

/// A tool of the program: a name, a description, and an async closure with typed arguments.
///
/// Clones are the same tool; it can be given to any number of threads.
#[derive(Clone)]
pub struct Tool {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    description: String,
    arguments: Refused<Arguments>,
    run: Box<dyn Fn(Value, ToolCall) -> Running + Send + Sync>,
}

impl Tool {
    /// Makes a tool of a closure.
    ///
    /// ```
    /// use openai_codex::tool::Tool;
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Add {
    ///     a: i64,
    ///     b: i64,
    /// }
    ///
    /// let add = Tool::new("add", "Adds two numbers.", |sum: Add, _call| async move {
    ///     let sum = sum.a.checked_add(sum.b);
    ///     sum.map(|sum| sum.to_string())
    ///         .ok_or_else(|| openai_codex::tool::ToolError::new("the sum is too large"))
    /// });
    /// assert_eq!(add.name(), "add");
    /// ```
    ///
    /// The arguments are a struct, or `()` for a tool without any. The closure runs on a task of its own, several
    /// calls at the same time; it is dropped when its turn ends, at its next `await`. It must not block the thread.
    ///
    /// # Errors
    ///
    /// None here: starting a thread fails with [`Error::InvalidInput`](crate::Error::InvalidInput) for a name that
    /// the runtime refuses or has a tool of its own for, and for arguments that are no struct.
    pub fn new<A, O, F, Fut>(
        name: impl Into<String>,
        description: impl Into<String>,
        run: F,
    ) -> Self
    where
        A: JsonSchema + DeserializeOwned,
        O: Into<ToolOutput>,
        F: Fn(A, ToolCall) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, ToolError>> + Send + 'static,
    {
        let run = move |arguments: Value, call: ToolCall| -> Running {
            match serde_path_to_error::deserialize(arguments) {
                Ok(arguments) => {
                    let running = run(arguments, call);
                    Box::pin(async move { running.await.map(Into::into) })
                }
                Err(error) => {
                    let place = error.path().to_string();
                    let why = format!("at {place}: {}", error.into_inner());
                    Box::pin(std::future::ready(Err(unfit(&why))))
                }
            }
        };
        Self {
            inner: Arc::new(Inner {
                name: name.into(),
                description: description.into(),
                arguments: Arguments::of::<A>(),
                run: Box::new(run),
            }),
        }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Returns the description.
    pub fn description(&self) -> &str {
        &self.inner.description
    }

    /// Checks the arguments of a call, and runs it.
    async fn run(&self, arguments: Value, call: ToolCall) -> Result<ToolOutput, ToolError> {
        let shape = self.inner.arguments.as_ref();
        let shape = shape.map_err(|refusal| ToolError::new(refusal.to_string()))?;
        let arguments = shape.checked(arguments).map_err(|why| unfit(&why))?;
        (self.inner.run)(arguments, call).await
    }
}

/// The failure of a call whose arguments do not fit.
fn unfit(why: &str) -> ToolError {
    ToolError::new(format!("the arguments do not fit the tool's schema: {why}"))
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool")
            .field("name", &self.inner.name)
            .finish_non_exhaustive()
    }
}
