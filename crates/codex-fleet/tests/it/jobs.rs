//! Jobs, with workers that run no agent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use codex_fleet::{Error, Fleet, JobStatus, Task};

use crate::stage::{LEASE, Nats, Serving, all_events, names, ok, until, within};

#[tokio::test]
async fn a_job_has_one_result_for_everybody() {
    let nats = Nats::start();
    let fleet = nats.fleet().await;
    let task = Task::new("team/task 81", "Hello.");
    let job = ok(fleet.submit(task.clone())).await;
    assert!(matches!(
        ok(job.status()).await,
        JobStatus::Waiting {
            attempts: 0,
            error: None
        }
    ));
    let waiting = tokio::spawn({
        let job = job.clone();
        async move { job.result().await }
    });
    let _worker = nats.echo("w").await;
    let result = within(waiting).await.unwrap().unwrap();
    assert_eq!((result.text(), result.attempt), ("Hello.", 1));
    assert_eq!(result.worker, "w");
    // From another connection, and submitted again.
    let other = nats.fleet().await;
    assert_eq!(ok(ok(other.submit(task)).await.result()).await, result);
    let job = other.job("team/task 81").unwrap();
    assert_eq!(ok(job.result()).await, result);
    assert_eq!(ok(job.status()).await, JobStatus::Completed);
    assert_eq!(names(&all_events(&job).await), ["Taken", "Over"]);
    // It is over for good.
    ok(job.cancel()).await;
    assert_eq!(ok(job.result()).await, result);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_be_the_first() {
    for _ in 0..3 {
        let nats = Nats::start();
        let mut connecting = tokio::task::JoinSet::new();
        for number in 0..24 {
            let server = nats.server();
            connecting.spawn(async move {
                let fleet = Fleet::connect(server).await?;
                let label = format!("label-{}", number % 3);
                fleet
                    .submit(Task::new(format!("job-{number}"), "x").labels([label]))
                    .await
            });
        }
        while let Some(job) = within(connecting.join_next()).await {
            job.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_no_job_is_an_error() {
    let nats = Nats::start();
    let fleet = nats.fleet().await;
    let unknown = fleet.job("gone").unwrap();
    for error in [
        within(unknown.result()).await.unwrap_err(),
        within(unknown.status()).await.unwrap_err(),
        within(unknown.cancel()).await.unwrap_err(),
        within(unknown.events().next()).await.unwrap().unwrap_err(),
        within(unknown.asks().next()).await.unwrap().unwrap_err(),
    ] {
        assert!(
            matches!(&error, Error::UnknownJob { key } if key == "gone"),
            "{error:?}"
        );
    }
    ok(fleet.submit(Task::new("a", "one"))).await;
    let error = within(fleet.submit(Task::new("a", "two")))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::OtherTask { key } if key == "a"),
        "{error:?}"
    );
    for task in [
        Task::new("", "x"),
        Task::new("b", "x".repeat(2 << 20)),
        Task::new("c", "x").labels([""]),
    ] {
        let error = within(fleet.submit(task)).await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_task_submitted_by_many_is_run_once() {
    let nats = Nats::start();
    let runs = Arc::new(AtomicUsize::new(0));
    let worker = nats.worker("w").await.slots(4).answering({
        let runs = Arc::clone(&runs);
        move |_| {
            runs.fetch_add(1, Ordering::Relaxed);
            "done".to_owned()
        }
    });
    let _serving = Serving::start(worker);
    let mut submitting = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let fleet = nats.fleet().await;
        submitting.spawn(async move {
            let job = fleet.submit(Task::new("a", "x")).await?;
            job.result().await
        });
    }
    while let Some(result) = within(submitting.join_next()).await {
        assert_eq!(result.unwrap().unwrap().text(), "done");
    }
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_worker_takes_what_its_labels_allow() {
    let nats = Nats::start();
    let fleet = nats.fleet().await;
    let linux = nats.worker("linux").await.labels(["linux", "repo:api"]);
    let _linux = Serving::start(linux.answering(|task| task.prompt().to_owned()));
    // These sets are new to the worker.
    let plain = ok(fleet.submit(Task::new("plain", "x"))).await;
    let linux = ok(fleet.submit(Task::new("linux", "x").labels(["linux"]))).await;
    let both = Task::new("both", "x").labels(["repo:api", "linux"]);
    let both = ok(fleet.submit(both)).await;
    let gpu = ok(fleet.submit(Task::new("gpu", "x").labels(["linux", "gpu"]))).await;
    for job in [&plain, &linux, &both] {
        assert_eq!(ok(job.result()).await.worker, "linux");
    }
    assert!(matches!(ok(gpu.status()).await, JobStatus::Waiting { .. }));
    let worker = nats.worker("gpu").await.labels(["gpu", "linux"]);
    let _gpu = Serving::start(worker.answering(|task| task.prompt().to_owned()));
    assert_eq!(ok(gpu.result()).await.worker, "gpu");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_takes_no_more_than_it_has_room_for() {
    let nats = Nats::start();
    let fleet = nats.fleet().await;
    let mut jobs = Vec::new();
    for number in 0..6 {
        let task = Task::new(format!("job-{number}"), "x").labels((number % 2 == 0).then_some("l"));
        jobs.push(ok(fleet.submit(task)).await);
    }
    let running = Arc::new(AtomicUsize::new(0));
    let may_end = Arc::new(AtomicBool::new(false));
    let worker = nats.worker("full").await.labels(["l"]).slots(2);
    let worker = worker.answering({
        let (running, may_end) = (Arc::clone(&running), Arc::clone(&may_end));
        move |_| {
            assert!(running.fetch_add(1, Ordering::SeqCst) < 2);
            while !may_end.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(10));
            }
            running.fetch_sub(1, Ordering::SeqCst);
            "done".to_owned()
        }
    });
    let _full = Serving::start(worker);
    until("two run", async || running.load(Ordering::SeqCst) == 2).await;
    let mut taken = 0;
    for job in &jobs {
        taken += usize::from(!matches!(ok(job.status()).await, JobStatus::Waiting { .. }));
    }
    assert_eq!(taken, 2);
    may_end.store(true, Ordering::SeqCst);
    for job in &jobs {
        assert_eq!(ok(job.result()).await.attempt, 1);
    }
}

#[tokio::test]
async fn what_others_put_into_the_queue_stops_nobody() {
    let nats = Nats::start();
    let fleet = nats.fleet().await;
    let client = async_nats::connect(nats.url()).await.unwrap();
    let task = serde_json::to_vec(&Task::new("never submitted", "x")).unwrap();
    for payload in [b"not JSON".to_vec(), b"{}".to_vec(), Vec::new(), task] {
        client
            .publish("codex.jobs._", payload.into())
            .await
            .unwrap();
    }
    client.flush().await.unwrap();
    let _worker = nats.echo("w").await;
    let job = ok(fleet.submit(Task::new("a", "x"))).await;
    assert_eq!(ok(job.result()).await.text(), "x");
}

#[tokio::test]
async fn a_canceled_job_that_waits_is_never_run() {
    let nats = Nats::start();
    let fleet = nats.fleet().await;
    let job = ok(fleet.submit(Task::new("a", "x"))).await;
    ok(job.cancel()).await;
    assert_eq!(ok(job.status()).await, JobStatus::Canceled);
    let worker = nats.worker("w").await.answering(|task| {
        assert_eq!(task.key(), "b");
        "done".to_owned()
    });
    let _serving = Serving::start(worker);
    let next = ok(fleet.submit(Task::new("b", "x"))).await;
    assert_eq!(ok(next.result()).await.text(), "done");
    let error = within(job.result()).await.unwrap_err();
    assert!(matches!(error, Error::Canceled { .. }), "{error:?}");
    assert!(all_events(&job).await.is_empty());
}

#[tokio::test]
async fn a_server_that_restarts_loses_nothing() {
    let mut nats = Nats::start();
    let fleet = nats.fleet().await;
    let worker = nats.worker("w").await.slots(4);
    let _serving = Serving::start(worker.answering(|task| task.prompt().to_owned()));
    let mut submitting = tokio::task::JoinSet::new();
    for number in 0..40 {
        let fleet = fleet.clone();
        submitting.spawn(async move {
            tokio::time::sleep(Duration::from_millis(50 * number)).await;
            let job = fleet
                .submit(Task::new(format!("job-{number}"), "x"))
                .await?;
            job.result().await
        });
    }
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(600)).await;
        nats.kill();
        nats.run();
    }
    let mut done = 0;
    while let Some(result) = within(submitting.join_next()).await {
        assert_eq!(result.unwrap().unwrap().text(), "x");
        done += 1;
    }
    assert_eq!(done, 40);
    tokio::time::sleep(LEASE).await;
}
