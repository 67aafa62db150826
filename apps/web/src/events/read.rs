//! Reads notifications of the runtime.

use openai_codex::Notification;
use openai_codex::types::{
    CommandExecutionThreadItem, FileUpdateChange, PatchChangeKind, ReasoningThreadItem, ThreadItem,
    TurnCompletedNotification, TurnStatus, UserInput,
};

use super::{Body, Change, Command, Event, Item, Usage, text};

impl Event {
    /// Reads a notification of a turn; `None` for one that the page does not show.
    pub(crate) fn read(notification: Notification) -> Option<Self> {
        Some(match notification {
            Notification::TurnStarted(started) => Self::TurnStarted {
                turn_id: started.turn.id.into(),
            },
            Notification::ItemStarted(started) => Self::ItemStarted {
                item: Item::of(started.item)?,
            },
            Notification::ItemCompleted(completed) => Self::ItemCompleted {
                item: Item::of(completed.item)?,
            },
            Notification::ItemAgentMessageDelta(delta) => Self::TextDelta {
                item_id: delta.item_id.into(),
                delta: delta.delta,
            },
            Notification::ItemReasoningSummaryTextDelta(delta) => Self::ReasoningDelta {
                item_id: delta.item_id.into(),
                delta: delta.delta,
            },
            Notification::ItemReasoningSummaryPartAdded(part) if part.summary_index > 0 => {
                Self::ReasoningDelta {
                    item_id: part.item_id.into(),
                    delta: PARAGRAPH.to_owned(),
                }
            }
            Notification::ItemCommandExecutionOutputDelta(delta) => Self::CommandOutput {
                item_id: delta.item_id.into(),
                delta: delta.delta,
            },
            Notification::ItemFileChangePatchUpdated(updated) => Self::FileChange {
                item_id: updated.item_id.into(),
                changes: updated.changes.iter().map(Change::of).collect(),
            },
            Notification::ThreadTokenUsageUpdated(usage) => Self::Usage(Usage {
                total_tokens: usage.token_usage.total.total_tokens,
                context_tokens: usage.token_usage.last.total_tokens,
                context_window: usage.token_usage.model_context_window,
            }),
            Notification::TurnCompleted(completed) => Self::completed(*completed),
            Notification::Error(error) => Self::Error {
                message: error.error.message,
                will_retry: error.will_retry,
            },
            Notification::Warning(warning) => Self::Notice {
                message: warning.message,
            },
            _ => return None,
        })
    }

    fn completed(completed: TurnCompletedNotification) -> Self {
        let turn = completed.turn;
        let error = turn.error.map(|error| error.message);
        Self::TurnCompleted {
            turn_id: turn.id.into(),
            message: match (&turn.status, error) {
                (TurnStatus::Completed, None) => None,
                (TurnStatus::Interrupted, None) => Some("The turn was interrupted.".to_owned()),
                (status, None) => Some(format!("The turn ended as {status}.")),
                (status, Some(error)) => Some(format!("The turn ended as {status}: {error}")),
            },
            status: turn.status.to_string(),
        }
    }
}

/// Stands between the parts of a reasoning.
const PARAGRAPH: &str = "\n\n";

impl Item {
    /// Reads an item; `None` for one without an id.
    fn of(item: ThreadItem) -> Option<Self> {
        let id = item.id()?.to_owned();
        let body = match item {
            ThreadItem::UserMessage(message) => Body::User {
                text: user_text(&message.content),
            },
            ThreadItem::AgentMessage(message) => Body::Message { text: message.text },
            ThreadItem::Plan(plan) => Body::Message { text: plan.text },
            ThreadItem::Reasoning(reasoning) => Body::Reasoning {
                text: reasoning_text(&reasoning),
            },
            ThreadItem::CommandExecution(command) => Body::Command(Command::of(*command)),
            ThreadItem::FileChange(change) => Body::FileChange {
                status: change.status.to_string(),
                changes: change.changes.iter().map(Change::of).collect(),
            },
            ThreadItem::McpToolCall(call) => Body::Tool {
                name: format!("{}: {}", call.server, call.tool),
                status: call.status.to_string(),
            },
            ThreadItem::DynamicToolCall(call) => Body::Tool {
                name: call.tool,
                status: call.status.to_string(),
            },
            ThreadItem::WebSearch(search) => Body::Tool {
                name: format!("web search: {}", search.query),
                status: String::new(),
            },
            other => Body::Other {
                name: type_name(&other),
            },
        };
        Some(Self { id, body })
    }
}

