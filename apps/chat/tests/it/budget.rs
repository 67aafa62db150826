//! The budget of tokens.

use codex_testkit::{Answer, Usage};

use crate::chat::Chat;

/// The budget is in the status line, holds for all turns together, ends the turn that exceeds it, and starts no
/// other.
#[test]
fn the_budget_is_for_all_turns() {
    let mut chat = Chat::start(&["--budget-tokens", "2000"]);
    chat.terminal.sees("budget 0 / 2,000");
    chat.model
        .push(Answer::text("Cheap.").usage(Usage::new(900, 100)));
    chat.terminal.say("One");
    chat.terminal.sees_all(&["Cheap.", "budget 1,000 / 2,000"]);
    chat.terminal.is_idle();
    chat.model
        .push(Answer::text("Dear.").usage(Usage::new(1400, 100)));
    chat.terminal.say("Two");
    chat.terminal.sees_all(&[
        "The budget of 2,000 tokens is used up: 2,500 tokens were used.",
        "budget 2,500 / 2,000",
    ]);
    chat.terminal.is_idle();
    chat.terminal.say("Three");
    chat.terminal.waits("the message again", |screen| {
        screen.matches("is used up").count() == 2
    });
    assert_eq!(chat.model.responses_requests().len(), 2);
    chat.terminal.press(crate::chat::CTRL_C);
    chat.terminal.sees_no("› Three");
    chat.finish();
}

/// A turn is interrupted in the middle, once it has used too much.
#[test]
fn a_turn_that_uses_too_much_is_interrupted() {
    let mut chat = Chat::with(
        |home| home.sandbox_mode("danger-full-access"),
        &["--budget-tokens", "100"],
    );
    let gate = codex_testkit::Gate::new();
    chat.model
        .push(Answer::exec_command("true").usage(Usage::new(200, 0)));
    chat.model.default_answer(Answer::hold(&gate));
    chat.terminal.say("Go.");
    chat.terminal
        .sees_all(&["is used up: 200 tokens", "budget 200 / 100"]);
    chat.terminal.is_idle();
    gate.open();
    chat.finish();
}
