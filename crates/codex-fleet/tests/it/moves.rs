//! Jobs that move from one worker to another.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use codex_fleet::{Error, Job, JobEventKind, JobStatus, Task};
use codex_testkit::{Answer, Gate, MockModel, Proxy, Request};
use futures_util::StreamExt as _;
use openai_codex::ThreadBundle;
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
    saved(&job, "").await;
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
    let cut_worker = cut.spawn(&format!("nats://127.0.0.1:{}", proxy.port()), "cut", 1);
    let job = ok(nats.fleet().await.submit(Task::new("a", "x").restart(true))).await;
    within(held.reached()).await.unwrap();
    let begun = Instant::now();
    proxy.refuse(true);
    proxy.cut();
    let _worker = other.serve(&nats, "other").await;
    let result = ok(job.result()).await;
    assert_eq!((result.text(), result.worker.as_str()), ("Done.", "other"));
    assert!(begun.elapsed() >= LEASE / 2, "{:?}", begun.elapsed());
    // Its turn is over by now, with its runtime, though the model would still answer.
    until("the runtime has ended", async || !cut.has_runtime()).await;
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

#[tokio::test]
async fn a_job_that_comes_back_goes_on_from_what_was_saved_elsewhere() {
    let nats = Nats::start();
    let model = MockModel::start().await.unwrap();
    let (first, second) = (Gate::new(), Gate::new());
    model
        .push(Answer::exec_command("echo first"))
        .push(Answer::text("never").gate(&first))
        .push(Answer::exec_command("echo second"))
        .push(Answer::text("never").gate(&second))
        .push(Answer::text("Done."));
    let (here, there) = (Place::new(&model), Place::new(&model));
    let mut killed = here.spawn(&nats.url(), "here", 1);
    let job = ok(nats.fleet().await.submit(Task::new("a", "Fix it."))).await;
    within(first.reached()).await.unwrap();
    saved(&job, "first").await;
    killed.kill();
    // What the thread of the first home has more than what was saved is gone on from by nobody.
    let sessions = here.home.codex_home().join("sessions");
    let rollout = files(&sessions).pop().unwrap();
    let mut text = std::fs::read_to_string(&rollout).unwrap();
    let last = text.lines().last().unwrap().to_owned();
    text.push_str(&last);
    text.push('\n');
    std::fs::write(&rollout, text).unwrap();
    let mut killed = there.spawn(&nats.url(), "there", 1);
    within(second.reached()).await.unwrap();
    saved(&job, "second").await;
    killed.kill();
    let _worker = here.serve(&nats, "here").await;
    let result = ok(job.result()).await;
    assert_eq!((result.text(), result.attempt), ("Done.", 3));
    let requests = model.responses_requests();
    let last = requests.last().unwrap();
    assert_eq!(prompts(last, "Fix it."), 1, "{:?}", last.user_texts());
    let outputs = last.function_call_outputs();
    assert_eq!(outputs.len(), 2, "{}", last.summary());
    first.open();
    second.open();
}

/// Whether a line of the thread has all of these.
fn has(thread: &ThreadBundle, parts: &[&str]) -> bool {
    thread.rollouts.values().any(|bytes| {
        let text = String::from_utf8_lossy(bytes);
        text.lines()
            .any(|line| parts.iter().all(|part| line.contains(part)))
    })
}

/// Waits until a job is saved with the output of a command.
async fn saved(job: &Job, output: &str) {
    until("it is saved", async || {
        let thread = ok(job.thread()).await;
        thread.is_some_and(|thread| has(&thread, &["function_call_output", output]))
    })
    .await;
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[tokio::test]
async fn a_job_that_all_its_workers_die_of_is_given_up() {
    let nats = Nats::start();
    let model = MockModel::start().await.unwrap();
    let hold = Gate::new();
    model.default_answer(Answer::text("never").gate(&hold));
    let place = Place::new(&model);
    let job = ok(nats
        .fleet()
        .await
        .submit(Task::new("a", "x").attempts(2).restart(true)))
    .await;
    for attempt in 1..=2 {
        let mut worker = place.spawn(&nats.url(), "w", 1);
        within(hold.reached_times(attempt)).await.unwrap();
        worker.kill();
    }
    let _worker = place.serve(&nats, "w").await;
    let error = within(job.result()).await.unwrap_err();
    assert!(
        matches!(&error, Error::Failed(failure) if failure.attempts == 2),
        "{error:?}"
    );
    assert!(error.to_string().contains("was lost"), "{error}");
    assert_eq!(model.responses_requests().len(), 2);
    hold.open();
}
