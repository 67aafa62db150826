//! Puts generated files in their place, or says how they differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use similar::TextDiff;

/// Generated files by name, relative to their folder.
pub type Files = BTreeMap<String, String>;

/// A folder that holds exactly the generated files, or one file of it.
pub struct Tree {
    dir: PathBuf,
    files: Files,
    /// Whether other files of the folder are to go.
    whole: bool,
}

/// Whether the folder was as generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Same,
    Changed,
}

impl Tree {
    pub fn new(dir: PathBuf, files: Files) -> Self {
        let whole = true;
        Self { dir, files, whole }
    }

    /// One file of a folder that has others.
    pub fn file(dir: &Path, name: &str, text: String) -> Self {
        Self {
            dir: dir.to_owned(),
            files: Files::from([(name.to_owned(), text)]),
            whole: false,
        }
    }

    /// Writes what differs and removes what is not generated.
    pub fn write(&self, root: &Path) -> Result<Outcome> {
        fs::create_dir_all(&self.dir)
            .with_context(|| format!("cannot make {}", self.dir.display()))?;
        let mut outcome = Outcome::Same;
        for name in self.names()? {
            let path = self.dir.join(&name);
            let (old, new) = (self.checked_in(&name)?, self.files.get(&name));
            if old.as_ref() == new {
                continue;
            }
            outcome = Outcome::Changed;
            let shown = shown(root, &path);
            match new {
                Some(new) => {
                    // A file is replaced whole, so that an interrupted run leaves the old one.
                    let temporary = path.with_extension("new");
                    fs::write(&temporary, new).with_context(|| format!("cannot write {shown}"))?;
                    fs::rename(&temporary, &path)
                        .with_context(|| format!("cannot write {shown}"))?;
                    println!("wrote {shown}");
                }
                None => {
                    fs::remove_file(&path).with_context(|| format!("cannot remove {shown}"))?;
                    println!("removed {shown}");
                }
            }
        }
        Ok(outcome)
    }

    /// Prints a unified diff of what [`write`](Self::write) would do.
    pub fn check(&self, root: &Path) -> Result<Outcome> {
        let mut outcome = Outcome::Same;
        for name in self.names()? {
            let old = self.checked_in(&name)?;
            let new = self.files.get(&name);
            if old.as_ref() == new {
                continue;
            }
            outcome = Outcome::Changed;
            let shown = shown(root, &self.dir.join(&name));
            let label = |side: &str, exists: bool| match exists {
                true => format!("{side}/{shown}"),
                false => "/dev/null".to_owned(),
            };
            let labels = (label("a", old.is_some()), label("b", new.is_some()));
            let (old, new) = (old.unwrap_or_default(), new.cloned().unwrap_or_default());
            let diff = TextDiff::from_lines(&old, &new);
            let mut unified = diff.unified_diff();
            print!("{}", unified.context_radius(3).header(&labels.0, &labels.1));
        }
        Ok(outcome)
    }

    /// Every file that is there or should be.
    fn names(&self) -> Result<BTreeSet<String>> {
        let mut names: BTreeSet<String> = self.files.keys().cloned().collect();
        if self.whole && self.dir.exists() {
            for entry in fs::read_dir(&self.dir)? {
                names.insert(entry?.file_name().to_string_lossy().into_owned());
            }
        }
        Ok(names)
    }

    fn checked_in(&self, name: &str) -> Result<Option<String>> {
        let path = self.dir.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }
}

/// The path as a reader at the root would type it.
fn shown(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}
