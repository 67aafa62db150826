//! A copy of what the generator reads and writes, and the command on it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

pub const GENERATED: &str = "crates/codex-types/src/generated";

/// The folders of the tree that `regen` touches, in a temporary folder.
pub struct Copy {
    dir: tempfile::TempDir,
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Whether the tree is what the generator makes; after a bump rows of its tables may be stale.
    pub fn is_up_to_date(&self) -> bool {
        self.stdout == "schema and generated types are up to date\n"
            && self.stderr.lines().all(|line| {
                let known = ["stale: ", "undecided: ", "error: "];
                known.iter().any(|start| line.starts_with(start))
            })
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            success: output.status.success(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Copy {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let copy = Self { dir };
        for folder in ["schema", GENERATED] {
            fs::create_dir_all(copy.path(folder)).unwrap();
            for entry in fs::read_dir(workspace().join(folder)).unwrap() {
                let entry = entry.unwrap();
                fs::copy(entry.path(), copy.path(folder).join(entry.file_name())).unwrap();
            }
        }
        copy
    }

    pub fn path(&self, inside: &str) -> PathBuf {
        self.dir.path().join(inside)
    }

    /// Runs `xtask regen` on the copy.
    pub fn regen(&self, args: &[&str]) -> Ran {
        self.regen_in(args, |_| ())
    }

    /// The same with changes to how it is run.
    pub fn regen_in(&self, args: &[&str], change: impl FnOnce(&mut Command)) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .arg("regen")
            .arg("--root")
            .arg(self.dir.path())
            .args(args);
        change(&mut command);
        command.output().unwrap().into()
    }

    /// All files with their bytes.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for folder in ["schema", GENERATED] {
            for entry in fs::read_dir(self.path(folder)).unwrap() {
                let path = entry.unwrap().path();
                let name = path
                    .strip_prefix(self.dir.path())
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                files.insert(name.replace('\\', "/"), fs::read(&path).unwrap());
            }
        }
        files
    }

    /// Dates all files back, so that a write shows.
    pub fn age(&self) -> SystemTime {
        let old = SystemTime::now() - Duration::from_secs(3600);
        for name in self.files().keys() {
            let file = fs::File::options()
                .write(true)
                .open(self.path(name))
                .unwrap();
            file.set_modified(old).unwrap();
        }
        fs::metadata(self.path("schema/SOURCE.json"))
            .unwrap()
            .modified()
            .unwrap()
    }

    /// The files that were written after [`age`](Self::age).
    pub fn written_since(&self, old: SystemTime) -> Vec<String> {
        let files = self.files().into_keys();
        let modified = |name: &String| fs::metadata(self.path(name)).unwrap().modified().unwrap();
        files.filter(|name| modified(name) != old).collect()
    }

    /// Replaces one text in a file.
    pub fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(from), "{file} does not hold {from}");
        fs::write(self.path(file), text.replacen(from, to, 1)).unwrap();
    }
}
