//! Markdown as rows of styled text.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use super::style;
use super::table::Table;
use super::wrap::Row;
use crate::state::clean;

/// Writes a text in Markdown as rows; `base` is the style of plain text.
///
/// A text that still comes is Markdown too: what is open at its end is closed there.
pub(crate) fn rows(text: &str, base: Style) -> Vec<Row> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let text = clean(text);
    let mut writer = Writer {
        rows: Vec::new(),
        spans: Vec::new(),
        base,
        styles: Vec::new(),
        frames: Vec::new(),
        marker: None,
        is_code: false,
        table: None,
        link: None,
    };
    for event in Parser::new_ext(&text, options) {
        writer.event(event);
    }
    writer.end_line();
    writer.rows
}

/// What encloses the text.
#[derive(Clone, Copy, Debug)]
enum Frame {
    List(Option<u64>),
    Item,
    Quote,
}

struct Writer {
    rows: Vec<Row>,
    /// The line that is being written.
    spans: Vec<Span<'static>>,
    base: Style,
    styles: Vec<Style>,
    frames: Vec<Frame>,
    /// The mark of the item whose first line comes next.
    marker: Option<String>,
    is_code: bool,
    table: Option<Table>,
    /// The address of the link, and where its text begins.
    link: Option<(String, usize)>,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.is_code => self.code(&text),
            Event::Text(text) => self.text(&text, self.style()),
            Event::Code(text) => self.text(&text, self.base.patch(style::CODE)),
            Event::Html(text) | Event::InlineHtml(text) => {
                self.text(text.trim_end_matches('\n'), self.style());
            }
            Event::SoftBreak => self.text(" ", self.style()),
            Event::HardBreak => self.end_line(),
            Event::Rule => {
                self.gap();
                self.text("────────", style::DIM);
                self.end_line();
            }
            Event::TaskListMarker(done) => {
                self.text(if done { "[x] " } else { "[ ] " }, self.style());
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.gap(),
            Tag::Heading { level, .. } => {
                self.gap();
                self.styles.push(style::HEADING);
                if level != HeadingLevel::H1 {
                    return;
                }
                self.styles
                    .push(Style::new().add_modifier(Modifier::UNDERLINED));
            }
            Tag::BlockQuote(_) => {
                self.gap();
                self.frames.push(Frame::Quote);
            }
            Tag::CodeBlock(kind) => {
                self.end_line();
                self.gap();
                if let CodeBlockKind::Fenced(language) = kind
                    && !language.is_empty()
                {
                    self.text(&language, style::DIM);
                    self.end_line();
                }
                self.is_code = true;
            }
            Tag::List(first) => {
                self.end_line();
                if self.frames.is_empty() {
                    self.gap();
                }
                self.frames.push(Frame::List(first));
            }
            Tag::Item => {
                self.end_line();
                self.marker = Some(self.next_marker());
                self.frames.push(Frame::Item);
            }
            Tag::Emphasis => self.push_modifier(Modifier::ITALIC),
            Tag::Strong => self.push_modifier(Modifier::BOLD),
            Tag::Strikethrough => self.push_modifier(Modifier::CROSSED_OUT),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.styles.push(style::LINK);
                self.link = Some((dest_url.to_string(), self.spans.len()));
            }
            Tag::Table(_) => {
                self.gap();
                self.table = Some(Table::default());
            }
            Tag::TableRow | Tag::TableHead => {
                if let Some(table) = &mut self.table {
                    table.row();
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.end_line(),
            TagEnd::Heading(level) => {
                self.end_line();
                self.styles.pop();
                if level == HeadingLevel::H1 {
                    self.styles.pop();
                }
            }
            TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item => {
                self.end_line();
                self.marker = None;
                self.frames.pop();
            }
            TagEnd::CodeBlock => {
                self.end_code_line();
                self.is_code = false;
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.styles.pop();
            }
            TagEnd::Link | TagEnd::Image => {
                self.styles.pop();
                self.end_link();
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.spans);
                if let Some(table) = &mut self.table {
                    table.cell(cell);
                }
            }
            TagEnd::Table => {
                for row in self.table.take().unwrap_or_default().rows() {
                    self.spans = row;
                    self.push_row(true);
                }
            }
            _ => {}
        }
    }

    /// Writes the address behind the text of a link, where the text is not the address.
    fn end_link(&mut self) {
        let Some((address, from)) = self.link.take() else {
            return;
        };
        let text = self.spans.get(from..).unwrap_or_default();
        let text: String = text.iter().map(|span| span.content.as_ref()).collect();
        if !text.is_empty() && text != address && !address.is_empty() {
            self.text(&format!(" ({address})"), style::DIM);
        }
    }

    fn push_modifier(&mut self, modifier: Modifier) {
        self.styles.push(Style::new().add_modifier(modifier));
    }

    fn style(&self) -> Style {
        self.styles
            .iter()
            .fold(self.base, |all, next| all.patch(*next))
    }

    fn text(&mut self, text: &str, style: Style) {
        self.spans.push(Span::styled(text.to_owned(), style));
    }

    fn code(&mut self, text: &str) {
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                self.push_code_line();
            }
            if !line.is_empty() {
                self.text(line, self.base.patch(style::CODE));
            }
        }
    }

    fn end_code_line(&mut self) {
        if !self.spans.is_empty() {
            self.push_code_line();
        }
    }

    fn push_code_line(&mut self) {
        self.spans.insert(0, Span::styled("  ", style::DIM));
        self.push_row(true);
    }

    fn next_marker(&mut self) -> String {
        match self.frames.last_mut() {
            Some(Frame::List(Some(number))) => {
                let marker = format!("{number}. ");
                *number += 1;
                marker
            }
            _ => "• ".to_owned(),
        }
    }

    /// Leaves a line empty between two blocks.
    fn gap(&mut self) {
        self.end_line();
        if self.marker.is_none() && !self.rows.is_empty() {
            self.push_row(false);
        }
    }

    fn end_line(&mut self) {
        if !self.spans.is_empty() {
            self.push_row(false);
        }
    }

    fn push_row(&mut self, is_code: bool) {
        let mut row = Row::new(std::mem::take(&mut self.spans));
        row.is_code = is_code;
        let items = self
            .frames
            .iter()
            .filter(|frame| matches!(frame, Frame::Item))
            .count();
        let marker = self.marker.take();
        for frame in &self.frames {
            if let Frame::Quote = frame {
                row.first.push(Span::styled("│ ", style::DIM));
                row.rest.push(Span::styled("│ ", style::DIM));
            }
        }
        let indent = "  ".repeat(items.saturating_sub(usize::from(marker.is_some())));
        row.first.push(Span::raw(indent.clone()));
        row.rest.push(Span::raw(indent));
        if let Some(marker) = marker {
            row.rest.push(Span::raw(" ".repeat(marker.chars().count())));
            row.first.push(Span::styled(marker, style::HEADING));
        }
        self.rows.push(row);
    }
}

