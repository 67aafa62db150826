//! Jobs that agents run, in the real runtime.

use std::time::Duration;

use codex_fleet::{AskSubject, Error, JobEvent, JobEventKind, JobStatus, Task};
use codex_testkit::{Answer, Gate, MockModel};
use futures_util::StreamExt as _;
use openai_codex::approval::Decision;
use openai_codex::types::{ThreadItem, TurnStatus};
use openai_codex::{ApprovalMode, Budget, Notification};
use serde_json::json;

use crate::stage::{Nats, Place, all_events, names, ok, until, within};

fn turn_events(events: &[JobEvent]) -> Vec<&Notification> {
    let turn = |event| match event {
        &JobEvent {
            kind: JobEventKind::Turn(ref notification),
            ..
        } => Some(&**notification),
        _ => None,
    };
    events.iter().filter_map(turn).collect()
}

#[tokio::test]
async fn an_agent_runs_a_job_and_everybody_sees_it() {
    let nats = Nats::start();
    let model = MockModel::start().await.unwrap();
    let gate = Gate::new();
    model
        .push(Answer::exec_command("echo found"))
        .push(Answer::deltas(["It is ", "fixed."]).gate_after_delta(1, &gate));
    let place = Place::new(&model);
    let _worker = place.serve(&nats, "w").await;
    let fleet = nats.fleet().await;
    let job = ok(fleet.submit(Task::new("task-81", "Fix it."))).await;
    // Live, while the agent still speaks.
    let mut live = job.events();
    let mut seen = Vec::new();
    while !matches!(
        seen.last(),
        Some(JobEvent { kind: JobEventKind::Turn(event), .. })
            if matches!(&**event, Notification::ItemAgentMessageDelta(delta) if delta.delta == "It is ")
    ) {
        seen.push(within(live.next()).await.unwrap().unwrap());
    }
    assert!(matches!(
        ok(job.status()).await,
        JobStatus::Running { attempt: 1, worker } if worker == "w"
    ));
    gate.open();
    let result = ok(job.result()).await;
    assert_eq!(result.text(), "It is fixed.");
    let command = result.items.iter().find_map(|item| match item {
        ThreadItem::CommandExecution(command) => command.aggregated_output.as_deref(),
        _ => None,
    });
    assert_eq!(command, Some("found\n"));
    assert!(result.usage.is_some_and(|usage| usage.input_tokens > 0));
    // All of it, once, in order; from its start, and from each point.
    while let Some(event) = within(live.next()).await {
        seen.push(event.unwrap());
    }
    let all = all_events(&job).await;
    let positions = |events: &[JobEvent]| {
        events
            .iter()
            .map(|event| event.position)
            .collect::<Vec<_>>()
    };
    assert_eq!(positions(&all), positions(&seen));
    assert!(positions(&all).is_sorted());
    let named = names(&all);
    assert_eq!(
        (named[0].as_str(), named[named.len() - 1].as_str()),
        ("Taken", "Over")
    );
    let turn = turn_events(&all);
    assert!(matches!(turn[0], Notification::TurnStarted(_)), "{named:?}");
    assert!(
        matches!(turn[turn.len() - 1], Notification::TurnCompleted(_)),
        "{named:?}"
    );
    for at in [0, all.len() / 2, all.len() - 1] {
        let rest = job.events().after(all[at].position);
        let rest: Vec<_> = within(
            rest.map(|event| event.unwrap().position)
                .collect::<Vec<_>>(),
        )
        .await;
        assert_eq!(rest, positions(&all[at + 1..]));
    }
    // The thread goes on anywhere.
    let thread = ok(job.thread()).await.unwrap();
    assert_eq!(Some(&thread.thread_id), result.thread_id.as_ref());
    model.assert_exhausted();
}

#[tokio::test]
async fn a_question_is_answered_from_anywhere_once() {
    let nats = Nats::start();
    let model = MockModel::start().await.unwrap();
    model
        .push(Answer::exec_command("touch asked").escalated("It must be."))
        .push(Answer::exec_command("touch refused").escalated("It must be."))
        .push(Answer::text("Done."));
    let place = Place::new(&model);
    let _worker = place.serve(&nats, "w").await;
    let fleet = nats.fleet().await;
    let job = ok(fleet.submit(Task::new("a", "x"))).await;
    let mut asks = job.asks();
    let mut others = nats.fleet().await.asks();
    let ask = within(asks.next()).await.unwrap().unwrap();
    let same = within(others.next()).await.unwrap().unwrap();
    assert_eq!((&ask.id, ask.job.as_str()), (&same.id, "a"));
    let AskSubject::Command { line, cwd, .. } = &ask.subject else {
        panic!("{ask:?}");
    };
    assert!(line.contains("touch asked"), "{line}");
    assert_eq!(cwd.as_deref(), Some("."));
    assert_eq!(ask.reason.as_deref(), Some("It must be."));
    ok(same.answer(Decision::Accept)).await;
    let error = within(ask.answer(Decision::Decline)).await.unwrap_err();
    assert!(matches!(error, Error::Answered), "{error:?}");
    // Whoever looks later sees what waits only.
    let ask = within(asks.next()).await.unwrap().unwrap();
    let late = within(job.asks().next()).await.unwrap().unwrap();
    assert_eq!(late.id, ask.id);
    ok(late.answer(Decision::Decline)).await;
    let result = ok(job.result()).await;
    assert_eq!(result.text(), "Done.");
    assert!(within(asks.next()).await.is_none());
    assert!(within(job.asks().next()).await.is_none());
    let outputs: Vec<String> = model
        .responses_requests()
        .last()
        .unwrap()
        .function_call_outputs()
        .iter()
        .map(|output| output.text())
        .collect();
    assert!(outputs[0].contains("exited with code 0"), "{outputs:?}");
    assert!(outputs[1].contains("rejected"), "{outputs:?}");
    let asked = names(&all_events(&job).await);
    assert_eq!(asked.iter().filter(|name| *name == "Asked").count(), 2);
}

