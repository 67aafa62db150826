//! The stored turns of a thread, put back on the screen.

use openai_codex::types::{Turn, TurnStatus};

use super::State;

impl State {
    /// Begins with another thread and shows its history.
    pub(crate) fn opened(&mut self, turns: &[Turn]) {
        self.transcript.clear(&self.settings.folder);
        self.tokens.thread_changed();
        self.diff = None;
        self.pending.clear();
        self.asks.clear();
        for turn in turns {
            for item in &turn.items {
                self.transcript.item(&turn.id, item);
            }
            match (&turn.status, &turn.error) {
                (TurnStatus::Interrupted, _) => self.transcript.note("Interrupted."),
                (TurnStatus::Failed, Some(error)) => self.transcript.error(&error.message),
                _ => {}
            }
        }
        self.transcript.turn_ended();
    }
}
