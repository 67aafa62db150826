//! The transcript: what the runtime tells about items, as blocks.

use openai_codex::Notification;
use openai_codex::types::{
    CommandExecutionStatus, DynamicToolCallStatus, FileUpdateChange, ItemId, McpToolCallStatus,
    PatchApplyStatus, ThreadItem, TurnId, TurnPlanStepStatus,
};

use super::block::{Block, Entry, PlanMark, Progress};
use super::patch::FileDiff;
use super::text::{clean, input_text};

/// How much of a command's output is kept, in bytes.
const OUTPUT_LIMIT: usize = 256 * 1024;

/// The blocks in their order.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    entries: Vec<Entry>,
    /// The first entry of the last turn.
    turn_start: usize,
    /// The folder that paths are shown relative to.
    folder: String,
    /// Counts the times that everything was replaced.
    pub(crate) generation: u64,
}

impl Transcript {
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Begins anew, for another thread.
    pub(crate) fn clear(&mut self, folder: &str) {
        self.entries.clear();
        self.turn_start = 0;
        self.folder = folder.to_owned();
        self.generation += 1;
    }

    /// Appends a block that belongs to no item.
    pub(crate) fn push(&mut self, block: Block) {
        self.entries.push(Entry {
            item: None,
            block,
            version: 0,
        });
    }

    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.push(Block::Note(text.into()));
    }

    /// Notes what the runtime says again and again.
    fn note_once(&mut self, text: &str) {
        let block = Block::Note(clean(text));
        if self.entries.iter().all(|entry| entry.block != block) {
            self.push(block);
        }
    }

    pub(crate) fn error(&mut self, text: impl AsRef<str>) {
        self.push(Block::Error(clean(text.as_ref())));
    }

    /// Takes in what the runtime tells; returns the text of a message that the agent took.
    pub(crate) fn apply(&mut self, notification: &Notification) -> Option<String> {
        match notification {
            Notification::TurnStarted(_) => self.turn_start = self.entries.len(),
            Notification::ItemStarted(started) => {
                return self.item(&started.turn_id, &started.item);
            }
            Notification::ItemCompleted(completed) => {
                return self.item(&completed.turn_id, &completed.item);
            }
            Notification::ItemAgentMessageDelta(delta) => {
                let empty = Block::Agent(String::new());
                self.append(&delta.turn_id, &delta.item_id, &delta.delta, empty);
            }
            Notification::ItemReasoningSummaryTextDelta(delta) => {
                let empty = Block::Reasoning(String::new());
                self.append(&delta.turn_id, &delta.item_id, &delta.delta, empty);
            }
            Notification::ItemReasoningSummaryPartAdded(part) if part.summary_index > 0 => {
                let empty = Block::Reasoning(String::new());
                self.append(&part.turn_id, &part.item_id, "\n\n", empty);
            }
            Notification::ItemCommandExecutionOutputDelta(delta) => {
                self.append_output(&delta.turn_id, &delta.item_id, &delta.delta);
            }
            Notification::ItemFileChangePatchUpdated(updated) => {
                let files = self.files(&updated.changes);
                let block = Block::Change {
                    files,
                    progress: Progress::Running,
                };
                self.put(&updated.turn_id, &updated.item_id, block);
            }
            Notification::TurnPlanUpdated(updated) => {
                let steps = updated.plan.iter().map(|step| {
                    let mark = match step.status {
                        TurnPlanStepStatus::Completed => PlanMark::Done,
                        TurnPlanStepStatus::InProgress => PlanMark::Current,
                        _ => PlanMark::Pending,
                    };
                    (mark, clean(&step.step))
                });
                let block = Block::Plan(steps.collect());
                self.put(&updated.turn_id, &"plan".into(), block);
            }
            Notification::Error(error) if error.will_retry => {
                self.note(format!("{} — trying again", clean(&error.error.message)));
            }
            Notification::Warning(warning) => self.note_once(&warning.message),
            Notification::ConfigWarning(warning) => self.note_once(&warning.summary),
            Notification::DeprecationNotice(notice) => self.note_once(&notice.summary),
            Notification::ItemAutoApprovalReviewCompleted(completed) => {
                let review = &completed.review;
                let reason = review.rationale.as_deref().map(clean);
                let reason = reason
                    .map(|reason| format!(": {reason}"))
                    .unwrap_or_default();
                self.note(format!(
                    "The reviewer says {}{reason}",
                    review.status.as_str()
                ));
            }
            Notification::ModelRerouted(rerouted) => self.note(format!(
                "The model is {} now, in place of {}.",
                clean(&rerouted.to_model),
                clean(&rerouted.from_model)
            )),
            _ => {}
        }
        None
    }

    /// Takes in an item, as it starts and as it is completed; returns the text of a new user message.
    pub(crate) fn item(&mut self, turn: &TurnId, item: &ThreadItem) -> Option<String> {
        let id: ItemId = item.id()?.into();
        let mut taken = None;
        let block = match item {
            ThreadItem::UserMessage(message) => {
                let text = input_text(&message.content);
                if self.find(turn, &id).is_none() {
                    taken = Some(text.clone());
                }
                Block::User(clean(&text))
            }
            ThreadItem::AgentMessage(message) => Block::Agent(message.text.clone()),
            ThreadItem::Plan(plan) => Block::Agent(plan.text.clone()),
            ThreadItem::Reasoning(reasoning) => Block::Reasoning(reasoning.summary.join("\n\n")),
            ThreadItem::CommandExecution(command) => Block::Command {
                line: command.command.clone(),
                output: match &command.aggregated_output {
                    Some(output) => limited(output.clone()),
                    None => self.output(turn, &id),
                },
                progress: match command.status {
                    CommandExecutionStatus::InProgress => Progress::Running,
                    CommandExecutionStatus::Failed => Progress::Failed,
                    CommandExecutionStatus::Declined => Progress::Declined,
                    _ => Progress::Done,
                },
                exit_code: command.exit_code,
                duration_ms: command.duration_ms,
            },
            ThreadItem::FileChange(change) => Block::Change {
                files: self.files(&change.changes),
                progress: match change.status {
                    PatchApplyStatus::InProgress => Progress::Running,
                    PatchApplyStatus::Failed => Progress::Failed,
                    PatchApplyStatus::Declined => Progress::Declined,
                    _ => Progress::Done,
                },
            },
            ThreadItem::McpToolCall(call) => Block::Tool {
                title: format!("{} {}", call.server, call.tool),
                detail: match &call.error {
                    Some(error) => clean(&error.message),
                    None => clean(&call.arguments.to_string()),
                },
                progress: match call.status {
                    McpToolCallStatus::InProgress => Progress::Running,
                    McpToolCallStatus::Failed => Progress::Failed,
                    _ => Progress::Done,
                },
            },
            ThreadItem::DynamicToolCall(call) => Block::Tool {
                title: call.tool.clone(),
                detail: clean(&call.arguments.to_string()),
                progress: match call.status {
                    DynamicToolCallStatus::InProgress => Progress::Running,
                    DynamicToolCallStatus::Failed => Progress::Failed,
                    _ => Progress::Done,
                },
            },
            ThreadItem::WebSearch(search) => tool("web search", &search.query),
            ThreadItem::ImageView(view) => tool("looked at", &view.path.0),
            ThreadItem::ContextCompaction(_) => {
                Block::Note("The thread so far was summarized for the model.".to_owned())
            }
            _ => return None,
        };
        self.put(turn, &id, block);
        taken
    }

    /// Notes whether an item waits for the user's decision.
    pub(crate) fn asked(&mut self, turn: &TurnId, item: &ItemId, is_asked: bool) {
        let (before, after) = match is_asked {
            true => (Progress::Running, Progress::Asked),
            false => (Progress::Asked, Progress::Running),
        };
        if let Some(entry) = self.find(turn, item)
            && let Some(progress) = entry.block.progress_mut()
            && *progress == before
        {
            *progress = after;
            entry.version += 1;
        }
    }

    /// Notes that what still runs was left behind by its turn.
    pub(crate) fn turn_ended(&mut self) {
        for entry in &mut self.entries {
            if let Some(progress) = entry.block.progress_mut()
                && matches!(progress, Progress::Running | Progress::Asked)
            {
                *progress = Progress::Left;
                entry.version += 1;
            }
        }
    }

    /// Returns the changes of files of the last turn's items.
    pub(crate) fn last_changes(&self) -> Vec<FileDiff> {
        let entries = self.entries.get(self.turn_start..).unwrap_or_default();
        let mut files = Vec::new();
        for entry in entries {
            if let Block::Change {
                files: changed,
                progress: Progress::Done,
            } = &entry.block
            {
                files.extend(changed.iter().cloned());
            }
        }
        files
    }

    fn files(&self, changes: &[FileUpdateChange]) -> Vec<FileDiff> {
        let changes = changes.iter();
        changes
            .map(|change| FileDiff::of_change(change, &self.folder))
            .collect()
    }

    fn find(&mut self, turn: &TurnId, item: &ItemId) -> Option<&mut Entry> {
        self.entries.iter_mut().rev().find(|entry| {
            let key = entry.item.as_ref();
            key.is_some_and(|(of_turn, id)| id == item && of_turn == turn)
        })
    }

    /// Sets the block of an item.
    fn put(&mut self, turn: &TurnId, item: &ItemId, block: Block) {
        match self.find(turn, item) {
            Some(entry) if entry.block == block => {}
            Some(entry) => {
                entry.block = block;
                entry.version += 1;
            }
            None => self.entries.push(Entry {
                item: Some((turn.clone(), item.clone())),
                block,
                version: 0,
            }),
        }
    }

    /// Appends to the text of an item, which is there from its first piece on.
    fn append(&mut self, turn: &TurnId, item: &ItemId, piece: &str, empty: Block) {
        if self.find(turn, item).is_none() {
            self.put(turn, item, empty);
        }
        if let Some(entry) = self.find(turn, item)
            && let Block::Agent(text) | Block::Reasoning(text) = &mut entry.block
        {
            text.push_str(piece);
            entry.version += 1;
        }
    }

    fn append_output(&mut self, turn: &TurnId, item: &ItemId, piece: &str) {
        if let Some(entry) = self.find(turn, item)
            && let Block::Command { output, .. } = &mut entry.block
        {
            *output = limited(std::mem::take(output) + piece);
            entry.version += 1;
        }
    }

    fn output(&mut self, turn: &TurnId, item: &ItemId) -> String {
        match self.find(turn, item).map(|entry| &entry.block) {
            Some(Block::Command { output, .. }) => output.clone(),
            _ => String::new(),
        }
    }
}

