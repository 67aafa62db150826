//! The events of a job, for a person or as lines of JSON.

use codex_fleet::{Job, JobEvent, JobEventKind, Result};
use openai_codex::Notification;
use openai_codex::types::ThreadItem;
use serde::Serialize;

/// An event as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    attempt: u32,
    at_ms: u64,
    event: &'a JobEventKind,
}

/// Shows what happens in a job until it is over.
pub(crate) async fn show(job: &Job, json: bool) -> Result<()> {
    let mut events = job.events();
    while let Some(event) = events.next().await {
        let JobEvent {
            attempt,
            at_ms,
            kind: event,
            ..
        } = &event?;
        if json {
            let line = Line {
                attempt: *attempt,
                at_ms: *at_ms,
                event,
            };
            match serde_json::to_string(&line) {
                Ok(line) => println!("{line}"),
                Err(error) => eprintln!("an event is not JSON: {error}"),
            }
        } else if let Some(line) = line_of(event) {
            eprintln!("[{attempt}] {line}");
        }
    }
    Ok(())
}

/// Returns what a person is shown of an event.
fn line_of(event: &JobEventKind) -> Option<String> {
    Some(match event {
        JobEventKind::Taken { worker } => format!("taken by {worker}"),
        JobEventKind::Asked { .. } => "a question waits: codex-fleet approve".to_owned(),
        JobEventKind::Answered { .. } => "the question is answered".to_owned(),
        JobEventKind::AttemptFailed { error } => format!("failed: {error}"),
        JobEventKind::GivenBack => "given back by the worker".to_owned(),
        JobEventKind::Turn(notification) => return line_of_turn(notification),
        _ => return None,
    })
}

fn line_of_turn(notification: &Notification) -> Option<String> {
    let Notification::ItemCompleted(completed) = notification else {
        return None;
    };
    Some(match &completed.item {
        ThreadItem::AgentMessage(message) => message.text.clone(),
        ThreadItem::CommandExecution(command) => format!("$ {}", command.command),
        ThreadItem::FileChange(change) => {
            let paths: Vec<_> = change
                .changes
                .iter()
                .map(|change| change.path.as_str())
                .collect();
            format!("changed {}", paths.join(", "))
        }
        _ => return None,
    })
}
