//! What the session tells.

use openai_codex::error::TurnFailureKind;
use openai_codex::types::{SandboxPolicy, TurnStatus};
use openai_codex::{Error, Notification, Thread};

use super::App;
use crate::session::{Event, Message, Opened, TurnEnd};
use crate::state::{Ask, Phase, Settings, clean, grouped, visible};

impl App {
    pub(super) fn event(&mut self, event: Event) {
        match event {
            Event::Opened(opened) => self.opened(*opened),
            Event::Connected(codex) => self.session.connected(codex),
            Event::NotOpened(error) => self.not_opened(&error),
            Event::TurnStarted(control) => {
                self.session.turn_started(control);
                self.interrupt_if_asked();
                for message in std::mem::take(&mut self.early) {
                    self.session.steer(message);
                }
            }
            Event::Notification(notification) => self.notification(&notification),
            Event::TurnEnded(end) => self.turn_ended(*end),
            Event::NotSteered(message) => self.not_steered(message),
            Event::Asked { approval, answer } => {
                if self.state.asks.is_empty() {
                    self.answering = self.editor.is_empty();
                    self.view.ask_top = 0;
                }
                self.state.picker = None;
                let transcript = &mut self.state.transcript;
                transcript.asked(&approval.turn_id, &approval.item_id, true);
                self.state.asks.push_back(Ask {
                    approval: *approval,
                    answer,
                    shown: None,
                });
            }
            Event::Resolved(key) => self.resolved(&key),
            Event::Threads(threads) => self.show_threads(threads),
            Event::Models {
                models,
                for_efforts: false,
            } => self.show_models(models),
            Event::Models { models, .. } => self.show_efforts(&models),
            Event::RateLimits(limits) => self.show_rate_limits(limits),
            Event::NotCompacted(error) => {
                self.end_turn(None);
                self.fail("The thread was not summarized", &error);
            }
            Event::Failed(error) => self.fail("That did not work", &error),
            Event::Closed(reason) => self.closed(&reason),
        }
    }

    /// Takes away a question that needs no answer any more.
    fn resolved(&mut self, key: &str) {
        let asks = &mut self.state.asks;
        let Some(index) = asks.iter().position(|ask| ask.approval.key == key) else {
            return;
        };
        if let Some(ask) = asks.remove(index) {
            let (turn, item) = (&ask.approval.turn_id, &ask.approval.item_id);
            self.state.transcript.asked(turn, item, false);
        }
    }

    fn opened(&mut self, opened: Opened) {
        let Opened {
            codex,
            thread,
            turns,
        } = opened;
        self.state.settings = settings(&thread);
        self.state.phase = Phase::Idle;
        self.state.opened(&turns);
        self.keep_choices(turns.is_empty());
        self.view.scroll.follow();
        let name = match &self.state.settings.thread_name {
            Some(name) => format!(" “{}”", clean(name)),
            None => String::new(),
        };
        let what = match turns.len() {
            0 => format!("A new thread in `{}`", self.state.settings.folder),
            1 => format!("The thread{name} goes on after 1 turn."),
            count => format!("The thread{name} goes on after {count} turns."),
        };
        self.state.transcript.note(what);
        if let Some(greeting) = self.greeting.take() {
            self.state.transcript.note(greeting);
        }
        self.session.opened(codex, thread);
    }

    /// Keeps the model and the effort that were chosen for a new thread; an older one goes on with its own.
    fn keep_choices(&mut self, is_new: bool) {
        self.model = self.model.take().filter(|_| is_new);
        self.effort = self.effort.take().filter(|_| is_new);
        if let Some(model) = &self.model {
            self.state.settings.model = visible(model);
        }
        if let Some(effort) = &self.effort {
            self.state.settings.effort = Some(visible(effort));
        }
    }

    fn not_opened(&mut self, error: &Error) {
        if error.is_closed() {
            return self.closed(&error.to_string());
        }
        self.state.phase = match self.session.has_thread() {
            true => Phase::Idle,
            false => Phase::Ended,
        };
        let what = match error {
            Error::Runtime(_) => "The runtime could not be started",
            _ => "The thread could not be opened",
        };
        self.fail(what, error);
        if !self.session.has_thread() {
            let text = "`/new` tries again, `/quit` leaves.";
            self.state.transcript.note(text);
        }
    }

    fn notification(&mut self, notification: &Notification) {
        let is_other = |id: &str| id != self.state.settings.thread_id;
        if notification.thread_id().is_some_and(is_other) {
            return;
        }
        match notification {
            Notification::TurnStarted(started) if self.is_compacting() => {
                self.session.summary_started(started.turn.id.clone());
                self.interrupt_if_asked();
            }
            Notification::TurnCompleted(completed) if self.is_compacting() => {
                self.end_turn(None);
                let transcript = &mut self.state.transcript;
                match (&completed.turn.status, &completed.turn.error) {
                    (TurnStatus::Interrupted, _) => transcript.note("Interrupted."),
                    (TurnStatus::Failed, Some(error)) => transcript.error(&error.message),
                    _ => {}
                }
            }
            other => self.state.apply(other),
        }
    }

    fn is_compacting(&self) -> bool {
        matches!(
            self.state.phase,
            Phase::Running {
                compacting: true,
                ..
            }
        )
    }

