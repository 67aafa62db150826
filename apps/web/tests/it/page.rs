//! The page in a browser.

use codex_testkit::{Answer, Gate, Proxy};
use openai_codex::Sandbox;

use crate::browser::in_browser;
use crate::stage::{Stage, within};

#[tokio::test]
async fn words_stream_in() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    let answer = Answer::deltas(["It is ", "**bold**", " and `code`.\n```\nlet a;\n```"]);
    stage.model.push(answer.gate_after_delta(1, &gate));
    let url = stage.server.url();
    in_browser(async |page| {
        page.open(&url).await;
        page.shows("#welcome", "What shall the agent do?").await;
        assert!(
            !page.url().await.contains("token"),
            "the token stays in sight"
        );
        page.say("What is it?").await;
        page.shows(".item.user", "What is it?").await;
        let part = page.shows(".item.message", "It is").await;
        assert!(!part.contains("bold"), "{part}");
        page.shows("#stop", "Stop").await;
        page.hides("#send").await;
        gate.open();
        page.shows(".item.message strong", "bold").await;
        page.shows(".item.message code", "code").await;
        page.shows(".item.message pre", "let a;").await;
        page.shows("#send", "Send").await;
        page.hides("#stop").await;
        page.shows("#usage", "15 tokens").await;
    })
    .await;
    stage.finish().await;
}

#[tokio::test]
async fn a_command_is_approved_by_the_button_and_runs() {
    let stage = Stage::new().await;
    let command = Answer::exec_command("echo made > made.txt; cat made.txt; echo to the end");
    stage
        .model
        .push(command.escalated("May I make a file?"))
        .push(Answer::text("made"));
    let url = stage.server.url();
    in_browser(async |page| {
        page.open(&url).await;
        page.say("Make it.").await;
        page.shows(".approval", "May I make a file?").await;
        page.shows(".approval pre", "echo made > made.txt").await;
        assert!(stage.home.read("made.txt").is_none());
        page.click(".approval button[data-choice=accept]").await;
        page.shows(".approval .outcome", "Approved.").await;
        page.shows(".item.command .output", "made\nto the end")
            .await;
        page.shows(".item.command .status", "done").await;
        page.shows(".item.message", "made").await;
        page.hides(".approval button").await;
    })
    .await;
    assert_eq!(stage.home.read("made.txt").as_deref(), Some("made\n"));
    stage.finish().await;
}

#[tokio::test]
async fn a_reload_in_the_middle_of_a_turn_loses_nothing() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    let command = Answer::exec_command("echo from the command").escalated("May I say something?");
    stage.model.push(command);
    let answer = Answer::deltas(["half ", "whole"]);
    stage.model.push(answer.gate_after_delta(1, &gate));
    let url = stage.server.url();
    in_browser(async |page| {
        page.open(&url).await;
        page.say("Say it.").await;
        page.shows(".approval", "May I say something?").await;
        // The question is there again, and can be answered.
        page.reload().await;
        page.shows(".item.user", "Say it.").await;
        page.shows(".approval", "May I say something?").await;
        page.click(".approval button[data-choice=accept]").await;
        page.shows(".item.message", "half").await;
        page.reload().await;
        page.shows(".item.user", "Say it.").await;
        page.shows(".item.command .output", "from the command")
            .await;
        let half = page.shows(".item.message", "half").await;
        assert!(!half.contains("whole"), "{half}");
        page.shows("#stop", "Stop").await;
        gate.open();
        page.shows(".item.message", "half whole").await;
        page.shows("#send", "Send").await;
        let items = page
            .run("return document.querySelectorAll('.item.message').length")
            .await;
        assert_eq!(items, 1);
    })
    .await;
    stage.finish().await;
}

