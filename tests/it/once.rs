//! Turns that happen once, and threads that travel.

use std::time::Duration;

use codex_testkit::{Answer, Home, MockModel, Request, kill};
use openai_codex::request::IfInterrupted;
use openai_codex::types::{
    ThreadGoalGetParams, ThreadGoalSetParams, ThreadGoalStatus, ThreadItem, ThreadReadParams,
    TurnStatus,
};
use openai_codex::{Codex, Error, InputItem, Once, Thread, ThreadBundle};

use serde_json::json;

use crate::stage::{Stage, config, err, hosts_asked, is_before, ok, within};

const KEY: &str = "task-81/step-2";
const PROMPT: &str = "Fix the failing test.";

#[tokio::test]
async fn a_turn_is_run_once() {
    let mut stage = Stage::new().await;
    stage.model.push(Answer::text("Fixed."));
    let thread = stage.thread().await;
    let first = ok(thread.once(KEY, PROMPT)).await;
    assert!(
        matches!(&first, Once::Ran(result) if result.text() == "Fixed."),
        "{first:?}"
    );
    let second = ok(thread.once(KEY, PROMPT)).await;
    assert!(
        matches!(&second, Once::AlreadyDone(result) if result.text() == "Fixed."),
        "{second:?}"
    );
    // Another process finds it too, and another key is another turn.
    let id = thread.id().clone();
    drop(thread);
    stage.restart().await;
    let thread = ok(stage.codex.thread_resume(id)).await;
    let third = ok(thread.once(KEY, PROMPT)).await;
    assert!(
        matches!(&third, Once::AlreadyDone(result) if result.text() == "Fixed."),
        "{third:?}"
    );
    stage.model.push(Answer::text("Also fixed."));
    let other = ok(thread.once("task-81/step-20", PROMPT)).await;
    assert_eq!(other.into_result().text(), "Also fixed.");
    assert!(matches!(
        err(thread.once("", PROMPT)).await,
        Error::InvalidInput(_)
    ));
    drop(thread);
    stage.finish().await;
}

#[tokio::test]
async fn the_handle_of_a_turn_that_happens_once_has_its_events() {
    let stage = Stage::new().await;
    stage.model.push(Answer::text("Fixed."));
    let thread = stage.thread().await;
    let mut turn = ok(thread.once(KEY, PROMPT).start()).await;
    assert!(!turn.is_joined());
    let mut methods = Vec::new();
    while let Some(event) = within(turn.next()).await {
        methods.push(event.unwrap().method().to_owned());
    }
    assert_eq!(methods.first().map(String::as_str), Some("turn/started"));
    assert_eq!(methods.last().map(String::as_str), Some("turn/completed"));
    assert_eq!(ok(turn.run()).await.text(), "Fixed.");
    let again = ok(thread.once(KEY, PROMPT).start()).await;
    assert!(again.is_joined());
    assert_eq!(ok(again.run()).await.text(), "Fixed.");
    drop(thread);
    stage.finish().await;
}

#[tokio::test]
async fn a_turn_that_failed_is_gone_on_with_by_the_next_process() {
    let mut stage = Stage::new().await;
    let refused = json!({"error": {"message": "no"}});
    stage.model.push(Answer::http_error(400, refused));
    let thread = stage.thread().await;
    let error = err(thread.once(KEY, PROMPT)).await;
    assert!(matches!(error, Error::TurnFailed(_)), "{error:?}");
    let id = thread.id().clone();
    drop(thread);
    stage.restart().await;
    let thread = ok(stage.codex.thread_resume(id)).await;
    if is_before(151) {
        // It is stored as if it were complete.
        let found = ok(thread.once(KEY, PROMPT)).await;
        assert!(
            matches!(&found, Once::AlreadyDone(result) if result.text().is_empty()),
            "{found:?}"
        );
    } else {
        stage.model.push(Answer::text("Fixed."));
        let found = ok(thread.once(KEY, PROMPT)).await;
        assert!(
            matches!(&found, Once::Ran(result) if result.text() == "Fixed."),
            "{found:?}"
        );
    }
    drop(thread);
    stage.finish().await;
}

