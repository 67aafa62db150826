//! Jobs that move from one worker to another.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use codex_fleet::{Error, JobEventKind, JobStatus, Task};
use codex_testkit::{Answer, Gate, MockModel, Proxy, Request};
use futures_util::StreamExt as _;
use openai_codex::approval::Decision;

use crate::stage::{LEASE, Nats, Place, Serving, all_events, names, ok, until, within};

/// A repository with a file.
fn repository(folder: &Path) -> String {
    let repo = folder.join("repo");
    std::fs::create_dir(&repo).unwrap();
    std::fs::write(repo.join("file"), "one\n").unwrap();
    for arguments in [
        &["init", "--quiet", "-b", "main"][..],
        &["add", "."],
        &[
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
            "commit",
            "--quiet",
            "-m",
            "m",
        ],
    ] {
        let status = Command::new("git")
            .current_dir(&repo)
            .args(arguments)
            .status();
        assert!(status.unwrap().success());
    }
    repo.to_str().unwrap().to_owned()
}

/// How often the input of a request has the prompt.
fn prompts(request: &Request, prompt: &str) -> usize {
    let texts = request.user_texts();
    texts.iter().filter(|text| **text == prompt).count()
}

#[tokio::test]
async fn a_job_of_a_killed_worker_goes_on_elsewhere() {
    let nats = Nats::start();
    let model = MockModel::start().await.unwrap();
    let hold = Gate::new();
    model
        .push(Answer::exec_command("echo two > file; echo new > new"))
        .push(Answer::text("never").gate(&hold))
        .push(Answer::exec_command("cat file new"))
        .push(Answer::text("Done."));
    let (here, there) = (Place::new(&model), Place::new(&model));
    let mut killed = here.spawn(&nats.url(), "here", 1);
    let fleet = nats.fleet().await;
    let task = Task::new("a", "Fix it.").repo(repository(nats.folder()), "main");
    let job = ok(fleet.submit(task)).await;
    within(hold.reached()).await.unwrap();
    // The command is done, and saved.
    until("the thread is saved", async || {
        match ok(job.thread()).await {
            Some(thread) => {
                format!(
                    "{:?}",
                    thread.rollouts.values().next().map(|bytes| {
                        String::from_utf8_lossy(bytes).contains("function_call_output")
                    })
                ) == "Some(true)"
            }
            None => false,
        }
    })
    .await;
    killed.kill();
    let _worker = there.serve(&nats, "there").await;
    let result = ok(job.result()).await;
    assert_eq!((result.text(), result.worker.as_str()), ("Done.", "there"));
    assert_eq!(result.attempt, 2);
    let requests = model.responses_requests();
    let last = requests.last().unwrap();
    assert_eq!(prompts(last, "Fix it."), 1, "{:?}", last.user_texts());
    // It has what the agent had done, in the thread and in the files.
    let outputs = last.function_call_outputs();
    assert_eq!(outputs.len(), 2);
    assert!(
        outputs[1].text().contains("two\nnew\n"),
        "{}",
        outputs[1].text()
    );
    let named = names(&all_events(&job).await);
    assert_eq!(named.iter().filter(|name| *name == "Taken").count(), 2);
    assert_eq!(named.last().unwrap(), "Over");
    hold.open();
}

#[tokio::test]
async fn a_question_asked_before_a_move_is_answered_after_it_once() {
    let nats = Nats::start();
    let model = MockModel::start().await.unwrap();
    let ask = || Answer::exec_command("echo x >> counted").escalated("It must be.");
    model
        .push(ask())
        .push(ask())
        .push(ask())
        .push(Answer::text("Done."));
    let (here, there) = (Place::new(&model), Place::new(&model));
    let mut killed = here.spawn(&nats.url(), "here", 1);
    let fleet = nats.fleet().await;
    let job = ok(fleet.submit(Task::new("a", "x"))).await;
    let mut asks = job.asks();
    let before = within(asks.next()).await.unwrap().unwrap();
    killed.kill();
    // Nobody runs the job while it is answered.
    ok(before.answer(Decision::Accept)).await;
    let _worker = there.serve(&nats, "there").await;
    // The first of the next worker has its answer; the second is a question of its own.
    let second = within(asks.next()).await.unwrap().unwrap();
    assert_ne!(second.id, before.id);
    assert_eq!((before.attempt, second.attempt), (1, 2));
    ok(second.answer(Decision::Decline)).await;
    let result = ok(job.result()).await;
    assert_eq!((result.text(), result.attempt), ("Done.", 2));
    let outputs = model
        .responses_requests()
        .last()
        .unwrap()
        .function_call_outputs();
    let texts: Vec<String> = outputs.iter().map(|output| output.text()).collect();
    let ran = |text: &&String| text.contains("exited with code 0");
    assert_eq!(texts.iter().filter(ran).count(), 1, "{texts:?}");
    assert!(texts.last().unwrap().contains("rejected"), "{texts:?}");
    let error = within(before.answer(Decision::Accept)).await.unwrap_err();
    assert!(matches!(error, Error::Answered), "{error:?}");
}

