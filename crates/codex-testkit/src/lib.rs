//! Test doubles for programs that talk to `codex app-server`.

mod error;
mod gate;
mod home;
mod limit;
mod model;
mod scripted;
mod transcript;

pub use error::TestkitError;
pub use gate::Gate;
pub use home::{Home, HomeBuilder};
pub use model::{Answer, FunctionCallOutput, MockModel, Request, Rule, Usage};
pub use scripted::{
    Call, LogEvent, LogLine, Script, ScriptedProcess, ScriptedServer, Start, scripted_main,
};
pub use transcript::{Direction, Recorder, Replay, Tap, Transcript, TranscriptLine};
