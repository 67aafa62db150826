//! The pieces of an answer, and the server-sent events that each becomes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::gate::Gate;

/// A piece of an answer.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Message(Message),
    Reasoning(Reasoning),
    Call(Call),
    /// A finished output item, as given.
    Item(Value),
    /// A server-sent event, as given.
    Event(Value),
    Hold(Gate),
    Pause(Duration),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pub(super) id: Option<String>,
    pub(super) deltas: Vec<String>,
    pub(super) phase: Option<String>,
    /// Gates by the number of deltas sent before them.
    pub(super) gates: Vec<(usize, Gate)>,
    pub(super) unfinished: bool,
    /// How many of the deltas are streamed; all of them if it is not set.
    pub(super) streamed: Option<usize>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Reasoning {
    pub(super) id: Option<String>,
    pub(super) summary: Vec<String>,
    pub(super) raw: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) id: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) arguments: Value,
}

/// What the server does next while it sends an answer.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Send(Value),
    /// A streamed piece of text; the answer's delay goes between these.
    Delta(Value),
    Hold(Gate),
    Pause(Duration),
}

/// Numbers what a model server makes, so that no two items share an id.
#[derive(Debug, Default)]
pub(super) struct Ids {
    last: AtomicU64,
}

impl Ids {
    pub(super) fn next(&self, prefix: &str) -> String {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{prefix}-{number}")
    }

    fn choose(&self, chosen: Option<&String>, prefix: &str) -> String {
        chosen.cloned().unwrap_or_else(|| self.next(prefix))
    }
}

impl Part {
    /// Names the part's item, where it makes one.
    pub(super) fn set_id(&mut self, id: String) {
        match self {
            Self::Message(Message { id: slot, .. })
            | Self::Reasoning(Reasoning { id: slot, .. })
            | Self::Call(Call { id: slot, .. }) => *slot = Some(id),
            Self::Item(_) | Self::Event(_) | Self::Hold(_) | Self::Pause(_) => {}
        }
    }

    /// Appends what the server does for this part, the `index`th output.
    pub(super) fn plan(&self, index: usize, ids: &Ids, steps: &mut Vec<Step>) {
        match self {
            Self::Message(message) => message.plan(index, ids, steps),
            Self::Reasoning(reasoning) => reasoning.plan(index, ids, steps),
            Self::Call(call) => steps.push(done(index, call.item(ids))),
            Self::Item(item) => steps.push(done(index, item.clone())),
            Self::Event(event) => steps.push(Step::Send(event.clone())),
            Self::Hold(gate) => steps.push(Step::Hold(gate.clone())),
            Self::Pause(length) => steps.push(Step::Pause(*length)),
        }
    }
}

impl Message {
    fn plan(&self, index: usize, ids: &Ids, steps: &mut Vec<Step>) {
        let id = ids.choose(self.id.as_ref(), "msg");
        steps.push(added(index, self.item(&id, json!([]))));
        for sent in 0..=self.deltas.len() {
            for (_, gate) in self.gates.iter().filter(|(after, _)| *after == sent) {
                steps.push(Step::Hold(gate.clone()));
            }
            let delta = self.deltas.get(sent).filter(|delta| !delta.is_empty());
            if let Some(delta) = delta.filter(|_| self.streamed.is_none_or(|most| sent < most)) {
                steps.push(Step::Delta(json!({
                    "type": "response.output_text.delta",
                    "item_id": id,
                    "output_index": index,
                    "content_index": 0,
                    "delta": delta,
                })));
            }
        }
        if !self.unfinished {
            let text = self.deltas.concat();
            let content = json!([{"type": "output_text", "text": text, "annotations": []}]);
            steps.push(done(index, self.item(&id, content)));
        }
    }

    fn item(&self, id: &str, content: Value) -> Value {
        let mut item = Map::new();
        item.insert("type".to_owned(), json!("message"));
        item.insert("role".to_owned(), json!("assistant"));
        item.insert("id".to_owned(), json!(id));
        item.insert("content".to_owned(), content);
        if let Some(phase) = &self.phase {
            item.insert("phase".to_owned(), json!(phase));
        }
        Value::Object(item)
    }
}

impl Reasoning {
    fn plan(&self, index: usize, ids: &Ids, steps: &mut Vec<Step>) {
        let id = ids.choose(self.id.as_ref(), "rs");
        steps.push(added(
            index,
            json!({"type": "reasoning", "id": id, "summary": []}),
        ));
        if !self.summary.is_empty() {
            steps.push(Step::Send(json!({
                "type": "response.reasoning_summary_part.added",
                "item_id": id,
                "output_index": index,
                "summary_index": 0,
            })));
        }
        for delta in &self.summary {
            steps.push(Step::Delta(json!({
                "type": "response.reasoning_summary_text.delta",
                "item_id": id,
                "output_index": index,
                "summary_index": 0,
                "delta": delta,
            })));
        }
        for delta in &self.raw {
            steps.push(Step::Delta(json!({
                "type": "response.reasoning_text.delta",
                "item_id": id,
                "output_index": index,
                "content_index": 0,
                "delta": delta,
            })));
        }
        let summary = text_parts("summary_text", &self.summary);
        let content = text_parts("reasoning_text", &self.raw);
        steps.push(done(
            index,
            json!({"type": "reasoning", "id": id, "summary": summary, "content": content}),
        ));
    }
}

impl Call {
    fn item(&self, ids: &Ids) -> Value {
        let mut item = json!({
            "type": "function_call",
            "call_id": ids.choose(self.id.as_ref(), "call"),
            "name": self.name,
            "arguments": self.arguments.to_string(),
        });
        if let Some(namespace) = &self.namespace {
            item["namespace"] = json!(namespace);
        }
        item
    }
}

fn text_parts(kind: &str, texts: &[String]) -> Value {
    if texts.is_empty() {
        return json!([]);
    }
    json!([{"type": kind, "text": texts.concat()}])
}

fn added(index: usize, item: Value) -> Step {
    Step::Send(json!({"type": "response.output_item.added", "output_index": index, "item": item}))
}

fn done(index: usize, item: Value) -> Step {
    Step::Send(json!({"type": "response.output_item.done", "output_index": index, "item": item}))
}