#[tokio::test]
async fn a_turn_that_runs_is_joined() {
    let stage = Stage::new().await;
    stage
        .model
        .push(Answer::exec_command("sleep 1"))
        .push(Answer::text("Fixed."));
    let thread = stage.thread().await;
    let running = tokio::spawn({
        let thread = thread.clone();
        async move { thread.once(KEY, PROMPT).await }
    });
    stage.model.wait_for_requests(1).await.unwrap();
    let joined = ok(thread.once(KEY, PROMPT)).await;
    assert!(
        matches!(&joined, Once::Joined(result) if result.text() == "Fixed."),
        "{joined:?}"
    );
    let ran = within(running).await.unwrap().unwrap();
    assert!(matches!(&ran, Once::Ran(_)), "{ran:?}");
    drop(thread);
    stage.finish().await;
}

#[tokio::test]
async fn a_turn_that_was_interrupted_is_taken_up_as_asked() {
    let rules = [
        IfInterrupted::Report,
        IfInterrupted::Continue,
        IfInterrupted::Rerun,
    ];
    for rule in rules {
        let stage = Stage::new().await;
        stage.model.push(Answer::exec_command("sleep 30"));
        let thread = stage.thread().await;
        let turn = ok(thread.turn(PROMPT).client_message_id(KEY)).await;
        stage.model.wait_for_requests(1).await.unwrap();
        ok(turn.interrupt()).await;
        assert_eq!(ok(turn.run()).await.status, TurnStatus::Interrupted);
        if rule != IfInterrupted::Report {
            stage.model.push(Answer::text("Went on."));
        }
        let once = ok(thread.once(KEY, PROMPT).if_interrupted(rule)).await;
        let said: Vec<String> = {
            let requests = stage.model.responses_requests();
            requests
                .iter()
                .filter_map(|request| request.last_user_text().map(Into::into))
                .collect()
        };
        match rule {
            IfInterrupted::Report => {
                assert!(
                    matches!(&once, Once::Interrupted(partial) if partial.status == TurnStatus::Interrupted),
                    "{once:?}"
                );
            }
            IfInterrupted::Continue => {
                assert!(
                    matches!(&once, Once::Ran(result) if result.text() == "Went on."),
                    "{once:?}"
                );
                assert!(said.last().unwrap().contains("Go on"), "{said:?}");
            }
            _ => {
                assert!(
                    matches!(&once, Once::Ran(result) if result.text() == "Went on."),
                    "{once:?}"
                );
                assert_eq!(said.last().unwrap(), PROMPT);
            }
        }
        if rule != IfInterrupted::Report {
            let done = ok(thread.once(KEY, PROMPT).if_interrupted(rule)).await;
            assert!(
                matches!(&done, Once::AlreadyDone(result) if result.text() == "Went on."),
                "{done:?}"
            );
        }
        drop(thread);
        stage.finish().await;
    }
}

/// Counts the prompts of the key in the history, and those that took it up.
async fn prompts(thread: &Thread) -> (usize, usize) {
    let (mut first, mut later) = (0, 0);
    for turn in ok(thread.read_with_turns()).await.thread.turns {
        for item in turn.items {
            if let ThreadItem::UserMessage(said) = item {
                match said.client_id.as_deref() {
                    Some(KEY) => first += 1,
                    Some(id) if id.starts_with(KEY) => later += 1,
                    _ => {}
                }
            }
        }
    }
    (first, later)
}

