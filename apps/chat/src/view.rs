//! Draws the state.

mod ask;
mod blocks;
mod diff;
mod markdown;
mod picker;
mod prompt;
mod status;
mod style;
mod table;
mod transcript;
mod wrap;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};

use crate::input::Editor;
use crate::state::{Phase, State};

pub(crate) use self::transcript::Scroll;

/// What is drawn beside the state.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) state: &'a State,
    pub(crate) editor: &'a Editor,
    /// Pictures for the next message.
    pub(crate) images: &'a [String],
    /// The keys answer the question, and do not type.
    pub(crate) answering: bool,
    /// The question has been there long enough for its keys to count.
    pub(crate) ready: bool,
    pub(crate) approve: &'a str,
}

/// What the view keeps from one drawing to the next.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) scroll: Scroll,
    /// Outputs and thoughts are shown in full.
    pub(crate) expanded: bool,
    /// The first line of the question that is shown.
    pub(crate) ask_top: usize,
    drawn: transcript::Drawn,
}

impl View {
    pub(crate) fn draw(&mut self, frame: &mut Frame<'_>, scene: &Scene<'_>) {
        let area = frame.area();
        if area.width < 20 || area.height < 6 {
            frame.render_widget("too small", area);
            return;
        }
        let width = usize::from(area.width);
        let prompt = prompt::rows(scene, width);
        let panel = match (&scene.state.picker, scene.state.asks.front()) {
            (None, Some(ask)) => ask::height(ask, area),
            _ => 0,
        };
        let [top, middle, bottom, last] = Layout::vertical([
            Constraint::Min(1),
            Constraint::Length(panel),
            Constraint::Length(prompt.height(area.height)),
            Constraint::Length(1),
        ])
        .areas(area);
        match &scene.state.picker {
            Some(list) => picker::draw(frame, top, list),
            None => self.draw_transcript(frame, top, scene.state),
        }
        if let Some(ask) = scene.state.asks.front()
            && panel > 0
        {
            ask::draw(frame, middle, ask, scene, &mut self.ask_top);
        }
        prompt.draw(frame, bottom, scene);
        status::draw(frame, last, scene);
    }

    fn draw_transcript(&mut self, frame: &mut Frame<'_>, area: Rect, state: &State) {
        let waits = matches!(state.phase, Phase::Running { .. });
        let expanded = self.expanded;
        self.drawn
            .update(state, usize::from(area.width), expanded, waits);
        self.drawn.draw(frame, area, &mut self.scroll);
    }
}
