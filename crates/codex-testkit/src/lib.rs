//! Tests programs that drive Codex, without an account and without a network.
//!
//! | you test | with | what is real |
//! |---|---|---|
//! | an agent from end to end | [`MockModel`] and [`Home`] | the runtime, its sandbox, its files |
//! | what a healthy runtime never does | [`ScriptedServer`], [`Script`] | your client |
//! | how your client starts and ends the runtime | [`ScriptedProcess`] | your client and a process |
//! | a client that attaches, over a network that fails | [`ListeningRuntime`], [`Proxy`] | the runtime and your client |
//! | against traffic seen before | [`Transcript`], [`Replay`], [`Recorder`] | your client |
//!
//! The crate does not depend on any client library: it speaks to whatever
//! speaks to `codex app-server`.
//! For users of `openai-codex` the page `testing` of its guide has a test of a few lines.
//!
//! # A complete example
//!
//! An agent that runs a command. The model is scripted: it asks for the command
//! and then says that it is done. The runtime is real, and so is the file.
//!
//! ```
//! use std::io::{BufRead, BufReader, Write};
//! use std::process::{Command, Stdio};
//!
//! use codex_testkit::{Answer, Home, MockModel};
//! use serde_json::{Value, json};
//!
//! /// The agent under test: one turn, in which it lets the runtime run `touch made.txt`
//! /// and nothing else.
//! fn agent(mut runtime: Command, prompt: &str) -> Result<String, Box<dyn std::error::Error>> {
//!     let mut runtime = runtime
//!         .arg("app-server")
//!         .stdin(Stdio::piped())
//!         .stdout(Stdio::piped())
//!         .stderr(Stdio::null())
//!         .spawn()?;
//!     let mut input = runtime.stdin.take().ok_or("no input")?;
//!     let output = BufReader::new(runtime.stdout.take().ok_or("no output")?);
//!     let client = json!({"name": "my_agent", "version": "1.0.0"});
//!     let hello = json!({"id": 1, "method": "initialize", "params": {"clientInfo": client}});
//!     writeln!(input, "{hello}")?;
//!     let mut said = String::new();
//!     for line in output.lines() {
//!         let message: Value = serde_json::from_str(&line?)?;
//!         let params = &message["params"];
//!         match (message["method"].as_str(), message["id"].as_i64()) {
//!             (None, Some(1)) => {
//!                 let policy = json!({"approvalPolicy": "on-request", "approvalsReviewer": "user"});
//!                 writeln!(input, "{}", json!({"method": "initialized"}))?;
//!                 writeln!(input, "{}", json!({"id": 2, "method": "thread/start", "params": policy}))?;
//!             }
//!             (None, Some(2)) => {
//!                 let thread = &message["result"]["thread"]["id"];
//!                 let text = json!([{"type": "text", "text": prompt}]);
//!                 let turn = json!({"threadId": thread, "input": text});
//!                 writeln!(input, "{}", json!({"id": 3, "method": "turn/start", "params": turn}))?;
//!             }
//!             (Some("item/commandExecution/requestApproval"), Some(id)) => {
//!                 // A shell and its arguments, which are compared as a whole.
//!                 let command = params["command"].as_str().unwrap_or_default();
//!                 let allowed = command.split_once(' ').map(|(_, rest)| rest)
//!                     == Some("-lc 'touch made.txt'");
//!                 let decision = if allowed { "accept" } else { "decline" };
//!                 writeln!(input, "{}", json!({"id": id, "result": {"decision": decision}}))?;
//!             }
//!             (Some("item/completed"), _) if params["item"]["type"] == "agentMessage" => {
//!                 said = params["item"]["text"].as_str().unwrap_or_default().to_owned();
//!             }
//!             (Some("turn/completed"), _) => break,
//!             _ => {}
//!         }
//!     }
//!     drop(input);
//!     runtime.wait()?;
//!     Ok(said)
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The test: what the model will say, and a home where nothing else is.
//! let model = MockModel::start_blocking()?;
//! model
//!     .push(Answer::exec_command("touch made.txt").escalated("May I make a file?"))
//!     .push(Answer::text("I made it."));
//! let home = Home::new(&model)?;
//! let runtime = codex_runtime::install()?;
//!
//! let said = agent(home.command(runtime.program()), "Make a file.")?;
//!
//! // What the agent said, what it did, and what the model was told.
//! assert_eq!(said, "I made it.");
//! assert_eq!(home.read("made.txt").as_deref(), Some(""));
//! let requests = model.responses_requests();
//! assert_eq!(requests[0].last_user_text(), Some("Make a file."));
//! assert_eq!(requests[1].function_call_outputs().len(), 1);
//! model.assert_exhausted();
//! # Ok(())
//! # }
//! ```
//!
//! # Order without sleeping
//!
//! A [`Gate`] holds an answer where the test wants it, until the test has done
//! what must come first. For turns that run at the same time,
//! [`MockModel::when`] gives answers by what a request says. Every wait has a
//! limit of 30 seconds, and its failure says what was awaited. A gate that
//! nobody opens within its limit is a failure too: the answer breaks off, and
//! [`MockModel::assert_exhausted`] says why.
//!
//! # The usual answers
//!
//! What a healthy runtime says is there ready made, for a client that is tested
//! with a [`ScriptedServer`]: [`thread_started`], [`turn_started`] and
//! [`text_turn`] make it, and methods of the server and of a [`Script`] take the
//! call that it answers.
//!
//! ```
//! use codex_testkit::Script;
//!
//! let script = Script::new()
//!     .handshake()
//!     .thread_started("t1")
//!     .turn_started("u1")
//!     .text_turn("t1", "u1", "Done.")
//!     .closed();
//! # let _ = script;
//! ```
//!
//! # Crashes
//!
//! [`kill`] ends a runtime as a crash would, in the middle of whatever a gate
//! holds.
//!
//! # What a home keeps away
//!
//! The runtime under test sees no account, key, proxy or setting of the user,
//! no instructions of the checkout around the workspace, and asks no host but
//! the scripted model: analytics are off, ChatGPT's address is the model's, and
//! plugins are off because their list is fetched from public hosts. Switching
//! `features.plugins` on in a home lets the runtime ask those hosts.
//!
//! # Scripted processes
//!
//! [`ScriptedProcess`] needs an executable. Cargo builds a package's own
//! programs for its integration tests, so that two lines in `src/bin` or a
//! `[[bin]]` of the test package are enough:
//!
//! ```no_run
//! // bin/scripted-app-server.rs
//! codex_testkit::scripted_main()
//! ```
//!
//! and in the test `env!("CARGO_BIN_EXE_scripted-app-server")` is its path.

mod canned;
mod error;
mod gate;
mod home;
mod kill;
mod limit;
mod listening;
mod model;
mod proxy;
mod scripted;
mod transcript;

pub use canned::{Notice, text_turn, thread_started, turn_started};
pub use error::TestkitError;
pub use gate::Gate;
pub use home::{Home, HomeBuilder};
pub use kill::kill;
pub use limit::within;
pub use listening::ListeningRuntime;
pub use model::{Answer, FunctionCallOutput, MockModel, Request, Rule, Usage};
pub use proxy::Proxy;
pub use scripted::{
    Call, LogEvent, LogLine, Script, ScriptedProcess, ScriptedServer, Start, scripted_main,
};
pub use transcript::{Direction, Recorder, Replay, Tap, Transcript, TranscriptLine};

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