/// The runtime is killed at a random moment, and what was asked is asked again until it is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_the_prompt_is_there_once_and_the_result_is_the_same() {
    let mut interrupted = 0;
    for round in 0..30_u64 {
        let model = MockModel::start().await.unwrap();
        let home = Home::builder(&model).build().unwrap();
        model.push(Answer::text("Hello."));
        let mut codex = ok(Codex::start_with(config(&home, &model))).await;
        let thread = ok(codex.thread_start()).await;
        // A thread is stored with its first turn.
        ok(thread.run("Hello?")).await;
        let id = thread.id().clone();
        drop(thread);
        model.default_answer(Answer::text("Fixed."));
        model.push(Answer::exec_command("sleep 0.2"));
        let mut kills = 0;
        let result = loop {
            let process = codex.process_id().unwrap();
            // From before the request to after the end of the turn.
            let moment = Duration::from_millis((round * 37 + kills * 11) % 450);
            let killing = (kills < 2).then(|| {
                tokio::spawn(async move {
                    tokio::time::sleep(moment).await;
                    let _ = kill(process);
                })
            });
            let outcome = async {
                let thread = codex.thread_resume(id.clone()).await?;
                thread.once(KEY, PROMPT).await
            };
            let outcome = within(outcome).await;
            if let Some(killing) = killing {
                killing.await.unwrap();
                kills += 1;
                let _ = within(codex.close()).await;
                codex = ok(Codex::start_with(config(&home, &model))).await;
                if outcome.is_err() {
                    interrupted += 1;
                }
                continue;
            }
            break outcome.unwrap();
        };
        assert_eq!(result.into_result().text(), "Fixed.", "round {round}");
        let thread = ok(codex.thread_resume(id)).await;
        let (first, later) = prompts(&thread).await;
        assert_eq!(first, 1, "round {round}");
        assert!(later <= 2, "round {round}");
        let again = ok(thread.once(KEY, PROMPT)).await;
        assert!(
            matches!(&again, Once::AlreadyDone(result) if result.text() == "Fixed."),
            "round {round}: {again:?}"
        );
        drop(thread);
        ok(codex.close()).await;
        assert_eq!(hosts_asked(&model), [""; 0]);
    }
    assert!(interrupted > 5, "only {interrupted} turns were cut");
}

#[tokio::test]
async fn a_thread_travels_to_another_home_and_goes_on() {
    let stage = Stage::with(|home| home, |config| config).await;
    stage
        .model
        .push(Answer::exec_command("echo made"))
        .push(Answer::text("Made."));
    let thread = stage.thread().await;
    let picture = InputItem::image_bytes("image/png", include_bytes!("pixel.png"));
    ok(thread.run(vec![InputItem::text("Make it like this."), picture])).await;
    ok(thread.set_name("travels")).await;
    let bundle = ok(thread.export()).await;
    let text = serde_json::to_string(&bundle).unwrap();
    let other = Stage::new().await;
    other.model.push(Answer::text("On."));
    let bundle = serde_json::from_str(&text).unwrap();
    let import = other
        .codex
        .thread_import(bundle)
        .cwd(other.home.workspace());
    let moved = ok(import).await;
    assert_eq!(moved.id(), thread.id());
    assert_eq!(
        ok(moved.read()).await.thread.name.as_deref(),
        Some("travels")
    );
    assert_eq!(ok(moved.run("Go on.")).await.text(), "On.");
    let asked = other.model.responses_requests()[0].body_json.to_string();
    assert!(
        asked.contains("Make it like this.")
            && asked.contains("echo made")
            && asked.contains("data:image/png")
    );
    // Back again: the first home has a shorter history, which the bundle continues.
    let back = ok(moved.export()).await;
    let refused = err(stage.codex.thread_import(back.clone())).await;
    assert!(refused.to_string().contains("loaded"), "{refused}");
    drop(thread);
    let mut stage = stage;
    stage.restart().await;
    stage.model.push(Answer::text("Home."));
    let home = ok(stage.codex.thread_import(back).cwd(stage.home.workspace())).await;
    assert_eq!(ok(home.run("You are back.")).await.text(), "Home.");
    let asked = stage.model.responses_requests()[2].body_json.to_string();
    assert!(asked.contains("Go on.") && asked.contains("Make it like this."));
    drop((moved, home));
    let stale: ThreadBundle = serde_json::from_str(&text).unwrap();
    let refused = err(other.codex.thread_import(stale)).await;
    assert!(refused.to_string().contains("gone on here"), "{refused}");
    other.finish().await;
    stage.finish().await;
}

