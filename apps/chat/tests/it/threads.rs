//! Earlier threads.

use crate::chat::{Chat, DOWN, ENTER};

/// A thread that is chosen comes back with its history, and goes on.
#[test]
fn an_earlier_thread_is_resumed_from_the_list() {
    let mut chat = Chat::start(&[]);
    chat.talks("The first topic", "An answer of the first.");
    chat.terminal.press("/new\r");
    chat.terminal.sees_no("An answer of the first.");
    chat.terminal.is_idle();
    chat.talks("The second topic", "An answer of the second.");
    chat.terminal.press("/resume\r");
    chat.terminal.sees_all(&[
        "Go on with a thread",
        "The first topic",
        "▸ The second topic",
    ]);
    chat.terminal.press(DOWN);
    chat.terminal.sees("▸ The first topic");
    chat.terminal.press(ENTER);
    chat.terminal.sees_all(&[
        "› The first topic",
        "An answer of the first.",
        "goes on after 1 turn",
    ]);
    chat.terminal.is_idle();
    assert!(!chat.terminal.text().contains("second"));
    chat.talks("More of it", "More of the first.");
    let requests = chat.model.responses_requests();
    let texts = requests.last().unwrap().user_texts().join("\n");
    assert!(
        texts.contains("The first topic") && !texts.contains("The second topic"),
        "{texts}"
    );
    chat.finish();
}

/// The last thread goes on in another run of the program; without one there is a new thread.
#[test]
fn the_latest_thread_is_resumed_at_the_start() {
    let mut chat = Chat::start(&["--resume-latest"]);
    chat.terminal.sees("A new thread");
    chat.talks("Remember me", "I shall.");
    chat.terminal.press("/quit\r");
    chat.is_gone();
    chat.again(&["--resume-latest"]);
    chat.terminal
        .sees_all(&["› Remember me", "I shall.", "goes on after 1 turn"]);
    chat.talks("Who am I?", "You were here before.");
    chat.finish();
}
