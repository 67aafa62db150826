//! What items hold, and how they looked before they were complete.

use codex_types::{
    CommandExecutionStatus, DynamicToolCallStatus, McpToolCallStatus, PatchApplyStatus, ThreadItem,
};

use crate::event::Text;

/// Returns what of a text comes after the part that was given.
///
/// The first piece of a command's output comes in no delta, so what was given may begin later in it. A text that
/// does not hold what was given is another one, whose end is in the item alone.
pub(super) fn rest<'a>(whole: &'a str, given: &str) -> &'a str {
    match whole.find(given) {
        Some(at) => &whole[at + given.len()..],
        None => "",
    }
}

/// Returns the texts of an item, with their part.
pub(super) fn texts(item: &ThreadItem) -> Vec<(Text, i64, &str)> {
    fn parts(text: Text, parts: &[String]) -> impl Iterator<Item = (Text, i64, &str)> {
        (0..)
            .zip(parts)
            .map(move |(part, whole)| (text, part, whole.as_str()))
    }

    match item {
        ThreadItem::AgentMessage(message) => vec![(Text::AgentMessage, 0, &message.text)],
        ThreadItem::Plan(plan) => vec![(Text::Plan, 0, &plan.text)],
        ThreadItem::Reasoning(reasoning) => parts(Text::ReasoningSummary, &reasoning.summary)
            .chain(parts(Text::Reasoning, &reasoning.content))
            .collect(),
        ThreadItem::CommandExecution(command) => {
            let output = command.aggregated_output.iter();
            output
                .map(|output| (Text::CommandOutput, 0, output.as_str()))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Returns a complete item as it was when it started, as far as that is known.
pub(super) fn begun(item: &ThreadItem) -> ThreadItem {
    let mut item = item.clone();
    match &mut item {
        ThreadItem::AgentMessage(message) => message.text.clear(),
        ThreadItem::Plan(plan) => plan.text.clear(),
        ThreadItem::Reasoning(reasoning) => {
            reasoning.summary.clear();
            reasoning.content.clear();
        }
        ThreadItem::CommandExecution(command) => {
            command.status = CommandExecutionStatus::InProgress;
            command.aggregated_output = None;
            command.exit_code = None;
            command.duration_ms = None;
            command.completed_at_ms = None;
        }
        ThreadItem::FileChange(change) => {
            change.status = PatchApplyStatus::InProgress;
            change.completed_at_ms = None;
        }
        ThreadItem::McpToolCall(call) => {
            call.status = McpToolCallStatus::InProgress;
            call.result = None;
            call.error = None;
            call.duration_ms = None;
            call.completed_at_ms = None;
        }
        ThreadItem::DynamicToolCall(call) => {
            call.status = DynamicToolCallStatus::InProgress;
            call.content_items = None;
            call.success = None;
            call.duration_ms = None;
            call.completed_at_ms = None;
        }
        _ => {}
    }
    item
}

pub(super) fn is_in_progress(item: &ThreadItem) -> bool {
    match item {
        ThreadItem::CommandExecution(command) => {
            command.status == CommandExecutionStatus::InProgress
        }
        ThreadItem::FileChange(change) => change.status == PatchApplyStatus::InProgress,
        ThreadItem::McpToolCall(call) => call.status == McpToolCallStatus::InProgress,
        ThreadItem::DynamicToolCall(call) => call.status == DynamicToolCallStatus::InProgress,
        _ => false,
    }
}

/// Ends an item that the runtime has forgotten: one that was declined is in no history.
pub(super) fn forgotten(mut item: ThreadItem) -> Option<ThreadItem> {
    match &mut item {
        ThreadItem::CommandExecution(command) => command.status = CommandExecutionStatus::Declined,
        ThreadItem::FileChange(change) => change.status = PatchApplyStatus::Declined,
        ThreadItem::McpToolCall(call) => call.status = McpToolCallStatus::Failed,
        ThreadItem::DynamicToolCall(call) => call.status = DynamicToolCallStatus::Failed,
        _ => return None,
    }
    Some(item)
}
