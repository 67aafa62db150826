//! `codex-fleet`: a worker, and what a person does with jobs.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what a program does"
)]

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use codex_fleet::{Error, Fleet, GitCheckout, Job, JobResult, Server, Task, Worker};
use openai_codex::{ApprovalMode, Budget, CodexConfig, Sandbox};

#[path = "cli/approve.rs"]
mod approve;
#[path = "cli/watch.rs"]
mod watch;

type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

/// Codex agents on many machines, on NATS JetStream.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct ServerArguments {
    /// The NATS server, or several of a cluster, separated by commas
    #[arg(
        long,
        global = true,
        env = "CODEX_FLEET_SERVER",
        default_value = "nats://127.0.0.1:4222",
        hide_env_values = true
    )]
    server: String,
    /// A file of credentials
    #[arg(long, global = true, env = "CODEX_FLEET_CREDS")]
    creds: Option<PathBuf>,
    /// A file with a token
    #[arg(long, global = true, env = "CODEX_FLEET_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// A PEM file of certificate authorities to trust
    #[arg(long, global = true, env = "CODEX_FLEET_CA")]
    ca: Option<PathBuf>,
    /// The first part of every name on the server
    #[arg(
        long,
        global = true,
        env = "CODEX_FLEET_NAMESPACE",
        default_value = "codex"
    )]
    namespace: String,
    /// How many servers of a cluster keep everything; counts where it is made
    #[arg(long, global = true, default_value_t = 1)]
    replicas: usize,
    /// For how many seconds a silent worker keeps its job; counts where it is made
    #[arg(long, global = true, default_value_t = 30)]
    lease: u64,
}

#[derive(Subcommand)]
enum Command {
    /// Take jobs and run an agent for each, until interrupted
    Worker(WorkerArguments),
    /// Submit a task, unless its key was submitted before
    Submit(Box<SubmitArguments>),
    /// Show what happens in a job, and its result
    Watch {
        /// The key of the task
        key: String,
        /// Print each event as a line of JSON
        #[arg(long)]
        json: bool,
    },
    /// End a job
    Cancel {
        /// The key of the task
        key: String,
    },
    /// Show the questions of the agents, and answer them
    Approve {
        /// The key of a task; else all
        key: Option<String>,
    },
}

#[derive(Args)]
struct WorkerArguments {
    /// The name that results and events have
    #[arg(long)]
    name: Option<String>,
    /// A label, which tasks may ask for; may be repeated
    #[arg(long = "label")]
    labels: Vec<String>,
    /// How many jobs to run at a time
    #[arg(long, default_value_t = 1)]
    slots: usize,
    /// The folder for checkouts
    #[arg(long, default_value = "checkouts")]
    checkouts: PathBuf,
    /// The runtime, if not the one that the SDK finds
    #[arg(long)]
    codex_bin: Option<PathBuf>,
    /// What agents may touch without asking: `read-only`, `workspace-write` or `danger-full-access`
    #[arg(long, default_value = "workspace-write")]
    sandbox: Sandbox,
    /// How many seconds jobs may go on after the first interrupt
    #[arg(long, default_value_t = 10)]
    grace: u64,
    /// How many seconds a job waits after its first failed attempt
    #[arg(long, default_value_t = 5)]
    retry_after: u64,
}

