//! The picture of the README, made of the demo's screen.

use crate::{demo, svg};

/// Writes `docs/chat.svg`.
#[test]
#[ignore = "it writes a file of the repository; see the README"]
fn picture() {
    let mut demo = demo::start(42, 96);
    // A thread without the greeting.
    demo.press("/new\r");
    demo.sees_no("This is a demo");
    demo.is_idle();
    demo.say("Please fix the greeting.");
    demo.sees_all(&["edit greet.sh  +2 -1", "Run this command?", "y once"]);
    let picture = demo.with_screen(svg::draw);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/chat.svg");
    std::fs::write(path, picture).unwrap();
    demo.press("n");
    demo.is_idle();
    demo.press("/quit\r");
    assert!(demo.ends());
}