fn tool(title: &str, detail: &str) -> Block {
    Block::Tool {
        title: title.to_owned(),
        detail: clean(detail),
        progress: Progress::Done,
    }
}

/// Keeps the end of a long output.
fn limited(mut output: String) -> String {
    if output.len() > OUTPUT_LIMIT {
        let surplus = output.len() - OUTPUT_LIMIT;
        let cut = output.ceil_char_boundary(surplus);
        output.drain(..cut);
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(transcript: &mut Transcript, json: &str) -> Option<String> {
        transcript.apply(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn deltas_add_up_and_the_completed_item_wins() {
        let mut transcript = Transcript::default();
        for piece in ["he", "llo"] {
            let delta = format!(
                r#"{{"method":"item/agentMessage/delta","params":{{"threadId":"t","turnId":"u","itemId":"i","delta":"{piece}"}}}}"#
            );
            apply(&mut transcript, &delta);
        }
        assert_eq!(
            transcript.entries()[0].block,
            Block::Agent("hello".to_owned())
        );
        let completed = r#"{"method":"item/completed","params":{"threadId":"t","turnId":"u","completedAtMs":1,
            "item":{"type":"agentMessage","id":"i","text":"hello!"}}}"#;
        apply(&mut transcript, completed);
        assert_eq!(transcript.entries().len(), 1);
        assert_eq!(
            transcript.entries()[0].block,
            Block::Agent("hello!".to_owned())
        );
    }

    #[test]
    fn a_user_message_is_told_once_and_the_same_id_in_another_turn_is_another_item() {
        let mut transcript = Transcript::default();
        let message = |method: &str, turn: &str| {
            format!(
                r#"{{"method":"item/{method}","params":{{"threadId":"t","turnId":"{turn}","startedAtMs":1,"completedAtMs":1,
                "item":{{"type":"userMessage","id":"i","content":[{{"type":"text","text":"go"}}]}}}}}}"#
            )
        };
        let first = apply(&mut transcript, &message("started", "u1"));
        assert_eq!(first.as_deref(), Some("go"));
        assert_eq!(apply(&mut transcript, &message("completed", "u1")), None);
        let second = apply(&mut transcript, &message("started", "u2"));
        assert_eq!(second.as_deref(), Some("go"));
        assert_eq!(transcript.entries().len(), 2);
    }

    #[test]
    fn a_long_output_keeps_its_end() {
        let output = limited("é".repeat(OUTPUT_LIMIT) + "end");
        assert!(output.len() <= OUTPUT_LIMIT && output.ends_with("end"));
    }
}
