//! The program: takes keys and events in, and draws.

mod actions;
mod events;
mod keys;
mod lists;

use std::time::{Duration, Instant};

use crossterm::event::{Event as TerminalEvent, EventStream};
use futures_util::StreamExt;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::input::{Editor, History};
use crate::session::{Event, Message, Session, Which};
use crate::state::State;
use crate::terminal::Screen;
use crate::view::{Scene, View};

/// How long a question is on the screen before its keys count, so that what is typed at that moment is no answer.
const GUARD: Duration = Duration::from_millis(400);
/// How long the first Ctrl-C waits for the second one.
const AGAIN: Duration = Duration::from_secs(3);
const TICK: Duration = Duration::from_millis(100);

/// Everything that the program holds.
#[derive(Debug)]
pub(crate) struct App {
    state: State,
    session: Session,
    editor: Editor,
    history: History,
    view: View,
    /// Pictures for the next message.
    images: Vec<String>,
    /// Messages for a turn whose start is not answered yet.
    early: Vec<Message>,
    /// Messages that came too late for the turn, for the next one.
    late: Vec<Message>,
    /// What was chosen for the next turns.
    model: Option<String>,
    effort: Option<String>,
    /// The keys answer the question that waits, and do not type.
    answering: bool,
    /// When Ctrl-C was pressed last while nothing ran.
    leaving: Option<Instant>,
    quits: bool,
    approve: &'static str,
    /// What is said once the first thread is there.
    greeting: Option<String>,
}

impl App {
    pub(crate) fn new(
        session: Session,
        history: History,
        budget: Option<u64>,
        approve: &'static str,
    ) -> Self {
        Self {
            state: State::new(budget),
            session,
            editor: Editor::default(),
            history,
            view: View::default(),
            images: Vec::new(),
            early: Vec::new(),
            late: Vec::new(),
            model: None,
            effort: None,
            answering: false,
            leaving: None,
            quits: false,
            approve,
            greeting: None,
        }
    }

    /// Sets what is said at the beginning.
    pub(crate) fn greet(&mut self, text: impl Into<String>) {
        self.greeting = Some(text.into());
    }

    /// Runs until the user leaves.
    ///
    /// # Errors
    ///
    /// If the terminal cannot be drawn on.
    pub(crate) async fn run(
        &mut self,
        screen: &mut Screen,
        mut events: UnboundedReceiver<Event>,
        first: Which,
    ) -> std::io::Result<()> {
        self.session.open(first);
        let mut keys = EventStream::new();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut end = std::pin::pin!(crate::signals::end());
        let mut is_stale = true;
        while !self.quits {
            if is_stale {
                self.draw(screen)?;
            }
            is_stale = true;
            tokio::select! {
                key = keys.next() => match key {
                    Some(Ok(event)) => self.terminal_event(event),
                    // The terminal is gone.
                    Some(Err(_)) | None => self.quits = true,
                },
                event = events.recv() => {
                    let mut next = event;
                    while let Some(event) = next {
                        self.event(event);
                        next = events.try_recv().ok();
                    }
                }
                _ = tick.tick() => is_stale = self.state.is_running(),
                () = &mut end => self.quits = true,
            }
        }
        Ok(())
    }

    /// Ends the runtime.
    pub(crate) async fn close(mut self) -> openai_codex::Result<()> {
        // What waits for an answer is declined.
        self.state.asks.clear();
        self.session.close().await
    }

    fn terminal_event(&mut self, event: TerminalEvent) {
        match event {
            TerminalEvent::Key(key) if !key.is_release() => self.key(key),
            TerminalEvent::Paste(text) if !self.answering && self.state.picker.is_none() => {
                self.editor.paste(&text);
            }
            _ => {}
        }
    }

    fn draw(&mut self, screen: &mut Screen) -> std::io::Result<()> {
        let ready = self.is_ready();
        let scene = Scene {
            state: &self.state,
            editor: &self.editor,
            images: &self.images,
            answering: self.answering && !self.state.asks.is_empty(),
            ready,
            approve: self.approve,
        };
        let view = &mut self.view;
        screen.draw(|frame| view.draw(frame, &scene))?;
        let is_visible = self.state.picker.is_none();
        if let Some(ask) = self.state.asks.front_mut()
            && is_visible
        {
            ask.shown.get_or_insert_with(Instant::now);
        }
        Ok(())
    }

    /// Tells whether the keys of the question count.
    fn is_ready(&self) -> bool {
        let shown = self.state.asks.front().and_then(|ask| ask.shown);
        shown.is_some_and(|shown| shown.elapsed() >= GUARD)
    }
}
