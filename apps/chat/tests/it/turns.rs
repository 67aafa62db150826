//! Turns: what is streamed, what is typed meanwhile, and how they are interrupted.

use codex_testkit::{Answer, Gate, Usage};

use crate::chat::{CTRL_C, CTRL_O, Chat, DOWN, ESCAPE, PAGE_UP, UP, cells};

/// An answer appears as it comes, its Markdown is shown and not its marks, and thoughts before it.
#[test]
fn an_answer_in_markdown_is_streamed() {
    let mut chat = Chat::start(&[]);
    let gate = Gate::new();
    let parts = [
        "# The plan\n\nBe **bo",
        "ld**.\n\n- one\n- two\n\n```sh\ncargo ",
        "test\n```\n",
    ];
    let answer = Answer::deltas(parts).gate_after_delta(2, &gate);
    let answer = answer.usage(Usage::new(1200, 34));
    chat.model
        .push(Answer::reasoning("**Thinking** hard").and(answer));
    chat.terminal.say("What is the plan?");
    gate.reached_blocking().unwrap();
    chat.terminal.sees_all(&[
        "› What is the plan?",
        "The plan",
        "Be bold.",
        "• one",
        "  cargo",
    ]);
    chat.terminal.sees("running");
    let screen = chat.terminal.text();
    assert!(
        !screen.contains("cargo test") && !screen.contains("**") && !screen.contains("# The"),
        "{screen}"
    );
    gate.open();
    chat.terminal.sees("  cargo test");
    chat.terminal.is_idle();
    chat.terminal.sees_all(&["Thinking hard", "1,234 tokens"]);
    let bold = chat.terminal.with_screen(|screen| {
        let bold =
            cells(screen).filter(|cell| cell.bold() && cell.fgcolor() == vt100::Color::Default);
        bold.map(|cell| cell.contents().to_owned())
            .collect::<String>()
    });
    assert_eq!(bold, "bold");
    chat.finish();
}

/// Ctrl-C interrupts a turn, also one whose answer has not begun; the thread goes on.
#[test]
fn ctrl_c_interrupts() {
    let mut chat = Chat::start(&[]);
    let gate = Gate::new();
    chat.model
        .push(Answer::deltas(["Counting: 1", " 2"]).gate_after_delta(1, &gate));
    chat.terminal.say("Count.");
    chat.terminal.sees("Counting: 1");
    chat.terminal.press(CTRL_C);
    chat.terminal.sees("Interrupted.");
    chat.terminal.is_idle();
    gate.open();
    chat.talks("And now?", "Here I am.");
    chat.finish();
}

/// What is typed while a turn runs reaches the agent in that turn.
#[test]
fn a_text_steers_the_turn_that_runs() {
    let mut chat = Chat::start(&[]);
    let gate = Gate::new();
    chat.model
        .push(Answer::deltas(["First", " part."]).gate_after_delta(1, &gate));
    chat.model.push(Answer::text("In short: yes."));
    chat.terminal.say("Is it good?");
    chat.terminal.sees("First");
    chat.terminal.say("Be brief.");
    chat.terminal.sees("› Be brief.");
    gate.open();
    chat.terminal.sees("In short: yes.");
    chat.terminal.is_idle();
    let requests = chat.model.responses_requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].last_user_text(), Some("Be brief."));
    let screen = chat.terminal.text();
    assert_eq!(screen.matches("Be brief.").count(), 1, "{screen}");
    chat.finish();
}

/// The messages before come back with Up, also those of an earlier run.
#[test]
fn earlier_messages_come_back() {
    let mut chat = Chat::start(&[]);
    chat.talks("first question", "one");
    chat.talks("second question", "two");
    chat.terminal.press("typed");
    chat.terminal.press(UP);
    chat.terminal.waits("the second message twice", |screen| {
        screen.matches("› second question").count() == 2
    });
    chat.terminal.press(UP);
    chat.terminal.waits("the first message twice", |screen| {
        screen.matches("› first question").count() == 2
    });
    chat.terminal.press(DOWN);
    chat.terminal.press(DOWN);
    chat.terminal.sees("› typed");
    chat.terminal.press(CTRL_C);
    chat.terminal.sees("Ctrl-C again leaves");
    chat.terminal.press("/quit\r");
    chat.is_gone();
    chat.again(&[]);
    chat.terminal.press(UP);
    chat.terminal.sees("› /quit");
    chat.terminal.press(UP);
    chat.terminal.sees("› second question");
    chat.terminal.press(CTRL_C);
    chat.finish();
}

/// The output of a command is seen while it runs.
#[test]
fn an_output_is_seen_as_it_comes() {
    let mut chat = Chat::start(&["--sandbox", "danger-full-access"]);
    // The runtime does not stream the first piece of an output.
    let waits = "until [ -e go ]; do echo a-tick; sleep 0.1; done; echo it-ended";
    chat.model.push(Answer::exec_command(waits));
    chat.model.push(Answer::text("Done."));
    chat.terminal.say("Wait for it.");
    chat.terminal.sees_all(&["│ a-tick", "it-ended  running"]);
    chat.home.write("go", "").unwrap();
    chat.terminal
        .sees_all(&["│ a-tick", "│ it-ended", "✓ $ until", "Done."]);
    chat.terminal.is_idle();
    chat.finish();
}

/// What has left the screen is found by scrolling.
#[test]
fn the_transcript_is_scrolled() {
    let mut chat = Chat::start(&[]);
    let lines: Vec<_> = (1..=80).map(|line| format!("- line {line}.\n")).collect();
    chat.model.push(Answer::text(lines.concat()));
    chat.terminal.say("Count.");
    chat.terminal.sees("• line 80.");
    chat.terminal.is_idle();
    chat.terminal.press(PAGE_UP);
    chat.terminal
        .sees_all(&["more lines: PageDown", "• line 20."]);
    chat.terminal.press(PAGE_UP);
    chat.terminal.press(PAGE_UP);
    chat.terminal.sees("› Count.");
    chat.terminal.press(ESCAPE);
    chat.terminal.sees("• line 80.");
    chat.finish();
}

/// A long output is shown in short, and in full where that is asked for.
#[test]
fn a_long_output_is_shown_in_short_and_in_full() {
    let mut chat = Chat::with(|home| home.sandbox_mode("danger-full-access"), &[]);
    chat.model.push(Answer::exec_command(
        "for i in $(seq 1 20); do echo line-$i.; done",
    ));
    chat.model.push(Answer::text("Twenty lines."));
    chat.terminal.say("Print lines.");
    chat.terminal
        .sees_all(&["$ for i in", "line-20.", "12 lines above", "Twenty lines."]);
    assert!(!chat.terminal.text().contains("line-1."));
    chat.terminal.press(CTRL_O);
    chat.terminal.sees("line-1.");
    chat.finish();
}
