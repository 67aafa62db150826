//! What the fleet itself costs: jobs that nobody thinks about, through a nats-server on the loopback.
//!
//! The workers answer each task at once, without a runtime. Printed as rows of `docs/performance.md`.

use std::error::Error;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use codex_fleet::{Fleet, Task, Worker};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How many jobs are submitted at a time.
const SUBMITTERS: usize = 32;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    // A process of its own, to weigh it.
    if let Some(url) = std::env::args()
        .nth(1)
        .filter(|argument| argument.contains("://"))
    {
        let workers = std::env::args().nth(2).ok_or("a number of workers")?;
        return runtime.block_on(idle(url, workers.parse()?));
    }
    let quick = std::env::args().any(|argument| argument == "--quick");
    let jobs = if quick { 300 } else { 5000 };
    runtime.block_on(run(jobs))
}

async fn run(jobs: usize) -> Result<()> {
    println!("| measure | value |\n|---|---|");
    for workers in [1, 4, 16, 64] {
        throughput(jobs, workers).await?;
    }
    latency().await?;
    memory().await?;
    Ok(())
}

/// Jobs per second from the first submission to the last result, and what the server keeps of them.
async fn throughput(jobs: usize, workers: usize) -> Result<()> {
    let nats = Nats::start()?;
    let mut serving = JoinSet::new();
    for _ in 0..workers {
        let worker = Worker::connect(nats.url()).await?;
        serving.spawn(worker.answering(|task| task.prompt().to_owned()).serve());
    }
    let fleet = Fleet::connect(nats.url()).await?;
    let begun = Instant::now();
    let mut submitting = JoinSet::new();
    for first in 0..SUBMITTERS {
        let fleet = fleet.clone();
        submitting.spawn(async move {
            let mut submitted = Vec::new();
            for number in (first..jobs).step_by(SUBMITTERS) {
                let task = Task::new(format!("job-{number}"), "Fix the failing test.");
                submitted.push(fleet.submit(task).await?);
            }
            Ok::<_, codex_fleet::Error>(submitted)
        });
    }
    let mut all = Vec::new();
    while let Some(submitted) = submitting.join_next().await {
        all.extend(submitted??);
    }
    let submitted = begun.elapsed();
    for job in &all {
        job.result().await?;
    }
    let rate = |time: Duration| jobs as f64 / time.as_secs_f64();
    println!(
        "| jobs/s submitted, {workers} workers running | {:.0} |",
        rate(submitted)
    );
    println!(
        "| jobs/s from submission to result, {workers} workers | {:.0} |",
        rate(begun.elapsed())
    );
    if workers == 1 {
        let jetstream = async_nats::jetstream::new(async_nats::connect(nats.url()).await?);
        for stream in ["KV_codex-state", "codex-events", "codex-jobs"] {
            let state = jetstream
                .get_stream(stream)
                .await?
                .cached_info()
                .state
                .clone();
            println!(
                "| bytes per finished job in {stream} | {} |",
                state.bytes / jobs as u64
            );
        }
        println!(
            "| bytes per finished job on the server's disk | {} |",
            nats.disk()? / jobs as u64
        );
    }
    Ok(())
}

/// From the call of `submit` to the start of the answer, with an idle worker.
async fn latency() -> Result<()> {
    let nats = Nats::start()?;
    let (started, mut starts) = mpsc::unbounded_channel();
    let started = Arc::new(Mutex::new(started));
    let worker = Worker::connect(nats.url()).await?.answering(move |_| {
        if let Ok(started) = started.lock() {
            let _ = started.send(Instant::now());
        }
        String::new()
    });
    let mut serving = JoinSet::new();
    serving.spawn(worker.serve());
    let fleet = Fleet::connect(nats.url()).await?;
    let mut times = Vec::new();
    for number in 0..300 {
        let begun = Instant::now();
        let job = fleet
            .submit(Task::new(format!("job-{number}"), "x"))
            .await?;
        let start = starts.recv().await.ok_or("the worker has ended")?;
        times.push(start - begun);
        job.result().await?;
    }
    times.sort();
    let at = |part: usize| times[times.len() * part / 100].as_secs_f64() * 1000.0;
    println!("| ms from submission to start, median | {:.2} |", at(50));
    println!(
        "| ms from submission to start, 99th of 100 | {:.2} |",
        at(99)
    );
    Ok(())
}

/// The resident set of a process that is idle workers, each with a connection of its own.
async fn memory() -> Result<()> {
    let nats = Nats::start()?;
    let weigh = async |workers: usize| {
        let mut child = Command::new(std::env::current_exe()?)
            .args([nats.url(), workers.to_string()])
            .spawn()?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let weight = resident(child.id());
        println!(
            "| MB of the server with {workers} idle workers | {:.1} |",
            resident(nats.child.id())?
        );
        child.kill()?;
        child.wait()?;
        weight
    };
    let (one, many) = (weigh(1).await?, weigh(65).await?);
    println!("| MB of a process with an idle worker | {one:.1} |");
    println!(
        "| MB that each further idle worker adds to a process | {:.2} |",
        (many - one) / 64.0
    );
    Ok(())
}

async fn idle(url: String, workers: usize) -> Result<()> {
    let mut serving = JoinSet::new();
    for _ in 0..workers {
        serving.spawn(Worker::connect(url.as_str()).await?.serve());
    }
    while let Some(ended) = serving.join_next().await {
        ended??;
    }
    Ok(())
}

/// The resident set of a process, in MB.
fn resident(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes: f64 = line
        .ok_or("no VmRSS")?
        .trim()
        .trim_end_matches(" kB")
        .parse()?;
    Ok(kilobytes / 1024.0)
}

/// A nats-server in a temporary folder.
struct Nats {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Nats {
    fn start() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder = tempfile::tempdir()?;
        let child = Command::new("nats-server")
            .args([
                "--addr",
                "127.0.0.1",
                "--port",
                &port.to_string(),
                "--jetstream",
                "--store_dir",
            ])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| {
                format!("nats-server does not start: {error}; `cargo xtask test` installs it")
            })?;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self {
            child,
            port,
            folder,
        })
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    fn disk(&self) -> Result<u64> {
        fn size(folder: &Path) -> std::io::Result<u64> {
            let mut bytes = 0;
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                bytes += match entry.metadata()? {
                    data if data.is_dir() => size(&entry.path())?,
                    data => data.len(),
                };
            }
            Ok(bytes)
        }
        Ok(size(self.folder.path())?)
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
