//! Each way to leave gives the terminal back and leaves no process behind.

use codex_testkit::{Answer, Gate};

use crate::chat::{CTRL_C, CTRL_D, Chat, bare_command};

/// Ctrl-C twice, Ctrl-D, and a signal end the program while nothing runs.
#[test]
fn the_program_ends_when_it_is_asked() {
    for way in ["ctrl-c", "ctrl-d", "signal"] {
        let mut chat = Chat::start(&[]);
        match way {
            "ctrl-c" => {
                chat.terminal.press(CTRL_C);
                chat.terminal.sees("Ctrl-C again leaves");
                chat.terminal.press(CTRL_C);
            }
            "ctrl-d" => chat.terminal.press(CTRL_D),
            _ => {
                let id = chat.terminal.process_id().to_string();
                let sent = std::process::Command::new("kill")
                    .args(["-TERM", &id])
                    .status();
                assert!(sent.unwrap().success());
            }
        }
        chat.is_gone();
    }
}

/// The program can be left while the runtime starts.
#[test]
fn the_program_ends_while_the_runtime_starts() {
    let mut chat = Chat::begin(|home| home, &[]);
    chat.terminal.sees("a message, or /help");
    chat.terminal.press(CTRL_D);
    chat.is_gone();
}

/// The program can be left in the middle of a turn.
#[test]
fn the_program_ends_in_the_middle_of_a_turn() {
    let mut chat = Chat::start(&[]);
    let gate = Gate::new();
    chat.model.push(Answer::text("never").gate(&gate));
    chat.terminal.say("Go.");
    gate.reached_blocking().unwrap();
    chat.terminal.press("/quit\r");
    chat.is_gone();
    gate.open();
}

/// A question that waits when the program is left is no yes.
#[test]
fn a_question_that_waits_is_declined_at_the_end() {
    let mut chat = Chat::start(&[]);
    chat.model
        .push(Answer::exec_command("touch made.txt").escalated("May I?"));
    chat.model.default_answer(Answer::text("Understood."));
    chat.terminal.say("Go.");
    chat.terminal.sees("y once");
    chat.terminal.press(CTRL_D);
    chat.is_gone();
    assert_eq!(chat.home.read("made.txt"), None);
}

/// Without a terminal it says what it needs.
#[test]
fn without_a_terminal_it_says_so() {
    let program = bare_command().get_argv()[0].clone();
    let output = std::process::Command::new(program).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("it needs a terminal"), "{said}");
}
