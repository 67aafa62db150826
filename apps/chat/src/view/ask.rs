//! A question of the agent, with the keys that answer it.

use openai_codex::approval::{Approval, Subject};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, BorderType};

use super::wrap::{Row, wrap_all};
use super::{Scene, diff, style};
use crate::questions::{Answers, question};
use crate::state::{Ask, FileDiff, visible};

/// The frame and the keys.
const AROUND: u16 = 3;

/// Returns the height of a question: at most two thirds of the screen.
pub(crate) fn height(ask: &Ask, area: Rect) -> u16 {
    let lines = lines(&ask.approval, area.width).len();
    let height = u16::try_from(lines)
        .unwrap_or(u16::MAX)
        .saturating_add(AROUND);
    height.min(area.height * 2 / 3).max(AROUND + 1)
}

pub(crate) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    ask: &Ask,
    scene: &Scene<'_>,
    top: &mut usize,
) {
    let approval = &ask.approval;
    let waiting = scene.state.asks.len() - 1;
    let title = match waiting {
        0 => format!(" {} ", question(approval)),
        more => format!(" {} (and {more} more) ", question(approval)),
    };
    let border = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(style::ASK)
        .title(Span::styled(title, style::ASK));
    let inner = border.inner(area);
    frame.render_widget(border, area);
    let lines = lines(approval, area.width);
    let shown = usize::from(inner.height.saturating_sub(1));
    let last = lines.len().saturating_sub(shown);
    *top = (*top).min(last);
    let body = Rect {
        height: inner.height.saturating_sub(1),
        ..inner
    };
    let shown: Vec<Line<'_>> = lines.into_iter().skip(*top).take(shown).collect();
    frame.render_widget(Text::from(shown), body);
    let keys = Rect {
        y: inner.bottom().saturating_sub(1),
        height: 1,
        ..inner
    };
    frame.render_widget(keys_line(approval, scene, last.saturating_sub(*top)), keys);
}

fn keys_line(approval: &Approval, scene: &Scene<'_>, below: usize) -> Line<'static> {
    if !scene.answering {
        return Line::styled("Tab: answer", style::ASK);
    }
    // The keys are named once they count.
    if !scene.ready {
        return Line::styled("…", style::DIM);
    }
    let mut spans = Vec::new();
    for (key, word) in Answers::of(approval).keys() {
        spans.push(Span::styled(key.to_string(), style::ASK));
        spans.push(Span::raw(format!(" {word}   ")));
    }
    if below > 0 {
        spans.push(Span::styled(
            format!("{below} more lines: Down"),
            style::DIM,
        ));
    }
    Line::from(spans)
}

fn lines(approval: &Approval, width: u16) -> Vec<Line<'static>> {
    wrap_all(&rows(approval), usize::from(width.saturating_sub(2)))
}

fn rows(approval: &Approval) -> Vec<Row> {
    let mut rows = Vec::new();
    match &approval.subject {
        Subject::Command(command) => {
            let line = visible(command.line());
            rows.extend(line.split('\n').enumerate().map(|(index, line)| {
                let mark = if index == 0 { "$ " } else { "  " };
                let row = Row::text(line.to_owned(), style::COMMAND).code();
                row.prefixed(Span::styled(mark, style::COMMAND))
            }));
            let cwd = command.cwd().map(|cwd| cwd.display().to_string());
            fact(&mut rows, "in", cwd.as_deref());
            if let Some(context) = &command.raw().network_approval_context {
                let host = format!("{} ({})", context.host, context.protocol.as_str());
                fact(&mut rows, "network", Some(&host));
            }
            let rule = command.proposed_rule().map(|rule| rule.to_string());
            fact(&mut rows, "always", rule.as_deref());
        }
        Subject::FileChange(change) => {
            let files: Vec<_> = change
                .changes()
                .iter()
                .map(|change| FileDiff::of_change(change, ""))
                .collect();
            rows.extend(diff::rows(&files, usize::MAX));
            let root = change.raw().grant_root.as_deref();
            fact(&mut rows, "and write below", root);
        }
        Subject::Permissions(permissions) => {
            let raw = permissions.raw();
            let wanted = serde_json::to_string_pretty(&raw.permissions).unwrap_or_default();
            let wanted = visible(&wanted);
            rows.extend(
                wanted
                    .lines()
                    .map(|line| Row::text(line.to_owned(), style::PLAIN).code()),
            );
            fact(&mut rows, "in", Some(&raw.cwd.0));
        }
        // Of a newer SDK: all that there is.
        other => rows.push(Row::text(visible(&format!("{other:?}")), style::PLAIN)),
    }
    fact(&mut rows, "reason", approval.reason.as_deref());
    rows
}

fn fact(rows: &mut Vec<Row>, name: &'static str, value: Option<&str>) {
    if let Some(value) = value {
        let row = Row::text(visible(value).replace('\n', " "), style::PLAIN);
        rows.push(row.prefixed(Span::styled(format!("{name}: "), style::DIM)));
    }
}
