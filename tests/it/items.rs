//! Helpers that read items and events.

use openai_codex::types::{
    AskForApproval, CommandExecutionStatus, MessagePhase, PatchApplyStatus, SandboxPolicy,
    ThreadItem, UserInput,
};
use openai_codex::{Codex, Notification, Thread, ThreadInfo, TurnHandle};

use crate::stage::{ok, within};

/// The texts of the agent's messages, in order.
pub(crate) fn agent_texts(items: &[ThreadItem]) -> Vec<&str> {
    let texts = items.iter().filter_map(|item| match item {
        ThreadItem::AgentMessage(message) => Some(message.text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// The phases of the agent's messages, in order.
pub(crate) fn phases(items: &[ThreadItem]) -> Vec<Option<MessagePhase>> {
    let phases = items.iter().filter_map(|item| match item {
        ThreadItem::AgentMessage(message) => Some(message.phase.clone()),
        _ => None,
    });
    phases.collect()
}

/// Who said what, in order: `user: text` and `agent: text`.
pub(crate) fn dialog(items: &[ThreadItem]) -> Vec<String> {
    let mut lines = Vec::new();
    for item in items {
        match item {
            ThreadItem::AgentMessage(message) => lines.push(format!("agent: {}", message.text)),
            ThreadItem::UserMessage(message) => {
                for part in &message.content {
                    if let UserInput::Text(text) = part {
                        lines.push(format!("user: {}", text.text));
                    }
                }
            }
            _ => {}
        }
    }
    lines
}

/// How the commands ended, in order.
pub(crate) fn commands(items: &[ThreadItem]) -> Vec<CommandExecutionStatus> {
    let statuses = items.iter().filter_map(|item| match item {
        ThreadItem::CommandExecution(command) => Some(command.status.clone()),
        _ => None,
    });
    statuses.collect()
}

/// How the changes of files ended, in order.
pub(crate) fn patches(items: &[ThreadItem]) -> Vec<PatchApplyStatus> {
    let statuses = items.iter().filter_map(|item| match item {
        ThreadItem::FileChange(change) => Some(change.status.clone()),
        _ => None,
    });
    statuses.collect()
}

/// Reads a turn to its end.
pub(crate) async fn events(turn: &mut TurnHandle) -> Vec<Notification> {
    let mut events = Vec::new();
    while let Some(event) = within(turn.next()).await {
        events.push(event.unwrap());
    }
    events
}

/// Reads a turn until an event is `wanted`, and returns it.
pub(crate) async fn event(
    turn: &mut TurnHandle,
    wanted: impl Fn(&Notification) -> bool,
) -> Notification {
    loop {
        let event = within(turn.next()).await.expect("the turn has ended");
        let event = event.unwrap();
        if wanted(&event) {
            return event;
        }
    }
}

/// Reads a turn until the agent has said `text`, to its end.
///
/// An answer that waits at a gate has left the model by then, but what the runtime has made of it
/// only the client can see.
pub(crate) async fn said(turn: &mut TurnHandle, text: &str) {
    let said = |event: &Notification| {
        matches!(event, Notification::ItemCompleted(done)
            if agent_texts(std::slice::from_ref(&done.item)) == [text])
    };
    event(turn, said).await;
}

/// The text of the deltas of agent messages, in order.
pub(crate) fn deltas(events: &[Notification]) -> Vec<&str> {
    let deltas = events.iter().filter_map(|event| match event {
        Notification::ItemAgentMessageDelta(delta) => Some(delta.delta.as_str()),
        _ => None,
    });
    deltas.collect()
}

/// The items that are completed, in order.
pub(crate) fn completed(events: &[Notification]) -> Vec<ThreadItem> {
    let items = events.iter().filter_map(|event| match event {
        Notification::ItemCompleted(completed) => Some(completed.item.clone()),
        _ => None,
    });
    items.collect()
}

/// The methods of events, in order.
pub(crate) fn methods(events: &[Notification]) -> Vec<&str> {
    events.iter().map(Notification::method).collect()
}

/// What the runtime knows of a thread by now: it is resumed to ask for it.
pub(crate) async fn state(codex: &Codex, thread: &Thread) -> ThreadInfo {
    ok(codex.thread_resume(thread.id())).await.info().clone()
}

/// The approval policy that a thread has by now.
pub(crate) async fn policy(codex: &Codex, thread: &Thread) -> AskForApproval {
    state(codex, thread).await.approval_policy
}

/// The name of the sandbox that a thread has by now.
pub(crate) fn sandbox(info: &ThreadInfo) -> &'static str {
    match info.sandbox {
        SandboxPolicy::DangerFullAccess(_) => "dangerFullAccess",
        SandboxPolicy::ReadOnly(_) => "readOnly",
        SandboxPolicy::WorkspaceWrite(_) => "workspaceWrite",
        _ => "other",
    }
}
