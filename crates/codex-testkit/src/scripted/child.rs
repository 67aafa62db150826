//! The scripted server as a process: what runs in the executable.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use super::ScriptedServer;
use super::log::{LogEvent, LogLine, Start};
use super::player::{Act, Stage, play};
use super::script::Script;
use crate::error::TestkitError;
use crate::limit::{DEFAULT_LIMIT, limited};

/// The name of the log in a stage folder.
pub(super) const LOG: &str = "log.jsonl";

/// Names the stage folder where the executable does not lie in it.
pub(super) const STAGE_VARIABLE: &str = "CODEX_TESTKIT_STAGE";

/// Exit code of a process whose script failed.
const FAILED: i32 = 97;

const LINGER: &str = "--testkit-linger-ms";

/// Returns the name of the `run`th script in a stage folder.
pub(super) fn script_name(run: usize) -> String {
    format!("script-{run}.json")
}

/// Returns the name of the file whose presence opens a gate.
pub(super) fn gate_name(gate: &str) -> String {
    format!("open-{gate}")
}

/// Runs the executable side of a [`ScriptedProcess`](crate::ScriptedProcess);
/// the whole `main` of a test package's own little program.
///
/// ```no_run
/// codex_testkit::scripted_main()
/// ```
///
/// It looks for its script in its own folder, where `ScriptedProcess` puts a
/// link to it, or in the folder that `CODEX_TESTKIT_STAGE` names. It reads no
/// arguments, but writes them down.
pub fn scripted_main() -> ! {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|arg| arg == LINGER) {
        let length = args.next().and_then(|arg| arg.to_str()?.parse().ok());
        std::thread::sleep(Duration::from_millis(length.unwrap_or(0)));
        std::process::exit(0);
    }
    let code = match run() {
        Ok(()) => 0,
        Err(error) => {
            // A process that was started by hand has no log.
            let _ = writeln!(io::stderr(), "{error}");
            FAILED
        }
    };
    std::process::exit(code)
}

fn run() -> Result<(), TestkitError> {
    let folder = stage_folder()?;
    let (run, script) = next_script(&folder)?;
    let stage = Arc::new(Process {
        log: Log::open(&folder, run)?,
        folder,
        survives_signals: AtomicBool::new(false),
        survives_closing: AtomicBool::new(false),
        closed: watch::Sender::new(false),
    });
    stage.log.write(LogEvent::Started(start()));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(TestkitError::io("start the scripted process"))?;
    runtime.block_on(perform(&stage, &script));
    Ok(())
}

/// Plays the script; never returns, because whatever ends it exits.
async fn perform(stage: &Arc<Process>, script: &Script) {
    let tap = {
        let stage = Arc::clone(stage);
        move |message: &serde_json::Value| {
            let message = message.clone();
            stage.log.write(LogEvent::Received { message });
        }
    };
    let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
    let mut server = ScriptedServer::tapped(input, output, Box::new(tap));
    server.time_limit(Duration::MAX);
    let ended = server.ended();
    let closing = {
        let stage = Arc::clone(stage);
        async move {
            ended.await;
            stage.log.write(LogEvent::Closed);
            stage.closed.send_replace(true);
        }
    };
    // They end with the process.
    tokio::spawn(closing);
    tokio::spawn(watch_signals(Arc::clone(stage)));
    match play(&mut server, &**stage, script).await {
        Ok(()) => stage.log.write(LogEvent::Finished),
        // A client may close whenever it likes.
        Err(TestkitError::Closed { .. }) => {}
        Err(error) => {
            let text = error.to_string();
            stage.log.write(LogEvent::Failed { text });
            stage.exit(FAILED);
        }
    }
    stage.cut_short().await;
    stage.exit(0);
}

/// The process, as the script sees it.
struct Process {
    folder: PathBuf,
    log: Log,
    survives_signals: AtomicBool,
    survives_closing: AtomicBool,
    closed: watch::Sender<bool>,
}

impl Process {
    fn exit(&self, code: i32) {
        self.log.write(LogEvent::Exited { code });
        std::process::exit(code);
    }
}

