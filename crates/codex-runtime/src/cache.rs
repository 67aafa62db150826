//! The folder of the pinned runtime, and the check of what is in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::manifest::{MANIFEST, Manifest};
use crate::{Environment, Error, Pin, Runtime, Source, Target};

/// The environment variable that names another cache folder.
///
/// The runtime goes to `openai-codex/runtime/<version>/<target>` below it.
pub const CACHE_VARIABLE: &str = "OPENAI_CODEX_CACHE";

/// The place of a pinned runtime in the user's cache, installed or not.
///
/// ```no_run
/// let installation = codex_runtime::Installation::pinned()?;
/// match installation.check()? {
///     Some(runtime) => println!("{}", runtime.program().display()),
///     None => println!("not installed in {}", installation.dir().display()),
/// }
/// # Ok::<(), codex_runtime::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// `<cache>/openai-codex/runtime`.
    root: PathBuf,
    dir: PathBuf,
    pin: Pin,
    target: Target,
}

impl Installation {
    /// Returns the place of this crate's pinned runtime, for this user and platform.
    ///
    /// # Errors
    ///
    /// [`Error::NoCacheDir`] if there is no home folder,
    /// [`Error::UnknownPlatform`] if no runtime is published for this platform.
    pub fn pinned() -> Result<Self, Error> {
        Self::pinned_in(&Environment::current())
    }

    /// As [`pinned`](Self::pinned), with these variables instead of those of the process.
    ///
    /// # Errors
    ///
    /// As [`pinned`](Self::pinned).
    pub fn pinned_in(environment: &Environment) -> Result<Self, Error> {
        let cache = cache_dir(environment)?;
        Ok(Self::new(&cache, Pin::current(), Target::current()?))
    }

    /// Returns the place of a runtime below a cache folder.
    #[must_use]
    pub fn new(cache: &Path, pin: Pin, target: Target) -> Self {
        let root = cache.join("openai-codex").join("runtime");
        let dir = root.join(pin.version().to_string()).join(target.triple());
        Self {
            root,
            dir,
            pin,
            target,
        }
    }

    /// Returns the folder that the runtime is, or would be, installed in.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the pin.
    #[must_use]
    pub fn pin(&self) -> &Pin {
        &self.pin
    }

    /// Returns the platform.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }

    /// Returns the installed runtime, or `None` if there is none.
    ///
    /// Compares the names, kinds and sizes of the files with what was
    /// installed, which takes milliseconds. Contents are not read.
    ///
    /// # Errors
    ///
    /// [`Error::CorruptCache`] if something is there, but is not what was installed.
    pub fn check(&self) -> Result<Option<Runtime>, Error> {
        match fs::symlink_metadata(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(self.corrupt("a file is where a folder should be"));
            }
            Err(error) => return Err(Error::io("read", &self.dir, error)),
            Ok(meta) if !meta.is_dir() => return Err(self.corrupt("it is not a folder")),
            Ok(_) => {}
        }
        let manifest = self.manifest()?;
        for entry in manifest.entries() {
            entry
                .check_kind(&self.dir)
                .map_err(|reason| self.corrupt(reason))?;
        }
        Ok(Some(self.runtime()))
    }

    /// Reads the list of what was installed.
    pub(crate) fn manifest(&self) -> Result<Manifest, Error> {
        let file = self.dir.join(MANIFEST);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(self.corrupt(format!("{MANIFEST} is missing")));
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(self.corrupt(format!("{MANIFEST} is not text")));
            }
            Err(error) => return Err(Error::io("read", file, error)),
        };
        let manifest = Manifest::parse(&text).map_err(|reason| self.corrupt(reason))?;
        let package = self.pin.package(self.target)?;
        if manifest.integrity() != package.integrity() {
            return Err(self.corrupt(format!(
                "it was installed from {}, not from the pinned package",
                manifest.integrity()
            )));
        }
        match manifest.missing(self.target).as_slice() {
            [] => Ok(manifest),
            missing => Err(self.corrupt(format!("{MANIFEST} lacks {}", missing.join(", ")))),
        }
    }

    pub(crate) fn corrupt(&self, reason: impl Into<String>) -> Error {
        Error::CorruptCache {
            dir: self.dir.clone(),
            reason: reason.into(),
        }
    }

    pub(crate) fn runtime(&self) -> Runtime {
        let program = format!("codex{}", self.target.executable_suffix());
        Runtime {
            program: self.dir.join("bin").join(program),
            source: Source::Pinned,
            version: Some(self.pin.version().clone()),
            path_dir: Some(self.dir.join("codex-path")),
        }
    }

    #[cfg(feature = "install")]
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

/// Returns the user's cache folder, absolute.
pub(crate) fn cache_dir(environment: &Environment) -> Result<PathBuf, Error> {
    let given = environment.non_empty(CACHE_VARIABLE).map(PathBuf::from);
    let dir = given.or_else(|| platform_cache(environment));
    let dir = dir.ok_or(Error::NoCacheDir {
        variables: if cfg!(windows) {
            "OPENAI_CODEX_CACHE or LOCALAPPDATA"
        } else {
            "OPENAI_CODEX_CACHE or HOME"
        },
    })?;
    std::path::absolute(&dir).map_err(|source| Error::io("resolve", dir, source))
}

fn platform_cache(environment: &Environment) -> Option<PathBuf> {
    let absolute = |key| {
        let path = PathBuf::from(environment.non_empty(key)?);
        path.is_absolute().then_some(path)
    };
    if cfg!(windows) {
        absolute("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        Some(absolute("HOME")?.join("Library").join("Caches"))
    } else {
        absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn cache(vars: &[(&str, &str)]) -> Option<PathBuf> {
        cache_dir(&Environment::unix(vars.iter().copied())).ok()
    }

    #[test]
    fn the_cache_folder_follows_the_platform() {
        let home = ("HOME", "/home/u");
        let xdg = ("XDG_CACHE_HOME", "/xdg");
        assert_eq!(cache(&[home]), Some("/home/u/.cache".into()));
        assert_eq!(cache(&[home, xdg]), Some("/xdg".into()));
        assert_eq!(
            cache(&[home, ("XDG_CACHE_HOME", "rel")]),
            Some("/home/u/.cache".into())
        );
        assert_eq!(
            cache(&[home, xdg, (CACHE_VARIABLE, "/mine")]),
            Some("/mine".into())
        );
        assert_eq!(
            cache(&[home, (CACHE_VARIABLE, "")]),
            Some("/home/u/.cache".into())
        );
        assert!(cache(&[(CACHE_VARIABLE, "rel")]).unwrap().is_absolute());
        assert_eq!(cache(&[]), None);
    }

    #[test]
    fn the_folder_names_the_version_and_the_target() {
        let pin = Pin::current();
        let dir = format!(
            "/c/openai-codex/runtime/{}/aarch64-apple-darwin",
            pin.version()
        );
        let installation = Installation::new(Path::new("/c"), pin, Target::DarwinArm64);
        assert_eq!(installation.dir(), Path::new(&dir));
        assert_eq!(installation.check().unwrap(), None);
    }
}
