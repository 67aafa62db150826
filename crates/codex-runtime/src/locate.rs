//! Deciding which runtime is used.

use std::path::{Path, PathBuf};

use crate::cache::{self, Installation};
use crate::{Environment, Error, MINIMUM_VERSION, Pin, Runtime, Source, Target, program};

/// The environment variable that names the executable to use.
pub const BIN_VARIABLE: &str = "CODEX_BIN";

/// Finds the runtime to use.
///
/// It looks, in this order, at the path that was given with
/// [`explicit`](Self::explicit), at the environment variable `CODEX_BIN`, at
/// the pinned runtime in the user's cache, and at each `codex` on `PATH` until
/// one has a supported version. What was asked for by name is used or is an
/// error: a wrong path never leads to another runtime. So is a damaged
/// installation. Nothing is downloaded.
///
/// ```no_run
/// let runtime = codex_runtime::Locator::new().locate()?;
/// println!("{}", runtime.program().display());
/// # Ok::<(), codex_runtime::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Locator {
    explicit: Option<PathBuf>,
    environment: Option<Environment>,
    cache: Option<PathBuf>,
    pin: Option<Pin>,
}

impl Locator {
    /// Makes a locator that looks at the environment of this process.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses exactly this executable.
    pub fn explicit(mut self, program: impl Into<PathBuf>) -> Self {
        self.explicit = Some(program.into());
        self
    }

    /// Looks at these variables instead of those of the process.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Looks for the pinned runtime below this folder instead of the user's cache.
    pub fn cache_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cache = Some(dir.into());
        self
    }

    /// Looks for another pinned runtime than this crate's.
    pub fn pin(mut self, pin: Pin) -> Self {
        self.pin = Some(pin);
        self
    }

    /// Looks, and returns the first runtime that can be used.
    ///
    /// # Errors
    ///
    /// [`Error::MissingProgram`] if a path that was given cannot be run,
    /// [`Error::CorruptCache`] if the pinned runtime is damaged, and
    /// [`Error::NotFound`], which says everything that was tried, if there is none.
    pub fn locate(&self) -> Result<Runtime, Error> {
        let environment = self.environment.clone();
        let environment = environment.unwrap_or_else(Environment::current);
        if let Some(path) = &self.explicit {
            return named(path, Source::Explicit, "codex_bin");
        }
        if let Some(path) = environment.non_empty(BIN_VARIABLE) {
            return named(Path::new(path), Source::Env, BIN_VARIABLE);
        }
        let mut tried = vec![
            "codex_bin (not set)".to_owned(),
            format!("{BIN_VARIABLE} (not set)"),
        ];
        if let Some(runtime) = self.pinned(&environment, &mut tried)? {
            return Ok(runtime);
        }
        on_path(&environment, &mut tried).ok_or(Error::NotFound { tried })
    }

    fn pinned(
        &self,
        environment: &Environment,
        tried: &mut Vec<String>,
    ) -> Result<Option<Runtime>, Error> {
        let pin = match &self.pin {
            Some(pin) => pin.clone(),
            None => Pin::current(),
        };
        let what = format!("the pinned runtime {}", pin.version());
        let place = self
            .cache
            .clone()
            .map_or_else(|| cache::cache_dir(environment), Ok)
            .and_then(|cache| Ok(Installation::new(&cache, pin, Target::current()?)));
        match place {
            Ok(installation) => {
                let found = installation.check()?;
                if found.is_none() {
                    let dir = installation.dir().display();
                    tried.push(format!("{what} (not in {dir})"));
                }
                Ok(found)
            }
            // Neither hinders the use of a `codex` on PATH.
            Err(error @ (Error::NoCacheDir { .. } | Error::UnknownPlatform { .. })) => {
                tried.push(format!("{what} ({error})"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Uses the executable that the caller or the user named.
fn named(path: &Path, source: Source, setting: &'static str) -> Result<Runtime, Error> {
    if let Some(reason) = program::problem(path) {
        return Err(Error::MissingProgram {
            path: path.to_owned(),
            setting,
            reason,
        });
    }
    // Absolute, because the runtime may be started in another folder.
    let program = std::path::absolute(path).map_err(|e| Error::io("resolve", path, e))?;
    Ok(Runtime {
        program,
        source,
        version: None,
        path_dir: None,
    })
}

/// Asks each `codex` on `PATH` for its version until one is supported.
fn on_path(environment: &Environment, tried: &mut Vec<String>) -> Option<Runtime> {
    let programs = environment.codex();
    if programs.is_empty() {
        tried.push("codex on PATH (there is none)".to_owned());
    }
    for program in programs {
        let reason = match program::ask_version(&program) {
            Ok(Ok(version)) if version.is_supported() => {
                return Some(Runtime {
                    program,
                    source: Source::Path,
                    version: Some(version),
                    path_dir: None,
                });
            }
            Ok(Ok(version)) => {
                format!("(version {version}, {MINIMUM_VERSION} or newer is needed)")
            }
            Ok(Err(silence)) => silence,
            Err(Error::Spawn { reason, .. }) => format!("(it cannot be started): {reason}"),
            Err(error) => format!("(it cannot be asked): {error}"),
        };
        tried.push(format!("{} {reason}", program.display()));
    }
    None
}
