//! The list of what was installed. It is written last, so having it means being complete.

use std::fs;
use std::path::Path;

use crate::Target;

/// The file in the installation that holds the list.
pub(crate) const MANIFEST: &str = "install-manifest.txt";

const HEADER: &str = "openai-codex runtime manifest 1";

/// What was installed: the digest of the package, and one entry a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    integrity: String,
    entries: Vec<Entry>,
}

/// One installed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Hexadecimal SHA-256 of the contents.
    pub(crate) sha256: String,
    pub(crate) size: u64,
    pub(crate) executable: bool,
    /// Relative to the installation, separated by `/`.
    pub(crate) path: String,
}

impl Manifest {
    #[cfg(feature = "install")]
    pub(crate) fn new(integrity: &str, mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|left, right| left.path.cmp(&right.path));
        Self {
            integrity: integrity.to_owned(),
            entries,
        }
    }

    pub(crate) fn integrity(&self) -> &str {
        &self.integrity
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Names what a complete runtime has and this one lacks.
    pub(crate) fn missing(&self, target: Target) -> Vec<String> {
        let suffix = target.executable_suffix();
        let file = |path: String| {
            let found = self.entries.iter().any(|entry| entry.path == path);
            (!found).then_some(path)
        };
        let folder = |path: &str| {
            let found = self
                .entries
                .iter()
                .any(|entry| entry.path.starts_with(path));
            (!found).then(|| path.to_owned())
        };
        [
            file("codex-package.json".to_owned()),
            file(format!("bin/codex{suffix}")),
            file(format!("bin/codex-code-mode-host{suffix}")),
            folder("codex-resources/"),
            folder("codex-path/"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    #[cfg(feature = "install")]
    pub(crate) fn render(&self) -> String {
        let mut text = format!("{HEADER}\n{}\n", self.integrity);
        for entry in &self.entries {
            let kind = if entry.executable { "x" } else { "-" };
            text += &format!("{} {} {kind} {}\n", entry.sha256, entry.size, entry.path);
        }
        text + "end\n"
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return Err(format!("{MANIFEST} is not one that this version reads"));
        }
        let integrity = lines.next().unwrap_or_default().to_owned();
        let mut entries = Vec::new();
        for line in lines.by_ref().take_while(|line| *line != "end") {
            let entry = parse_entry(line);
            entries.push(entry.ok_or_else(|| format!("{MANIFEST} has a broken line"))?);
        }
        if !text.ends_with("end\n") {
            return Err(format!("{MANIFEST} is cut off"));
        }
        Ok(Self { integrity, entries })
    }
}

impl Entry {
    /// Compares kind, size and executable bit with the file that is there.
    pub(crate) fn check_kind(&self, dir: &Path) -> Result<(), String> {
        let meta = fs::symlink_metadata(dir.join(&self.path))
            .map_err(|error| format!("{} cannot be read ({})", self.path, error.kind()))?;
        if !meta.is_file() {
            return Err(format!("{} is not a regular file", self.path));
        }
        if meta.len() != self.size {
            let (is, was) = (meta.len(), self.size);
            return Err(format!(
                "{} has {is} bytes, {was} were installed",
                self.path
            ));
        }
        if self.executable && !crate::program::may_execute(&meta) {
            return Err(format!("{} is not executable any more", self.path));
        }
        Ok(())
    }
}

fn parse_entry(line: &str) -> Option<Entry> {
    let mut parts = line.splitn(4, ' ');
    let entry = Entry {
        sha256: parts.next()?.to_owned(),
        size: parts.next()?.parse().ok()?,
        executable: parts.next()? == "x",
        path: parts.next()?.to_owned(),
    };
    (entry.sha256.len() == 64).then_some(entry)
}

#[cfg(all(test, feature = "install"))]
mod tests {
    use super::*;

    fn entry(path: &str, executable: bool) -> Entry {
        Entry {
            sha256: "a".repeat(64),
            size: 7,
            executable,
            path: path.to_owned(),
        }
    }

    #[test]
    fn a_manifest_reads_back_as_it_was_written() {
        let entries = vec![entry("codex-path/rg", true), entry("bin/a b", false)];
        let manifest = Manifest::new("sha512-x", entries);
        assert_eq!(Manifest::parse(&manifest.render()), Ok(manifest.clone()));
        assert_eq!(manifest.entries().first(), Some(&entry("bin/a b", false)));
        assert_eq!(
            manifest.missing(Target::Win32X64),
            [
                "codex-package.json",
                "bin/codex.exe",
                "bin/codex-code-mode-host.exe",
                "codex-resources/"
            ]
        );
    }

    #[test]
    fn a_damaged_manifest_is_refused() {
        let whole = Manifest::new("sha512-x", vec![entry("bin/codex", true)]).render();
        for (text, reason) in [
            (String::new(), "is not one that this version reads"),
            (whole.replace("end\n", ""), "is cut off"),
            (whole.replace(" 7 ", " seven "), "has a broken line"),
            (whole.replace("aaaa", "a"), "has a broken line"),
        ] {
            let error = Manifest::parse(&text).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