impl Command {
    fn of(item: CommandExecutionThreadItem) -> Self {
        let mut output = item.aggregated_output.unwrap_or_default();
        Self {
            command: item.command,
            cwd: item.cwd.0,
            status: item.status.to_string(),
            cut: text::keep_end(&mut output),
            output,
            exit_code: item.exit_code,
        }
    }
}

impl Change {
    /// Reads the change of a file.
    pub(super) fn of(change: &FileUpdateChange) -> Self {
        let (action, moved_to) = match &change.kind {
            PatchChangeKind::Add(_) => ("add", None),
            PatchChangeKind::Delete(_) => ("delete", None),
            PatchChangeKind::Update(update) => ("update", update.move_path.clone()),
            _ => ("change", None),
        };
        let mut diff = change.diff.clone();
        Self {
            path: change.path.clone(),
            moved_to,
            action: action.to_owned(),
            cut: text::keep_start(&mut diff),
            diff,
        }
    }
}

fn user_text(content: &[UserInput]) -> String {
    let parts = content.iter().map(|part| match part {
        UserInput::Text(text) => text.text.as_str(),
        _ => "[attachment]",
    });
    parts.collect::<Vec<_>>().join("\n")
}

/// Returns the summary, or the reasoning itself where the model gives no summary.
fn reasoning_text(reasoning: &ReasoningThreadItem) -> String {
    let parts = match reasoning.summary.is_empty() {
        true => &reasoning.content,
        false => &reasoning.summary,
    };
    parts.join(PARAGRAPH)
}

fn type_name(item: &ThreadItem) -> String {
    let json = serde_json::to_value(item).unwrap_or_default();
    json["type"].as_str().unwrap_or("item").to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn item(item: Value) -> Value {
        let item: ThreadItem = serde_json::from_value(item).unwrap();
        serde_json::to_value(Item::of(item).unwrap()).unwrap()
    }

    #[test]
    fn items_are_told_by_their_kind() {
        let message = item(json!({"type": "agentMessage", "id": "a", "text": "hello"}));
        assert_eq!(
            message,
            json!({"id": "a", "kind": "message", "text": "hello"})
        );
        let content = json!([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]);
        let user = item(json!({"type": "userMessage", "id": "u", "content": content}));
        assert_eq!(user, json!({"id": "u", "kind": "user", "text": "one\ntwo"}));
        let reasoning =
            json!({"type": "reasoning", "id": "r", "summary": [], "content": ["x", "y"]});
        assert_eq!(item(reasoning)["text"], "x\n\ny");
    }

    #[test]
    fn a_command_is_told_with_its_end() {
        let command = item(json!({
            "type": "commandExecution", "id": "c", "command": "ls", "cwd": "/w", "status": "completed",
            "commandActions": [], "aggregatedOutput": "a\n", "exitCode": 0,
        }));
        assert_eq!(command["kind"], "command");
        assert_eq!(command["output"], "a\n");
        assert_eq!(command["exit_code"], 0);
    }

    #[test]
    fn changes_of_files_are_told_with_their_diff() {
        let kind = json!({"type": "update", "move_path": "b.txt"});
        let change = json!({"path": "a.txt", "kind": kind, "diff": "@@\n-x\n+y\n"});
        let change = item(json!({
            "type": "fileChange", "id": "f", "status": "completed", "changes": [change],
        }));
        assert_eq!(change["changes"][0]["action"], "update");
        assert_eq!(change["changes"][0]["moved_to"], "b.txt");
        assert_eq!(change["changes"][0]["diff"], "@@\n-x\n+y\n");
    }

    #[test]
    fn an_item_of_a_newer_runtime_keeps_its_name() {
        let newer = item(json!({"type": "hologram", "id": "h"}));
        assert_eq!(
            newer,
            json!({"id": "h", "kind": "other", "name": "hologram"})
        );
    }
}
