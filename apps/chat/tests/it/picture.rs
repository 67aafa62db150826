//! The picture of the README, made of the demo's screen.

use crate::{demo, svg};

/// Writes `docs/chat.svg`.
#[test]
#[ignore = "it writes a file of the repository; see the README"]
fn picture() {
    let mut demo = demo::start(36, 96);
    // A thread without the greeting.
    demo.press("/new\r");
    demo.sees_no("This is a demo");
    demo.is_idle();
    demo.say("Please fix the greeting.");
    demo.sees_all(&["edit greet.sh  +2 -1", "Run this command?", "y once"]);
    let picture = without_folder(&demo.with_screen(svg::draw));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/chat.svg");
    std::fs::write(path, picture).unwrap();
    demo.press("n");
    demo.is_idle();
    demo.press("/quit\r");
    assert!(demo.ends());
}

/// Writes another name for the folder of the demo, which is one of the machine that makes the picture.
fn without_folder(picture: &str) -> String {
    let is_folder = |word: &str| word.contains("codex-testkit") && word.starts_with('/');
    let lines = picture.lines().map(|line| {
        let (Some(from), Some(to)) = (line.rfind("\">"), line.rfind("</text>")) else {
            return line.to_owned();
        };
        let words = line[from + 2..to].split(' ');
        let words = words.map(|word| {
            if is_folder(word) {
                "/home/you/demo"
            } else {
                word
            }
        });
        let text = words.collect::<Vec<_>>().join(" ");
        if text == line[from + 2..to] {
            return line.to_owned();
        }
        // The width was that of the other name.
        let start = line.find(" textLength").unwrap();
        format!("{} xml:space=\"preserve\">{text}</text>", &line[..start])
    });
    let picture = lines.collect::<Vec<_>>().join("\n") + "\n";
    assert!(
        !picture.contains("testkit"),
        "a folder of this machine is in the picture"
    );
    picture
}