#[tokio::test]
async fn a_worker_that_is_cut_off_stops_its_turn_and_its_result_is_refused() {
    let nats = Nats::start();
    let proxy = Proxy::start(nats.port).await.unwrap();
    let model = MockModel::start().await.unwrap();
    let held = Gate::new();
    model
        .push(Answer::text("too late").gate(&held))
        .push(Answer::text("Done."));
    let (cut, other) = (Place::new(&model), Place::new(&model));
    // A worker whose own clock does not end the lease: it hands its result in as if nothing had been.
    let cut_worker = cut.spawn(&format!("nats://127.0.0.1:{}", proxy.port()), "cut", 1);
    let job = ok(nats.fleet().await.submit(Task::new("a", "x").restart(true))).await;
    within(held.reached()).await.unwrap();
    let begun = Instant::now();
    proxy.refuse(true);
    proxy.cut();
    let _worker = other.serve(&nats, "other").await;
    let result = ok(job.result()).await;
    assert_eq!((result.text(), result.worker.as_str()), ("Done.", "other"));
    // Its turn is over by now: the request to the model is gone.
    assert!(begun.elapsed() >= LEASE / 2, "{:?}", begun.elapsed());
    held.open();
    proxy.refuse(false);
    until("the lease has ended", async || {
        cut.log().contains("the lease has ended")
    })
    .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(ok(job.result()).await, result);
    let events = all_events(&job).await;
    assert!(matches!(events.last().unwrap().kind, JobEventKind::Over));
    assert!(
        events
            .iter()
            .filter(|event| event.attempt == 1)
            .all(|event| {
                event.position
                    < events
                        .iter()
                        .find(|event| event.attempt == 2)
                        .unwrap()
                        .position
            })
    );
    drop(cut_worker);
}

#[tokio::test]
async fn what_a_stopped_process_hands_in_is_refused() {
    let nats = Nats::start();
    let model = MockModel::start().await.unwrap();
    let held = Gate::new();
    model
        .push(Answer::text("too late").gate(&held))
        .push(Answer::text("Done."));
    let (stopped, other) = (Place::new(&model), Place::new(&model));
    let process = stopped.spawn(&nats.url(), "stopped", 1);
    let job = ok(nats.fleet().await.submit(Task::new("a", "x").restart(true))).await;
    within(held.reached()).await.unwrap();
    let signal = |name: &str| {
        let id = process.0.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &id])
                .status()
                .unwrap()
                .success()
        );
    };
    signal("-STOP");
    // Its runtime goes on, and has a result when the process does.
    held.open();
    let _worker = other.serve(&nats, "other").await;
    let result = ok(job.result()).await;
    assert_eq!((result.text(), result.attempt), ("Done.", 2));
    signal("-CONT");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(ok(job.result()).await, result);
    let results: Vec<_> = all_events(&job).await;
    assert_eq!(
        names(&results)
            .iter()
            .filter(|name| *name == "Over")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_worker_that_stops_gives_its_jobs_back() {
    let nats = Nats::start();
    let model = MockModel::start().await.unwrap();
    let hold = Gate::new();
    model
        .push(Answer::exec_command("true"))
        .push(Answer::text("never").gate(&hold))
        .push(Answer::text("Done."));
    let (here, there) = (Place::new(&model), Place::new(&model));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = here
        .worker(&nats, "here")
        .await
        .grace(Duration::from_millis(100));
    let serving = tokio::spawn(worker.serve_until(async {
        let _ = stopped.await;
    }));
    // One attempt: giving back is none.
    let job = ok(nats.fleet().await.submit(Task::new("a", "x").attempts(1))).await;
    within(hold.reached()).await.unwrap();
    let begun = Instant::now();
    stop.send(()).unwrap();
    within(serving).await.unwrap().unwrap();
    assert!(matches!(ok(job.status()).await, JobStatus::Waiting { .. }));
    let _worker = there.serve(&nats, "there").await;
    let result = ok(job.result()).await;
    assert_eq!((result.text(), result.worker.as_str()), ("Done.", "there"));
    // No lease had to end.
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(names(&all_events(&job).await).contains(&"GivenBack".to_owned()));
    assert_eq!(prompts(model.responses_requests().last().unwrap(), "x"), 1);
    hold.open();
}

#[tokio::test]
async fn a_job_that_has_begun_and_left_nothing_starts_again_only_if_it_says_so() {
    let nats = Nats::start();
    let model = MockModel::start().await.unwrap();
    let hold = Gate::new();
    model.default_answer(Answer::text("Done."));
    model
        .push(Answer::text("never").gate(&hold))
        .push(Answer::text("never").gate(&hold));
    let (here, there) = (Place::new(&model), Place::new(&model));
    let mut killed = here.spawn(&nats.url(), "here", 2);
    let fleet = nats.fleet().await;
    let careful = ok(fleet.submit(Task::new("careful", "x"))).await;
    let bold = ok(fleet.submit(Task::new("bold", "x").restart(true))).await;
    within(hold.reached_times(2)).await.unwrap();
    killed.kill();
    // As if it had been killed before anything was saved.
    let client = async_nats::connect(nats.url()).await.unwrap();
    let blobs = async_nats::jetstream::new(client)
        .get_object_store("codex-blobs")
        .await;
    let blobs = blobs.unwrap();
    let mut stored = blobs.list().await.unwrap();
    while let Some(object) = stored.next().await {
        blobs.delete(object.unwrap().name).await.unwrap();
    }
    let _worker: Serving = there.serve(&nats, "there").await;
    let error = within(careful.result()).await.unwrap_err();
    assert!(error.to_string().contains("restart"), "{error}");
    let result = ok(bold.result()).await;
    assert_eq!((result.text(), result.attempt), ("Done.", 2));
    hold.open();
}
