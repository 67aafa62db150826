//! Breaks styled lines at a width.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A line before it is broken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// What stands before its first part.
    pub(crate) first: Vec<Span<'static>>,
    /// What stands before its other parts.
    pub(crate) rest: Vec<Span<'static>>,
    pub(crate) spans: Vec<Span<'static>>,
    /// It is broken anywhere, not between words.
    pub(crate) is_code: bool,
}

impl Row {
    pub(crate) fn new(spans: impl IntoIterator<Item = Span<'static>>) -> Self {
        Self {
            spans: spans.into_iter().collect(),
            ..Self::default()
        }
    }

    pub(crate) fn text(text: impl Into<String>, style: Style) -> Self {
        Self::new([Span::styled(text.into(), style)])
    }

    pub(crate) fn code(mut self) -> Self {
        self.is_code = true;
        self
    }

    /// Puts something before what stands before its first part, and as much space before the others.
    pub(crate) fn prefixed(self, first: Span<'static>) -> Self {
        let space = Span::raw(" ".repeat(first.content.width()));
        self.prefixed_with(first, space)
    }

    pub(crate) fn prefixed_with(mut self, first: Span<'static>, rest: Span<'static>) -> Self {
        self.first.insert(0, first);
        self.rest.insert(0, rest);
        self
    }

    /// Breaks it at a width.
    pub(crate) fn wrap(&self, width: usize, lines: &mut Vec<Line<'static>>) {
        let prefix = self
            .first
            .iter()
            .map(|span| span.content.width())
            .sum::<usize>();
        let width = width.saturating_sub(prefix).max(4);
        let chars: Vec<(char, Style)> = self
            .spans
            .iter()
            .flat_map(|span| span.content.chars().map(|char| (char, span.style)))
            .collect();
        let mut from = 0;
        let mut is_first = true;
        loop {
            let rest = chars.get(from..).unwrap_or_default();
            let (end, next) = part(rest, width, self.is_code);
            let before = if is_first { &self.first } else { &self.rest };
            let mut spans = before.clone();
            join(rest.get(..end).unwrap_or_default(), &mut spans);
            lines.push(Line::from(spans));
            is_first = false;
            from += next;
            if from >= chars.len() || next == 0 {
                return;
            }
        }
    }
}

/// Finds the end of the first part, and the beginning of the next one.
fn part(chars: &[(char, Style)], width: usize, is_code: bool) -> (usize, usize) {
    let mut used = 0;
    let mut space = None;
    for (index, (char, _)) in chars.iter().enumerate() {
        let columns = char.width().unwrap_or(0);
        if used + columns > width {
            if *char == ' ' && !is_code {
                return (index, index + 1);
            }
            return match space {
                Some(space) if !is_code => (space, space + 1),
                _ => (index.max(1), index.max(1)),
            };
        }
        if *char == ' ' && index > 0 {
            space = Some(index);
        }
        used += columns;
    }
    (chars.len(), chars.len())
}

/// Joins characters of one style to spans.
fn join(chars: &[(char, Style)], spans: &mut Vec<Span<'static>>) {
    let mut text = String::new();
    let mut current = None;
    for (char, style) in chars {
        if current.is_some_and(|current| current != *style) {
            let style = current.unwrap_or_default();
            spans.push(Span::styled(std::mem::take(&mut text), style));
        }
        current = Some(*style);
        text.push(*char);
    }
    if let Some(style) = current {
        spans.push(Span::styled(text, style));
    }
}

/// Breaks rows at a width.
pub(crate) fn wrap_all(rows: &[Row], width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for row in rows {
        row.wrap(width, &mut lines);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(row: &Row, width: usize) -> Vec<String> {
        wrap_all(std::slice::from_ref(row), width)
            .iter()
            .map(Line::to_string)
            .collect()
    }

    #[test]
    fn words_stay_whole_where_they_fit() {
        let row = Row::text("one two three", Style::new()).prefixed(Span::raw("- "));
        assert_eq!(wrapped(&row, 9), ["- one two", "  three"]);
        let row = Row::text("abcdefghij k", Style::new());
        assert_eq!(wrapped(&row, 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrapped(&Row::default(), 4), [""]);
    }

    #[test]
    fn code_is_broken_anywhere_and_wide_characters_fit() {
        let row = Row::text("a b 漢漢", Style::new()).code();
        assert_eq!(wrapped(&row, 5), ["a b ", "漢漢"]);
    }

    #[test]
    fn styles_are_kept() {
        let bold = Style::new().bold();
        let row = Row::new([
            Span::raw("one "),
            Span::styled("two", bold),
            Span::raw(" x"),
        ]);
        let lines = wrap_all(&[row], 20);
        let spans = &lines[0].spans;
        assert_eq!(spans.len(), 3);
        assert_eq!((spans[1].content.as_ref(), spans[1].style), ("two", bold));
    }
}
