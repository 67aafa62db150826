//! The launch of a runtime: its command line, environment and folder.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use crate::{Environment, Error, Runtime};

mod attempt;
mod outer;
mod plan;

pub(crate) use attempt::Attempt;
pub use plan::Plan;

/// What is to be started, as data: command line, changes to the environment, folder.
///
/// ```
/// use codex_runtime::{Environment, Launch};
///
/// let launch = Launch::command_line(["ssh", "host", "codex", "app-server"])
///     .env("LANG", "C")
///     .env_remove("OPENAI_API_KEY");
/// let parent = Environment::unix([("HOME", "/home/u"), ("OPENAI_API_KEY", "secret")]);
/// let plan = launch.plan(&parent)?;
/// assert_eq!(plan.program(), "ssh");
/// assert_eq!(plan.environment().get("LANG"), Some("C".as_ref()));
/// assert_eq!(plan.environment().get("OPENAI_API_KEY"), None);
/// # Ok::<(), codex_runtime::Error>(())
/// ```
///
/// Its `Debug` form names the variables that are set, but not their values.
#[derive(Clone)]
#[must_use]
pub struct Launch {
    kind: Kind,
    configs: Vec<(String, String)>,
    cwd: Option<PathBuf>,
    clear: bool,
    /// In call order; the last change of a variable decides.
    changes: Vec<(OsString, Option<OsString>)>,
}

#[derive(Clone, Debug)]
enum Kind {
    Runtime(Runtime),
    CommandLine(Vec<OsString>),
}

impl Launch {
    /// Starts a runtime as an app-server that talks over its standard input and output.
    pub fn new(runtime: &Runtime) -> Self {
        Self::of(Kind::Runtime(runtime.clone()))
    }

    /// Starts exactly this command line: the program, then its arguments.
    ///
    /// Nothing is added to it, and nothing to its `PATH`.
    pub fn command_line<I, S>(argv: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<OsString>,
    {
        Self::of(Kind::CommandLine(
            argv.into_iter().map(Into::into).collect(),
        ))
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind,
            configs: Vec::new(),
            cwd: None,
            clear: false,
            changes: Vec::new(),
        }
    }

    /// Overrides one configuration key, `--config key=value`.
    ///
    /// The value is written as in TOML, on one line; the caller renders it. It
    /// has no effect on a command line that was given as a whole.
    pub fn config(mut self, key: impl Into<String>, toml: impl Into<String>) -> Self {
        self.configs.push((key.into(), toml.into()));
        self
    }

