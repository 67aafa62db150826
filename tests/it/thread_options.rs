//! The options of threads take effect, as the disk and the model's request show: on a thread that is
//! new, was resumed, is loaded already, was left, or was forked.

use codex_testkit::{Answer, Gate, Request};
use openai_codex::types::{
    ApprovalsReviewer, AskForApproval, SandboxPolicy, ThreadSource, ThreadUnsubscribeParams,
};
use openai_codex::{ApprovalMode, Error, Sandbox, Thread};
use serde_json::{Map, Value, json};

use crate::stage::{Stage, base_instructions, err, is_before, ok, supported, within};

/// How a thread comes to the options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Fresh,
    /// Resumed by a runtime that did not have it.
    Resumed,
    /// Resumed by the runtime that has it.
    Loaded,
    /// Resumed by the runtime that has it and sends its events to no client.
    Left,
    Forked,
}

const WAYS: [Way; 5] = [
    Way::Fresh,
    Way::Resumed,
    Way::Loaded,
    Way::Left,
    Way::Forked,
];

/// A stage with a thread of full access, AutoReview and one turn, and the way to its options.
struct Scene {
    stage: Stage,
    way: Way,
    id: String,
    /// Keeps the original loaded.
    _original: Thread,
}

impl Scene {
    async fn new(way: Way) -> Self {
        let mut stage = Stage::with_home(|home| {
            home.config("model_providers.second", json!({"name": "second"}))
        })
        .await;
        stage.model.default_answer(Answer::text("done"));
        let original = ok(stage.codex.thread_start().sandbox(Sandbox::FullAccess)).await;
        ok(original.run("one")).await;
        let id = original.id().to_string();
        match way {
            Way::Resumed => stage.restart().await,
            Way::Left => {
                let leave = ThreadUnsubscribeParams::new(&*id);
                ok(stage.codex.request(leave)).await;
            }
            Way::Fresh | Way::Loaded | Way::Forked => {}
        }
        Self {
            stage,
            way,
            id,
            _original: original,
        }
    }

    /// Runs a turn and returns the model's last request.
    async fn asked(&self, thread: &Thread) -> Request {
        ok(thread.run("go")).await;
        self.stage.model.responses_requests().pop().unwrap()
    }

    /// Runs a turn in which the model writes to a file of this name, and tells what the disk has.
    async fn writes(&self, thread: &Thread, name: &str) -> bool {
        let command = Answer::exec_command(format!("echo made > {name}"));
        self.stage.model.push(command).push(Answer::text("done"));
        ok(thread.run("write it")).await;
        thread.info().cwd.join(name).exists()
    }
}

/// Opens the thread of a scene with options.
macro_rules! open {
    ($scene:ident $($option:tt)*) => {
        async {
            let (codex, id) = (&$scene.stage.codex, &*$scene.id);
            match $scene.way {
                Way::Fresh => codex.thread_start()$($option)*.await,
                Way::Resumed | Way::Loaded | Way::Left => {
                    codex.thread_resume(id)$($option)*.await
                }
                Way::Forked => codex.thread_fork(id)$($option)*.await,
            }
        }
    };
}

#[tokio::test]
async fn sandbox_and_approval_mode_hold_on_every_thread() {
    for way in WAYS {
        let scene = Scene::new(way).await;
        let denied = open!(
            scene
                .approval_mode(ApprovalMode::DenyAll)
                .sandbox(Sandbox::ReadOnly)
        );
        let thread = ok(Box::pin(denied)).await;
        let info = thread.info();
        assert_eq!(info.approval_policy, AskForApproval::Never, "{way:?}");
        assert!(
            matches!(info.sandbox, SandboxPolicy::ReadOnly(_)),
            "{way:?}"
        );
        assert!(!scene.writes(&thread, "first.txt").await, "{way:?}");
        assert!(!scene.writes(&thread, "second.txt").await, "{way:?}");
        // What a later turn says counts from then on.
        let command = Answer::exec_command("echo made > third.txt");
        scene.stage.model.push(command).push(Answer::text("done"));
        let wider = thread.turn("write it").sandbox(Sandbox::WorkspaceWrite);
        ok(wider.run()).await;
        assert!(scene.stage.home.read("third.txt").is_some(), "{way:?}");
        assert!(scene.writes(&thread, "fourth.txt").await, "{way:?}");
        scene.stage.finish().await;
    }
}

