//! Questions of the agent: each key has its effect, and nothing happens without one.

use codex_testkit::Answer;

use crate::chat::{CTRL_C, Chat, TAB, cells};

const KEYS: &str = "y once";

fn asks() -> Answer {
    Answer::exec_command("echo made > made.txt; echo it-is-made").escalated("May I make a file?")
}

/// A command is asked about with all that there is to know, runs after `y`, and its output is seen.
#[test]
fn a_command_runs_after_yes() {
    let mut chat = Chat::start(&[]);
    chat.model.push(asks()).push(Answer::text("Done."));
    chat.terminal.say("Make it.");
    let folder = format!("in: {}", chat.home.workspace().display());
    let start: String = folder.chars().take(60).collect();
    chat.terminal.sees_all(&[
        "Run this command?",
        "reason: May I make a file?",
        &start,
        KEYS,
        "n no",
    ]);
    chat.terminal
        .sees_all(&["waits for your answer", "it-is-made  waits for you"]);
    // Neither of them is an answer.
    chat.terminal.press(" \rq");
    chat.terminal.sees("answer with y");
    assert_eq!(chat.home.read("made.txt"), None);
    chat.terminal.press("y");
    chat.terminal
        .sees_all(&["✓ $ echo made", "│ it-is-made", "Done."]);
    chat.terminal.is_idle();
    assert_eq!(chat.home.read("made.txt").as_deref(), Some("made\n"));
    chat.finish();
}

/// After `n` nothing has run, and the turn goes on.
#[test]
fn a_command_does_not_run_after_no() {
    let mut chat = Chat::start(&[]);
    chat.model.push(asks()).push(Answer::text("Understood."));
    chat.terminal.say("Make it.");
    chat.terminal.sees(KEYS);
    chat.terminal.press("n");
    chat.terminal
        .sees_all(&["⊘ $ echo made", "declined", "Understood."]);
    chat.terminal.is_idle();
    assert_eq!(chat.home.read("made.txt"), None);
    chat.finish();
}

/// `x` and Ctrl-C end the turn, and nothing has run.
#[test]
fn a_question_ends_with_its_turn() {
    let mut chat = Chat::start(&[]);
    for key in ["x", CTRL_C] {
        chat.model.push(asks());
        chat.terminal.say("Make it.");
        chat.terminal.sees(KEYS);
        chat.terminal.press(key);
        chat.terminal.sees("Interrupted.");
        chat.terminal.is_idle();
        chat.terminal.sees_no("Run this command?");
        assert_eq!(chat.home.read("made.txt"), None);
        chat.terminal.press("/new\r");
        chat.terminal.sees_no("Interrupted.");
        chat.terminal.is_idle();
    }
    chat.finish();
}

/// What is allowed for the session is not asked about again.
#[test]
fn a_session_is_asked_once() {
    let mut chat = Chat::start(&[]);
    let asks = || Answer::exec_command("touch made.txt").escalated("May I?");
    chat.model.push(asks()).push(Answer::text("Once."));
    chat.terminal.say("Make it.");
    chat.terminal
        .sees_all(&["touch made.txt", "s this session"]);
    chat.terminal.press("s");
    chat.terminal.sees("Once.");
    chat.terminal.is_idle();
    chat.model.push(asks()).push(Answer::text("Twice."));
    chat.terminal.say("Again.");
    chat.terminal.sees("Twice.");
    chat.terminal.is_idle();
    chat.finish();
}

/// What is always allowed is stored as a rule, and not asked about in another thread.
#[test]
fn a_rule_is_stored() {
    let mut chat = Chat::start(&[]);
    let asks = || Answer::exec_command("touch made.txt").escalated("May I?");
    chat.model.push(asks()).push(Answer::text("Once."));
    chat.terminal.say("Make it.");
    chat.terminal.sees_all(&[
        "always: commands that begin with: touch made.txt",
        "a always",
    ]);
    chat.terminal.press("a");
    chat.terminal.sees("Once.");
    chat.terminal.is_idle();
    chat.terminal.press("/new\r");
    chat.terminal.sees_no("Once.");
    chat.terminal.is_idle();
    chat.model.push(asks()).push(Answer::text("Twice."));
    chat.terminal.say("Again.");
    chat.terminal.sees("Twice.");
    chat.terminal.is_idle();
    chat.finish();
}

