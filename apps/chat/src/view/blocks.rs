//! The blocks of a transcript as rows.

use ratatui::style::Style;
use ratatui::text::Span;

use super::diff::{self, more};
use super::wrap::Row;
use super::{markdown, style};
use crate::state::{Block, PlanMark, Progress, clean, visible};

/// How many lines of an output are shown in short, and of a thought.
const OUTPUT_LINES: usize = 8;
const THOUGHT_ROWS: usize = 6;
const DIFF_LINES: usize = 30;

/// Writes a block; outputs and thoughts in full if `expanded`.
pub(crate) fn rows(block: &Block, expanded: bool) -> Vec<Row> {
    match block {
        Block::User(text) => user(text, style::USER),
        Block::Agent(text) => markdown::rows(text, style::PLAIN),
        Block::Reasoning(text) => thought(text, expanded),
        Block::Command {
            line,
            output,
            progress,
            exit_code,
            duration_ms,
        } => {
            let mut rows = command_line(line, *progress, *exit_code, *duration_ms);
            rows.extend(output_rows(output, expanded));
            rows
        }
        Block::Change { files, progress } => {
            let limit = if expanded { usize::MAX } else { DIFF_LINES };
            change(diff::rows(files, limit), *progress)
        }
        Block::Diff(files) => diff::rows(files, usize::MAX),
        Block::Plan(steps) => plan(steps),
        Block::Tool {
            title,
            detail,
            progress,
        } => {
            let (mark, style, word) = told(*progress, "calling", "called");
            let mut rows = vec![titled(mark, style, word, title)];
            if !detail.is_empty() {
                rows.push(Row::text(detail.clone(), style::DIM).prefixed(Span::raw("  ")));
            }
            rows
        }
        Block::Note(text) => markdown::rows(text, style::PLAIN)
            .into_iter()
            .map(|row| row.prefixed_with(note_mark(), note_mark()))
            .collect(),
        Block::Error(text) => text
            .lines()
            .enumerate()
            .map(|(index, line)| {
                let mark = if index == 0 { "✗ " } else { "  " };
                let row = Row::text(line.to_owned(), Style::new().fg(ratatui::style::Color::Red));
                row.prefixed(Span::styled(mark, style::ERROR))
            })
            .collect(),
    }
}

/// Writes a message of the user.
pub(crate) fn user(text: &str, style: Style) -> Vec<Row> {
    let lines = text.split('\n').enumerate();
    lines
        .map(|(index, line)| {
            let mark = if index == 0 { "› " } else { "  " };
            Row::text(line.to_owned(), style).prefixed(Span::styled(mark, style))
        })
        .collect()
}

fn note_mark() -> Span<'static> {
    Span::styled("┃ ", style::DIM)
}

fn thought(text: &str, expanded: bool) -> Vec<Row> {
    let mut rows = markdown::rows(text, style::THOUGHT);
    if !expanded && rows.len() > THOUGHT_ROWS {
        let hidden = rows.len() - THOUGHT_ROWS;
        rows.truncate(THOUGHT_ROWS);
        rows.push(more(hidden, "below"));
    }
    rows
}

fn change(rows: Vec<Row>, progress: Progress) -> Vec<Row> {
    let (mark, mark_style, word) = told(progress, "changing", "");
    let rows = rows.into_iter().enumerate();
    rows.map(|(index, mut row)| {
        if index > 0 {
            return row.prefixed(Span::raw("  "));
        }
        if !word.is_empty() {
            row.spans
                .push(Span::styled(format!("  {word}"), style::DIM));
        }
        row.prefixed(Span::styled(mark, mark_style))
    })
    .collect()
}