impl Stage for Process {
    async fn hold(&self, gate: &str) -> Result<(), TestkitError> {
        self.log.write(LogEvent::Holding {
            gate: gate.to_owned(),
        });
        let file = self.folder.join(gate_name(gate));
        // Another process opens the gate, and only a file tells of it.
        let opened = async {
            while !file.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let awaited = || format!("the opening of the gate {gate:?}");
        limited(DEFAULT_LIMIT, awaited, opened).await
    }

    async fn cut_short(&self) {
        let mut closed = self.closed.subscribe();
        let _ = closed.wait_for(|closed| *closed).await;
        if self.survives_closing.load(Ordering::SeqCst) {
            std::future::pending().await
        }
    }

    fn act(&self, act: Act<'_>) -> Result<(), TestkitError> {
        match act {
            Act::CloseOutput => close_output(),
            Act::Stderr(text) => io::stderr()
                .write_all(text.as_bytes())
                .map_err(TestkitError::io("write to standard error")),
            Act::IgnoreSignals => {
                self.survives_signals.store(true, Ordering::SeqCst);
                Ok(())
            }
            Act::IgnoreClosing => {
                self.survives_closing.store(true, Ordering::SeqCst);
                Ok(())
            }
            Act::Linger(length) => {
                let pid = leave_child(length)?;
                self.log.write(LogEvent::LeftChild { pid });
                Ok(())
            }
            Act::Exit(code) => {
                self.exit(code);
                Ok(())
            }
        }
    }
}

#[cfg(unix)]
async fn watch_signals(stage: Arc<Process>) {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
        signal(SignalKind::hangup()),
    );
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) = signals else {
        return;
    };
    loop {
        // All are cancel safe. The loop ends with the process.
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
            _ = hangup.recv() => "SIGHUP",
        };
        let signal = name.to_owned();
        stage.log.write(LogEvent::Signaled { signal });
        if !stage.survives_signals.load(Ordering::SeqCst) {
            stage.exit(0);
        }
    }
}

#[cfg(not(unix))]
async fn watch_signals(_: Arc<Process>) {}

/// Closes this process's own end of the pipe: the descriptor goes elsewhere.
#[cfg(unix)]
fn close_output() -> Result<(), TestkitError> {
    let failed = || TestkitError::io("close standard output");
    let nowhere = File::create("/dev/null").map_err(failed())?;
    rustix::stdio::dup2_stdout(&nowhere)
        .map_err(io::Error::from)
        .map_err(failed())
}

#[cfg(not(unix))]
fn close_output() -> Result<(), TestkitError> {
    Err(TestkitError::malformed(
        "a scripted process cannot close its output on this system and live on",
    ))
}

fn leave_child(length: Duration) -> Result<u32, TestkitError> {
    let failed = || TestkitError::io("leave a child");
    let executable = std::env::current_exe().map_err(failed())?;
    // It is not waited for: to outlive this process is its purpose.
    let child = Command::new(executable)
        .arg(LINGER)
        .arg(length.as_millis().to_string())
        .stdin(Stdio::null())
        .spawn()
        .map_err(failed())?;
    Ok(child.id())
}

fn stage_folder() -> Result<PathBuf, TestkitError> {
    if let Some(folder) = std::env::var_os(STAGE_VARIABLE) {
        return Ok(PathBuf::from(folder));
    }
    let executable =
        std::env::current_exe().map_err(TestkitError::io("find the scripted process's folder"))?;
    Ok(executable.parent().unwrap_or(Path::new(".")).to_owned())
}

/// Takes the number of this run and its script; the last script is for all later runs.
fn next_script(folder: &Path) -> Result<(usize, Script), TestkitError> {
    let mut run = 1;
    // Only one process makes a file anew, so that each run has its own number.
    while let Err(error) = File::create_new(folder.join(format!("run-{run}"))) {
        if error.kind() != io::ErrorKind::AlreadyExists {
            let action = format!("write to the stage folder {}", folder.display());
            return Err(TestkitError::io(action)(error));
        }
        run += 1;
    }
    let path = (1..=run)
        .rev()
        .map(|number| folder.join(script_name(number)))
        .find(|path| path.is_file())
        .unwrap_or_else(|| folder.join(script_name(1)));
    let shown = path.display();
    let text =
        std::fs::read(&path).map_err(TestkitError::io(format!("read the script {shown}")))?;
    let script = serde_json::from_slice(&text)
        .map_err(|error| TestkitError::malformed(format!("{shown} is no script: {error}")))?;
    Ok((run, script))
}

fn start() -> Start {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    Start {
        args: std::env::args_os().skip(1).map(text).collect(),
        env: std::env::vars_os()
            .map(|(key, value)| (text(key), text(value)))
            .collect(),
        cwd: std::env::current_dir().unwrap_or_default(),
        pid: std::process::id(),
    }
}

/// Appends to the log, one write a line, so that runs do not mix.
struct Log {
    run: usize,
    file: File,
}

impl Log {
    fn open(folder: &Path, run: usize) -> Result<Self, TestkitError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join(LOG))
            .map_err(TestkitError::io("open the scripted process's log"))?;
        Ok(Self { run, file })
    }

    fn write(&self, event: LogEvent) {
        let line = LogLine {
            run: self.run,
            event,
        };
        if let Ok(mut line) = serde_json::to_vec(&line) {
            line.push(b'\n');
            // A log that cannot be written shows in the test as missing lines.
            let _ = (&self.file).write_all(&line);
        }
    }
}