#[tokio::test]
async fn a_wider_sandbox_and_the_reviewer_hold_on_every_thread() {
    for way in WAYS {
        let scene = Scene::new(way).await;
        if way != Way::Fresh {
            let narrow = scene._original.clone();
            if way != Way::Left && way != Way::Resumed {
                let turn = narrow.turn("narrow").sandbox(Sandbox::ReadOnly);
                ok(turn.approval_mode(ApprovalMode::DenyAll).run()).await;
            }
        }
        let wide = open!(
            scene
                .approval_mode(ApprovalMode::AutoReview)
                .sandbox(Sandbox::WorkspaceWrite)
        );
        let thread = ok(Box::pin(wide)).await;
        let info = thread.info();
        assert_eq!(info.approval_policy, AskForApproval::OnRequest, "{way:?}");
        assert_eq!(
            info.approvals_reviewer,
            ApprovalsReviewer::AutoReview,
            "{way:?}"
        );
        assert!(scene.writes(&thread, "made.txt").await, "{way:?}");
        scene.stage.finish().await;
    }
}

#[tokio::test]
async fn folder_model_and_service_tier_hold_on_every_thread() {
    for way in WAYS {
        let scene = Scene::new(way).await;
        let folder = scene.stage.home.workspace().join("sub");
        std::fs::create_dir(&folder).unwrap();
        let odd = folder.join("../sub/.");
        let opened = open!(
            scene
                .cwd(&odd)
                .model("other-model")
                .service_tier("flex")
                .sandbox(Sandbox::WorkspaceWrite)
        );
        let thread = ok(Box::pin(opened)).await;
        let info = thread.info();
        assert_eq!(info.cwd, folder, "{way:?}");
        assert_eq!(info.model, "other-model", "{way:?}");
        // Older runtimes drop the tier of a model that they do not know.
        let keeps_tier = !is_before(159);
        if keeps_tier {
            assert_eq!(info.service_tier.as_deref(), Some("flex"), "{way:?}");
        }
        assert!(scene.writes(&thread, "made.txt").await, "{way:?}");
        let asked = scene.asked(&thread).await;
        assert_eq!(asked.model(), Some("other-model"), "{way:?}");
        if keeps_tier {
            assert_eq!(asked.body_json["service_tier"], "flex", "{way:?}");
        }
        scene.stage.finish().await;
    }
}

#[tokio::test]
async fn options_that_no_answer_shows_hold_or_are_refused_before_the_resume() {
    for way in WAYS {
        let scene = Scene::new(way).await;
        let config = json!({"model_reasoning_effort": "high"});
        let config: Map<String, Value> = config.as_object().unwrap().clone();
        let opened = open!(
            scene
                .base_instructions("the base")
                .developer_instructions("the rules")
                .config(config.clone())
        );
        if matches!(way, Way::Loaded | Way::Left) {
            let error = err(Box::pin(opened)).await;
            let Error::NotApplied { fields } = error else {
                panic!("{error}");
            };
            let options = ["base_instructions", "config", "developer_instructions"];
            assert_eq!(fields, options);
        } else {
            let thread = ok(Box::pin(opened)).await;
            let asked = scene.asked(&thread).await;
            let told = asked.developer_texts();
            assert_eq!(base_instructions(&asked), "the base", "{way:?}");
            assert!(told.contains(&"the rules"), "{way:?}: {told:?}");
            // A model that the runtime does not know took no effort from the configuration.
            let effort = (!is_before(147)).then_some("high");
            assert_eq!(asked.effort(), effort, "{way:?}");
        }
        scene.stage.finish().await;
    }
}

#[tokio::test]
async fn the_provider_of_the_model_holds_or_the_thread_is_refused() {
    for way in WAYS {
        let scene = Scene::new(way).await;
        let opened = Box::pin(open!(scene.model_provider("second")));
        match way {
            Way::Fresh | Way::Forked => {
                let thread = ok(opened).await;
                assert_eq!(thread.info().model_provider, "second", "{way:?}");
            }
            Way::Loaded => {
                let error = err(opened).await;
                assert!(
                    matches!(&error, Error::NotApplied { fields } if fields == &["model_provider"]),
                    "{error}"
                );
                // The provider that it has is no change.
                let same = scene.stage.codex.thread_resume(&*scene.id);
                ok(same.model_provider("mock_provider")).await;
            }
            // The runtime says so itself.
            Way::Resumed | Way::Left => {
                match within(opened).await {
                    Err(error) => assert!(error.to_string().contains("provider"), "{error}"),
                    // Older runtimes ignore it.
                    Ok(_) => assert!(is_before(166)),
                }
            }
        }
        scene.stage.finish().await;
    }
}