/// A change of files is asked about with its diff, which is in color.
#[test]
fn a_change_is_shown_before_it_is_made() {
    let mut chat = Chat::with(|home| home.file("a.txt", "old line\nkept\n"), &[]);
    let patch =
        "*** Begin Patch\n*** Update File: a.txt\n@@\n-old line\n+new line\n kept\n*** End Patch";
    chat.model
        .push(Answer::apply_patch(patch))
        .push(Answer::text("Changed."));
    chat.terminal.say("Change it.");
    chat.terminal
        .sees_all(&["Make this change?", "- old line", "+ new line", KEYS]);
    let colors = chat.terminal.with_screen(|screen| {
        let colors = cells(screen).map(vt100::Cell::fgcolor);
        colors.collect::<Vec<_>>()
    });
    assert!(colors.contains(&vt100::Color::Idx(1)) && colors.contains(&vt100::Color::Idx(2)));
    assert_eq!(chat.home.read("a.txt").as_deref(), Some("old line\nkept\n"));
    chat.terminal.press("y");
    chat.terminal.sees("Changed.");
    chat.terminal.is_idle();
    assert_eq!(chat.home.read("a.txt").as_deref(), Some("new line\nkept\n"));
    chat.finish();
}

/// Who types while a question comes does not answer it.
#[test]
fn typing_is_no_answer() {
    let mut chat = Chat::start(&[]);
    let gate = codex_testkit::Gate::new();
    chat.model
        .push(asks().gate(&gate))
        .push(Answer::text("Understood."));
    chat.terminal.say("Make it.");
    gate.reached_blocking().unwrap();
    chat.terminal.press("ma");
    chat.terminal.sees("› ma");
    gate.open();
    chat.terminal.sees("Tab: answer");
    chat.terminal.press("yy");
    chat.terminal.sees("› mayy");
    assert_eq!(chat.home.read("made.txt"), None);
    chat.terminal.press(TAB);
    chat.terminal.sees(KEYS);
    chat.terminal.press("n");
    chat.terminal.sees("Understood.");
    chat.terminal.is_idle();
    chat.terminal.press(CTRL_C);
    chat.terminal.sees_no("› mayy");
    assert_eq!(chat.home.read("made.txt"), None);
    chat.finish();
}

/// With `--approve auto` a reviewer decides, and the user sees it.
#[test]
fn a_reviewer_decides_where_that_is_chosen() {
    let mut chat = Chat::start(&["--approve", "auto"]);
    chat.terminal.sees("asks a reviewer");
    let reviews = chat.model.when(|request| request.is_reviewer());
    reviews.push(Answer::reviewer_allows("it is harmless"));
    chat.model.push(asks()).push(Answer::text("Done."));
    chat.terminal.say("Make it.");
    chat.terminal.sees_all(&[
        "The reviewer says approved: it is harmless",
        "│ it-is-made",
        "Done.",
    ]);
    chat.terminal.is_idle();
    assert_eq!(chat.home.read("made.txt").as_deref(), Some("made\n"));
    chat.finish();
}

/// What the sandbox allows is not asked about.
#[test]
fn what_the_sandbox_allows_is_not_asked_about() {
    let mut chat = Chat::start(&["--sandbox", "danger-full-access"]);
    chat.terminal.sees("danger-full-access");
    chat.model
        .push(Answer::exec_command("echo made > made.txt"));
    chat.model.push(Answer::text("Done."));
    chat.terminal.say("Make it.");
    chat.terminal.sees("Done.");
    chat.terminal.is_idle();
    assert_eq!(chat.home.read("made.txt").as_deref(), Some("made\n"));
    chat.finish();
}

/// With `--approve deny` nothing is asked, and nothing runs.
#[test]
fn nothing_is_asked_where_all_is_denied() {
    let mut chat = Chat::start(&["--approve", "deny"]);
    chat.terminal.sees("asks nobody");
    chat.model.push(asks()).push(Answer::text("Understood."));
    chat.terminal.say("Make it.");
    chat.terminal.sees("Understood.");
    chat.terminal.is_idle();
    assert_eq!(chat.home.read("made.txt"), None);
    chat.finish();
}
