//! A scripted `codex app-server`: the peer for what a healthy runtime cannot do.

mod call;
mod child;
mod envelope;
mod gates;
mod inbox;
mod log;
mod player;
mod process;
mod script;
mod subset;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::call::Call;
pub use self::child::scripted_main;
pub use self::log::{LogEvent, LogLine, Start};
pub use self::process::ScriptedProcess;
pub use self::script::Script;

use self::envelope::{initialize_result, now_ms};
use self::gates::Gates;
use self::inbox::{Inbox, State, Tap};
use self::wire::{Outbox, Outgoing};
use crate::error::TestkitError;
use crate::gate::Gate;
use crate::limit::{DEFAULT_LIMIT, limited};

/// How many bytes a pipe holds unless told otherwise.
const PIPE_BYTES: usize = 64 * 1024;

/// How long an ending server waits for a client to read its last words.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Plays `codex app-server` for a client, line by line, as the test says.
///
/// Every wait has a limit, 30 seconds unless [`time_limit`](Self::time_limit)
/// says otherwise. What it writes is queued and never waits for the client.
/// It reads at once whatever the client writes, unless told to
/// [stop](Self::stop_reading). Dropping it closes both directions.
///
/// ```
/// use codex_testkit::ScriptedServer;
/// use serde_json::json;
/// use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut server, read, mut write) = ScriptedServer::pipe();
/// // The client under test would write this.
/// write.write_all(b"{\"id\":7,\"method\":\"model/list\",\"params\":{}}\n").await?;
///
/// server.expect("model/list").await?.reply(json!({"data": []}));
///
/// let mut line = String::new();
/// BufReader::new(read).read_line(&mut line).await?;
/// assert_eq!(line, "{\"id\":7,\"result\":{\"data\":[]}}\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ScriptedServer {
    inbox: Arc<Inbox>,
    outbox: Outbox,
    reading: watch::Sender<bool>,
    /// Ends when the client closes or the server is dropped.
    reader: JoinHandle<()>,
    next_id: i64,
    limit: Duration,
    version: String,
    gates: Gates,
}

