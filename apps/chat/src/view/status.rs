//! The last line: what holds, and what happens.

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::{Scene, style};
use crate::state::{Phase, State, grouped};

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) {
    let right = tokens(scene.state);
    let taken = u16::try_from(right.width() + 1).unwrap_or(u16::MAX);
    let left = Rect {
        width: area.width.saturating_sub(taken),
        ..area
    };
    let facts = facts(scene, usize::from(left.width));
    frame.render_widget(Line::from(facts), left);
    let right = Line::styled(right, budget_style(scene.state));
    frame.render_widget(right.alignment(Alignment::Right), area);
}

/// Writes what is known, as far as it fits.
fn facts(scene: &Scene<'_>, width: usize) -> Vec<Span<'static>> {
    let state = scene.state;
    let (doing, style) = doing(scene);
    let mut spans = vec![Span::styled(doing, style)];
    if let Some(notice) = &state.notice {
        spans.push(Span::styled(format!(" · {notice}"), style::ASK));
        return spans;
    }
    let settings = &state.settings;
    if settings.model.is_empty() {
        return spans;
    }
    let effort = settings.effort.as_deref().unwrap_or("default effort");
    let known = [&settings.model, effort, &settings.sandbox, scene.approve];
    let known = known.into_iter().chain(settings.thread_name.as_deref());
    let mut used = spans.iter().map(|span| span.content.width()).sum::<usize>();
    for fact in known {
        let fact = format!(" · {fact}");
        used += fact.width();
        if used > width {
            break;
        }
        spans.push(Span::styled(fact, style::DIM));
    }
    spans
}

fn doing(scene: &Scene<'_>) -> (String, ratatui::style::Style) {
    match scene.state.phase {
        Phase::Opening => (" starting".to_owned(), style::ASK),
        Phase::Ended => (" the runtime ended".to_owned(), style::ERROR),
        Phase::Idle => (" idle".to_owned(), style::ADDED),
        Phase::Running { .. } if !scene.state.asks.is_empty() => {
            (" waits for your answer".to_owned(), style::ASK)
        }
        Phase::Running {
            since,
            compacting,
            interrupting,
        } => {
            let what = match (interrupting, compacting) {
                (true, _) => "interrupting",
                (_, true) => "compacting",
                _ => "running",
            };
            let text = format!(" {what} {} s", since.elapsed().as_secs());
            (text, style::ASK)
        }
    }
}

/// Writes the tokens of the thread, and of the budget.
fn tokens(state: &State) -> String {
    let mut text = match state.tokens.thread_total() {
        Some(total) => format!("{} tokens", grouped(total)),
        None => String::new(),
    };
    if let Some(budget) = state.tokens.budget() {
        let budget = grouped(i64::try_from(budget).unwrap_or(i64::MAX));
        let used = grouped(state.tokens.used());
        let space = if text.is_empty() { "" } else { " · " };
        text.push_str(&format!("{space}budget {used} / {budget}"));
    }
    text + " "
}

fn budget_style(state: &State) -> ratatui::style::Style {
    match state.tokens.left() {
        Some(0) => style::ERROR,
        _ => style::DIM,
    }
}
