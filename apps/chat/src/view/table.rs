//! Tables of Markdown.

use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use super::style;

type Cell = Vec<Span<'static>>;

/// The cells of a table; the first row is its head.
#[derive(Debug, Default)]
pub(crate) struct Table {
    cells: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn row(&mut self) {
        self.cells.push(Vec::new());
    }

    pub(crate) fn cell(&mut self, cell: Cell) {
        if let Some(row) = self.cells.last_mut() {
            row.push(cell);
        }
    }

    /// Writes its rows, with a line below the head.
    pub(crate) fn rows(self) -> Vec<Cell> {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.cells {
            for (column, cell) in row.iter().enumerate() {
                match widths.get_mut(column) {
                    Some(wide) => *wide = width(cell).max(*wide),
                    None => widths.push(width(cell)),
                }
            }
        }
        let mut rows = Vec::new();
        for (index, row) in self.cells.into_iter().enumerate() {
            let mut line = Vec::new();
            for (column, cell) in row.into_iter().enumerate() {
                let wide = widths.get(column).copied().unwrap_or(0);
                let space = wide.saturating_sub(width(&cell));
                if column > 0 {
                    line.push(Span::raw("  "));
                }
                line.extend(cell);
                line.push(Span::raw(" ".repeat(space)));
            }
            rows.push(line);
            if index == 0 {
                let below: Vec<_> = widths.iter().map(|wide| "─".repeat(*wide)).collect();
                rows.push(vec![Span::styled(below.join("  "), style::DIM)]);
            }
        }
        rows
    }
}

fn width(cell: &Cell) -> usize {
    cell.iter().map(|span| span.content.width()).sum()
}