#[tokio::test]
async fn what_a_thread_is_from_and_whether_it_is_stored_hold() {
    let scene = Scene::new(Way::Fresh).await;
    let start = scene.stage.codex.thread_start().ephemeral(true);
    let thread = ok(start.thread_source(ThreadSource::Subagent)).await;
    assert!(thread.info().thread.ephemeral);
    let source = thread.info().thread.thread_source.clone();
    assert_eq!(source, Some(ThreadSource::Subagent));
    let fork = scene.stage.codex.thread_fork(&*scene.id).ephemeral(true);
    let fork = fork.include_turns(false).thread_source(ThreadSource::User);
    if let Some(fork) = supported(fork).await {
        assert!(fork.info().thread.ephemeral);
    }
    scene.stage.finish().await;
}

/// A turn that runs has its options already; the text would come under the wrong ones.
#[tokio::test]
async fn options_that_are_not_applied_yet_keep_a_start_from_joining_a_turn() {
    let scene = Scene::new(Way::Loaded).await;
    let gate = Gate::new();
    let answer = Answer::text("slow").gate_at_end(&gate);
    scene.stage.model.push(answer);
    let turn = ok(scene._original.turn("slow")).await;
    let resume = scene.stage.codex.thread_resume(&*scene.id);
    let thread = ok(resume.sandbox(Sandbox::ReadOnly)).await;
    let error = err(thread.run("write it")).await;
    let Error::ThreadBusy { turn_id } = error else {
        panic!("{error}");
    };
    assert_eq!(turn_id, turn.id());
    gate.open();
    ok(turn.run()).await;
    assert!(!scene.writes(&thread, "made.txt").await);
    scene.stage.finish().await;
}

/// The first of two turns at once fails; the other one has the options all the same.
#[tokio::test]
async fn options_go_with_every_turn_until_one_has_started() {
    let scene = Scene::new(Way::Loaded).await;
    let resume = scene.stage.codex.thread_resume(&*scene.id);
    let thread = ok(resume.sandbox(Sandbox::ReadOnly)).await;
    drop(thread.turn("never sent"));
    let refused = thread.turn("go").output_schema(json!({"type": 1}));
    let _ = within(refused.run()).await;
    assert!(!scene.writes(&thread, "made.txt").await);
    scene.stage.finish().await;
}

/// The twin for code that is not async.
#[test]
fn a_blocking_resume_has_its_options_too() {
    crate::stage::bounded(|| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let scene = runtime.block_on(Scene::new(Way::Loaded));
        let config = crate::stage::config(&scene.stage.home, &scene.stage.model);
        let codex = openai_codex::blocking::Codex::start_with(config).unwrap();
        let start = codex.thread_start().sandbox(Sandbox::FullAccess);
        let original = start.send().unwrap();
        original.run("one").unwrap();
        let resume = codex
            .thread_resume(original.id())
            .sandbox(Sandbox::ReadOnly);
        let thread = resume.approval_mode(ApprovalMode::DenyAll).send().unwrap();
        let command = Answer::exec_command("echo made > made.txt");
        scene.stage.model.push(command).push(Answer::text("done"));
        thread.run("write it").unwrap();
        assert_eq!(scene.stage.home.read("made.txt"), None);
        let refused = codex.thread_resume(original.id()).base_instructions("base");
        let error = refused.send().unwrap_err();
        assert!(matches!(error, Error::NotApplied { .. }), "{error}");
        codex.close().unwrap();
        runtime.block_on(scene.stage.finish());
    });
}

/// The turn that runs keeps what it has; the text that joins it is done under its sandbox.
#[tokio::test]
async fn the_options_of_a_start_that_joins_hold_from_the_next_turn_on() {
    let scene = Scene::new(Way::Fresh).await;
    let start = scene.stage.codex.thread_start();
    let thread = ok(start.sandbox(Sandbox::WorkspaceWrite)).await;
    let gate = Gate::new();
    let write = |name| Answer::exec_command(format!("echo made > {name}"));
    let answers = [
        Answer::text("slow").gate_at_end(&gate),
        write("first.txt"),
        Answer::text("done"),
    ];
    for answer in answers {
        scene.stage.model.push(answer);
    }
    let turn = ok(thread.turn("slow")).await;
    let start = thread.turn("write it").sandbox(Sandbox::ReadOnly);
    if is_before(151) {
        // What is joined can have no options there.
        let error = err(start).await;
        assert!(matches!(error, Error::ThreadBusy { .. }), "{error}");
        gate.open();
        ok(turn.run()).await;
        return scene.stage.leave().await;
    }
    let joined = ok(start).await;
    assert!(joined.is_joined());
    gate.open();
    ok(turn.run()).await;
    assert!(scene.stage.home.read("first.txt").is_some());
    assert!(!scene.writes(&thread, "second.txt").await);
    scene.stage.finish().await;
}
