//! The language in which a scripted server is told what to do.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Tells a scripted server what to expect and what to do, step by step.
///
/// [`ScriptedServer::play`](crate::ScriptedServer::play) plays it over a pipe,
/// [`ScriptedProcess`](crate::ScriptedProcess) as an executable. As JSON it is
/// an array of steps.
///
/// ```
/// use codex_testkit::Script;
/// use serde_json::json;
///
/// let script = Script::new()
///     .handshake()
///     .expect_as("first", "model/list")
///     .expect("thread/list")
///     .reply(json!({"data": []}))
///     .reply_to("first", json!({"data": []}))
///     .exit(3);
/// let text = serde_json::to_string(&script)?;
/// assert_eq!(serde_json::from_str::<Script>(&text)?, script);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
#[must_use]
pub struct Script {
    pub(super) steps: Vec<Step>,
}

/// One step of a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    Version(String),
    Handshake,
    Expect(Expected),
    Find(Expected),
    Reply {
        to: Option<String>,
        result: Value,
    },
    Error {
        to: Option<String>,
        error: Value,
    },
    Always {
        method: String,
        result: Value,
    },
    Notify {
        method: String,
        params: Value,
    },
    Ask {
        method: String,
        params: Value,
    },
    /// Awaits the answer to the latest `Ask`; these members must be in it.
    Answer(Value),
    Send(Value),
    Bytes(Vec<u8>),
    SleepMs(u64),
    Hold(String),
    Repeat {
        /// For ever, if absent.
        times: Option<u64>,
        steps: Vec<Step>,
    },
    Flushed,
    CloseOutput,
    StopReading,
    ResumeReading,
    Closed,
    Stderr(String),
    IgnoreSignals,
    IgnoreClosing,
    /// Starts a process that holds the output open for so long.
    LingerMs(u64),
    Exit(i32),
}

/// The call that a step waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Expected {
    pub(super) method: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Members that the params must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) params: Option<Value>,
    /// The whole params.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) exactly: Option<Value>,
}

impl Expected {
    fn new(method: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            name: None,
            params: None,
            exactly: None,
        }
    }
}

impl Script {
    /// Makes a script without steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the runtime version that [`handshake`](Self::handshake) reports;
    /// unless set, it is that of the pinned runtime.
    pub fn version(self, version: impl Into<String>) -> Self {
        self.step(Step::Version(version.into()))
    }

    /// Answers `initialize` as the runtime does, and takes `initialized`.
    pub fn handshake(self) -> Self {
        self.step(Step::Handshake)
    }

    /// Takes the next call, which must be `method`.
    pub fn expect(self, method: impl Into<String>) -> Self {
        self.step(Step::Expect(Expected::new(method)))
    }

    /// Takes the next call and keeps it as `name`, to be answered later.
    pub fn expect_as(self, name: impl Into<String>, method: impl Into<String>) -> Self {
        self.step(Step::Expect(Expected {
            name: Some(name.into()),
            ..Expected::new(method)
        }))
    }

    /// Takes the next call, whose params must have these members, at any depth.
    pub fn expect_with(self, method: impl Into<String>, params: Value) -> Self {
        self.step(Step::Expect(Expected {
            params: Some(params),
            ..Expected::new(method)
        }))
    }

    /// Takes the next call, whose params must be these.
    pub fn expect_exactly(self, method: impl Into<String>, params: Value) -> Self {
        self.step(Step::Expect(Expected {
            exactly: Some(params),
            ..Expected::new(method)
        }))
    }

    /// Takes the first waiting call of `method`; others stay for later.
    pub fn find(self, method: impl Into<String>) -> Self {
        self.step(Step::Find(Expected::new(method)))
    }

    /// Answers the latest call.
    pub fn reply(self, result: Value) -> Self {
        self.step(Step::Reply { to: None, result })
    }

    /// Answers the call kept as `name`.
    pub fn reply_to(self, name: impl Into<String>, result: Value) -> Self {
        let to = Some(name.into());
        self.step(Step::Reply { to, result })
    }

