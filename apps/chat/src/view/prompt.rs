//! The place to type.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span, Text};
use unicode_width::UnicodeWidthStr;

use super::{Scene, style};
use crate::commands;

/// How many rows of the text are shown at most.
const ROWS: usize = 8;
const MARK: &str = "› ";

/// What is typed, as rows.
pub(crate) struct Prompt {
    above: Vec<Line<'static>>,
    rows: Vec<String>,
    cursor: (usize, usize),
}

/// Lays out what is typed, with what is attached to it and what could complete it.
pub(crate) fn rows(scene: &Scene<'_>, width: usize) -> Prompt {
    let mut above = vec![Line::styled("─".repeat(width), style::DIM)];
    for image in scene.images {
        let text = format!("  with the image {image}");
        above.push(Line::styled(text, style::PLACE));
    }
    let matches = commands::matching(scene.editor.text());
    if matches.len() > 1 {
        let names: Vec<String> = matches
            .iter()
            .map(|(name, ..)| format!("/{name}"))
            .collect();
        above.push(Line::styled(format!("  {}", names.join(" ")), style::DIM));
    } else if let [(name, argument, does)] = matches.as_slice() {
        above.push(Line::styled(
            format!("  /{name} {argument} {does}"),
            style::DIM,
        ));
    }
    let layout = scene.editor.layout(width.saturating_sub(MARK.width() + 1));
    let from = (layout.row + 1).saturating_sub(ROWS);
    Prompt {
        above,
        rows: layout.rows.into_iter().skip(from).take(ROWS).collect(),
        cursor: (layout.row - from, layout.column),
    }
}

impl Prompt {
    /// Returns its height, which is at most half of the screen.
    pub(crate) fn height(&self, screen: u16) -> u16 {
        let height = self.above.len() + self.rows.len();
        u16::try_from(height).unwrap_or(u16::MAX).min(screen / 2)
    }

    pub(crate) fn draw(self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
        let above = self.above.len();
        let mut lines = self.above;
        let mark_style = if scene.answering {
            style::DIM
        } else {
            style::USER
        };
        for (index, row) in self.rows.into_iter().enumerate() {
            let mark = if index == 0 { MARK } else { "  " };
            lines.push(Line::from(vec![
                Span::styled(mark, mark_style),
                Span::raw(row),
            ]));
        }
        if scene.editor.is_empty() && !scene.answering {
            let hint = if scene.state.is_running() {
                "a hint for the agent, or Ctrl-C to interrupt it"
            } else {
                "a message, or /help"
            };
            if let Some(line) = lines.last_mut() {
                line.spans.push(Span::styled(hint, style::DIM));
            }
        }
        frame.render_widget(Text::from(lines), area);
        let x = u16::try_from(MARK.width() + self.cursor.1).unwrap_or(u16::MAX);
        let y = u16::try_from(above + self.cursor.0).unwrap_or(u16::MAX);
        let place = Position::new(area.x.saturating_add(x), area.y.saturating_add(y));
        if !scene.answering && scene.state.picker.is_none() && area.contains(place) {
            frame.set_cursor_position(place);
        }
    }
}
