//! Diffs in color.

use ratatui::text::Span;

use super::style;
use super::wrap::Row;
use crate::state::{FileDiff, LineKind};

/// Writes the diffs of files; of each at most so many lines.
pub(crate) fn rows(files: &[FileDiff], limit: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for file in files {
        let (added, removed) = file.counts();
        rows.push(Row::new([
            Span::styled(file.title.clone(), style::BOLD),
            Span::styled(format!("  +{added}"), style::ADDED),
            Span::styled(format!(" -{removed}"), style::REMOVED),
        ]));
        for (kind, text) in file.lines.iter().take(limit) {
            let (mark, style) = match kind {
                LineKind::Added => ("+ ", style::ADDED),
                LineKind::Removed => ("- ", style::REMOVED),
                LineKind::Context => ("  ", style::PLAIN),
                LineKind::Place => ("", style::PLACE),
            };
            let row = Row::text(text.clone(), style).code();
            rows.push(
                row.prefixed(Span::styled(mark, style))
                    .prefixed(Span::raw("  ")),
            );
        }
        let hidden = file.lines.len().saturating_sub(limit);
        if hidden > 0 {
            rows.push(more(hidden, "below"));
        }
    }
    rows
}

/// Says how many lines are not shown.
pub(crate) fn more(hidden: usize, place: &str) -> Row {
    let lines = if hidden == 1 { "line" } else { "lines" };
    Row::text(format!("  … {hidden} {lines} {place} (Ctrl-O)"), style::DIM)
}