    /// Starts the process in this folder instead of the current one.
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cwd = Some(dir.into());
        self
    }

    /// Sets a variable for the process.
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.changes.push((key.into(), Some(value.into())));
        self
    }

    /// Keeps a variable from the process.
    pub fn env_remove(mut self, key: impl Into<OsString>) -> Self {
        self.changes.push((key.into(), None));
        self
    }

    /// Gives the process none of the parent's variables, only those set with [`env`](Self::env).
    ///
    /// Where in the chain it is called makes no difference.
    pub fn env_clear(mut self) -> Self {
        self.clear = true;
        self
    }

    /// Works out what is started, given the environment of the parent.
    ///
    /// The process inherits it, except for the variables that a Codex sets for the processes that it
    /// starts, such as `CODEX_SANDBOX` and `CODEX_THREAD_ID`: they tell of the Codex that runs this
    /// program, not of the one that is started. [`env`](Self::env) sets them all the same.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidLaunch`] if the command line is empty, if a key, value or
    /// variable cannot be passed on, or if the helpers' folder cannot be put in
    /// `PATH`.
    pub fn plan(&self, parent: &Environment) -> Result<Plan, Error> {
        self.check_texts()?;
        let mut environment = parent.clone();
        if self.clear {
            environment.clear();
        }
        environment.retain(|name| !outer::is_outer(&name.to_string_lossy()));
        for (key, value) in &self.changes {
            match value {
                Some(value) => environment.set(key, value),
                None => environment.remove(key),
            }
        }
        let (program, args) = match &self.kind {
            Kind::Runtime(runtime) => {
                if let Some(dir) = runtime.path_dir() {
                    environment.prepend_path(dir)?;
                }
                (runtime.program().into(), self.app_server_args())
            }
            Kind::CommandLine(argv) => match argv.split_first() {
                Some((program, args)) => (program.clone(), args.to_vec()),
                None => return Err(no_program()),
            },
        };
        Ok(Plan {
            program,
            args,
            environment,
            cwd: self.cwd.clone(),
        })
    }

    /// Returns the command to start, with piped standard input, output and error.
    ///
    /// It inherits the environment of this process. It is in its own process
    /// group on Unix, so that an interrupt from the keyboard reaches only the
    /// parent, and has no console window on Windows.
    ///
    /// # Errors
    ///
    /// As [`plan`](Self::plan).
    pub fn to_command(&self) -> Result<Command, Error> {
        Ok(self.plan(&Environment::current())?.to_command())
    }

    /// Checks what can be checked before there is a runtime: texts, and the working folder.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidLaunch`] as of [`plan`](Self::plan), and if the folder does not exist or
    /// cannot be entered.
    pub fn check(&self) -> Result<(), Error> {
        self.check_texts()?;
        match &self.cwd {
            Some(dir) => attempt::folder_problem(dir).map_or(Ok(()), |problem| {
                Err(invalid(format!(
                    "the working folder {} {problem}",
                    dir.display()
                )))
            }),
            None => Ok(()),
        }
    }

    fn check_texts(&self) -> Result<(), Error> {
        for (key, value) in &self.changes {
            check_variable(key, value.as_deref())?;
        }
        for (key, value) in &self.configs {
            check_config(key, value)?;
        }
        if let Some(dir) = &self.cwd
            && (dir.as_os_str().is_empty() || has_nul(dir.as_os_str()))
        {
            return Err(invalid(format!(
                "{:?} is not a working folder; correct cwd",
                dir.as_os_str()
            )));
        }
        if let Kind::CommandLine(argv) = &self.kind {
            if argv.first().is_none_or(|program| program.is_empty()) {
                return Err(no_program());
            }
            if let Some(at) = argv.iter().position(|text| has_nul(text)) {
                let place = match at {
                    0 => "the program".to_owned(),
                    at => format!("argument {at}"),
                };
                return Err(invalid(format!(
                    "{place} of the command line has a NUL character; remove it"
                )));
            }
        }
        Ok(())
    }

    fn app_server_args(&self) -> Vec<OsString> {
        let mut args = Vec::new();
        for (key, value) in &self.configs {
            args.push("--config".into());
            args.push(format!("{key}={value}").into());
        }
        args.extend(["app-server", "--listen", "stdio://"].map(OsString::from));
        args
    }
}

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets, and those of config overrides too.
        let set = |set: bool| {
            let changes = self.changes.iter();
            let keys = changes.filter(move |(_, value)| value.is_some() == set);
            keys.map(|(key, _)| key).collect::<Vec<_>>()
        };
        let configs: Vec<_> = self.configs.iter().map(|(key, _)| key).collect();
        f.debug_struct("Launch")
            .field("kind", &self.kind)
            .field("configs", &configs)
            .field("cwd", &self.cwd)
            .field("env_clear", &self.clear)
            .field("env", &set(true))
            .field("env_remove", &set(false))
            .finish()
    }
}

fn invalid(reason: impl Into<String>) -> Error {
    Error::InvalidLaunch {
        reason: reason.into(),
    }
}

fn no_program() -> Error {
    invalid("the command line names no program")
}

fn has_nul(text: &OsStr) -> bool {
    text.as_encoded_bytes().contains(&0)
}

fn check_variable(key: &OsStr, value: Option<&OsStr>) -> Result<(), Error> {
    let text = key.to_string_lossy();
    // Windows has hidden variables whose names start with `=`.
    if text.is_empty() || text.contains('\0') || text.chars().skip(1).any(|c| c == '=') {
        return Err(invalid(format!(
            "{text:?} is not a name for an environment variable"
        )));
    }
    if value.is_some_and(has_nul) {
        return Err(invalid(format!(
            "the value of the environment variable {text:?} has a NUL character; remove it"
        )));
    }
    Ok(())
}

fn check_config(key: &str, value: &str) -> Result<(), Error> {
    if key.trim().is_empty() || key.contains(|c: char| c == '=' || c.is_control()) {
        return Err(invalid(format!("{key:?} is not a configuration key")));
    }
    // A rendered TOML value escapes these; raw ones could end the value early.
    if value.contains(['\n', '\r', '\0']) {
        return Err(invalid(format!(
            "the value of the configuration key {key:?} is not one line of TOML"
        )));
    }
    Ok(())
}
