//! What the user types: the text, and the messages before it.

mod editor;
mod history;

pub(crate) use self::editor::Editor;
pub(crate) use self::history::History;
