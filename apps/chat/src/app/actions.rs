//! What the user asks for: messages and commands.

use std::path::{Path, PathBuf};

use super::App;
use crate::commands::{self, Command};
use crate::session::{Message, Which};
use crate::state::{Block, Choice, Phase, visible};

impl App {
    /// Takes the text that is typed.
    pub(super) fn submit(&mut self) {
        let text = self.editor.text().trim().to_owned();
        if text.is_empty() && self.images.is_empty() {
            return;
        }
        if let Some(command) = commands::parse(&text) {
            self.editor.take();
            self.remember(&text);
            self.view.scroll.follow();
            return self.command(command);
        }
        match self.state.phase {
            Phase::Opening => self.notice("one moment, the thread is being opened"),
            Phase::Ended => self.notice("there is no runtime: /new starts one"),
            Phase::Running {
                compacting: true, ..
            } => self.notice("the thread is being summarized; send it then"),
            Phase::Idle if self.state.tokens.left() == Some(0) => self.tell_budget(),
            Phase::Idle | Phase::Running { .. } => {
                self.editor.take();
                self.remember(&text);
                self.view.scroll.follow();
                let message = self.message(text);
                self.send(message);
            }
        }
    }

    fn message(&mut self, text: String) -> Message {
        Message {
            text,
            images: std::mem::take(&mut self.images),
            model: self.model.clone(),
            effort: self.effort.clone(),
            tokens: None,
        }
    }

    /// Sends a message: to the turn that runs, else as a new one.
    pub(super) fn send(&mut self, mut message: Message) {
        message.tokens = self.state.tokens.left();
        if message.tokens == Some(0) {
            self.give_back(message);
            return self.tell_budget();
        }
        self.state.pending.push(message.shown());
        if !self.state.is_running() {
            self.state.turn_began(false);
            self.session.start(message);
        } else if let Some(early) = self.session.steer(message) {
            self.early.push(early);
        }
    }

    fn remember(&mut self, text: &str) {
        if let Err(error) = self.history.add(text) {
            self.notice(format!("the message is not kept: {error}"));
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Help => self.state.transcript.note(commands::help()),
            Command::Quit => self.quits = true,
            Command::Usage => {
                self.state.transcript.note(self.state.tokens.report());
                self.session.read_rate_limits();
            }
            Command::Diff => match self.state.last_diff() {
                Some(files) => self.state.transcript.push(Block::Diff(files)),
                None => {
                    let text = "The last turn changed no files.";
                    self.state.transcript.note(text);
                }
            },
            Command::Image(path) => self.attach(path.as_deref()),
            Command::Unknown(name) => {
                let name = visible(&name);
                let text = format!("There is no command /{name}; /help shows what there is.");
                self.state.transcript.error(text);
            }
            Command::Model(Some(name)) => self.choose(Choice::Model(name)),
            Command::Effort(Some(level)) => self.choose(Choice::Effort(level)),
            Command::Model(None) => {
                if self.is_open() {
                    self.session.list_models(false);
                }
            }
            Command::Effort(None) => {
                if self.is_open() {
                    self.session.list_models(true);
                }
            }
            Command::New => {
                if self.may_change_thread() {
                    self.open(Which::New);
                }
            }
            Command::Resume => {
                if !self.may_change_thread() {
                } else if self.session.is_connected() {
                    self.session.list_threads();
                } else {
                    self.open(Which::Latest);
                }
            }
            Command::Compact => {
                if self.may_change_thread() && self.is_open() {
                    self.compact();
                }
            }
        }
    }

    fn open(&mut self, which: Which) {
        self.state.phase = Phase::Opening;
        self.session.open(which);
    }

    fn compact(&mut self) {
        if self.state.tokens.left() == Some(0) {
            return self.tell_budget();
        }
        self.state.turn_began(true);
        self.session.compact();
    }

    /// Tells whether the thread may be left or changed now; says why not.
    fn may_change_thread(&mut self) -> bool {
        match self.state.phase {
            Phase::Running { .. } => self.notice("the agent works: Ctrl-C interrupts it"),
            Phase::Opening => self.notice("one moment, the thread is being opened"),
            Phase::Idle | Phase::Ended => return true,
        }
        false
    }

    fn is_open(&mut self) -> bool {
        let is_open = self.session.has_thread();
        if !is_open {
            self.notice("there is no thread: /new starts one");
        }
        is_open
    }

    /// Does what a row of a list says.
    pub(super) fn choose(&mut self, choice: Choice) {
        match choice {
            Choice::Thread(id) => {
                if self.may_change_thread() {
                    self.open(Which::Id(id));
                }
            }
            Choice::Model(name) => {
                let shown = visible(&name);
                self.notice(format!("the next turns use the model {shown}"));
                self.state.settings.model = shown;
                self.model = Some(name);
            }
            Choice::Effort(level) => {
                let shown = visible(&level);
                self.notice(format!("the next turns use the effort {shown}"));
                self.state.settings.effort = Some(shown);
                self.effort = Some(level);
            }
        }
    }

    fn attach(&mut self, path: Option<&str>) {
        let Some(path) = path else {
            let text = "/image needs the path of a picture.";
            return self.state.transcript.error(text);
        };
        match picture(path, Path::new(&self.state.settings.folder)) {
            Ok(path) => self.images.push(path),
            Err(error) => {
                let text = format!("No picture at {}: {error}", visible(path));
                self.state.transcript.error(text);
            }
        }
    }

    pub(super) fn notice(&mut self, text: impl Into<String>) {
        self.state.notice = Some(text.into());
    }
}

/// Finds the picture at a path, which may begin at the folder or in the user's home.
fn picture(path: &str, folder: &Path) -> std::io::Result<String> {
    let path = path.trim_matches(['"', '\'']);
    let path = match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    };
    let path = std::fs::canonicalize(folder.join(path))?;
    if !path.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    Ok(path.display().to_string())
}
