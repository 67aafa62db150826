//! Environment variables as plain data, with the rules of either platform.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::Error;

/// A set of environment variables that follows the rules of its platform.
///
/// On Windows names are compared without regard to case, and the spelling
/// that came first stays. Everything in this crate that looks at the
/// environment takes it from such a value, so nothing depends on that of the
/// process unless it is asked to.
///
/// ```
/// use codex_runtime::Environment;
///
/// let mut windows = Environment::windows([("Path", r"C:\bin"), ("HOME", "x")]);
/// windows.set("PATH", r"C:\tools");
/// assert_eq!(windows.get("path"), Some(r"C:\tools".as_ref()));
/// assert_eq!(windows.iter().next().unwrap().0, "Path");
/// ```
/// Its `Debug` form shows the names, and not the values, which may be secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Environment {
    vars: Vec<(OsString, OsString)>,
    windows: bool,
}

impl Environment {
    /// Copies the environment of this process.
    #[must_use]
    pub fn current() -> Self {
        Self::native(std::env::vars_os())
    }

    /// Makes an environment with the rules of the platform that this program runs on.
    pub fn native<K: Into<OsString>, V: Into<OsString>>(
        vars: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self::with_rules(cfg!(windows), vars)
    }

    /// Makes an environment with the rules of Unix.
    pub fn unix<K: Into<OsString>, V: Into<OsString>>(
        vars: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self::with_rules(false, vars)
    }

    /// Makes an environment with the rules of Windows.
    pub fn windows<K: Into<OsString>, V: Into<OsString>>(
        vars: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self::with_rules(true, vars)
    }

    fn with_rules<K: Into<OsString>, V: Into<OsString>>(
        windows: bool,
        vars: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let mut environment = Self {
            vars: Vec::new(),
            windows,
        };
        for (key, value) in vars {
            let key = key.into();
            if environment.get(&key).is_none() {
                environment.vars.push((key, value.into()));
            }
        }
        environment
    }

    /// Returns the value of a variable.
    #[must_use]
    pub fn get(&self, key: impl AsRef<OsStr>) -> Option<&OsStr> {
        let at = self.position(key.as_ref())?;
        self.vars.get(at).map(|(_, value)| value.as_os_str())
    }

    /// Sets a variable; one that exists keeps its place and the spelling of its name.
    pub fn set(&mut self, key: impl Into<OsString>, value: impl Into<OsString>) {
        let key = key.into();
        match self.position(&key).and_then(|at| self.vars.get_mut(at)) {
            Some((_, old)) => *old = value.into(),
            None => self.vars.push((key, value.into())),
        }
    }

    /// Removes a variable, in every spelling that the platform holds to be the same.
    pub fn remove(&mut self, key: impl AsRef<OsStr>) {
        let (windows, key) = (self.windows, key.as_ref());
        self.vars.retain(|(name, _)| !same_name(windows, name, key));
    }

    /// Removes every variable.
    pub fn clear(&mut self) {
        self.vars.clear();
    }

    /// Keeps only the variables whose names are accepted.
    pub(crate) fn retain(&mut self, accepts: impl Fn(&OsStr) -> bool) {
        self.vars.retain(|(name, _)| accepts(name));
    }

    /// Lists the programs of Codex on `PATH`, in its order.
    #[must_use]
    pub fn codex(&self) -> Vec<PathBuf> {
        self.on_path(if cfg!(windows) {
            &["codex.exe", "codex.cmd"]
        } else {
            &["codex"]
        })
    }

    /// Finds the npm client on `PATH`.
    #[must_use]
    pub fn npm(&self) -> Option<PathBuf> {
        let names: &[&str] = if cfg!(windows) {
            &["npm.cmd", "npm.exe"]
        } else {
            &["npm"]
        };
        self.on_path(names).into_iter().next()
    }