impl ScriptedServer {
    /// Makes a server with an in-memory pipe: the client reads from the first
    /// stream and writes to the second.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn pipe() -> (Self, DuplexStream, DuplexStream) {
        Self::pipe_of(PIPE_BYTES)
    }

    /// Makes a server with an in-memory pipe that holds `bytes` each way.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn pipe_of(bytes: usize) -> (Self, DuplexStream, DuplexStream) {
        // One stream for each direction, so that either can be closed alone.
        let (client_read, server_write) = tokio::io::duplex(bytes);
        let (server_read, client_write) = tokio::io::duplex(bytes);
        let server = Self::over(server_read, server_write);
        (server, client_read, client_write)
    }

    /// Makes a server that reads the client's lines from `input` and writes to `output`.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn over<R, W>(input: R, output: W) -> Self
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        Self::with_inbox(input, output, Inbox::default())
    }

    /// As [`over`](Self::over), with a look at every message as it comes.
    fn tapped<R, W>(input: R, output: W, tap: Tap) -> Self
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        Self::with_inbox(input, output, Inbox::tapped(tap))
    }

    fn with_inbox<R, W>(input: R, output: W, inbox: Inbox) -> Self
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let inbox = Arc::new(inbox);
        let (outbox, queue) = Outbox::new();
        let reading = watch::Sender::new(true);
        let reader = tokio::spawn(wire::read(
            input,
            Arc::clone(&inbox),
            outbox.clone(),
            reading.subscribe(),
        ));
        // It ends when it is told to close, or when the server, its reader and
        // the calls have all been dropped.
        tokio::spawn(wire::write(output, queue));
        Self {
            inbox,
            outbox,
            reading,
            reader,
            next_id: 0,
            limit: DEFAULT_LIMIT,
            version: codex_runtime::VERSION.to_owned(),
            gates: Gates::default(),
        }
    }

    /// Bounds every wait by `limit`.
    ///
    /// A test with tokio's paused clock needs a limit longer than what it waits for.
    pub fn time_limit(&mut self, limit: Duration) -> &mut Self {
        self.limit = limit;
        self
    }

    /// Sets the runtime version that [`handshake`](Self::handshake) reports;
    /// unless set, it is that of the pinned runtime.
    pub fn version(&mut self, version: impl Into<String>) -> &mut Self {
        self.version = version.into();
        self
    }

    /// Plays a script to its end; the gates at which it holds are
    /// [`gate`](Self::gate).
    ///
    /// # Errors
    ///
    /// [`TestkitError::Unexpected`] if the client does what the script does not
    /// allow; [`TestkitError::TimedOut`] if it does not do what the script
    /// expects; [`TestkitError::Malformed`] if a step is for an executable only.
    pub async fn play(&mut self, script: &Script) -> Result<(), TestkitError> {
        let gates = self.gates.clone();
        player::play(self, &gates, script).await
    }

    /// Returns the gate of this name; ask for it before the script is played.
    pub fn gate(&mut self, name: impl Into<String>) -> Gate {
        self.gates.gate(name.into())
    }

    /// Answers `initialize` as the runtime does, takes `initialized`, and
    /// returns the params of `initialize`.
    ///
    /// # Errors
    ///
    /// As [`expect`](Self::expect).
    pub async fn handshake(&mut self) -> Result<Value, TestkitError> {
        let initialize = self.expect("initialize").await?;
        let params = initialize.params().clone();
        initialize.reply(initialize_result(&params, &self.version));
        self.expect("initialized").await?;
        Ok(params)
    }

    /// Takes the client's next request or notification, which must be `method`.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Unexpected`] if it is another; [`TestkitError::Closed`] if
    /// the client has closed; [`TestkitError::TimedOut`] if none came.
    pub async fn expect(&mut self, method: &str) -> Result<Call, TestkitError> {
        let awaited = || format!("the client's call of {method}");
        let call = self.take(awaited, |state| state.calls.pop_front()).await?;
        if call["method"] == method {
            return Ok(Call::new(call, self.outbox.clone()));
        }
        Err(TestkitError::unexpected(format!(
            "expected {method} from the client, but it sent {call}"
        )))
    }

    /// Takes the client's first waiting call of `method`; others stay for later.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Closed`] if the client closed without it;
    /// [`TestkitError::TimedOut`] if it did not come.
    pub async fn find(&mut self, method: &str) -> Result<Call, TestkitError> {
        self.find_by(method, |_| true).await
    }

    /// Takes the client's first waiting call of `method` whose params `accept` likes.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    pub async fn find_by(
        &mut self,
        method: &str,
        accept: impl Fn(&Value) -> bool,
    ) -> Result<Call, TestkitError> {
        let awaited = || format!("a call of {method} by the client");
        let matches = |call: &Value| call["method"] == method && accept(&call["params"]);
        let call = self
            .take(awaited, |state| {
                let place = state.calls.iter().position(&matches)?;
                state.calls.remove(place)
            })
            .await?;
        Ok(Call::new(call, self.outbox.clone()))
    }

    /// Takes the client's next request or notification, whatever it is.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    pub async fn next_call(&mut self) -> Result<Call, TestkitError> {
        let awaited = || "a call by the client".to_owned();
        let call = self.take(awaited, |state| state.calls.pop_front()).await?;
        Ok(Call::new(call, self.outbox.clone()))
    }

    /// Answers every later request of `method` with `result`; it is logged, but
    /// need not and cannot be expected.
    pub fn always(&mut self, method: impl Into<String>, result: Value) -> &mut Self {
        let mut state = self.inbox.lock();
        state.standing.push((method.into(), result));
        drop(state);
        self
    }

    /// Sends a notification, with `emittedAtMs` as the runtime adds it.
    pub fn notify(&mut self, method: &str, params: Value) -> &mut Self {
        self.send(&json!({"method": method, "params": params, "emittedAtMs": now_ms()}))
    }

    /// Sends a request to the client and returns its id, from 0 up.
    pub fn ask(&mut self, method: &str, params: Value) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&json!({"id": id, "method": method, "params": params}));
        id
    }

    /// Takes the client's answer to the request `id`: the whole message.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    pub async fn answer(&mut self, id: i64) -> Result<Value, TestkitError> {
        let awaited = || format!("the client's answer to request {id}");
        self.take(awaited, |state| {
            let place = state.answers.iter().position(|answer| answer["id"] == id)?;
            state.answers.remove(place)
        })
        .await
    }

    /// Sends a whole message, as it is.
    pub fn send(&mut self, message: &Value) -> &mut Self {
        self.outbox.message(message);
        self
    }

    /// Sends a line, which need not be JSON.
    pub fn line(&mut self, line: impl Into<Vec<u8>>) -> &mut Self {
        let mut bytes = line.into();
        bytes.push(b'\n');
        self.bytes(bytes)
    }

    /// Sends bytes, which need not be a line.
    pub fn bytes(&mut self, bytes: impl Into<Vec<u8>>) -> &mut Self {
        self.outbox.push(Outgoing::Bytes(bytes.into()));
        self
    }

    /// Waits until the client, or the pipe, has taken everything sent so far.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Closed`] if the client has closed;
    /// [`TestkitError::TimedOut`] if it does not read.
    pub async fn flushed(&mut self) -> Result<(), TestkitError> {
        let awaited = || "the client's reading of what was sent".to_owned();
        if limited(self.limit, awaited, self.outbox.flush()).await? {
            return Ok(());
        }
        Err(TestkitError::Closed { awaited: awaited() })
    }

    /// Closes the output after what was sent; the input stays open.
    pub fn close_output(&mut self) -> &mut Self {
        self.outbox.push(Outgoing::Close);
        self
    }

    /// Stops reading: what the client writes stays in the pipe.
    pub fn stop_reading(&mut self) -> &mut Self {
        self.reading.send_replace(false);
        self
    }

    /// Reads again.
    pub fn resume_reading(&mut self) -> &mut Self {
        self.reading.send_replace(true);
        self
    }

    /// Waits until the client has closed its side.
    ///
    /// # Errors
    ///
    /// [`TestkitError::TimedOut`] if it does not.
    pub async fn closed(&mut self) -> Result<(), TestkitError> {
        let awaited = || "the client's closing".to_owned();
        let wait = self.inbox.wait(|state| state.ended.then_some(()));
        limited(self.limit, awaited, wait).await
    }

    /// Returns everything received so far, in order; a line that is not JSON
    /// as a string.
    ///
    /// What the client has written may not have arrived yet: await something
    /// that it wrote later before saying that a message did not come.
    pub fn received(&self) -> Vec<Value> {
        self.inbox.lock().log.clone()
    }

    /// Returns the methods received so far, in order.
    pub fn received_methods(&self) -> Vec<String> {
        let state = self.inbox.lock();
        let methods = state
            .log
            .iter()
            .filter_map(|message| message["method"].as_str());
        methods.map(str::to_owned).collect()
    }

    /// Resolves when the client has closed its side, without a limit.
    fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let inbox = Arc::clone(&self.inbox);
        async move { inbox.wait(|state| state.ended.then_some(())).await }
    }

    /// Waits for what was sent to be written, as long as the client may read it.
    async fn flushed_before_the_end(&self) {
        let _ = tokio::time::timeout(LAST_WORDS, self.outbox.flush()).await;
    }

    async fn take(
        &self,
        awaited: impl Fn() -> String,
        mut look: impl FnMut(&mut State) -> Option<Value>,
    ) -> Result<Value, TestkitError> {
        let wait = self.inbox.wait(|state| match look(state) {
            Some(found) => Some(Some(found)),
            None => state.ended.then_some(None),
        });
        match limited(self.limit, &awaited, wait).await? {
            Some(found) => Ok(found),
            None => Err(TestkitError::Closed { awaited: awaited() }),
        }
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.outbox.push(Outgoing::Close);
        self.reader.abort();
    }
}