    /// Interrupts a turn that has just begun, where that was asked for before.
    fn interrupt_if_asked(&self) {
        if let Phase::Running {
            interrupting: true, ..
        } = self.state.phase
        {
            self.session.interrupt();
        }
    }

    fn turn_ended(&mut self, end: TurnEnd) {
        match end {
            TurnEnd::NotStarted(message, error) => {
                self.state.pending.clear();
                self.end_turn(None);
                self.give_back(message);
                self.fail("The message was not sent", &error);
            }
            TurnEnd::Ended(result) => {
                self.end_turn(result.turn_usage().map(|usage| usage.total_tokens));
                if result.status == TurnStatus::Interrupted {
                    self.state.transcript.note("Interrupted.");
                }
            }
            TurnEnd::Failed(Error::TurnFailed(failure)) => {
                let used = failure.result.turn_usage();
                self.end_turn(used.map(|usage| usage.total_tokens));
                let error = &failure.error;
                let details = error.additional_details.as_deref();
                let details = details.map(|details| format!("\n{details}"));
                let advice = match failure.kind() {
                    TurnFailureKind::Unauthorized => "\nLog in with `codex login`, and try again.",
                    TurnFailureKind::ContextWindow => "\n/compact makes room, /new begins anew.",
                    _ if failure.is_retryable() => "\nThe same message may work later.",
                    _ => "",
                };
                let details = details.unwrap_or_default();
                let text = format!("The turn failed: {}{details}{advice}", error.message);
                self.state.transcript.error(text);
            }
            TurnEnd::Failed(Error::BudgetExceeded(exceeded)) => {
                let used = exceeded.result.turn_usage();
                self.end_turn(used.map(|usage| usage.total_tokens));
                self.tell_budget();
            }
            TurnEnd::Failed(error) => {
                self.end_turn(None);
                self.fail("The turn was lost", &error);
            }
        }
    }

    /// Says that the budget is used up.
    pub(super) fn tell_budget(&mut self) {
        let budget = self.state.tokens.budget().unwrap_or_default();
        let budget = grouped(i64::try_from(budget).unwrap_or(i64::MAX));
        let used = grouped(self.state.tokens.used());
        self.state.transcript.error(format!(
            "The budget of {budget} tokens is used up: {used} tokens were used.\n\
             To go on, start again with --resume-latest and a larger --budget-tokens."
        ));
    }

    fn end_turn(&mut self, used: Option<i64>) {
        self.session.turn_ended();
        self.early.clear();
        let untaken = self.state.turn_ended(used);
        if !untaken.is_empty() && self.editor.is_empty() {
            self.editor.set(untaken.join("\n"));
            self.notice("the agent did not take this any more");
        }
        for message in std::mem::take(&mut self.late) {
            self.send(message);
        }
    }

    /// Puts a message back into the place to type, unless something else stands there.
    pub(super) fn give_back(&mut self, message: Message) {
        if self.editor.is_empty() {
            self.editor.set(message.text);
            self.images = message.images;
        }
    }

    /// Sends a message as a new turn that came too late for the last one.
    fn not_steered(&mut self, message: Message) {
        let shown = message.shown();
        let pending = &mut self.state.pending;
        if let Some(index) = pending.iter().position(|text| *text == shown) {
            pending.remove(index);
        }
        match self.state.phase {
            Phase::Idle => {
                // The end of the turn may have put it there.
                if self.editor.text() == shown {
                    self.editor.take();
                    self.state.notice = None;
                }
                self.send(message);
            }
            // The end of the turn is still to be told.
            Phase::Running { .. } => self.late.push(message),
            Phase::Opening | Phase::Ended => self.give_back(message),
        }
    }

    fn closed(&mut self, reason: &str) {
        if self.state.phase == Phase::Ended {
            return;
        }
        self.end_turn(None);
        self.session.ended();
        self.state.phase = Phase::Ended;
        self.state.picker = None;
        self.state.transcript.error(reason);
        let text = "`/new` starts another runtime with a new thread, `/resume` one with the last \
                    thread of this folder, `/quit` leaves.";
        self.state.transcript.note(text);
    }

    /// Shows an error; the end of the runtime is shown once, by its own event.
    pub(super) fn fail(&mut self, what: &str, error: &Error) {
        if !error.is_closed() {
            let text = format!("{what}: {}", with_causes(error));
            self.state.transcript.error(text);
        }
    }
}

/// Writes an error with its causes, unless it has said them itself.
fn with_causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let words = next.to_string();
        if !text.contains(&words) {
            text.push_str(&format!(": {words}"));
        }
        cause = next.source();
    }
    text
}

fn settings(thread: &Thread) -> Settings {
    let info = thread.info();
    let sandbox = match &info.sandbox {
        SandboxPolicy::ReadOnly(_) => "read-only",
        SandboxPolicy::WorkspaceWrite(_) => "workspace-write",
        SandboxPolicy::DangerFullAccess(_) => "danger-full-access",
        SandboxPolicy::ExternalSandbox(_) => "external sandbox",
        _ => "unknown sandbox",
    };
    let effort = info.reasoning_effort.as_ref();
    Settings {
        model: info.model.clone(),
        effort: effort.map(|effort| effort.as_str().to_owned()),
        sandbox: sandbox.to_owned(),
        folder: info.cwd.display().to_string(),
        thread_id: thread.id().to_string(),
        thread_name: info.thread.name.clone(),
    }
}
