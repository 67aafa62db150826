//! An attempt to start a program, and what hindered it.
//!
//! The system answers with one number for many reasons: a missing folder, program and interpreter
//! are the same to it. So what was asked for is looked at again after it has refused.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::{Environment, Error, program, shortage};

mod file;

/// What was to be started.
pub(crate) struct Attempt<'a> {
    pub(crate) program: &'a OsStr,
    pub(crate) args: &'a [OsString],
    /// That of the program; `None` is that of this process.
    pub(crate) environment: Option<&'a Environment>,
    pub(crate) cwd: Option<&'a Path>,
}

impl Attempt<'_> {
    /// Makes the error that names what hindered the start, given what the system reported.
    pub(crate) fn failed(&self, source: io::Error) -> Error {
        Error::Spawn {
            program: self.program.into(),
            reason: self.reason(&source),
            source,
        }
    }

    fn reason(&self, source: &io::Error) -> String {
        if is_too_long(source) {
            return self.too_long();
        }
        if let Some(remedy) = shortage::remedy(source) {
            return remedy.to_owned();
        }
        if source.kind() == io::ErrorKind::InvalidInput {
            return "a NUL character is in its path, an argument, a variable or the folder; remove \
                    it"
            .to_owned();
        }
        if let Some(dir) = self.cwd
            && let Some(problem) = folder_problem(dir)
        {
            return format!("its working folder {} {problem}", dir.display());
        }
        match self.file() {
            Some(file) => file::hindrance(&file, source),
            None => "there is no such program on PATH; install it, or give its whole path".into(),
        }
    }

    /// Names the largest text that the program was to get; its content may be a secret.
    fn too_long(&self) -> String {
        let environment = self
            .environment
            .map_or_else(Environment::current, Environment::clone);
        let variables = environment.iter().map(|(name, value)| {
            let text = format!("the variable {}", name.display());
            (name.len() + value.len() + 1, text)
        });
        let args = self.args.iter().enumerate().map(|(at, arg)| {
            let text = arg.to_string_lossy();
            let before = at.checked_sub(1).and_then(|at| self.args.get(at));
            let name = match (before, text.split_once('=')) {
                (Some(before), Some((key, _))) if before == "--config" => {
                    format!("the config override {key:?}")
                }
                _ => format!("argument {}", at + 1),
            };
            (arg.len(), name)
        });
        let (size, name) = variables
            .chain(args)
            .max_by_key(|(size, _)| *size)
            .unwrap_or_default();
        format!(
            "its arguments and environment are larger than the system allows; the largest is \
             {name} of {size} bytes; make it smaller, or move it to a file such as config.toml"
        )
    }

    /// Finds the file that is meant, as the system looks for it.
    fn file(&self) -> Option<PathBuf> {
        let here = |path: &Path| self.cwd.unwrap_or(Path::new("")).join(path);
        let program = Path::new(self.program);
        if program.components().count() > 1 || program.has_root() {
            return Some(here(program));
        }
        let environment = self
            .environment
            .map_or_else(Environment::current, Environment::clone);
        let path = environment.get("PATH")?;
        let files: Vec<_> = std::env::split_paths(path)
            .map(|dir| here(&dir).join(program))
            .filter(|file| file.exists())
            .collect();
        let runs = files.iter().find(|file| program::is_executable(file));
        runs.or(files.first()).cloned()
    }
}

/// Says why no program can be started in a folder, and what to do; `None` if one can.
pub(crate) fn folder_problem(dir: &Path) -> Option<&'static str> {
    // The dot needs the permission to search the folder, which is what a start in it needs.
    match dir.join(".").metadata() {
        Ok(meta) if meta.is_dir() => None,
        Ok(_) => Some("is not a folder; give one"),
        Err(error) => Some(match error.kind() {
            _ if dir.is_file() => "is a file; give a folder",
            io::ErrorKind::NotFound => "does not exist; create it, or give another",
            io::ErrorKind::PermissionDenied => "may not be entered; give this user the permission",
            io::ErrorKind::NotADirectory => "is not a folder; give one",
            io::ErrorKind::InvalidFilename => "has a name that is too long; give another",
            io::ErrorKind::InvalidInput => "has a NUL character in its name; remove it",
            _ => "cannot be entered; give another",
        }),
    }
}

fn is_too_long(error: &io::Error) -> bool {
    /// `ERROR_FILENAME_EXCED_RANGE`, which is what a command line that is too long gets.
    const EXCEEDED: i32 = 206;
    error.kind() == io::ErrorKind::ArgumentListTooLong
        || (cfg!(windows) && error.raw_os_error() == Some(EXCEEDED))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// What the error says that this number of the system becomes.
    fn told(program: &str, cwd: Option<&str>, number: i32) -> String {
        let environment =
            Environment::unix([("PATH", "/usr/bin:/bin"), ("LONG", &"x".repeat(900))]);
        let attempt = Attempt {
            program: program.as_ref(),
            args: &[
                "--config".into(),
                format!("a.b={}", "secret".repeat(100)).into(),
            ],
            environment: Some(&environment),
            cwd: cwd.map(Path::new),
        };
        attempt
            .failed(io::Error::from_raw_os_error(number))
            .to_string()
    }

    #[test]
    fn shortages_are_named_whatever_else_is_wrong() {
        let (files, all_files) = (24, 23);
        let (processes, memory) = if cfg!(target_os = "linux") {
            (11, 12)
        } else {
            (35, 12)
        };
        for (number, words) in [
            (files, "this process has too many open files"),
            (all_files, "the system has too many open files"),
            (processes, "too many processes or threads"),
            (memory, "the memory does not suffice"),
        ] {
            let text = told("/no/such/codex", Some("/no/such/folder"), number);
            assert!(text.starts_with("cannot start /no/such/codex: "), "{text}");
            assert!(text.contains(words), "{text}");
            assert!(!text.contains("executable"), "{text}");
        }
    }

    #[test]
    fn the_largest_text_is_named_and_not_shown() {
        let text = told("/bin/sh", None, 7);
        assert!(text.contains("the variable LONG of 905 bytes"), "{text}");
        let attempt = Attempt {
            program: "/bin/sh".as_ref(),
            args: &[
                "--config".into(),
                format!("a.b={}", "secret".repeat(100)).into(),
            ],
            environment: Some(&Environment::unix([("PATH", "/bin")])),
            cwd: None,
        };
        let text = attempt.failed(io::Error::from_raw_os_error(7)).to_string();
        assert!(
            text.contains("the config override \"a.b\" of 604 bytes"),
            "{text}"
        );
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn a_program_is_looked_for_as_the_system_does() {
        let missing = 2;
        let text = told("no-such-codex", None, missing);
        assert!(text.contains("no such program on PATH"), "{text}");
        let text = told("bin/no-such", Some("/usr"), missing);
        assert!(text.contains("there is no such file"), "{text}");
        let text = told("sh", Some("/no/such/folder"), missing);
        assert!(
            text.contains("its working folder /no/such/folder does not exist"),
            "{text}"
        );
    }
}
