//! The messages that were sent before, kept in a file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How many messages are read from the file, and kept in it.
const KEPT: usize = 1000;

/// The messages that were sent before, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    entries: Vec<String>,
    /// The entry that is shown, and the text that was typed before it was.
    shown: Option<(usize, String)>,
    file: Option<PathBuf>,
}

impl History {
    /// Keeps messages in no file.
    pub(crate) fn in_memory() -> Self {
        Self::default()
    }

    /// Reads the user's file; one that is missing or cannot be read is empty.
    pub(crate) fn of_user() -> Self {
        match user_file() {
            Some(file) => Self::in_file(file),
            None => Self::in_memory(),
        }
    }

    fn in_file(file: PathBuf) -> Self {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let mut entries: Vec<String> = text.lines().map(unescape).collect();
        let surplus = entries.len().saturating_sub(KEPT);
        entries.drain(..surplus);
        if surplus > KEPT {
            let lines: String = entries.iter().map(|entry| escape(entry) + "\n").collect();
            // The file stays long where that fails.
            let _ = open(&file, |options| options.truncate(true))
                .and_then(|mut file| file.write_all(lines.as_bytes()));
        }
        Self {
            entries,
            shown: None,
            file: Some(file),
        }
    }

    /// Adds a message.
    ///
    /// # Errors
    ///
    /// If it cannot be written to the file; it is remembered all the same.
    pub(crate) fn add(&mut self, text: &str) -> io::Result<()> {
        self.shown = None;
        if text.trim().is_empty() || self.entries.last().is_some_and(|last| last == text) {
            return Ok(());
        }
        self.entries.push(text.to_owned());
        let Some(path) = &self.file else {
            return Ok(());
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = open(path, |options| options.append(true))?;
        file.write_all((escape(text) + "\n").as_bytes())
    }

    /// Returns the message before the one that is shown; `typed` comes back after the last one.
    pub(crate) fn older(&mut self, typed: &str) -> Option<&str> {
        let (index, typed) = match self.shown.take() {
            Some((index, typed)) => (index.saturating_sub(1), typed),
            None => (self.entries.len().checked_sub(1)?, typed.to_owned()),
        };
        self.shown = Some((index, typed));
        self.entries.get(index).map(String::as_str)
    }

    /// Returns the message after the one that is shown, or what was typed before.
    pub(crate) fn newer(&mut self) -> Option<String> {
        let (index, typed) = self.shown.take()?;
        match self.entries.get(index + 1) {
            Some(entry) => {
                let entry = entry.clone();
                self.shown = Some((index + 1, typed));
                Some(entry)
            }
            None => Some(typed),
        }
    }
}

/// Opens the file for writing; only the user may read it.
fn open(path: &Path, how: impl FnOnce(&mut OpenOptions) -> &mut OpenOptions) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    how(&mut options).open(path)
}

/// Finds the file below the user's folder for state.
fn user_file() -> Option<PathBuf> {
    let folder = |key: &str| {
        let value = std::env::var_os(key).map(PathBuf::from);
        value.filter(|path| path.is_absolute())
    };
    let state = if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else {
        folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))
    };
    Some(state?.join("codex-chat").join("history"))
}

/// Writes a message as one line.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

fn unescape(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                other => out.extend(other),
            },
            char => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_in_order_and_then_what_was_typed() {
        let mut history = History::in_memory();
        assert_eq!(history.older("x"), None);
        for text in ["one", "two", "two"] {
            history.add(text).unwrap();
        }
        assert_eq!(history.older("typed"), Some("two"));
        assert_eq!(history.older("two"), Some("one"));
        assert_eq!(history.older("one"), Some("one"));
        assert_eq!(history.newer().as_deref(), Some("two"));
        assert_eq!(history.newer().as_deref(), Some("typed"));
        assert_eq!(history.newer(), None);
    }

    #[test]
    fn messages_are_kept_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/history");
        let mut history = History::in_file(path.clone());
        history.add("a \\n\nb").unwrap();
        history.add("c").unwrap();
        let mut again = History::in_file(path);
        assert_eq!(again.older(""), Some("c"));
        assert_eq!(again.older(""), Some("a \\n\nb"));
    }
}
