//! The colors.

use ratatui::style::{Color, Modifier, Style};

pub(crate) const PLAIN: Style = Style::new();
pub(crate) const DIM: Style = Style::new().fg(Color::DarkGray);
pub(crate) const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
pub(crate) const USER: Style = Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD);
pub(crate) const THOUGHT: Style = DIM.add_modifier(Modifier::ITALIC);
pub(crate) const HEADING: Style = Style::new().fg(Color::Blue).add_modifier(Modifier::BOLD);
pub(crate) const CODE: Style = Style::new().fg(Color::Yellow);
pub(crate) const LINK: Style = Style::new()
    .fg(Color::Blue)
    .add_modifier(Modifier::UNDERLINED);
pub(crate) const COMMAND: Style = Style::new().fg(Color::Magenta).add_modifier(Modifier::BOLD);
pub(crate) const ADDED: Style = Style::new().fg(Color::Green);
pub(crate) const REMOVED: Style = Style::new().fg(Color::Red);
pub(crate) const PLACE: Style = Style::new().fg(Color::Cyan);
pub(crate) const ERROR: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
pub(crate) const ASK: Style = Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD);
pub(crate) const SELECTED: Style = Style::new().add_modifier(Modifier::REVERSED);
