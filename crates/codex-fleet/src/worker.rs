//! Workers: they take jobs, run agents, and hand in results.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use openai_codex::{CodexConfig, Sandbox};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::error::Result;
use crate::server::Server;
use crate::store::Store;
use crate::task::Task;
use crate::workspace::{GitCheckout, Workspace};

mod agent;
mod attempt;
mod cancels;
mod claim;
mod lease;
mod publish;
mod questions;
mod save;
mod sets;

use cancels::Cancels;
use sets::Sets;

/// A worker: it takes the jobs that its labels allow, runs an agent for each, and hands in the results.
///
/// ```no_run
/// # async fn example() -> codex_fleet::Result<()> {
/// use codex_fleet::{GitCheckout, Worker};
/// use openai_codex::CodexConfig;
///
/// Worker::connect("nats://127.0.0.1:4222")
///     .await?
///     .labels(["linux"])
///     .slots(4)
///     .runtime(CodexConfig::new())
///     .workspace(GitCheckout::at("checkouts"))
///     .serve()
///     .await
/// # }
/// ```
///
/// Each attempt of a job has a runtime of its own, which ends with it. A worker that does not reach the server for as
/// long as a lease ends its turns; what it would write later is refused, because the job is another worker's.
#[must_use = "a worker does nothing until it serves"]
pub struct Worker {
    store: Store,
    options: Options,
    does: Does,
}

/// How a worker works.
pub(crate) struct Options {
    name: String,
    labels: Vec<String>,
    slots: usize,
    grace: Duration,
    retry_after: Duration,
}

/// What a worker does with a task.
enum Does {
    Agent(Box<AgentSetup>),
    Answer(Answer),
}

type Answer = Arc<dyn Fn(&Task) -> String + Send + Sync>;

/// How agents are run.
pub(crate) struct AgentSetup {
    runtime: CodexConfig,
    workspace: Arc<dyn Workspace>,
    sandbox: Sandbox,
}

/// What the slots of a worker share.
pub(crate) struct Shared {
    store: Store,
    options: Options,
    does: Does,
    cancels: Cancels,
    /// The worker stops: no job is taken any more, and after the grace those that run are given back.
    stopping: watch::Sender<Stopping>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stopping {
    #[default]
    No,
    /// What runs may end.
    Soon,
    /// What runs is given back.
    Now,
}

impl Worker {
    /// Connects to a server with JetStream, and makes there what is missing.
    ///
    /// # Errors
    ///
    /// As [`Fleet::connect`](crate::Fleet::connect).
    pub async fn connect(server: impl Into<Server>) -> Result<Self> {
        let store = server.into().connect("codex-fleet worker").await?;
        Ok(Self::on(store))
    }

    /// Uses a connection of the program; of `server` the namespace and what is kept count.
    ///
    /// # Errors
    ///
    /// As [`Fleet::connect`](crate::Fleet::connect).
    pub async fn over(client: Client, server: impl Into<Server>) -> Result<Self> {
        Ok(Self::on(server.into().over(client).await?))
    }

    fn on(store: Store) -> Self {
        let process = std::process::id();
        let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
        let host = match host.trim() {
            "" => "worker",
            host => host,
        };
        Self {
            store,
            options: Options {
                name: format!("{host}-{process}"),
                labels: Vec::new(),
                slots: 1,
                grace: Duration::from_secs(10),
                retry_after: Duration::from_secs(5),
            },
            does: Does::Agent(Box::new(AgentSetup {
                runtime: CodexConfig::new(),
                workspace: Arc::new(GitCheckout::at("checkouts")),
                sandbox: Sandbox::WorkspaceWrite,
            })),
        }
    }

    /// Sets the name that results and events have; by default it is made of the host's name and the process.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = name.into();
        self
    }

    /// Adds labels. The worker takes the tasks whose labels it has all of, those without labels too.
    pub fn labels<S: Into<String>>(mut self, labels: impl IntoIterator<Item = S>) -> Self {
        self.options
            .labels
            .extend(labels.into_iter().map(Into::into));
        self
    }

    /// Sets how many jobs it runs at a time, 1 by default. It takes none that it has no room for.
    pub fn slots(mut self, slots: usize) -> Self {
        self.options.slots = slots.max(1);
        self
    }

