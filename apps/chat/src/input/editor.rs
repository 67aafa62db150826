//! A text of one or more lines with a cursor.

use unicode_width::UnicodeWidthChar;

/// The text that is being typed.
#[derive(Debug, Default)]
pub(crate) struct Editor {
    text: String,
    /// The place of the cursor, in bytes.
    cursor: usize,
}

/// The text as rows of the screen, and where the cursor is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) rows: Vec<String>,
    pub(crate) row: usize,
    pub(crate) column: usize,
}

impl Editor {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Replaces the text; the cursor goes to its end.
    pub(crate) fn set(&mut self, text: impl Into<String>) {
        self.text = text.into();
        self.cursor = self.text.len();
    }

    pub(crate) fn take(&mut self) -> String {
        self.cursor = 0;
        std::mem::take(&mut self.text)
    }

    pub(crate) fn insert(&mut self, text: &str) {
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
    }

    /// Inserts what was pasted, without what would steer a terminal.
    pub(crate) fn paste(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let kept = text.replace('\t', "    ");
        let kept: String = kept
            .chars()
            .filter(|c| *c == '\n' || !c.is_control())
            .collect();
        self.insert(&kept);
    }

    pub(crate) fn backspace(&mut self) {
        let from = self.before();
        self.remove(from, self.cursor);
    }

    pub(crate) fn delete(&mut self) {
        let to = self.after();
        self.remove(self.cursor, to);
    }

    /// Removes back to the beginning of a word.
    pub(crate) fn delete_word(&mut self) {
        let from = self.word_left();
        self.remove(from, self.cursor);
    }

    pub(crate) fn delete_to_line_start(&mut self) {
        let from = self.line_start();
        self.remove(from, self.cursor);
    }

    pub(crate) fn delete_to_line_end(&mut self) {
        let to = self.line_end();
        self.remove(self.cursor, to);
    }

    pub(crate) fn left(&mut self) {
        self.cursor = self.before();
    }

    pub(crate) fn right(&mut self) {
        self.cursor = self.after();
    }

    pub(crate) fn go_word_left(&mut self) {
        self.cursor = self.word_left();
    }

    pub(crate) fn go_word_right(&mut self) {
        let rest = &self.text[self.cursor..];
        let word = rest
            .find(|c: char| !c.is_whitespace())
            .unwrap_or(rest.len());
        let end = rest[word..].find(char::is_whitespace);
        self.cursor += end.map_or(rest.len(), |end| word + end);
    }

    pub(crate) fn home(&mut self) {
        self.cursor = self.line_start();
    }

    pub(crate) fn end(&mut self) {
        self.cursor = self.line_end();
    }

    /// Goes a line up; `false` on the first one.
    pub(crate) fn up(&mut self) -> bool {
        let start = self.line_start();
        let Some(end_above) = start.checked_sub(1) else {
            return false;
        };
        let column = self.text[start..self.cursor].chars().count();
        let start_above = self.text[..end_above].rfind('\n').map_or(0, |at| at + 1);
        self.cursor = self.at(start_above, end_above, column);
        true
    }

    /// Goes a line down; `false` on the last one.
    pub(crate) fn down(&mut self) -> bool {
        let end = self.line_end();
        if end == self.text.len() {
            return false;
        }
        let column = self.text[self.line_start()..self.cursor].chars().count();
        let start = end + 1;
        let rest = self.text[start..].find('\n');
        let end_below = rest.map_or(self.text.len(), |at| start + at);
        self.cursor = self.at(start, end_below, column);
        true
    }

    /// Breaks the text into rows of a width.
    pub(crate) fn layout(&self, width: usize) -> Layout {
        let width = width.max(2);
        let mut layout = Layout {
            rows: vec![String::new()],
            row: 0,
            column: 0,
        };
        let mut used = 0;
        for (at, char) in self.text.char_indices() {
            let columns = char.width().unwrap_or(0);
            if char != '\n' && used + columns > width {
                layout.rows.push(String::new());
                used = 0;
            }
            if at == self.cursor {
                (layout.row, layout.column) = (layout.rows.len() - 1, used);
            }
            if char == '\n' {
                layout.rows.push(String::new());
                used = 0;
            } else if let Some(row) = layout.rows.last_mut() {
                row.push(char);
                used += columns;
            }
        }
        if self.cursor == self.text.len() {
            if used >= width {
                layout.rows.push(String::new());
                used = 0;
            }
            (layout.row, layout.column) = (layout.rows.len() - 1, used);
        }
        layout
    }

    fn remove(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = from;
    }

    fn before(&self) -> usize {
        let back = self.text[..self.cursor].chars().next_back();
        self.cursor - back.map_or(0, char::len_utf8)
    }

    fn after(&self) -> usize {
        let next = self.text[self.cursor..].chars().next();
        self.cursor + next.map_or(0, char::len_utf8)
    }

    fn word_left(&self) -> usize {
        let before = self.text[..self.cursor].trim_end();
        let start = before.char_indices().rev().find(|(_, c)| c.is_whitespace());
        start.map_or(0, |(at, c)| at + c.len_utf8())
    }

    fn line_start(&self) -> usize {
        self.text[..self.cursor].rfind('\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self) -> usize {
        let rest = self.text[self.cursor..].find('\n');
        rest.map_or(self.text.len(), |at| self.cursor + at)
    }

    /// Finds the byte of a column in a line.
    fn at(&self, start: usize, end: usize, column: usize) -> usize {
        let mut chars = self.text[start..end].char_indices();
        chars.nth(column).map_or(end, |(at, _)| start + at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn editor(text: &str) -> Editor {
        let mut editor = Editor::default();
        editor.set(text);
        editor
    }

    #[test]
    fn text_is_edited_at_the_cursor() {
        let mut it = editor("héllo wörld");
        it.delete_word();
        assert_eq!(it.text(), "héllo ");
        it.home();
        it.right();
        it.delete();
        it.insert("e");
        assert_eq!(it.text(), "hello ");
        it.backspace();
        assert_eq!(it.text(), "hllo ");
        it.go_word_right();
        it.delete_to_line_start();
        assert_eq!(it.text(), " ");
        it.left();
        it.backspace();
        assert_eq!(it.text(), " ");
    }

    #[test]
    fn the_cursor_moves_between_lines_and_stops_at_the_ends() {
        let mut it = editor("first\nab\nthird");
        assert!(it.up() && it.up() && !it.up());
        it.insert("|");
        assert_eq!(it.text(), "fi|rst\nab\nthird");
        assert!(it.down() && it.down() && !it.down());
    }

    #[test]
    fn rows_break_at_the_width() {
        let mut it = editor("abcd漢x\ny");
        let layout = it.layout(5);
        assert_eq!(layout.rows, ["abcd", "漢x", "y"]);
        assert_eq!((layout.row, layout.column), (2, 1));
        it.up();
        it.end();
        let layout = it.layout(5);
        assert_eq!((layout.row, layout.column), (1, 3));
        // The cursor behind a full row stands on the next one.
        let layout = editor("ab").layout(2);
        assert_eq!((layout.rows.len(), layout.row, layout.column), (2, 1, 0));
    }

    #[test]
    fn pasted_text_steers_nothing() {
        let mut it = editor("");
        it.paste("a\r\nb\u{1b}[31m\tc");
        assert_eq!(it.text(), "a\nb[31m    c");
    }
}
