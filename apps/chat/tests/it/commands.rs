//! The slash commands that are about the thread that runs.

use codex_testkit::{Answer, Gate, Usage};

use crate::chat::{CTRL_C, Chat, DOWN, ENTER, ESCAPE, TAB};

/// A picture of one red dot.
const PNG: &[u8] = &[
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0,
    0, 0, 31, 21, 196, 137, 0, 0, 0, 13, 73, 68, 65, 84, 120, 156, 99, 248, 207, 192, 240, 31, 0,
    5, 0, 1, 255, 137, 153, 61, 29, 0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
];

/// The help names the commands, one that there is not names the help, and Tab completes.
#[test]
fn help_is_at_hand() {
    let mut chat = Chat::start(&[]);
    chat.terminal.press("/frobnicate\r");
    chat.terminal
        .sees_all(&["There is no command /frobnicate", "/help"]);
    chat.terminal.press("/he");
    chat.terminal.sees("show commands and keys");
    chat.terminal.press(TAB);
    chat.terminal.sees("› /help");
    chat.terminal.press(ENTER);
    chat.terminal.sees_all(&[
        "/resume choose an earlier thread",
        "/quit leave",
        "Ctrl-C interrupt",
    ]);
    chat.finish();
}

/// The model and the effort of the next turns are those that were named or chosen.
#[test]
fn model_and_effort_are_chosen() {
    let mut chat = Chat::start(&["--model", "first-model"]);
    chat.terminal.sees("first-model");
    chat.terminal.press("/model other-model\r");
    chat.terminal
        .sees("the next turns use the model other-model");
    chat.terminal.press("/effort high\r");
    chat.terminal.sees("the next turns use the effort high");
    chat.talks("Hello?", "From another model.");
    chat.terminal.sees("other-model · high");
    let request = &chat.model.responses_requests()[0];
    assert_eq!(
        (request.model(), request.effort()),
        (Some("other-model"), Some("high"))
    );

    // They hold for a new thread too.
    chat.terminal.press("/new\r");
    chat.terminal.sees_no("From another model.");
    chat.terminal.is_idle();
    chat.terminal.sees("other-model · high");

    // From the lists.
    chat.terminal.press("/model\r");
    chat.terminal.sees("Choose a model");
    chat.terminal.press(DOWN);
    chat.terminal.press(ESCAPE);
    chat.terminal.sees_no("Choose a model");
    chat.terminal.sees("other-model");
    chat.terminal.press("/model\r");
    chat.terminal.sees("Choose a model");
    chat.terminal.press(ENTER);
    chat.terminal.sees("the next turns use the model");
    chat.terminal.press("/effort\r");
    chat.terminal
        .sees_all(&["Choose how much the model reasons", "low"]);
    chat.terminal.press(DOWN);
    chat.terminal.press(ENTER);
    chat.terminal.sees("the next turns use the effort");
    chat.talks("And now?", "From the list.");
    let request = &chat.model.responses_requests()[1];
    assert_ne!(request.model(), Some("other-model"));
    let (model, effort) = (request.model().unwrap(), request.effort().unwrap());
    chat.terminal.sees(&format!("{model} · {effort}"));
    chat.finish();
}

/// Tokens are told by turn and thread; without an account there are no rate limits.
#[test]
fn usage_is_told() {
    let mut chat = Chat::start(&[]);
    for (message, input) in [("one", 1000), ("two", 2000)] {
        let answer = Answer::text(format!("answer {message}"));
        chat.model
            .push(answer.usage(Usage::new(input, 11).cached(500).reasoning(3)));
        chat.terminal.say(message);
        chat.terminal.sees(&format!("answer {message}"));
        chat.terminal.is_idle();
    }
    chat.terminal.press("/usage\r");
    chat.terminal.sees_all(&[
        "turn: 2,011",
        "thread: 3,022 (3,000 in, of these 1,000 cached; 22 out, of these 6 reasoning)",
        "No rate limits are known",
    ]);
    chat.finish();
}

/// The changes of the last turn are shown as one diff.
#[test]
fn the_diff_of_the_turn_is_shown() {
    let mut chat = Chat::with(
        |home| {
            home.sandbox_mode("danger-full-access")
                .file("b.txt", "before\n")
        },
        &[],
    );
    chat.terminal.press("/diff\r");
    chat.terminal.sees("The last turn changed no files.");
    let patch = "*** Begin Patch\n*** Update File: b.txt\n@@\n-before\n+after\n*** End Patch";
    chat.model
        .push(Answer::apply_patch(patch))
        .push(Answer::text("Changed."));
    chat.terminal.say("Change it.");
    chat.terminal
        .sees_all(&["edit b.txt  +1 -1", "+ after", "Changed."]);
    chat.terminal.is_idle();
    chat.terminal.press("/diff\r");
    chat.terminal
        .waits("two diffs", |screen| screen.matches("+ after").count() == 2);
    chat.finish();
}

/// The thread is summarized for the model.
#[test]
fn the_thread_is_compacted() {
    let mut chat = Chat::start(&[]);
    chat.talks("Hello?", "Hello.");
    chat.model.push(Answer::text("They said hello."));
    chat.terminal.press("/compact\r");
    chat.terminal.sees("The thread so far was summarized");
    chat.terminal.is_idle();
    chat.talks("And now?", "Goes on.");
    chat.finish();
}

/// Ctrl-C interrupts a summary too.
#[test]
fn a_summary_is_interrupted() {
    let mut chat = Chat::start(&[]);
    chat.talks("Hello?", "Hello.");
    let gate = Gate::new();
    chat.model.push(Answer::text("They said").gate(&gate));
    chat.terminal.press("/compact\r");
    gate.reached_blocking().unwrap();
    chat.terminal.sees("compacting");
    chat.terminal.press(CTRL_C);
    chat.terminal.sees("Interrupted.");
    chat.terminal.is_idle();
    gate.open();
    chat.talks("And now?", "Goes on.");
    chat.finish();
}

/// A picture goes with the next message, and only with that.
#[test]
fn an_image_is_attached() {
    let mut chat = Chat::start(&[]);
    chat.home.write("dot.png", PNG).unwrap();
    chat.terminal.press("/image missing.png\r");
    chat.terminal.sees("No picture at missing.png");
    chat.terminal.press("/image dot.png\r");
    chat.terminal.sees("with the image");
    chat.talks("What is this?", "A dot.");
    chat.terminal.sees_no("with the image");
    chat.terminal.sees("[image: ");
    let requests = chat.model.responses_requests();
    let urls = requests[0].image_urls();
    assert!(
        urls.len() == 1 && urls[0].starts_with("data:image/png;base64,"),
        "{urls:?}"
    );
    chat.finish();
}
