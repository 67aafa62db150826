//! The plan of a process: its program, arguments, environment and folder.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::attempt::Attempt;
use crate::{Environment, Error};

/// `CREATE_NO_WINDOW`: a console program gets no window of its own.
#[cfg(windows)]
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

/// Everything that a process is started with.
///
/// [`Launch::plan`](crate::Launch::plan) makes it. Its `Debug` form names the
/// variables, but not their values.
///
/// ```
/// use codex_runtime::{Environment, Launch};
///
/// let parent = Environment::unix([("PATH", "/bin")]);
/// let plan = Launch::command_line(["codex", "app-server"]).plan(&parent)?;
/// assert_eq!(plan.args(), ["app-server"]);
/// # Ok::<(), codex_runtime::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Plan {
    pub(super) program: OsString,
    pub(super) args: Vec<OsString>,
    pub(super) environment: Environment,
    pub(super) cwd: Option<PathBuf>,
}

impl Plan {
    /// Returns the program.
    #[must_use]
    pub fn program(&self) -> &OsStr {
        &self.program
    }

    /// Returns the arguments, without the program.
    #[must_use]
    pub fn args(&self) -> &[OsString] {
        &self.args
    }

    /// Returns the whole environment of the process.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Returns the folder that the process starts in; `None` is the parent's.
    #[must_use]
    pub fn cwd(&self) -> Option<&Path> {
        self.cwd.as_deref()
    }

    /// Returns the command to start, with piped standard input, output and error.
    #[must_use]
    pub fn to_command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .envs(self.environment.iter())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        #[cfg(windows)]
        std::os::windows::process::CommandExt::creation_flags(&mut command, CREATE_NO_WINDOW);
        command
    }

    /// Makes the error for a [command](Self::to_command) that the system refused to start: it looks
    /// for what hinders the start, such as a folder that does not exist, and names it.
    ///
    /// ```
    /// use codex_runtime::{Environment, Launch};
    ///
    /// let plan = Launch::command_line(["/no/such/codex"]).plan(&Environment::current())?;
    /// let error = plan.to_command().spawn().map_err(|error| plan.spawn_error(error)).unwrap_err();
    /// assert!(error.to_string().contains("there is no such file"));
    /// # Ok::<(), codex_runtime::Error>(())
    /// ```
    #[must_use]
    pub fn spawn_error(&self, source: std::io::Error) -> Error {
        let attempt = Attempt {
            program: &self.program,
            args: &self.args,
            environment: Some(&self.environment),
            cwd: self.cwd.as_deref(),
        };
        attempt.failed(source)
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.environment.iter().map(|(key, _)| key).collect();
        f.debug_struct("Plan")
            .field("program", &self.program)
            // A `--config` argument may hold a secret.
            .field("args", &self.args.len())
            .field("environment", &names)
            .field("cwd", &self.cwd)
            .finish()
    }
}
