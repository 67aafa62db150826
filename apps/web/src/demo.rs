//! The demo: a scripted model on loopback, so that the page can be tried without an account.

use std::time::Duration;

use codex_testkit::{Answer, Home, MockModel, Request, TestkitError, Usage};
use openai_codex::CodexConfig;
use serde_json::Value;

/// How fast the scripted model writes.
const PACE: Duration = Duration::from_millis(35);

/// The scripted model, and a home for the runtime where nothing else is.
///
/// It must live as long as the server.
#[derive(Debug)]
pub struct Demo {
    home: Home,
    _model: MockModel,
}

impl Demo {
    /// Starts the model and makes the home.
    ///
    /// # Errors
    ///
    /// No port or no folder can be had.
    pub fn start() -> Result<Self, TestkitError> {
        let model = MockModel::start_blocking()?;
        model.when(|request| step(request) == 0).always(plan());
        model
            .when(|request| step(request) == 1 && turn(request) == 1)
            .always(first_change());
        model.when(|request| step(request) == 1).always(change());
        model.default_answer(words(
            "That is all of the demo: the words came one by one, **you** decided about the command, and the change \
             of the file is above with its diff.\n\nThe model is scripted, so every message gets the same answer. \
             Start the server without `--demo` for a real one.",
        ));
        let home = Home::builder(&model)
            .file("README.md", README)
            .file("src/main.rs", "fn main() {\n    println!(\"hello\");\n}\n")
            .build()?;
        Ok(Self {
            home,
            _model: model,
        })
    }

    /// Configures a client for it.
    pub fn config(&self) -> CodexConfig {
        CodexConfig::new().isolated(&self.home)
    }
}

const README: &str = "# Demo\n\nA tiny project.\n";

fn plan() -> Answer {
    let first = "I count the lines of the project first. The sandbox does not allow this command, so I ask:\n\n\
                 ```sh\nwc -l README.md src/main.rs\n```";
    Answer::reasoning("The user wants to see what this page can do.")
        .and(words(first).phase("commentary"))
        .and(
            Answer::exec_command("wc -l README.md src/main.rs")
                .escalated("May I count the lines of the project?"),
        )
        .usage(Usage::new(1200, 80))
}

fn first_change() -> Answer {
    patch(
        "*** Begin Patch\n*** Update File: README.md\n@@\n # Demo\n \n-A tiny project.\n+A tiny project, \
         with a page to talk to it.\n+\n+Run it with `cargo run`.\n*** End Patch",
    )
}

/// A change that can be made any number of times.
fn change() -> Answer {
    patch(
        "*** Begin Patch\n*** Add File: NOTES.md\n+# Notes\n+\n+Written by the demo.\n*** End Patch",
    )
}

fn patch(patch: &str) -> Answer {
    words("Now I write that down.")
        .phase("commentary")
        .and(Answer::apply_patch(patch))
        .usage(Usage::new(1400, 120))
}

/// An answer that is written word by word, as a model does.
fn words(text: &str) -> Answer {
    Answer::deltas(text.split_inclusive(' ')).delta_delay(PACE)
}

/// Counts what was done since the last message of the user.
fn step(request: &Request) -> usize {
    let done = request.input().iter().rev();
    done.take_while(|item| item["role"] != "user")
        .filter(|item| item["type"] == "function_call_output")
        .count()
}

/// Counts the user's messages that were answered, and the one that is not yet.
fn turn(request: &Request) -> usize {
    let is_user = |item: &Value| item["role"] == "user";
    let input = request.input();
    let answered = input
        .windows(2)
        .filter(|pair| is_user(&pair[0]) && !is_user(&pair[1]));
    answered.count().max(1)
}
