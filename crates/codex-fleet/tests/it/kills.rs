//! Workers killed at random moments.

use std::collections::HashMap;
use std::time::Duration;

use codex_fleet::Task;
use codex_testkit::{Answer, MockModel};
use tokio::task::JoinSet;

use crate::stage::{Nats, Place, all_events, names};

const JOBS: usize = 60;
const WORKERS: usize = 3;
const KILLS: usize = 20;
/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(600);

/// Random enough, and told when it fails.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[tokio::test]
async fn every_job_has_one_result_whichever_workers_are_killed() {
    let seed = std::env::var("OPENAI_CODEX_KILL_SEED").ok();
    let seed = seed.map_or_else(
        || std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64 | 1,
        |seed| seed.parse().unwrap(),
    );
    println!("OPENAI_CODEX_KILL_SEED={seed}");
    let mut random = Random(seed);
    let nats = Nats::start();
    let model = MockModel::start().await.unwrap();
    model
        .when(|request| request.function_call_outputs().is_empty())
        .always(Answer::exec_command("sleep 0.3"));
    model.default_answer(
        Answer::deltas(["It is ", "done."]).delta_delay(Duration::from_millis(100)),
    );
    let places: Vec<Place> = (0..WORKERS).map(|_| Place::new(&model)).collect();
    let spawn = |number: usize| places[number].spawn(&nats.url(), &format!("worker-{number}"), 2);
    let mut workers: Vec<_> = (0..WORKERS).map(spawn).collect();
    let fleet = nats.fleet().await;
    let mut jobs = HashMap::new();
    for number in 0..JOBS {
        let key = format!("job-{number}");
        let task = Task::new(&key, format!("Do {key}."))
            .restart(true)
            .attempts(50);
        jobs.insert(key, fleet.submit(task).await.unwrap());
    }
    let mut waiting = JoinSet::new();
    for job in jobs.values() {
        let job = job.clone();
        waiting.spawn(async move { job.result().await });
    }
    let all = async {
        for _ in 0..KILLS {
            tokio::time::sleep(Duration::from_millis(300 + random.below(1200))).await;
            let number = random.below(WORKERS as u64) as usize;
            workers[number].kill();
            workers[number] = spawn(number);
        }
        let mut results = HashMap::new();
        while let Some(result) = waiting.join_next().await {
            let result = result.unwrap().unwrap();
            assert_eq!(result.text(), "It is done.");
            assert!(results.insert(result.key.clone(), result).is_none());
        }
        results
    };
    let results = tokio::time::timeout(LIMIT, all)
        .await
        .expect("it ends in time");
    assert_eq!(results.len(), JOBS);
    // The prompt is in no thread twice.
    for request in model.responses_requests() {
        let texts = request.user_texts();
        let prompts = texts.iter().filter(|text| text.starts_with("Do job-"));
        assert_eq!(prompts.count(), 1, "{texts:?}");
    }
    let mut moved = 0;
    for (key, job) in &jobs {
        assert_eq!(&job.result().await.unwrap(), &results[key]);
        moved += usize::from(results[key].attempt > 1);
        let named = names(&all_events(job).await);
        assert!(
            named.iter().filter(|name| *name == "Over").count() <= 1,
            "{named:?}"
        );
    }
    assert!(moved > 0, "no kill has met a job");
    println!("{moved} of {JOBS} jobs moved");
}
