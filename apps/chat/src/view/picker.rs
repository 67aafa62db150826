//! A list to choose from, in place of the transcript.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};

use super::style;
use crate::state::Picker;

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, picker: &Picker) {
    let mut lines = vec![
        Line::from(vec![
            Span::styled(format!(" {}", picker.title), style::HEADING),
            Span::styled("  arrows, Enter, Esc", style::DIM),
        ]),
        Line::default(),
    ];
    let height = usize::from(area.height).saturating_sub(lines.len()).max(1);
    let from = (picker.selected + 1).saturating_sub(height);
    for (index, row) in picker.rows.iter().enumerate().skip(from).take(height) {
        let is_selected = index == picker.selected;
        let (mark, style) = match is_selected {
            true => (" ▸ ", style::SELECTED),
            false => ("   ", style::PLAIN),
        };
        lines.push(Line::from(vec![
            Span::styled(mark, style::ASK),
            Span::styled(row.label.clone(), style),
            Span::styled(format!("  {}", row.detail), style::DIM),
        ]));
    }
    frame.render_widget(Text::from(lines), area);
}