#[cfg(test)]
mod tests {
    use ratatui::text::Line;

    use super::*;
    use crate::view::wrap::wrap_all;

    fn lines(text: &str) -> Vec<String> {
        let lines = wrap_all(&rows(text, Style::new()), 40);
        lines.iter().map(Line::to_string).collect()
    }

    #[test]
    fn blocks_are_apart() {
        let text = "# Title\nOne\ntwo **bold** `code`.\n\n- a\n- b\n  1. c\n  2. d\n\n```rust\nfn x() {\n\n}\n```\nend";
        let expected = [
            "Title",
            "",
            "One two bold code.",
            "",
            "• a",
            "• b",
            "  1. c",
            "  2. d",
            "",
            "rust",
            "  fn x() {",
            "  ",
            "  }",
            "",
            "end",
        ];
        assert_eq!(lines(text), expected);
    }

    #[test]
    fn quotes_links_tables_and_rules_are_shown() {
        assert_eq!(lines("> a\n> b"), ["│ a b"]);
        assert_eq!(lines("[x](http://y) <http://z>"), ["x (http://y) http://z"]);
        assert_eq!(lines("a\n\n---\n\nb"), ["a", "", "────────", "", "b"]);
        assert_eq!(
            lines("|a|bb|\n|-|-|\n|ccc|d|"),
            ["a    bb", "───  ──", "ccc  d "]
        );
    }

    #[test]
    fn a_text_that_still_comes_is_shown() {
        assert_eq!(lines("**bo"), ["**bo"]);
        assert_eq!(lines("```sh\necho"), ["sh", "  echo"]);
        assert_eq!(lines("- "), ["• "; 0]);
        assert_eq!(lines("\u{1b}[2Jx"), ["x"]);
    }

    #[test]
    fn styles_are_those_of_the_text() {
        let rows = rows("a **b** `c`", Style::new());
        let styles: Vec<_> = rows[0].spans.iter().map(|span| span.style).collect();
        assert!(styles[1].add_modifier.contains(Modifier::BOLD));
        assert_eq!(styles[3], style::CODE);
    }
}