    /// Lists the variables in the order in which they were first set.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.vars
            .iter()
            .map(|(k, v)| (k.as_os_str(), v.as_os_str()))
    }

    /// Puts a folder first in `PATH` and removes it from every later place.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidLaunch`] if the folder's name has the character that
    /// separates the entries of `PATH`.
    pub fn prepend_path(&mut self, dir: &Path) -> Result<(), Error> {
        let separator = if self.windows { ';' } else { ':' };
        if dir.to_string_lossy().contains(separator) {
            return Err(Error::InvalidLaunch {
                reason: format!(
                    "{} cannot be put in PATH because of the {separator:?} in it; set {} to another folder",
                    dir.display(),
                    crate::cache::CACHE_VARIABLE
                ),
            });
        }
        let mut value = dir.as_os_str().to_owned();
        if let Some(old) = self.get("PATH") {
            // Splitting text that is not Unicode is not worth it: the folder
            // is first in any case, and a duplicate does no harm.
            match old.to_str() {
                Some(old) => {
                    for entry in old.split(separator) {
                        if !entry.is_empty() && !self.same_dir(Path::new(entry), dir) {
                            value.push(separator.to_string());
                            value.push(entry);
                        }
                    }
                }
                None => {
                    value.push(separator.to_string());
                    value.push(old);
                }
            }
        }
        self.set("PATH", value);
        Ok(())
    }

    /// Returns a variable's value unless it is empty, which counts as unset.
    pub(crate) fn non_empty(&self, key: &str) -> Option<&OsStr> {
        self.get(key).filter(|value| !value.is_empty())
    }

    /// Lists the executables with one of these names in the absolute folders of `PATH`.
    #[must_use]
    pub fn on_path(&self, names: &[&str]) -> Vec<PathBuf> {
        let path = self.get("PATH").unwrap_or_default();
        std::env::split_paths(path)
            // A relative entry would run whatever lies in the current folder.
            .filter(|dir| dir.is_absolute())
            .flat_map(|dir| names.iter().map(move |name| dir.join(name)))
            .filter(|file| crate::program::is_executable(file))
            .collect()
    }

    fn position(&self, key: &OsStr) -> Option<usize> {
        self.vars
            .iter()
            .position(|(name, _)| same_name(self.windows, name, key))
    }

    fn same_dir(&self, left: &Path, right: &Path) -> bool {
        if !self.windows {
            return left == right;
        }
        let plain = |path: &Path| {
            let text = path.to_string_lossy().replace('/', "\\").to_lowercase();
            text.trim_matches('"').trim_end_matches('\\').to_owned()
        };
        plain(left) == plain(right)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(key, _)| key))
            .finish()
    }
}

fn same_name(windows: bool, left: &OsStr, right: &OsStr) -> bool {
    if !windows {
        return left == right;
    }
    match (left.to_str(), right.to_str()) {
        (Some(left), Some(right)) => left.to_uppercase() == right.to_uppercase(),
        _ => left.eq_ignore_ascii_case(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_of(environment: &Environment) -> String {
        environment
            .get("PATH")
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    }

    /// The folder goes first in `PATH`, once.
    #[test]
    fn the_path_folder_comes_first_without_duplicates() {
        let mut unix = Environment::unix([("PATH", "/usr/bin:/rt/path:/bin:/rt/path/")]);
        unix.prepend_path(Path::new("/rt/path")).unwrap();
        assert_eq!(path_of(&unix), "/rt/path:/usr/bin:/bin");
        unix.prepend_path(Path::new("/rt/path")).unwrap();
        assert_eq!(path_of(&unix), "/rt/path:/usr/bin:/bin");

        let mut empty = Environment::unix([("PATH", "")]);
        empty.prepend_path(Path::new("/rt/path")).unwrap();
        assert_eq!(path_of(&empty), "/rt/path");

        let mut none = Environment::unix([("HOME", "/h")]);
        none.prepend_path(Path::new("/rt/path")).unwrap();
        assert_eq!(path_of(&none), "/rt/path");
    }

    /// The spelling that was there is kept.
    #[test]
    fn windows_keeps_its_spelling_of_path_and_drops_others() {
        let vars = [
            ("Path", r"C:\Bin;c:\RT\PATH\;D:\x"),
            ("PATH", "other"),
            ("path", "p"),
        ];
        let mut windows = Environment::windows(vars);
        windows.prepend_path(Path::new(r"C:\rt\path")).unwrap();
        let all: Vec<_> = windows.iter().collect();
        assert_eq!(all, [("Path".as_ref(), r"C:\rt\path;C:\Bin;D:\x".as_ref())]);

        let mut unix = Environment::unix([("Path", "a"), ("PATH", "/b")]);
        unix.prepend_path(Path::new("/d")).unwrap();
        assert_eq!(unix.get("Path"), Some("a".as_ref()));
        assert_eq!(unix.get("PATH"), Some("/d:/b".as_ref()));
    }

    #[test]
    fn a_folder_that_path_cannot_hold_is_refused() {
        let mut unix = Environment::unix([("PATH", "/b")]);
        let error = unix
            .prepend_path(Path::new("/a:b"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("/a:b") && error.contains("PATH"), "{error}");
        assert_eq!(unix.get("PATH"), Some("/b".as_ref()));
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_not_unicode_is_kept() {
        use std::os::unix::ffi::OsStringExt;
        let odd = OsString::from_vec(b"/bin:/\xff".to_vec());
        let mut unix = Environment::unix([(OsString::from("PATH"), odd)]);
        unix.prepend_path(Path::new("/d")).unwrap();
        let expected = OsString::from_vec(b"/d:/bin:/\xff".to_vec());
        assert_eq!(unix.get("PATH"), Some(expected.as_os_str()));
    }

    #[test]
    fn variables_are_set_and_removed_by_the_rules_of_the_platform() {
        let mut windows = Environment::windows([("Home", "1"), ("X", "2")]);
        windows.set("HOME", "3");
        windows.remove("x");
        let all: Vec<_> = windows.iter().collect();
        assert_eq!(all, [("Home".as_ref(), "3".as_ref())]);

        let mut unix = Environment::unix([("Home", "1")]);
        unix.set("HOME", "3");
        unix.remove("home");
        assert_eq!(unix.iter().count(), 2);
    }
}
