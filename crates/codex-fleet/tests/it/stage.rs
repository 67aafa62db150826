//! A nats-server of its own for each test, workers, and what they need.

use std::future::IntoFuture;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use codex_fleet::{Fleet, GitCheckout, JobEvent, JobEventKind, Server, Worker};
pub(crate) use codex_testkit::within;
use codex_testkit::{Home, MockModel};
use openai_codex::CodexConfig;
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// How long a test waits for anything at most.
const LIMIT: Duration = Duration::from_secs(60);
/// The lease of the tests.
pub(crate) const LEASE: Duration = Duration::from_secs(2);

/// A nats-server with JetStream in a folder of its own; killed when it is dropped.
pub(crate) struct Nats {
    pub(crate) port: u16,
    folder: TempDir,
    config: String,
    child: Option<Child>,
}

impl Nats {
    pub(crate) fn start() -> Self {
        Self::with_config("")
    }

    /// Starts one with more lines of configuration; `FOLDER` in them is its folder.
    pub(crate) fn with_config(config: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut nats = Self {
            port,
            folder: tempfile::tempdir_in(scratch()).unwrap(),
            config: config.to_owned(),
            child: None,
        };
        nats.run();
        nats
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn run(&mut self) {
        let folder = self.folder.path();
        let config = self.config.replace("FOLDER", folder.to_str().unwrap());
        let text = format!(
            "listen: 127.0.0.1:{}\njetstream {{ store_dir: {:?} }}\n{config}\n",
            self.port,
            folder.join("store"),
        );
        let path = folder.join("server.conf");
        std::fs::write(&path, text).unwrap();
        let log = std::fs::File::create(folder.join("server.log")).unwrap();
        let child = Command::new("nats-server")
            .arg("-c")
            .arg(path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("nats-server runs: `cargo xtask test` installs it");
        self.child = Some(child);
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begun.elapsed() < LIMIT, "nats-server does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn server(&self) -> Server {
        Server::new(self.url()).lease(LEASE)
    }

    pub(crate) async fn fleet(&self) -> Fleet {
        ok(Fleet::connect(self.server())).await
    }

    pub(crate) async fn worker(&self, name: &str) -> Worker {
        ok(Worker::connect(self.server())).await.name(name)
    }

    /// Serves with a worker that answers each task with its prompt.
    pub(crate) async fn echo(&self, name: &str) -> Serving {
        let worker = self.worker(name).await;
        Serving::start(worker.answering(|task| task.prompt().to_owned()))
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A worker in a task of its own, which ends with this, without a word.
pub(crate) struct Serving(JoinHandle<codex_fleet::Result<()>>);

impl Serving {
    pub(crate) fn start(worker: Worker) -> Self {
        Self(tokio::spawn(worker.serve()))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A home of the runtime for one worker, and its checkouts.
pub(crate) struct Place {
    pub(crate) home: Home,
    pub(crate) checkouts: PathBuf,
}

impl Place {
    pub(crate) fn new(model: &MockModel) -> Self {
        let home = Home::builder(model)
            .approval_policy("on-request")
            .build()
            .unwrap();
        let checkouts = home.root().join("checkouts");
        Self { home, checkouts }
    }

    pub(crate) fn config(&self) -> CodexConfig {
        CodexConfig::new().codex_bin(program()).isolated(&self.home)
    }

    /// Serves with an agent, in this process.
    pub(crate) async fn serve(&self, nats: &Nats, name: &str) -> Serving {
        Serving::start(self.worker(nats, name).await)
    }

    pub(crate) async fn worker(&self, nats: &Nats, name: &str) -> Worker {
        let worker = nats.worker(name).await;
        worker
            .runtime(self.config())
            .workspace(GitCheckout::at(&self.checkouts))
            .retry_after(Duration::from_millis(100))
    }

    /// Serves with an agent, in a process of its own.
    pub(crate) fn spawn(&self, url: &str, name: &str, slots: usize) -> Process {
        let mut command = self.home.command(env!("CARGO_BIN_EXE_codex-fleet"));
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.home.root().join("worker.log"))
            .unwrap();
        command
            .args([
                "--server",
                url,
                "--lease",
                &LEASE.as_secs().to_string(),
                "worker",
            ])
            .args(["--name", name, "--slots", &slots.to_string()])
            .args(["--retry-after", "0"])
            .env("RUST_LOG", "warn,codex_fleet=debug")
            .arg("--checkouts")
            .arg(&self.checkouts)
            .arg("--codex-bin")
            .arg(program())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        Process(command.spawn().unwrap())
    }

    /// Whether a runtime runs in this place. It is told by the processes of Linux; elsewhere there is none.
    pub(crate) fn has_runtime(&self) -> bool {
        let home = format!("CODEX_HOME={}", self.home.codex_home().display());
        let Ok(processes) = std::fs::read_dir("/proc") else {
            return false;
        };
        processes.flatten().any(|process| {
            let read = |name| std::fs::read(process.path().join(name)).unwrap_or_default();
            let has = |name, part: &str| {
                String::from_utf8_lossy(&read(name))
                    .split('\0')
                    .any(|text| text == part)
            };
            has("environ", &home) && has("cmdline", "app-server")
        })
    }

    /// What a process of this place has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.home.root().join("worker.log")).unwrap_or_default()
    }
}

/// A worker in a process of its own; killed when it is dropped.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    pub(crate) fn kill(&mut self) {
        // One that has ended by itself cannot be.
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The runtime that `OPENAI_CODEX_TEST_RUNTIME` names, else the pinned one.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        let named = std::env::var_os("OPENAI_CODEX_TEST_RUNTIME");
        named.map_or_else(
            || codex_runtime::install().unwrap().program().to_owned(),
            PathBuf::from,
        )
    });
    &PROGRAM
}

/// A folder for what tests leave behind when they are killed.
pub(crate) fn scratch() -> &'static Path {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(folder).unwrap();
    folder
}

#[track_caller]
pub(crate) fn ok<T>(
    work: impl IntoFuture<Output = codex_fleet::Result<T>>,
) -> impl Future<Output = T> {
    let place = std::panic::Location::caller();
    let work = within(work);
    async move {
        work.await
            .unwrap_or_else(|error| panic!("{place}: {error} ({error:?})"))
    }
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < LIMIT, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Reads the events of a job to its end.
pub(crate) async fn all_events(job: &codex_fleet::Job) -> Vec<JobEvent> {
    let mut events = job.events();
    let mut all = Vec::new();
    while let Some(event) = within(events.next()).await {
        all.push(event.unwrap());
    }
    all
}

/// Returns a word for each event.
pub(crate) fn names(events: &[JobEvent]) -> Vec<String> {
    let name = |event: &JobEvent| match &event.kind {
        JobEventKind::Turn(notification) => notification.method().to_owned(),
        other => {
            let text = format!("{other:?}");
            text.split([' ', '(', '{'])
                .next()
                .unwrap_or_default()
                .to_owned()
        }
    };
    events.iter().map(name).collect()
}
