//! A runtime that listens, for clients that attach to it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::TestkitError;

/// How long a runtime may take until it listens.
const LIMIT: Duration = Duration::from_secs(30);
/// How often is looked for a socket.
const STEP: Duration = Duration::from_millis(20);

/// A runtime that listens on a loopback port or a Unix socket. Dropping it kills it.
///
/// ```no_run
/// use codex_testkit::{Home, ListeningRuntime, MockModel};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = MockModel::start_blocking()?;
/// let home = Home::new(&model)?;
/// let token = home.write("token", "a-token-of-this-test")?;
/// let runtime = codex_runtime::install()?;
///
/// let mut command = home.command(runtime.program());
/// command.args(["app-server", "--listen", "ws://127.0.0.1:0"]);
/// command.args(["--ws-auth", "capability-token", "--ws-token-file"]).arg(token);
/// let runtime = ListeningRuntime::start(command)?;
/// println!("{}", runtime.address());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ListeningRuntime {
    child: Child,
    address: String,
}

impl ListeningRuntime {
    /// Starts `codex app-server --listen …`, and waits until it listens: of a port it says so, and a socket is there.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Io`] if it cannot be started, and [`TestkitError::TimedOut`] if it ends or does not listen
    /// in 30 seconds, with the last of its error output.
    pub fn start(mut command: Command) -> Result<Self, TestkitError> {
        let failed = TestkitError::io("start a runtime that listens");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let socket = command
            .get_args()
            .find_map(|arg| arg.to_str()?.strip_prefix("unix://"));
        let socket = socket.map(PathBuf::from);
        let mut child = command.spawn().map_err(failed)?;
        let output = child.stderr.take().map(listen);
        let mut runtime = Self {
            child,
            address: String::new(),
        };
        let mut said = String::new();
        let began = Instant::now();
        while let Some(output) = &output
            && began.elapsed() < LIMIT
        {
            if let Some(socket) = socket.as_ref().filter(|socket| takes(socket)) {
                runtime.address = socket.display().to_string();
                return Ok(runtime);
            }
            match output.recv_timeout(STEP) {
                Ok(line) => {
                    if let Some((_, address)) = line.split_once("listening on: ") {
                        address.trim().clone_into(&mut runtime.address);
                        return Ok(runtime);
                    }
                    said = line;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Err(TestkitError::TimedOut {
            awaited: format!("a runtime that listens, whose last words are {said:?},"),
            after: LIMIT,
        })
    }

    /// Returns where it listens: `ws://127.0.0.1:41179`, or the path of the socket.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the id of its process.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it at once, and waits for its end.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Io`].
    pub fn kill(&mut self) -> Result<(), TestkitError> {
        let failed = TestkitError::io("kill the runtime");
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .map_err(failed)?;
        Ok(())
    }

    /// Asks it to end when its turns have: `SIGTERM`. It does not wait for the end.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Io`] if it has ended.
    #[cfg(unix)]
    pub fn drain(&self) -> Result<(), TestkitError> {
        use rustix::process::{Pid, Signal, kill_process};

        let process = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let failed = TestkitError::io("end the runtime");
        match process {
            Some(process) => {
                kill_process(process, Signal::TERM).map_err(|error| failed(error.into()))
            }
            None => Ok(()),
        }
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Io`].
    pub fn wait(&mut self) -> Result<(), TestkitError> {
        self.child
            .wait()
            .map_err(TestkitError::io("wait for the runtime"))?;
        Ok(())
    }
}

impl Drop for ListeningRuntime {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells whether somebody listens on a socket; one that a killed runtime has left is none.
#[cfg(unix)]
fn takes(socket: &Path) -> bool {
    use std::os::unix::net::UnixStream;

    // For a path that is too long for the system, the runtime makes a link to a shorter one.
    socket.canonicalize().and_then(UnixStream::connect).is_ok()
}

#[cfg(not(unix))]
fn takes(_socket: &Path) -> bool {
    false
}

/// Reads what a runtime says to its end, so that its pipe is never full.
fn listen(output: ChildStderr) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody listens once the address is known.
            let _ = sender.send(line);
        }
    });
    lines
}
