//! What goes wrong is told, and the program goes on.

use codex_testkit::Answer;
use serde_json::json;

#[cfg(target_os = "linux")]
use crate::chat::processes;
use crate::chat::{Chat, Terminal, bare_command};

/// A turn that fails is told, and the next one runs.
#[test]
fn a_failed_turn_is_told() {
    let mut chat = Chat::start(&[]);
    let error = json!({"error": {"message": "this model is on holiday"}});
    chat.model.push(Answer::http_error(400, error));
    chat.terminal.say("Hello?");
    chat.terminal
        .sees_all(&["The turn failed", "this model is on holiday"]);
    chat.terminal.is_idle();
    chat.talks("Still there?", "Yes.");
    chat.finish();
}

/// A runtime that dies is told with what helps; `/new` starts another one, and `/resume` with the last thread.
#[cfg(target_os = "linux")]
#[test]
fn a_runtime_that_dies_is_replaced() {
    let mut chat = Chat::start(&[]);
    chat.talks("Hello?", "Hello.");
    kill_runtime(&chat);
    chat.terminal.sees_all(&["the runtime ended", "/new"]);
    chat.terminal.say("Lost?");
    chat.terminal.sees("there is no runtime: /new starts one");
    chat.terminal.press(crate::chat::CTRL_C);
    chat.terminal.sees_no("› Lost?");
    chat.terminal.press("/new\r");
    chat.terminal.is_idle();
    chat.talks("Again?", "I am another one.");
    kill_runtime(&chat);
    chat.terminal.sees("the runtime ended");
    chat.terminal.press("/resume\r");
    chat.terminal
        .sees_all(&["› Again?", "I am another one.", "goes on after 1 turn"]);
    chat.talks("Still?", "A third one.");
    chat.finish();
}

#[cfg(target_os = "linux")]
fn kill_runtime(chat: &Chat) {
    let own = chat.terminal.process_id();
    let all = processes(chat.home.root());
    let runtimes: Vec<u32> = all.into_iter().filter(|process| *process != own).collect();
    assert!(!runtimes.is_empty());
    for runtime in runtimes {
        // A helper of the runtime may be gone by now.
        let _ = codex_testkit::kill(runtime);
    }
}

/// A runtime that is not there, and one that is none, are told; the program goes on until it is left.
#[test]
fn a_runtime_that_cannot_start_is_told() {
    let programs = [
        ("/nowhere/codex", "The runtime could not be started"),
        (false_program(), "the runtime ended with exit status: 1"),
    ];
    for (program, why) in programs {
        let mut command = bare_command();
        command.args(["--codex-bin", program]);
        let mut terminal = Terminal::start(command, 40, 100);
        terminal.sees_all(&["✗ ", why, "/new", "/quit"]);
        terminal.press("/new\r");
        terminal.waits("it again", |screen| screen.matches(why).count() == 2);
        terminal.press("/quit\r");
        assert!(terminal.ends());
        terminal.is_given_back();
    }
}

/// A folder that does not exist is told.
#[test]
fn a_missing_folder_is_told() {
    let mut command = bare_command();
    command.args(["--cwd", "/nowhere/at-all", "--codex-bin", "/nowhere/codex"]);
    let mut terminal = Terminal::start(command, 40, 100);
    terminal.sees_all(&["✗ ", "/nowhere/at-all"]);
    terminal.press("/quit\r");
    assert!(terminal.ends());
}

/// A program that ends at once.
fn false_program() -> &'static str {
    let places = ["/bin/false", "/usr/bin/false"];
    let found = places
        .into_iter()
        .find(|place| std::path::Path::new(place).exists());
    found.unwrap()
}
