//! Diffs, split into files and kinds of lines.

use openai_codex::types::{FileUpdateChange, PatchChangeKind};

use super::text::visible;

/// What a line of a diff is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineKind {
    Added,
    Removed,
    Context,
    /// The place of a hunk.
    Place,
}

/// The diff of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileDiff {
    pub(crate) title: String,
    pub(crate) lines: Vec<(LineKind, String)>,
}

impl FileDiff {
    /// Reads the change of a file, as an item tells it.
    pub(crate) fn of_change(change: &FileUpdateChange, folder: &str) -> Self {
        let path = relative(&change.path, folder);
        let whole = |kind| {
            let lines = change.diff.lines();
            lines.map(|line| (kind, visible(line))).collect()
        };
        let is_unified = change.diff.lines().any(|line| line.starts_with("@@"));
        let (verb, lines) = match &change.kind {
            PatchChangeKind::Add(_) if !is_unified => ("add", whole(LineKind::Added)),
            PatchChangeKind::Delete(_) if !is_unified => ("delete", whole(LineKind::Removed)),
            PatchChangeKind::Add(_) => ("add", unified(&change.diff)),
            PatchChangeKind::Delete(_) => ("delete", unified(&change.diff)),
            _ => ("edit", unified(&change.diff)),
        };
        let mut title = format!("{verb} {path}");
        if let PatchChangeKind::Update(update) = &change.kind
            && let Some(to) = &update.move_path
        {
            title.push_str(&format!(" → {}", relative(to, folder)));
        }
        Self { title, lines }
    }

    /// Counts the lines that are added and removed.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let count = |wanted| {
            self.lines
                .iter()
                .filter(|(kind, _)| *kind == wanted)
                .count()
        };
        (count(LineKind::Added), count(LineKind::Removed))
    }
}

/// Splits a unified diff of several files.
pub(crate) fn split_files(diff: &str) -> Vec<FileDiff> {
    let mut files: Vec<FileDiff> = Vec::new();
    let mut in_header = true;
    for line in diff.lines() {
        if let Some(names) = line.strip_prefix("diff --git ") {
            let name = names.rsplit_once(" b/").map_or(names, |(_, name)| name);
            files.push(FileDiff {
                title: visible(name),
                lines: Vec::new(),
            });
            in_header = true;
            continue;
        }
        in_header = in_header && !line.starts_with("@@");
        if in_header && !files.is_empty() {
            continue;
        }
        if files.is_empty() {
            files.push(FileDiff {
                title: "changes".to_owned(),
                lines: Vec::new(),
            });
        }
        if let Some(file) = files.last_mut() {
            file.lines.push(classify(line));
        }
    }
    files
}

fn unified(diff: &str) -> Vec<(LineKind, String)> {
    let lines = diff
        .lines()
        .filter(|line| !line.starts_with("\\ No newline"));
    let mut in_header = true;
    lines
        .filter(|line| {
            in_header = in_header && !line.starts_with("@@");
            !(in_header && (line.starts_with("--- ") || line.starts_with("+++ ")))
        })
        .map(classify)
        .collect()
}

fn classify(line: &str) -> (LineKind, String) {
    let rest = || visible(line.get(1..).unwrap_or_default());
    match line.as_bytes().first() {
        Some(b'+') => (LineKind::Added, rest()),
        Some(b'-') => (LineKind::Removed, rest()),
        Some(b'@') => (LineKind::Place, visible(line)),
        Some(b' ') => (LineKind::Context, rest()),
        _ => (LineKind::Context, visible(line)),
    }
}

/// Writes a path below the folder as the user would.
fn relative(path: &str, folder: &str) -> String {
    let rest = path.strip_prefix(folder).filter(|_| !folder.is_empty());
    let rest = rest.and_then(|rest| rest.strip_prefix(['/', '\\']));
    visible(rest.unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_of_two_files_is_split() {
        let diff = "diff --git a/x.txt b/x.txt\nindex 1..2 100644\n--- a/x.txt\n+++ b/x.txt\n@@ -1 +1 @@\n-old\n+new\n\
                    diff --git a/y b/y\n--- /dev/null\n+++ b/y\n@@ -0,0 +1 @@\n++++ plus\n";
        let files = split_files(diff);
        let titles: Vec<_> = files.iter().map(|file| file.title.as_str()).collect();
        assert_eq!(titles, ["x.txt", "y"]);
        assert_eq!(files[0].counts(), (1, 1));
        assert_eq!(files[1].lines[1], (LineKind::Added, "+++ plus".to_owned()));
    }

    #[test]
    fn paths_below_the_folder_are_short() {
        assert_eq!(relative("/w/a/b.rs", "/w"), "a/b.rs");
        assert_eq!(relative("/wood/b.rs", "/w"), "/wood/b.rs");
        assert_eq!(relative("/w/b", ""), "/w/b");
    }
}