#[derive(Args)]
struct SubmitArguments {
    /// Names the task for good
    key: String,
    /// The prompt; `-` reads it from the input
    prompt: String,
    /// The repository to work on
    #[arg(long)]
    repo: Option<String>,
    /// The revision of it
    #[arg(long, default_value = "HEAD")]
    revision: String,
    /// A label that the worker must have; may be repeated
    #[arg(long = "label")]
    labels: Vec<String>,
    /// The model
    #[arg(long)]
    model: Option<String>,
    /// How many tokens one attempt may use
    #[arg(long)]
    tokens: Option<u64>,
    /// How many minutes one attempt may take
    #[arg(long)]
    minutes: Option<u64>,
    /// How often it is tried
    #[arg(long, default_value_t = 5)]
    attempts: u32,
    /// Start again from nothing where a worker was lost early
    #[arg(long)]
    restart: bool,
    /// Who decides what the sandbox does not allow: `user_review`, `auto_review` or `deny_all`
    #[arg(long, default_value_t = ApprovalMode::UserReview)]
    approvals: ApprovalMode,
    /// Show what happens, and the result
    #[arg(long)]
    watch: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "warn,codex_fleet=info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    run(arguments).await.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

async fn run(arguments: Arguments) -> Outcome {
    let server = arguments.server.read()?;
    match arguments.command {
        Command::Worker(worker) => serve(worker, server).await,
        Command::Submit(task) => submit(*task, server).await,
        Command::Watch { key, json } => {
            let job = Fleet::connect(server).await?.job(key)?;
            watch::show(&job, json).await?;
            Ok(show_result(job.result().await))
        }
        Command::Cancel { key } => {
            let job = Fleet::connect(server).await?.job(key)?;
            job.cancel().await?;
            match job.result().await {
                Err(Error::Canceled { .. }) => Ok(ExitCode::SUCCESS),
                other => {
                    eprintln!("the job was over before it was canceled");
                    Ok(show_result(other))
                }
            }
        }
        Command::Approve { key } => {
            let fleet = Fleet::connect(server).await?;
            let asks = match key {
                Some(key) => fleet.job(key)?.asks(),
                None => fleet.asks(),
            };
            approve::answer(asks).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

impl ServerArguments {
    fn read(&self) -> Result<Server, Box<dyn std::error::Error>> {
        let mut server = Server::new(&self.server)
            .namespace(&self.namespace)
            .replicas(self.replicas)
            .lease(Duration::from_secs(self.lease));
        if let Some(path) = &self.creds {
            server = server.credentials_file(path);
        }
        if let Some(path) = &self.token_file {
            let token = std::fs::read_to_string(path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            server = server.token(token.trim());
        }
        if let Some(path) = &self.ca {
            server = server.root_certificates(path);
        }
        Ok(server)
    }
}

async fn serve(arguments: WorkerArguments, server: Server) -> Outcome {
    let mut config = CodexConfig::new();
    if let Some(path) = arguments.codex_bin {
        config = config.codex_bin(path);
    }
    let mut worker = Worker::connect(server)
        .await?
        .labels(arguments.labels)
        .slots(arguments.slots)
        .runtime(config)
        .workspace(GitCheckout::at(arguments.checkouts))
        .sandbox(arguments.sandbox)
        .grace(Duration::from_secs(arguments.grace))
        .retry_after(Duration::from_secs(arguments.retry_after));
    if let Some(name) = arguments.name {
        worker = worker.name(name);
    }
    worker.serve_until(interrupted()).await?;
    Ok(ExitCode::SUCCESS)
}

/// Waits for what ends a program: Ctrl-C, or a service manager.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn submit(arguments: SubmitArguments, server: Server) -> Outcome {
    let mut prompt = arguments.prompt;
    if prompt == "-" {
        prompt.clear();
        std::io::stdin().read_to_string(&mut prompt)?;
    }
    let mut task = Task::new(arguments.key, prompt)
        .labels(arguments.labels)
        .attempts(arguments.attempts)
        .approvals(arguments.approvals)
        .restart(arguments.restart);
    if let Some(url) = arguments.repo {
        task = task.repo(url, arguments.revision);
    }
    if let Some(model) = arguments.model {
        task = task.model(model);
    }
    let mut budget = Budget::new();
    if let Some(tokens) = arguments.tokens {
        budget = budget.tokens(tokens);
    }
    if let Some(minutes) = arguments.minutes {
        budget = budget.time(Duration::from_secs(minutes * 60));
    }
    let fleet = Fleet::connect(server).await?;
    let job: Job = fleet.submit(task.budget(budget)).await?;
    if !arguments.watch {
        println!("submitted {}", job.key());
        return Ok(ExitCode::SUCCESS);
    }
    watch::show(&job, false).await?;
    Ok(show_result(job.result().await))
}

fn show_result(result: codex_fleet::Result<JobResult>) -> ExitCode {
    match result {
        Ok(result) => {
            println!("{}", result.text());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
