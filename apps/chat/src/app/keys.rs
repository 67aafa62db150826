//! What each key does.

use std::time::Instant;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{AGAIN, App};
use crate::commands;
use crate::questions::Answers;
use crate::state::Phase;

impl App {
    pub(super) fn key(&mut self, key: KeyEvent) {
        self.state.notice = None;
        let leaving = self.leaving.take();
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            match key.code {
                KeyCode::Char('c') => return self.interrupt_or_leave(leaving),
                KeyCode::Char('d') if self.editor.is_empty() => {
                    self.quits = true;
                    return;
                }
                KeyCode::Char('o') => {
                    self.view.expanded = !self.view.expanded;
                    return;
                }
                _ => {}
            }
        }
        match key.code {
            KeyCode::PageUp => self.view.scroll.page(-1),
            KeyCode::PageDown => self.view.scroll.page(1),
            _ if self.state.picker.is_some() => self.picker_key(key),
            KeyCode::Tab if !self.state.asks.is_empty() => self.answering = !self.answering,
            _ if self.answering && !self.state.asks.is_empty() => self.answer_key(key),
            _ => self.editor_key(key),
        }
    }

    /// Ctrl-C: closes a list, interrupts a turn, empties the text, or leaves the second time.
    fn interrupt_or_leave(&mut self, before: Option<Instant>) {
        if self.state.picker.take().is_some() {
            return;
        }
        if let Phase::Running { interrupting, .. } = &mut self.state.phase {
            if *interrupting {
                self.state.notice = Some("Ctrl-D leaves without waiting".to_owned());
            }
            *interrupting = true;
            self.session.interrupt();
            return;
        }
        if before.is_some_and(|before| before.elapsed() < AGAIN) {
            self.quits = true;
            return;
        }
        self.editor.take();
        self.leaving = Some(Instant::now());
        self.state.notice = Some("Ctrl-C again leaves".to_owned());
    }

    fn answer_key(&mut self, key: KeyEvent) {
        match key.code {
            KeyCode::Up => self.view.ask_top = self.view.ask_top.saturating_sub(1),
            KeyCode::Down => self.view.ask_top += 1,
            KeyCode::Esc => self.answering = false,
            KeyCode::Char(char) if key.modifiers.is_empty() => self.answer(char),
            _ => {}
        }
    }

    fn answer(&mut self, key: char) {
        if !self.is_ready() {
            return;
        }
        let Some(ask) = self.state.asks.front() else {
            return;
        };
        let answers = Answers::of(&ask.approval);
        let Some(decision) = answers.decision(key) else {
            let keys = answers.keys();
            let keys: Vec<_> = keys.map(|(key, _)| key.to_string()).collect();
            self.notice(format!("answer with {}", keys.join(", ")));
            return;
        };
        if let Some(ask) = self.state.asks.pop_front() {
            let (turn, item) = (&ask.approval.turn_id, &ask.approval.item_id);
            self.state.transcript.asked(turn, item, false);
            // Nobody takes it where the question has just ended by itself.
            let _ = ask.answer.send(decision);
        }
        self.view.ask_top = 0;
        self.view.scroll.follow();
    }

    fn picker_key(&mut self, key: KeyEvent) {
        let Some(picker) = &mut self.state.picker else {
            return;
        };
        match key.code {
            KeyCode::Up => picker.step(-1),
            KeyCode::Down => picker.step(1),
            KeyCode::Home => picker.step(isize::MIN),
            KeyCode::End => picker.step(isize::MAX),
            KeyCode::Esc => self.state.picker = None,
            KeyCode::Enter => {
                let choice = picker.choice().cloned();
                self.state.picker = None;
                if let Some(choice) = choice {
                    self.choose(choice);
                }
            }
            _ => {}
        }
    }

    fn editor_key(&mut self, key: KeyEvent) {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        let is_alt = key.modifiers.contains(KeyModifiers::ALT);
        let editor = &mut self.editor;
        match key.code {
            KeyCode::Enter if is_alt => editor.insert("\n"),
            KeyCode::Enter => self.submit(),
            KeyCode::Char('j') if is_control => editor.insert("\n"),
            KeyCode::Char('a') if is_control => editor.home(),
            KeyCode::Char('e') if is_control => editor.end(),
            KeyCode::Char('b') if is_control => editor.left(),
            KeyCode::Char('f') if is_control => editor.right(),
            KeyCode::Char('w') if is_control => editor.delete_word(),
            KeyCode::Char('u') if is_control => editor.delete_to_line_start(),
            KeyCode::Char('k') if is_control => editor.delete_to_line_end(),
            KeyCode::Char('d') if is_control => editor.delete(),
            KeyCode::Char('h') if is_control => editor.backspace(),
            KeyCode::Char('b') if is_alt => editor.go_word_left(),
            KeyCode::Char('f') if is_alt => editor.go_word_right(),
            KeyCode::Char(char) if !is_control && !is_alt => {
                editor.insert(char.encode_utf8(&mut [0; 4]));
            }
            KeyCode::Backspace if is_alt || is_control => editor.delete_word(),
            KeyCode::Backspace => editor.backspace(),
            KeyCode::Delete => editor.delete(),
            KeyCode::Left if is_control || is_alt => editor.go_word_left(),
            KeyCode::Right if is_control || is_alt => editor.go_word_right(),
            KeyCode::Left => editor.left(),
            KeyCode::Right => editor.right(),
            KeyCode::Home => editor.home(),
            KeyCode::End => editor.end(),
            KeyCode::Up => {
                if !editor.up()
                    && let Some(text) = self.history.older(editor.text())
                {
                    editor.set(text);
                }
            }
            KeyCode::Down => {
                if !editor.down()
                    && let Some(text) = self.history.newer()
                {
                    editor.set(text);
                }
            }
            KeyCode::Tab => self.complete(),
            KeyCode::Esc => self.view.scroll.follow(),
            _ => {}
        }
    }

    /// Completes a command, as far as what is typed says which.
    fn complete(&mut self) {
        if let [(name, argument, _)] = commands::matching(self.editor.text()).as_slice() {
            let space = if argument.is_empty() { "" } else { " " };
            self.editor.set(format!("/{name}{space}"));
        }
    }
}
