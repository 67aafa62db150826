//! The scripted server as a process: what the test holds.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::child::{LOG, gate_name, script_name};
use super::log::{LogEvent, LogLine, Start};
use super::script::Script;
use crate::error::TestkitError;
use crate::home::{default_parent, remove_folder};
use crate::limit::{DEFAULT_LIMIT, limited};

/// Plays `codex app-server` as an executable, for clients that start one.
///
/// It makes a folder with the scripts and a link named `codex` to the
/// executable, whose `main` must be [`scripted_main`](crate::scripted_main).
/// The client starts [`program`](Self::program) with any arguments, working
/// folder and environment; what happens is read from the [`log`](Self::log).
/// The process ends with the closing of its input, as soon as its script waits
/// for anything, or with a signal, unless the script says otherwise. Dropping
/// this removes the folder, and ends no process.
///
/// A package finds its own program by the variable that cargo sets for its
/// integration tests; a `[[bin]]` of two lines is enough:
///
/// ```no_run
/// use codex_testkit::{Script, ScriptedProcess};
///
/// # fn example() -> Result<(), codex_testkit::TestkitError> {
/// let executable = "…"; // env!("CARGO_BIN_EXE_scripted-app-server")
/// let process = ScriptedProcess::new(executable, &Script::new().handshake().exit(3))?;
/// // … let the client start `process.program()`, and then:
/// assert_eq!(process.starts()[0].args, ["app-server"]);
/// process.check()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ScriptedProcess {
    folder: PathBuf,
    program: PathBuf,
}

impl ScriptedProcess {
    /// Prepares a process that plays `script` at every start.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Io`] if the folder cannot be made or `executable` not linked.
    pub fn new(executable: impl AsRef<Path>, script: &Script) -> Result<Self, TestkitError> {
        Self::with_runs(executable, std::slice::from_ref(script))
    }

    /// Prepares a process that plays one script after the other, a start each;
    /// the last one is for all further starts.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_runs(
        executable: impl AsRef<Path>,
        scripts: &[Script],
    ) -> Result<Self, TestkitError> {
        let failed = || TestkitError::io("prepare a scripted process");
        let parent = default_parent();
        std::fs::create_dir_all(&parent).map_err(failed())?;
        let folder = tempfile::Builder::new()
            .prefix("stage-")
            .tempdir_in(&parent)
            .map_err(failed())?
            .keep();
        let process = Self {
            program: folder.join(format!("codex{}", std::env::consts::EXE_SUFFIX)),
            folder,
        };
        let executable = executable.as_ref();
        // A link, because a file just written cannot always be run at once.
        if std::fs::hard_link(executable, &process.program).is_err() {
            let action = format!("copy the executable {}", executable.display());
            std::fs::copy(executable, &process.program).map_err(TestkitError::io(action))?;
        }
        for (index, script) in scripts.iter().enumerate() {
            let text = serde_json::to_vec(script)
                .map_err(|error| TestkitError::malformed(format!("no script: {error}")))?;
            let path = process.folder.join(script_name(index + 1));
            std::fs::write(path, text).map_err(failed())?;
        }
        Ok(process)
    }

    /// Returns the executable to start.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Returns a whole command line: the executable and `app-server`.
    pub fn command_line(&self) -> Vec<OsString> {
        vec![self.program.clone().into(), "app-server".into()]
    }

    /// Reads what all runs have written down so far.
    pub fn log(&self) -> Vec<LogLine> {
        let text = std::fs::read_to_string(self.folder.join(LOG)).unwrap_or_default();
        // A line that is half written comes again whole with the next look.
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Returns how each run was started.
    pub fn starts(&self) -> Vec<Start> {
        let events = self.log().into_iter().map(|line| line.event);
        events
            .filter_map(|event| match event {
                LogEvent::Started(start) => Some(start),
                _ => None,
            })
            .collect()
    }

    /// Returns every message received so far, of all runs.
    pub fn received(&self) -> Vec<Value> {
        let events = self.log().into_iter().map(|line| line.event);
        events
            .filter_map(|event| match event {
                LogEvent::Received { message } => Some(message),
                _ => None,
            })
            .collect()
    }

    /// Returns the methods received so far, of all runs.
    pub fn received_methods(&self) -> Vec<String> {
        let received = self.received();
        let methods = received
            .iter()
            .filter_map(|message| message["method"].as_str());
        methods.map(str::to_owned).collect()
    }

    /// Opens the gate at which a script [holds](Script::hold).
    ///
    /// # Errors
    ///
    /// [`TestkitError::Io`] if it cannot be written down.
    pub fn open(&self, gate: &str) -> Result<(), TestkitError> {
        std::fs::write(self.folder.join(gate_name(gate)), "")
            .map_err(TestkitError::io(format!("open the gate {gate}")))
    }

    /// Waits until a script holds at this gate, for 30 seconds at most.
    ///
    /// # Errors
    ///
    /// [`TestkitError::TimedOut`] if it does not.
    pub async fn reached(&self, gate: &str) -> Result<(), TestkitError> {
        let holding = LogEvent::Holding {
            gate: gate.to_owned(),
        };
        let what = format!("the script's arrival at the gate {gate}");
        self.wait_for(&what, |event| *event == holding).await?;
        Ok(())
    }

    /// Waits until the log has an event that `accept` likes, for 30 seconds at
    /// most; `what` names it in the failure.
    ///
    /// # Errors
    ///
    /// [`TestkitError::TimedOut`] if there is none.
    pub async fn wait_for(
        &self,
        what: &str,
        accept: impl Fn(&LogEvent) -> bool,
    ) -> Result<LogLine, TestkitError> {
        let awaited = || format!("{what} (the log: {:?})", self.log());
        limited(DEFAULT_LIMIT, awaited, async {
            loop {
                let mut log = self.log().into_iter();
                if let Some(line) = log.find(|line| accept(&line.event)) {
                    return line;
                }
                // Another process writes the log, and nothing tells of it.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
    }

    /// Checks that no run met what its script does not allow.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Unexpected`] with what it was.
    pub fn check(&self) -> Result<(), TestkitError> {
        let failed = self.log().into_iter().find_map(|line| match line.event {
            LogEvent::Failed { text } => Some((line.run, text)),
            _ => None,
        });
        match failed {
            None => Ok(()),
            Some((run, text)) => Err(TestkitError::unexpected(format!(
                "run {run} of the scripted process failed: {text}"
            ))),
        }
    }
}

impl Drop for ScriptedProcess {
    fn drop(&mut self) {
        remove_folder(&self.folder);
    }
}