    /// Answers the latest call with an error.
    pub fn error(self, code: i64, message: &str) -> Self {
        self.error_with(json!({"code": code, "message": message}))
    }

    /// Answers the latest call with this value as the error.
    pub fn error_with(self, error: Value) -> Self {
        self.step(Step::Error { to: None, error })
    }

    /// Answers every later request of `method`, without it being expected.
    pub fn always(self, method: impl Into<String>, result: Value) -> Self {
        self.step(Step::Always {
            method: method.into(),
            result,
        })
    }

    /// Sends a notification.
    pub fn notify(self, method: impl Into<String>, params: Value) -> Self {
        self.step(Step::Notify {
            method: method.into(),
            params,
        })
    }

    /// Sends a request to the client; its ids count from 0.
    pub fn ask(self, method: impl Into<String>, params: Value) -> Self {
        self.step(Step::Ask {
            method: method.into(),
            params,
        })
    }

    /// Awaits the answer to the latest [`ask`](Self::ask), which must have
    /// these members: `{"result": {"decision": "decline"}}` for example.
    pub fn answer(self, members: Value) -> Self {
        self.step(Step::Answer(members))
    }

    /// Sends a whole message, as it is.
    pub fn send(self, message: Value) -> Self {
        self.step(Step::Send(message))
    }

    /// Sends a line, which need not be JSON.
    pub fn line(self, line: impl Into<Vec<u8>>) -> Self {
        let mut bytes = line.into();
        bytes.push(b'\n');
        self.bytes(bytes)
    }

    /// Sends bytes, which need not be a line.
    pub fn bytes(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.step(Step::Bytes(bytes.into()))
    }

    /// Does nothing for so long; only for tests of time limits.
    pub fn sleep(self, length: Duration) -> Self {
        self.step(Step::SleepMs(millis(length)))
    }

    /// Waits until the test opens the gate of this name.
    pub fn hold(self, gate: impl Into<String>) -> Self {
        self.step(Step::Hold(gate.into()))
    }

    /// Plays `script` several times.
    pub fn repeat(self, times: u64, script: Self) -> Self {
        self.step(Step::Repeat {
            times: Some(times),
            steps: script.steps,
        })
    }

    /// Plays `script` until the client closes; nothing after it is played.
    pub fn forever(self, script: Self) -> Self {
        self.step(Step::Repeat {
            times: None,
            steps: script.steps,
        })
    }

    /// Waits until everything sent was taken.
    pub fn flushed(self) -> Self {
        self.step(Step::Flushed)
    }

    /// Closes the output and lives on.
    ///
    /// As an executable this works on Unix only.
    pub fn close_output(self) -> Self {
        self.step(Step::CloseOutput)
    }

    /// Stops reading what the client writes.
    pub fn stop_reading(self) -> Self {
        self.step(Step::StopReading)
    }

    /// Reads again.
    pub fn resume_reading(self) -> Self {
        self.step(Step::ResumeReading)
    }

    /// Waits until the client has closed its side.
    pub fn closed(self) -> Self {
        self.step(Step::Closed)
    }

    /// Writes to standard error; as an executable only.
    pub fn stderr(self, text: impl Into<String>) -> Self {
        self.step(Step::Stderr(text.into()))
    }

    /// Outlives termination signals from here on; as an executable only.
    pub fn ignore_signals(self) -> Self {
        self.step(Step::IgnoreSignals)
    }

    /// Outlives the closing of its input from here on, and the script's end;
    /// as an executable only.
    pub fn ignore_closing(self) -> Self {
        self.step(Step::IgnoreClosing)
    }

    /// Starts a process that inherits the outputs and holds them open for so
    /// long; as an executable only.
    pub fn leave_a_child(self, length: Duration) -> Self {
        self.step(Step::LingerMs(millis(length)))
    }

    /// Ends with this exit code; over a pipe it closes the output.
    pub fn exit(self, code: i32) -> Self {
        self.step(Step::Exit(code))
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
