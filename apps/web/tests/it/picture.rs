//! The picture of the page in the documentation.

use std::path::Path;

use codex_testkit::{Answer, Gate, Usage};

use crate::browser::in_browser;
use crate::stage::Stage;

/// Takes the picture; a command of the maintainers, see the README.
#[tokio::test]
#[ignore = "writes docs/web.png"]
async fn picture() {
    let stage = Stage::new().await;
    let patch = "*** Begin Patch\n*** Update File: README.md\n@@\n-# Demo\n+# Weather report\n+\n+Run it with \
                 `cargo run`.\n*** End Patch";
    let gate = Gate::new();
    stage.model.push(
        Answer::text("The title does not fit any more, so I change it.")
            .and(Answer::apply_patch(patch))
            .usage(Usage::new(4100, 120)),
    );
    let ask = Answer::exec_command("cargo publish --dry-run").escalated("May I check the package?");
    let words = Answer::text("Now I check that the package is **complete**:");
    stage
        .model
        .push(words.and(ask).usage(Usage::new(5200, 160)));
    stage.model.push(Answer::text("done").gate(&gate));
    let url = stage.server.url();
    in_browser(async |page| {
        page.resize(1000, 700).await;
        page.open(&url).await;
        page.say("Give the project a new title, and check it.")
            .await;
        page.shows(".approval", "May I check the package?").await;
        page.shows(".item.command", "cargo publish").await;
        page.run("const log = document.getElementById('log'); log.scrollTop = log.scrollHeight")
            .await;
        // The folder of the test is nothing to see.
        // The folder of the test is nothing to see.
        let folder = stage.home.workspace().display();
        let script = format!(
            "const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); \
             while (texts.nextNode()) {{ \
               const text = texts.currentNode; \
               text.data = text.data.replaceAll('{folder}', '~/demo').replace('mock-model', 'gpt-5'); \
             }} \
             const log = document.getElementById('log'); \
             log.scrollTop = log.scrollHeight;"
        );
        page.run(&script).await;
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/web.png");
        std::fs::write(file, page.screenshot().await).unwrap();
    })
    .await;
    stage.server.stop().await;
}
