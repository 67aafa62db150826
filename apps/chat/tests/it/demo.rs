//! The demo, as a user without an account sees it.

use crate::chat::{Terminal, bare_command};

/// Starts the demo, and waits until it has said hello.
pub(crate) fn start(rows: u16, cols: u16) -> Terminal {
    let mut command = bare_command();
    command.arg("--demo");
    let terminal = Terminal::start(command, rows, cols);
    terminal.is_idle();
    terminal.sees("This is a demo");
    terminal
}

/// The demo shows Markdown, a change of a file, and a command that it asks about.
#[test]
fn the_demo_shows_what_there_is() {
    let mut demo = start(48, 100);
    demo.say("hello");
    demo.sees_all(&[
        "Hello!",
        "Hello from a code block",
        "an answer to interrupt",
    ]);
    demo.is_idle();
    demo.say("fix it");
    demo.sees_all(&["edit greet.sh  +2 -1", "Run this command?", "y once"]);
    demo.press("y");
    demo.sees_all(&["Hello, Ada!", "The greeting is fixed"]);
    demo.is_idle();
    demo.press("/quit\r");
    assert!(demo.ends());
    demo.is_given_back();
}