#[tokio::test]
async fn a_bundle_of_a_newer_runtime_is_refused_with_both_versions() {
    let stage = Stage::new().await;
    stage.model.push(Answer::text("Hello."));
    let thread = stage.thread().await;
    let never = err(thread.export()).await;
    assert!(matches!(never, Error::InvalidInput(_)), "{never:?}");
    ok(thread.run("Hello?")).await;
    let mut bundle = ok(thread.export()).await;
    bundle.runtime_version = "99.1.0".into();
    let own = stage.codex.server_info().runtime_version.clone();
    let refused = err(stage.codex.thread_import(bundle)).await.to_string();
    assert!(
        refused.contains("99.1.0") && refused.contains(&own),
        "{refused}"
    );
    drop(thread);
    stage.finish().await;
}

#[tokio::test]
async fn the_sub_agents_of_a_thread_travel_with_it() {
    let stage = Stage::new().await;
    let asked =
        |text: &'static str| move |request: &Request| request.last_user_text() == Some(text);
    stage
        .model
        .when(asked("Look around."))
        .push(Answer::text("I looked."));
    let spawn = Answer::function_call("spawn_agent", json!({"message": "Look around."}));
    stage
        .model
        .push(spawn.namespace("multi_agent_v1"))
        .push(Answer::text("Sent."));
    let thread = stage.thread().await;
    let result = ok(thread.run("Send somebody.")).await;
    let agent = result.items.iter().find_map(|item| match item {
        ThreadItem::CollabAgentToolCall(call) => call.receiver_thread_ids.first().cloned(),
        _ => None,
    });
    let agent = agent.unwrap();
    stage.model.wait_for_requests(3).await.unwrap();
    let read = |codex: Codex| {
        let params = ThreadReadParams::new(agent.as_str()).include_turns(true);
        async move { ok(codex.request(params)).await.thread }
    };
    let said = |thread: &openai_codex::types::Thread| {
        let items = thread.turns.iter().flat_map(|turn| &turn.items);
        let mut texts = items.filter_map(|item| match item {
            ThreadItem::AgentMessage(message) => Some(message.text.clone()),
            _ => None,
        });
        texts.next()
    };
    within(async {
        while said(&read(stage.codex.clone()).await).is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let bundle = ok(thread.export()).await;
    assert_eq!(bundle.rollouts.len(), 2, "{bundle:?}");
    let other = Stage::new().await;
    let moved = ok(other
        .codex
        .thread_import(bundle)
        .cwd(other.home.workspace()))
    .await;
    // An imported thread is read into the runtime's index when it is resumed.
    let agent_there = ok(other.codex.thread_resume(agent.as_str())).await;
    assert_eq!(
        said(&read(other.codex.clone()).await).as_deref(),
        Some("I looked.")
    );
    other.model.push(Answer::text("On."));
    assert_eq!(ok(moved.run("Go on.")).await.text(), "On.");
    drop((thread, moved, agent_there));
    other.finish().await;
    stage.finish().await;
}

/// A goal is in no rollout; one that is active comes paused, for it would start a turn at once.
#[tokio::test]
async fn the_goal_of_a_thread_travels_with_it() {
    let stage = Stage::new().await;
    stage.model.push(Answer::text("Hello."));
    let thread = stage.thread().await;
    ok(thread.run("Hello?")).await;
    let goal = ThreadGoalSetParams::new(thread.id())
        .objective("Mend it all.")
        .status(ThreadGoalStatus::Paused)
        .token_budget(1000);
    ok(stage.codex.request(goal)).await;
    let bundle = ok(thread.export()).await;
    let other = Stage::new().await;
    let moved = ok(other.codex.thread_import(bundle)).await;
    let goal = ok(other.codex.request(ThreadGoalGetParams::new(moved.id()))).await;
    let goal = goal.goal.unwrap();
    assert_eq!(
        (goal.objective.as_str(), goal.token_budget),
        ("Mend it all.", Some(1000))
    );
    assert_eq!(goal.status, ThreadGoalStatus::Paused);
    drop((thread, moved));
    other.finish().await;
    stage.finish().await;
}
