//! A machine in a temporary folder: a scripted npm, a small package, an empty cache.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use codex_runtime::{Environment, Error, Installation, Installer, Pin, ProgressEvent, Target};
use sha2::{Digest, Sha512};
use tempfile::TempDir;

/// The version that the small package has.
pub const VERSION: &str = "7.8.9";

/// How long a test waits for anything.
pub const LIMIT: Duration = Duration::from_secs(60);

pub struct Machine {
    _temp: Option<TempDir>,
    dir: PathBuf,
}

impl Machine {
    /// A machine whose npm delivers the given package, and whose pin expects it.
    pub fn with_package(package: &[u8]) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let machine = Self {
            dir: temp.path().to_owned(),
            _temp: Some(temp),
        };
        fs::write(machine.package(), package).unwrap();
        machine.pin_package();
        machine.npm("cp \"$package\" \"$dest/openai-codex.tgz\"");
        machine
    }

    /// A machine that another process made.
    pub fn existing(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            _temp: None,
        }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file that the scripted npm delivers.
    pub fn package(&self) -> PathBuf {
        self.dir.join("package.tgz")
    }

    pub fn cache(&self) -> PathBuf {
        self.dir.join("home").join("cache")
    }

    /// Pins what the package file holds now.
    pub fn pin_package(&self) {
        let digest = Sha512::digest(fs::read(self.package()).unwrap());
        let digest = base64::engine::general_purpose::STANDARD.encode(digest);
        fs::write(self.dir.join("digest"), format!("sha512-{digest}")).unwrap();
    }

    /// Replaces npm by a shell script, which finds `$dest`, `$cache` and `$package`.
    pub fn npm(&self, body: &str) {
        let script = format!(
            "#!/bin/sh\npackage='{}'\necho \"$@\" >> '{}'\n\
             while [ $# -gt 0 ]; do\n  case \"$1\" in\n    --pack-destination) dest=$2 ;;\n    \
             --cache) cache=$2 ;;\n  esac\n  shift\ndone\n{body}\n",
            self.package().display(),
            self.dir.join("npm-calls").display(),
        );
        write_script(&self.dir.join("bin").join("npm"), &script);
    }

    /// The command lines that npm was called with.
    pub fn npm_calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.dir.join("npm-calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// The machine's variables, with its npm and the system's tools on `PATH`.
    pub fn environment(&self) -> Environment {
        let path = format!("{}:/usr/bin:/bin", self.dir.join("bin").display());
        let home = self.dir.join("home").display().to_string();
        let cache = self.cache().display().to_string();
        Environment::unix([
            ("PATH", path),
            ("HOME", home),
            ("OPENAI_CODEX_CACHE", cache),
            ("NPM_TOKEN", "npm-secret-value".to_owned()),
        ])
    }

    pub fn pin(&self) -> Pin {
        let target = Target::current().unwrap();
        let digest = fs::read_to_string(self.dir.join("digest")).unwrap();
        let package =
            codex_runtime::Package::new("fake", format!("{VERSION}-{}", target.name()), digest);
        Pin::new(VERSION.parse().unwrap()).with_package(target, package)
    }

    pub fn installer(&self) -> Installer {
        Installer::new()
            .environment(self.environment())
            .pin(self.pin())
            .progress(|_: &ProgressEvent<'_>| {})
    }

    pub fn installation(&self) -> Installation {
        Installation::new(&self.cache(), self.pin(), Target::current().unwrap())
    }

    /// Asserts that an installation failed, left nothing behind, and returns the error.
    #[track_caller]
    pub fn fails(&self, installer: Installer) -> Error {
        let error = installer.install().unwrap_err();
        assert_eq!(self.installation().check().unwrap(), None, "{error}");
        assert_eq!(files_below(&self.dir.join("home")), [""; 0], "{error}");
        error
    }

    /// Asserts that there is one whole installation and nothing else in the cache.
    #[track_caller]
    pub fn assert_only_the_runtime(&self) {
        assert_eq!(self.installation().verify().unwrap().files, 6);
        let all = files_below(&self.cache());
        let prefix = format!("openai-codex/runtime/{VERSION}/");
        let other: Vec<_> = all
            .iter()
            .filter(|file| !file.starts_with(&prefix))
            .collect();
        assert!(other.is_empty(), "{other:?}");
        assert_eq!(all.len(), 7, "{all:?}");
    }
}

/// Writes an executable without ever having it open for writing in this process:
/// a program that a test starts at that moment would inherit the open file, and
/// the script could not be started as long as it runs.
pub fn write_script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut child = Command::new("/bin/sh")
        .args(["-c", "cat > \"$1\" && chmod 755 \"$1\"", "sh"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
}

/// Lists files and empty folders below a folder, relative to it.
pub fn files_below(dir: &Path) -> Vec<String> {
    fn walk(dir: &Path, prefix: &str, found: &mut Vec<String>) {
        for entry in fs::read_dir(dir).into_iter().flatten() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            let before = found.len();
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), &format!("{name}/"), found);
            }
            if found.len() == before {
                found.push(name);
            }
        }
    }
    let mut found = Vec::new();
    walk(dir, "", &mut found);
    found.sort();
    found
}

/// Runs this test in a process of its own, as the given role; see [`role`].
pub fn spawn_role(test: &str, machine: &Machine) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("RUNTIME_TEST_MACHINE", machine.dir())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The machine that this process was started for, if a test started it.
pub fn role() -> Option<Machine> {
    let dir = std::env::var_os("RUNTIME_TEST_MACHINE")?;
    Some(Machine::existing(Path::new(&dir)))
}

/// Runs something that must end in time.
pub fn bounded<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, result) = mpsc::channel();
    thread::spawn(move || sender.send(what()));
    result.recv_timeout(LIMIT).unwrap()
}
