//! Plays the runtime's side of a recording.

use std::collections::HashMap;

use serde_json::Value;
use tokio::io::DuplexStream;

use super::{Direction, Transcript, TranscriptLine};
use crate::error::TestkitError;
use crate::scripted::{Call, ScriptedServer};

/// Plays the runtime's side of a [`Transcript`] for a client.
///
/// Each recorded call of the client is awaited by its method, in any order
/// among those that wait; each recorded message of the runtime is sent as it
/// was written, with the client's own id in the place of the recorded one.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use codex_testkit::{Replay, Transcript};
/// use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
///
/// let transcript = Transcript::parse(
///     r#"{"t": 0.1, "dir": "c2s", "msg": {"id": 1, "method": "model/list"}}
///        {"t": 0.2, "dir": "s2c", "msg": {"id":1,"result":{"data":[]}}}"#,
/// )?;
/// let (replay, read, mut write) = Replay::pipe(transcript);
/// write.write_all(b"{\"id\":\"mine\",\"method\":\"model/list\"}\n").await?;
/// replay.play().await?;
/// let mut line = String::new();
/// BufReader::new(read).read_line(&mut line).await?;
/// assert_eq!(line, "{\"id\":\"mine\",\"result\":{\"data\":[]}}\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Replay {
    transcript: Transcript,
    server: ScriptedServer,
}

impl Replay {
    /// Prepares to play over an in-memory pipe: the client reads from the first
    /// stream and writes to the second.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn pipe(transcript: Transcript) -> (Self, DuplexStream, DuplexStream) {
        let (server, read, write) = ScriptedServer::pipe();
        (Self::over(transcript, server), read, write)
    }

    /// Prepares to play with this server.
    pub fn over(transcript: Transcript, server: ScriptedServer) -> Self {
        Self { transcript, server }
    }

    /// Plays the recording and returns the server, which is still open.
    ///
    /// It ends where the recorded client closed, or a new runtime was started.
    ///
    /// # Errors
    ///
    /// As [`ScriptedServer::find`], if the client does not do what the recorded
    /// client did.
    pub async fn play(self) -> Result<ScriptedServer, TestkitError> {
        let Self { transcript, server } = self;
        let mut player = Player {
            server,
            ids: HashMap::new(),
        };
        for line in transcript.lines() {
            match &line.dir {
                Direction::ClientToServer => player.await_client(&line.message()).await?,
                Direction::ServerToClient => player.send(line),
                Direction::Stderr => {}
                _ => break,
            }
        }
        player.server.flushed().await?;
        Ok(player.server)
    }
}

struct Player {
    server: ScriptedServer,
    /// The client's own ids, by the recorded ones.
    ids: HashMap<String, Value>,
}

impl Player {
    /// Waits until the client sends what the recorded client sent.
    async fn await_client(&mut self, recorded: &Value) -> Result<(), TestkitError> {
        let id = &recorded["id"];
        match (recorded["method"].as_str(), id.as_i64()) {
            (Some(method), _) => {
                let call: Call = self.server.find(method).await?;
                if !id.is_null() {
                    self.ids.insert(id.to_string(), call.id().clone());
                }
            }
            // The ids of the runtime's own requests are sent as they were.
            (None, Some(id)) => {
                self.server.answer(id).await?;
            }
            // What the runtime ignored, the replay need not await.
            (None, None) => {}
        }
        Ok(())
    }

    /// Sends a line as it was written, but for the id of an answer.
    fn send(&mut self, line: &TranscriptLine) {
        let message = line.message();
        let own = self.ids.get(&message["id"].to_string());
        match (own, line.raw()) {
            (Some(own), _) if message["method"].is_null() => {
                let mut message = message;
                message["id"] = own.clone();
                self.server.send(&message);
            }
            (_, Some(raw)) => {
                self.server.line(raw);
            }
            (_, None) => {
                self.server.line(line.text.clone().unwrap_or_default());
            }
        }
    }
}