#[tokio::test]
async fn a_question_that_nobody_answers_is_declined() {
    let nats = Nats::start();
    let model = MockModel::start().await.unwrap();
    model
        .push(Answer::exec_command("touch asked").escalated("It must be."))
        .push(Answer::text("Then not."));
    let place = Place::new(&model);
    let _worker = place.serve(&nats, "w").await;
    let task = Task::new("a", "x").answer_within(Duration::from_millis(300));
    let job = ok(nats.fleet().await.submit(task)).await;
    assert_eq!(ok(job.result()).await.text(), "Then not.");
}

#[tokio::test]
async fn canceling_interrupts_the_turn_within_a_second() {
    let nats = Nats::start();
    let model = MockModel::start().await.unwrap();
    model.push(Answer::exec_command("sleep 60"));
    let place = Place::new(&model);
    let _worker = place.serve(&nats, "w").await;
    let fleet = nats.fleet().await;
    let task = Task::new("a", "x").approvals(ApprovalMode::DenyAll);
    let job = ok(fleet.submit(task)).await;
    until("the command runs", async || {
        place.checkouts.join("jobs/a-1").exists() && model.responses_requests().len() == 1
    })
    .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let canceled_at_ms = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
    ok(job.cancel()).await;
    let error = within(job.result()).await.unwrap_err();
    assert!(matches!(error, Error::Canceled { .. }), "{error:?}");
    let events = all_events(&job).await;
    let (at_ms, status) = events
        .iter()
        .find_map(|event| match &event.kind {
            JobEventKind::Turn(turn) => match &**turn {
                Notification::TurnCompleted(completed) => {
                    Some((event.at_ms, &completed.turn.status))
                }
                _ => None,
            },
            _ => None,
        })
        .unwrap();
    assert_eq!(*status, TurnStatus::Interrupted);
    assert!(
        at_ms - canceled_at_ms < 1000,
        "{} ms",
        at_ms - canceled_at_ms
    );
    assert!(!place.checkouts.join("jobs/a-1").exists());
}

#[tokio::test]
async fn a_job_that_always_fails_is_kept_with_its_error() {
    let nats = Nats::start();
    let model = MockModel::start().await.unwrap();
    model.default_answer(Answer::http_error(
        400,
        json!({"error": {"message": "poison"}}),
    ));
    let place = Place::new(&model);
    let _worker = place.serve(&nats, "w").await;
    let task = Task::new("a", "x").labels(["_odd"]).attempts(2);
    let fleet = nats.fleet().await;
    let job = ok(fleet.submit(task)).await;
    // It takes the label.
    let worker = place.worker(&nats, "odd").await.labels(["_odd"]);
    let _odd = crate::stage::Serving::start(worker);
    let error = within(job.result()).await.unwrap_err();
    let Error::Failed(failure) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(failure.attempts, 2);
    assert!(failure.error.contains("poison"), "{failure}");
    let named = names(&all_events(&job).await);
    assert_eq!(
        named.iter().filter(|name| *name == "AttemptFailed").count(),
        2
    );
    // In the stream of dead jobs, for a person.
    let client = async_nats::connect(nats.url()).await.unwrap();
    let dead = async_nats::jetstream::new(client)
        .get_stream("codex-dead")
        .await
        .unwrap();
    let kept = dead
        .get_last_raw_message_by_subject("codex.dead.*")
        .await
        .unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&kept.payload).unwrap();
    assert_eq!(kept["task"]["key"], "a");
    assert!(
        kept["failure"]["error"]
            .as_str()
            .unwrap()
            .contains("poison"),
        "{kept}"
    );
}

#[tokio::test]
async fn a_job_over_its_budget_has_failed_at_once() {
    let nats = Nats::start();
    let model = MockModel::start().await.unwrap();
    model.default_answer(Answer::exec_command("true"));
    let place = Place::new(&model);
    let _worker = place.serve(&nats, "w").await;
    let task = Task::new("a", "x").budget(Budget::new().commands(2));
    let job = ok(nats.fleet().await.submit(task)).await;
    let error = within(job.result()).await.unwrap_err();
    let Error::Failed(failure) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(failure.attempts, 1);
    assert!(failure.error.contains("2 commands"), "{failure}");
}

#[tokio::test]
async fn large_results_and_typed_ones_come_whole() {
    let nats = Nats::start();
    let model = MockModel::start().await.unwrap();
    let long = "word ".repeat(150_000);
    let text = json!({"answer": long}).to_string();
    model.push(Answer::text(&text));
    let place = Place::new(&model);
    let _worker = place.serve(&nats, "w").await;
    let schema = json!({"type": "object", "properties": {"answer": {"type": "string"}}});
    let task = Task::new("a", "x").output_schema(schema.clone());
    let job = ok(nats.fleet().await.submit(task)).await;
    let result = ok(job.result()).await;
    let value: serde_json::Value = result.parse().unwrap();
    assert_eq!(value["answer"], long);
    assert_eq!(model.responses_requests()[0].output_schema(), Some(&schema));
    // What is too large to be an event is told to be.
    assert!(names(&all_events(&job).await).contains(&"LeftOut".to_owned()));
}