    /// Sets how the runtime of each job is started.
    ///
    /// With an [`on_approval`](CodexConfig::on_approval) the worker decides, and nobody is asked.
    pub fn runtime(mut self, config: CodexConfig) -> Self {
        if let Does::Agent(agent) = &mut self.does {
            agent.runtime = config;
        }
        self
    }

    /// Sets where agents work, by default checkouts below `checkouts` in the folder of the process.
    pub fn workspace(mut self, workspace: impl Workspace) -> Self {
        if let Does::Agent(agent) = &mut self.does {
            agent.workspace = Arc::new(workspace);
        }
        self
    }

    /// Sets what agents may touch without asking, by default their workspace.
    pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
        if let Does::Agent(agent) = &mut self.does {
            agent.sandbox = sandbox;
        }
        self
    }

    /// Answers each task by a function, without an agent: to test what submits tasks, and to measure the fleet.
    pub fn answering(mut self, answer: impl Fn(&Task) -> String + Send + Sync + 'static) -> Self {
        self.does = Does::Answer(Arc::new(answer));
        self
    }

    /// Sets how long jobs may go on when the worker stops, 10 seconds by default.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.options.grace = grace;
        self
    }

    /// Sets how long a job waits after its first attempt has failed, 5 seconds by default. It waits twice as long
    /// after each further one, up to five minutes.
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.options.retry_after = pause;
        self
    }

    /// Takes jobs until its future is dropped, which leaves those that run to other workers, after their leases.
    ///
    /// # Errors
    ///
    /// [`Error::Server`](crate::Error::Server) if the server refuses what every worker needs.
    pub async fn serve(self) -> Result<()> {
        self.serve_until(std::future::pending()).await
    }

    /// Takes jobs until `stop` is ready; then it takes no more, lets those that run go on for the
    /// [`grace`](Self::grace), saves the rest and gives them back.
    ///
    /// # Errors
    ///
    /// As [`Worker::serve`].
    pub async fn serve_until(self, stop: impl Future<Output = ()>) -> Result<()> {
        let Self {
            store,
            options,
            does,
        } = self;
        // Whoever has no task waiting for it has a consumer all the same.
        store.consumer("_").await?;
        let sets = Arc::new(Sets::find(&store, &options.labels).await?);
        let shared = Arc::new(Shared {
            cancels: Cancels::default(),
            stopping: watch::Sender::default(),
            store,
            options,
            does,
        });
        let mut helpers = JoinSet::new();
        helpers.spawn(Arc::clone(&sets).refresh(shared.store.clone()));
        helpers.spawn(cancels::listen(Arc::clone(&shared)).await?);
        let mut slots = JoinSet::new();
        for _ in 0..shared.options.slots {
            slots.spawn(serve_slot(Arc::clone(&shared), Arc::clone(&sets)));
        }
        tracing::info!(worker = shared.options.name, "the worker takes jobs");
        stop.await;
        shared.stopping.send_replace(Stopping::Soon);
        let grace = tokio::time::sleep(shared.options.grace);
        tokio::pin!(grace);
        loop {
            tokio::select! {
                ended = slots.join_next() => if ended.is_none() { break },
                () = &mut grace, if *shared.stopping.borrow() != Stopping::Now => {
                    shared.stopping.send_replace(Stopping::Now);
                }
            }
        }
        Ok(())
    }
}

/// Takes one job after the other.
async fn serve_slot(shared: Arc<Shared>, sets: Arc<Sets>) {
    let mut stopping = shared.stopping.subscribe();
    loop {
        let delivery = tokio::select! {
            delivery = sets.next_job(&shared.store) => delivery,
            _ = stopping.wait_for(|stopping| *stopping != Stopping::No) => return,
        };
        // Whatever panics in an attempt leaves the slot.
        let mut attempt = JoinSet::new();
        attempt.spawn(attempt::run(Arc::clone(&shared), delivery));
        if let Some(Err(error)) = attempt.join_next().await {
            tracing::error!(%error, "an attempt has ended in a panic: its job goes on after the lease");
        }
    }
}

impl Options {
    /// Returns how long a job waits that has failed so often.
    fn pause_after(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(16);
        let pause = self.retry_after.saturating_mul(1 << doublings);
        pause.min(Duration::from_secs(300))
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("name", &self.options.name)
            .field("labels", &self.options.labels)
            .field("slots", &self.options.slots)
            .finish_non_exhaustive()
    }
}