fn command_line(
    line: &str,
    progress: Progress,
    exit_code: Option<i32>,
    duration_ms: Option<i64>,
) -> Vec<Row> {
    let (mark, mark_style, word) = told(progress, "running", "");
    let mut rows: Vec<Row> = Vec::new();
    let line = visible(short_command(line));
    for (index, line) in line.split('\n').enumerate() {
        let dollar = if index == 0 { "$ " } else { "  " };
        let row = Row::text(line.to_owned(), style::COMMAND).code();
        let row = row.prefixed(Span::styled(dollar, style::COMMAND));
        let mark = if index == 0 { mark } else { "  " };
        rows.push(row.prefixed(Span::styled(mark, mark_style)));
    }
    let mut facts = Vec::new();
    if !word.is_empty() {
        facts.push(word.to_owned());
    }
    if let Some(code) = exit_code.filter(|code| *code != 0) {
        facts.push(format!("exit {code}"));
    }
    if let Some(seconds) = duration_ms.filter(|ms| *ms >= 1000).map(|ms| ms / 1000) {
        facts.push(format!("{seconds} s"));
    }
    if let Some(row) = rows.last_mut()
        && !facts.is_empty()
    {
        let facts = format!("  {}", facts.join(", "));
        row.spans.push(Span::styled(facts, style::DIM));
    }
    rows
}

/// Takes the shell off that runs a line: `/bin/bash -lc 'line'`.
///
/// Only for commands that the user need not decide about; a question shows the line as it is.
fn short_command(line: &str) -> &str {
    let shells = [
        "/bin/bash -lc ",
        "/bin/sh -lc ",
        "/usr/bin/bash -lc ",
        "/bin/zsh -lc ",
        "bash -lc ",
    ];
    let rest = shells.iter().find_map(|shell| line.strip_prefix(shell));
    let Some(rest) = rest else {
        return line;
    };
    let quoted = rest
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''));
    match quoted {
        Some(inner) if !inner.contains('\'') => inner,
        _ => rest,
    }
}

fn output_rows(output: &str, expanded: bool) -> Vec<Row> {
    let output = clean(output);
    let lines: Vec<&str> = output.trim_end().lines().collect();
    let limit = if expanded { usize::MAX } else { OUTPUT_LINES };
    let hidden = lines.len().saturating_sub(limit);
    let mut rows = Vec::new();
    if hidden > 0 {
        rows.push(more(hidden, "above"));
    }
    let shown = lines.get(hidden..).unwrap_or_default();
    rows.extend(shown.iter().map(|line| {
        let row = Row::text(
            (*line).to_owned(),
            Style::new().fg(ratatui::style::Color::Gray),
        )
        .code();
        let bar = Span::styled("  │ ", style::DIM);
        row.prefixed_with(bar.clone(), bar)
    }));
    rows
}

fn plan(steps: &[(PlanMark, String)]) -> Vec<Row> {
    let mut rows = vec![titled("☰ ", style::HEADING, "plan", "")];
    rows.extend(steps.iter().map(|(mark, step)| {
        let (mark, style) = match mark {
            PlanMark::Done => ("  ✓ ", style::ADDED),
            PlanMark::Current => ("  ▸ ", style::ASK),
            PlanMark::Pending => ("  · ", style::DIM),
        };
        Row::text(step.clone(), style::PLAIN).prefixed(Span::styled(mark, style))
    }));
    rows
}

fn titled(mark: &'static str, mark_style: Style, word: &str, title: &str) -> Row {
    Row::new([
        Span::styled(word.to_owned(), style::DIM),
        Span::raw(if title.is_empty() { "" } else { " " }),
        Span::styled(title.to_owned(), style::BOLD),
    ])
    .prefixed(Span::styled(mark, mark_style))
}

/// Tells how far something has come: a mark, its style, and a word.
fn told(
    progress: Progress,
    running: &'static str,
    done: &'static str,
) -> (&'static str, Style, &'static str) {
    match progress {
        Progress::Running => ("… ", style::ASK, running),
        Progress::Asked => ("? ", style::ASK, "waits for you"),
        Progress::Done => ("✓ ", style::ADDED, done),
        Progress::Failed => ("✗ ", style::ERROR, "failed"),
        Progress::Declined => ("⊘ ", style::ERROR, "declined"),
        Progress::Left => ("? ", style::DIM, "left behind by the turn"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_is_taken_off_where_that_is_plain() {
        assert_eq!(short_command("/bin/bash -lc 'a b'"), "a b");
        assert_eq!(short_command("/bin/bash -lc ls"), "ls");
        assert_eq!(short_command("/bin/bash -lc 'a' 'b'"), "'a' 'b'");
        assert_eq!(short_command("bash -c x"), "bash -c x");
    }
}