#[tokio::test]
async fn a_page_that_loses_its_connection_comes_back_by_itself() {
    let port = free_port();
    let proxy = Proxy::start(port).await.unwrap();
    let stage = Stage::with(|options| {
        options.listen.set_port(port);
        options.hosts = vec![format!("127.0.0.1:{}", proxy.port())];
    })
    .await;
    let (first, second) = (Gate::new(), Gate::new());
    let answer = Answer::deltas(["one ", "two ", "three"]).gate_after_delta(1, &first);
    stage.model.push(answer.gate_after_delta(2, &second));
    let url = stage
        .server
        .url()
        .replace(&port.to_string(), &proxy.port().to_string());
    in_browser(async |page| {
        page.open(&url).await;
        page.say("Count.").await;
        page.shows(".item.message", "one").await;
        proxy.refuse(true);
        proxy.cut();
        page.shows("#state", "disconnected; trying again").await;
        first.open();
        within(second.reached()).await.unwrap();
        proxy.refuse(false);
        page.shows(".item.message", "one two").await;
        let state = page.shows("#state", "connected").await;
        assert_eq!(state, "connected");
        second.open();
        page.shows(".item.message", "one two three").await;
        page.shows("#send", "Send").await;
        let items = page
            .run("return document.querySelectorAll('.item').length")
            .await;
        assert_eq!(items, 2, "{}", page.text().await);
    })
    .await;
    stage.finish().await;
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn a_second_window_sees_the_same_and_its_answer_is_seen() {
    let stage = Stage::with(|options| options.sandbox = Some(Sandbox::ReadOnly)).await;
    let patch =
        "*** Begin Patch\n*** Update File: README.md\n@@\n-# Demo\n+# Changed\n*** End Patch";
    let gate = Gate::new();
    stage.model.push(Answer::apply_patch(patch));
    let answer = Answer::deltas(["the ", "end"]);
    stage.model.push(answer.gate_after_delta(1, &gate));
    let url = stage.server.url();
    in_browser(async |page| {
        page.open(&url).await;
        page.say("Change it.").await;
        page.shows(".approval", "May the agent change these files?")
            .await;
        let address = page.url().await;
        let first = page.new_window().await;
        page.open(&address).await;
        page.shows(".item.user", "Change it.").await;
        page.shows(".approval .diff .deleted", "-# Demo").await;
        page.shows(".approval .diff .added", "+# Changed").await;
        page.click(".approval button[data-choice=accept]").await;
        page.shows(".item.message", "the").await;
        let second = page.switch(first).await;
        page.shows(".approval .outcome", "Approved.").await;
        page.hides(".approval button").await;
        page.shows(".item.file_change .diff .added", "+# Changed")
            .await;
        page.shows(".item.message", "the").await;
        gate.open();
        page.shows(".item.message", "the end").await;
        page.switch(second).await;
        page.shows(".item.message", "the end").await;
    })
    .await;
    assert_eq!(stage.home.read("README.md").as_deref(), Some("# Changed\n"));
    stage.finish().await;
}

#[tokio::test]
async fn the_stop_button_ends_the_turn_and_a_new_conversation_is_empty() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    let answer = Answer::deltas(["one ", "two"]);
    stage.model.push(answer.gate_after_delta(1, &gate));
    let url = stage.server.url();
    in_browser(async |page| {
        page.open(&url).await;
        page.say("Count.").await;
        page.shows(".item.message", "one").await;
        page.click("#stop").await;
        page.shows(".item.notice", "The turn was interrupted.")
            .await;
        page.shows("#send", "Send").await;
        page.click("#new").await;
        page.shows("#welcome", "What shall the agent do?").await;
        page.hides(".item").await;
        page.run("history.back()").await;
        page.shows(".item.notice", "The turn was interrupted.")
            .await;
    })
    .await;
    gate.open();
    stage.finish().await;
}

#[tokio::test]
async fn what_the_model_writes_is_text() {
    let stage = Stage::new().await;
    let html = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>";
    stage.model.push(Answer::text(format!(
        "{html} `{html}` **{html}**\n```\n{html}\n```"
    )));
    let url = stage.server.url();
    in_browser(async |page| {
        page.open(&url).await;
        page.say(html).await;
        page.shows("#send", "Send").await;
        page.shows(".item.message pre", html).await;
        page.shows(".item.user", html).await;
        let script =
            "return [document.title, document.querySelectorAll('main img, main script').length]";
        assert_eq!(page.run(script).await, serde_json::json!(["Codex", 0]));
    })
    .await;
    stage.finish().await;
}

#[tokio::test]
async fn a_command_does_not_look_like_another_one() {
    let stage = Stage::new().await;
    // Shown from right to left it would seem to end otherwise.
    let command = Answer::exec_command("echo \u{202e}hidden\u{200b} > made.txt");
    stage
        .model
        .push(command.escalated("May I?"))
        .push(Answer::text("not made"));
    let url = stage.server.url();
    in_browser(async |page| {
        page.open(&url).await;
        page.say("Make it.").await;
        page.shows(".approval pre", r"echo \u{202e}hidden\u{200b} > made.txt")
            .await;
        let title = "return document.title";
        assert_eq!(page.run(title).await, "(?) Codex");
        page.click(".approval button[data-choice=decline]").await;
        page.shows(".approval .outcome", "Declined.").await;
        page.shows(".item.command .status", "declined").await;
        page.shows(".item.message", "not made").await;
        assert_eq!(page.run(title).await, "Codex");
    })
    .await;
    assert!(stage.home.read("made.txt").is_none());
    stage.finish().await;
}

#[tokio::test]
async fn the_page_says_what_is_wrong() {
    let stage = Stage::new().await;
    let url = stage.server.url();
    let origin = format!("http://{}", stage.server.address());
    in_browser(async |page| {
        page.open(&origin).await;
        page.shows("main", "This page is not open to you").await;
        page.open(&format!("{url}#unknown")).await;
        page.shows("#problem", "this server has no such conversation")
            .await;
        page.shows("#state", "disconnected").await;
    })
    .await;
    within(stage.server.stop()).await;
}
