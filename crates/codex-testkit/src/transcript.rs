//! Recorded traffic between a client and a runtime.

mod recorder;
mod replay;

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub use self::recorder::{Recorder, Tap};
pub use self::replay::Replay;

use crate::error::TestkitError;

/// Holds recorded traffic, line by line.
///
/// The file has one JSON object a line. The first may describe the recording
/// (`{"dir": "meta", …}`); the others are what the client wrote (`c2s`), what
/// the runtime wrote (`s2c`), its standard error (`err`) and how it ended:
///
/// ```
/// use codex_testkit::{Direction, Transcript};
///
/// let text = r#"{"dir": "meta", "scenario": "hello"}
/// {"t": 0.1, "dir": "c2s", "msg": {"id": 1, "method": "model/list"}}
/// {"t": 0.2, "dir": "s2c", "msg": {"id":1,"result":{"data":[]}}}
/// {"t": 0.3, "dir": "exit", "text": "exit status: 0"}"#;
/// let transcript = Transcript::parse(text)?;
/// assert_eq!(transcript.meta()["scenario"], "hello");
/// let answer = transcript.of(Direction::ServerToClient).next().unwrap();
/// assert_eq!(answer.raw(), Some(r#"{"id":1,"result":{"data":[]}}"#));
/// # Ok::<(), codex_testkit::TestkitError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    meta: Map<String, Value>,
    lines: Vec<TranscriptLine>,
}

/// One line of a [`Transcript`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TranscriptLine {
    /// Seconds since the recording began.
    #[serde(default)]
    pub t: f64,
    /// Who wrote it, or what it tells.
    pub dir: Direction,
    /// The message, byte for byte, of the two message directions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msg: Option<Box<RawValue>>,
    /// The text of every other line, and of a line that was not JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What a line of a [`Transcript`] is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Direction {
    /// The client wrote it.
    #[serde(rename = "c2s")]
    ClientToServer,
    /// The runtime wrote it.
    #[serde(rename = "s2c")]
    ServerToClient,
    /// The runtime wrote it on standard error.
    #[serde(rename = "err")]
    Stderr,
    /// A direction closed.
    #[serde(rename = "eof")]
    Closed,
    /// The runtime ended.
    #[serde(rename = "exit")]
    Exited,
    /// Anything else: a note.
    #[serde(untagged)]
    Other(String),
}

impl TranscriptLine {
    /// Returns the message as it was written, without its line end.
    pub fn raw(&self) -> Option<&str> {
        self.msg.as_deref().map(RawValue::get)
    }

    /// Reads the message; `Null` if the line has none.
    pub fn message(&self) -> Value {
        // A raw value is JSON already.
        let read = self.raw().map(serde_json::from_str);
        read.and_then(Result::ok).unwrap_or(Value::Null)
    }
}

impl Transcript {
    /// Reads a transcript from a file.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Io`] if it cannot be read; [`TestkitError::Malformed`]
    /// with the number of the first line that is none.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, TestkitError> {
        let path = path.as_ref();
        let text = fs::read_to_string(path)
            .map_err(TestkitError::io(format!("read {}", path.display())))?;
        Self::parse(&text).map_err(|error| match error {
            TestkitError::Malformed { text } => {
                TestkitError::malformed(format!("{}: {text}", path.display()))
            }
            other => other,
        })
    }

    /// Reads every transcript (`*.jsonl`) of a folder, by name.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), for the first file that fails.
    pub fn load_all(folder: impl AsRef<Path>) -> Result<Vec<(String, Self)>, TestkitError> {
        let folder = folder.as_ref();
        let failed = || TestkitError::io(format!("list {}", folder.display()));
        let mut transcripts = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed())? {
            let path = entry.map_err(failed())?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "jsonl")
            {
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                transcripts.push((name.into_owned(), Self::load(&path)?));
            }
        }
        transcripts.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(transcripts)
    }

    /// Reads a transcript from text.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Malformed`] with the number of the first line that is none.
    pub fn parse(text: &str) -> Result<Self, TestkitError> {
        let mut transcript = Self::default();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let malformed = |error: serde_json::Error| {
                TestkitError::malformed(format!("line {} is malformed: {error}", index + 1))
            };
            if index == 0 {
                let first: Map<String, Value> = serde_json::from_str(line).map_err(malformed)?;
                if first.get("dir").is_some_and(|dir| dir == "meta") {
                    transcript.meta = first;
                    transcript.meta.remove("dir");
                    continue;
                }
            }
            let line = serde_json::from_str(line).map_err(malformed)?;
            transcript.lines.push(line);
        }
        Ok(transcript)
    }

    /// Returns what describes the recording: `runtime`, `scenario`, `note` and so on.
    pub fn meta(&self) -> &Map<String, Value> {
        &self.meta
    }

    /// Returns every line, in order.
    pub fn lines(&self) -> &[TranscriptLine] {
        &self.lines
    }

    /// Splits a recording of several runtimes on one home: a transcript
    /// for each start.
    pub fn runs(&self) -> Vec<Self> {
        let restart = Direction::Other("restart".to_owned());
        let mut runs: Vec<Self> = self
            .lines
            .split(|line| line.dir == restart)
            .map(|lines| Self {
                meta: self.meta.clone(),
                lines: lines.to_vec(),
            })
            .collect();
        runs.retain(|run| !run.lines.is_empty());
        runs
    }

    /// Returns the lines of one direction, in order.
    pub fn of(&self, dir: Direction) -> impl Iterator<Item = &TranscriptLine> {
        self.lines.iter().filter(move |line| line.dir == dir)
    }

    /// Returns the messages of the runtime, in order.
    pub fn server_messages(&self) -> Vec<Value> {
        let lines = self.of(Direction::ServerToClient);
        lines.map(TranscriptLine::message).collect()
    }

    /// Returns the messages of the client, in order.
    pub fn client_messages(&self) -> Vec<Value> {
        let lines = self.of(Direction::ClientToServer);
        lines.map(TranscriptLine::message).collect()
    }
}
