//! The transcript on the screen: drawn lines that are kept, and the place that is shown.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Text};

use super::wrap::wrap_all;
use super::{blocks, style};
use crate::state::{Block, State};

/// The place that is shown: the end, unless the user has scrolled up.
#[derive(Debug, Default)]
pub(crate) struct Scroll {
    /// The first line on the screen.
    top: Option<usize>,
    lines: usize,
    height: usize,
}

impl Scroll {
    pub(crate) fn follow(&mut self) {
        self.top = None;
    }

    /// Goes up or down by so many screens.
    pub(crate) fn page(&mut self, by: isize) {
        let page = self.height.saturating_sub(2).max(1);
        let last = self.lines.saturating_sub(self.height);
        let top = self.top.unwrap_or(last).min(last);
        let top = top.saturating_add_signed(by.saturating_mul(page.try_into().unwrap_or(1)));
        self.top = (top < last).then_some(top);
    }
}

/// The lines of the blocks, kept until a block changes.
#[derive(Debug, Default)]
pub(crate) struct Drawn {
    /// What the lines were made for.
    key: (u64, usize, bool),
    blocks: Vec<(u64, Vec<Line<'static>>)>,
    tail: Vec<Line<'static>>,
}

impl Drawn {
    /// Brings the lines up to date.
    pub(crate) fn update(&mut self, state: &State, width: usize, expanded: bool, waits: bool) {
        let entries = state.transcript.entries();
        let key = (state.transcript.generation, width, expanded);
        if self.key != key {
            self.key = key;
            self.blocks.clear();
        }
        self.blocks.truncate(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            let kept = self.blocks.get(index).map(|(version, _)| *version);
            if kept == Some(entry.version) {
                continue;
            }
            let mut lines = wrap_all(&blocks::rows(&entry.block, expanded), width);
            if !is_hidden(&entry.block) {
                lines.push(Line::default());
            }
            match self.blocks.get_mut(index) {
                Some(block) => *block = (entry.version, lines),
                None => self.blocks.push((entry.version, lines)),
            }
        }
        self.tail = Vec::new();
        for text in state.pending.iter().filter(|_| waits) {
            self.tail
                .extend(wrap_all(&blocks::user(text, style::DIM), width));
        }
    }

    /// Draws the part that is to be seen, at the bottom where it does not fill the screen.
    pub(crate) fn draw(&self, frame: &mut Frame<'_>, area: Rect, scroll: &mut Scroll) {
        let height = usize::from(area.height);
        let lines = self
            .blocks
            .iter()
            .map(|(_, lines)| lines.len())
            .sum::<usize>()
            + self.tail.len();
        let last = lines.saturating_sub(height);
        if scroll.top.is_some_and(|top| top >= last) {
            scroll.top = None;
        }
        (scroll.lines, scroll.height) = (lines, height);
        let top = scroll.top.unwrap_or(last);
        let all = self
            .blocks
            .iter()
            .flat_map(|(_, lines)| lines)
            .chain(&self.tail);
        let shown: Vec<Line<'_>> = all.skip(top).take(height).cloned().collect();
        frame.render_widget(Text::from(shown), area);
        if scroll.top.is_some() && area.height > 1 {
            let below = format!(" {} more lines: PageDown ", last.saturating_sub(top));
            let row = Rect {
                y: area.bottom() - 1,
                height: 1,
                ..area
            };
            frame.render_widget(Line::styled(below, style::SELECTED).right_aligned(), row);
        }
    }
}

/// Tells whether a block has nothing to show, as a thought that is kept secret.
fn is_hidden(block: &Block) -> bool {
    matches!(block, Block::Agent(text) | Block::Reasoning(text) if text.trim().is_empty())
}
