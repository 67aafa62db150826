//! Lists to choose from, and rate limits.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use openai_codex::types::{Model, RateLimitSnapshot, RateLimitWindow, Thread as StoredThread};
use openai_codex::{Error, Result};

use super::App;
use crate::state::{Choice, Picker, visible};

/// The levels of reasoning where the model tells none.
const EFFORTS: [&str; 6] = ["none", "minimal", "low", "medium", "high", "xhigh"];

impl App {
    pub(super) fn show_threads(&mut self, threads: Vec<StoredThread>) {
        let mut picker = Picker::new("Go on with a thread");
        for thread in threads {
            let title = thread.name.as_deref().unwrap_or(&thread.preview);
            let title = first_line(title);
            let detail = format!("{} · {}", ago(thread.updated_at), visible(&thread.cwd.0));
            let is_current = *thread.id == *self.state.settings.thread_id;
            let choice = Choice::Thread(thread.id.to_string());
            picker = picker.row(title, detail, choice, is_current);
        }
        self.show(picker, "There is no earlier thread.");
    }

    pub(super) fn show_models(&mut self, models: Vec<Model>) {
        let mut picker = Picker::new("Choose a model");
        for model in models {
            let is_current = model.model == self.state.settings.model;
            let (name, detail) = (
                first_line(&model.display_name),
                first_line(&model.description),
            );
            picker = picker.row(name, detail, Choice::Model(model.model), is_current);
        }
        let empty = "The runtime lists no models; `/model NAME` sets one.";
        self.show(picker, empty);
    }

    pub(super) fn show_efforts(&mut self, models: &[Model]) {
        let settings = &self.state.settings;
        let model = models.iter().find(|model| model.model == settings.model);
        let options = model.map(|model| model.supported_reasoning_efforts.as_slice());
        let mut levels: Vec<(String, String)> = options
            .unwrap_or_default()
            .iter()
            .map(|option| {
                let level = option.reasoning_effort.as_str().to_owned();
                (level, first_line(&option.description))
            })
            .collect();
        if levels.is_empty() {
            levels.extend(EFFORTS.map(|level| (level.to_owned(), String::new())));
        }
        let mut picker = Picker::new("Choose how much the model reasons");
        for (level, detail) in levels {
            let is_current = settings.effort.as_deref() == Some(&level);
            picker = picker.row(level.clone(), detail, Choice::Effort(level), is_current);
        }
        self.show(picker, "The model has no levels.");
    }

    /// Shows a list, unless it is empty or a question has come meanwhile.
    fn show(&mut self, picker: Picker, empty: &str) {
        if picker.rows.is_empty() {
            self.state.transcript.note(empty);
        } else if self.state.asks.is_empty() {
            self.state.picker = Some(picker);
        }
    }

    pub(super) fn show_rate_limits(&mut self, limits: Result<Box<RateLimitSnapshot>>) {
        let limits = limits.map(|limits| *limits);
        match limits.or_else(|error| self.state.rate_limits.clone().ok_or(error)) {
            Ok(limits) => {
                self.state.transcript.note(rate_limits(&limits));
                self.state.rate_limits = Some(limits);
            }
            Err(Error::Rpc { source, .. }) => {
                let text = format!("No rate limits are known: {}.", source.message);
                self.state.transcript.note(text);
            }
            Err(error) => self.fail("The rate limits could not be read", &error),
        }
    }
}

/// Writes the rate limits as a Markdown list.
fn rate_limits(limits: &RateLimitSnapshot) -> String {
    let window = |window: &RateLimitWindow| {
        let span = match window.window_duration_mins {
            Some(minutes) if minutes >= 1440 => format!("{} days", minutes / 1440),
            Some(minutes) if minutes >= 60 => format!("{} hours", minutes / 60),
            Some(minutes) => format!("{minutes} minutes"),
            None => "the window".to_owned(),
        };
        format!("- {} % used of {span}", window.used_percent)
    };
    let windows = limits.primary.iter().chain(&limits.secondary);
    let lines: Vec<String> = windows.map(window).collect();
    if lines.is_empty() {
        return "No rate limits are known.".to_owned();
    }
    format!("**Rate limits**\n\n{}", lines.join("\n"))
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    visible(line).chars().take(60).collect()
}

/// Writes how long ago a time was, in seconds since the Unix epoch.
fn ago(time: i64) -> String {
    let then = UNIX_EPOCH + Duration::from_secs(time.try_into().unwrap_or_default());
    let since = SystemTime::now().duration_since(then);
    match since.unwrap_or_default().as_secs() {
        0..60 => "just now".to_owned(),
        seconds @ 60..3600 => format!("{} min ago", seconds / 60),
        seconds @ 3600..86_400 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}
