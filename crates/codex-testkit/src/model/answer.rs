//! The builder for what the scripted model answers to one request.

use std::time::Duration;

use serde_json::{Value, json};

use super::part::{Call, Message, Part, Reasoning};
use super::usage::Usage;
use crate::gate::Gate;

/// Scripts the answer to one model request.
///
/// An answer is a stream of output items with an ending. [`and`](Self::and)
/// joins several into one response; the modifiers (`id`, `phase`, `escalated`
/// and so on) apply to the item added last.
///
/// ```
/// use codex_testkit::{Answer, Usage};
/// use serde_json::json;
///
/// // One message, streamed in two deltas.
/// let hello = Answer::deltas(["he", "llo"]);
/// // Two messages in one response.
/// let both = Answer::text("Looking.").phase("commentary")
///     .and(Answer::text("Found it.").phase("final_answer"))
///     .usage(Usage::new(11, 7).cached(3).reasoning(5));
/// // A command that needs approval, and any other tool.
/// let command = Answer::exec_command("cargo publish").escalated("May I publish?");
/// let tool = Answer::function_call("update_goal", json!({"status": "complete"}));
/// // Failures.
/// let overloaded = Answer::failed("server_is_overloaded", "try later");
/// let refused = Answer::http_error(500, json!({"error": {"message": "no"}}));
/// let cut = Answer::text("half a").unfinished().and(Answer::broken_connection());
/// # let _ = (hello, both, command, tool, overloaded, refused, cut);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Answer {
    pub(super) parts: Vec<Part>,
    pub(super) ending: Ending,
    pub(super) headers: Vec<(String, String)>,
    pub(super) usage: Option<Usage>,
    pub(super) delta_delay: Duration,
}

/// How an answer ends.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    Completed,
    /// A last event in place of `response.completed`.
    Event(Value),
    /// The stream ends well-formed, but early.
    EndedEarly,
    /// The connection breaks.
    Broken,
    /// No stream at all, but this status and body.
    Http {
        status: u16,
        body: String,
    },
}

impl Answer {
    /// Answers with nothing but a completion.
    pub fn empty() -> Self {
        Self {
            parts: Vec::new(),
            ending: Ending::Completed,
            headers: Vec::new(),
            usage: Some(Usage::default()),
            delta_delay: Duration::ZERO,
        }
    }

    /// Answers with one message, streamed in one delta.
    pub fn text(text: impl Into<String>) -> Self {
        Self::deltas([text])
    }

    /// Answers with one message, streamed in these deltas.
    pub fn deltas<I>(deltas: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        Self::of(Part::Message(Message {
            deltas: deltas.into_iter().map(Into::into).collect(),
            ..Message::default()
        }))
    }

    /// Answers with reasoning whose summary is `summary`.
    pub fn reasoning(summary: impl Into<String>) -> Self {
        Self::reasoning_deltas([summary])
    }

    /// Answers with reasoning whose summary is streamed in these deltas.
    pub fn reasoning_deltas<I>(summary: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        Self::of(Part::Reasoning(Reasoning {
            summary: summary.into_iter().map(Into::into).collect(),
            ..Reasoning::default()
        }))
    }

    /// Calls the tool `name` with `arguments`.
    pub fn function_call(name: impl Into<String>, arguments: Value) -> Self {
        Self::of(Part::Call(Call {
            id: None,
            namespace: None,
            name: name.into(),
            arguments,
        }))
    }

    /// Runs `command` in the agent's shell.
    pub fn exec_command(command: impl Into<String>) -> Self {
        Self::function_call("exec_command", json!({"cmd": command.into()}))
    }

    /// Applies `patch`, a text from `*** Begin Patch` to `*** End Patch`.
    ///
    /// The runtime makes a `fileChange` item of it.
    pub fn apply_patch(patch: impl AsRef<str>) -> Self {
        let patch = patch.as_ref().trim_end();
        Self::exec_command(format!("apply_patch <<'EOF'\n{patch}\nEOF"))
    }

    /// Adds a file with `apply_patch`.
    pub fn add_file(path: impl AsRef<str>, contents: impl AsRef<str>) -> Self {
        let mut patch = format!("*** Begin Patch\n*** Add File: {}\n", path.as_ref());
        for line in contents.as_ref().lines() {
            patch.push('+');
            patch.push_str(line);
            patch.push('\n');
        }
        patch.push_str("*** End Patch");
        Self::apply_patch(patch)
    }

    /// Sets the status of the thread's goal, `complete` for example.
    pub fn update_goal(status: impl Into<String>) -> Self {
        Self::function_call("update_goal", json!({"status": status.into()}))
    }

    /// Answers as the automatic reviewer that allows the action.
    pub fn reviewer_allows(rationale: impl Into<String>) -> Self {
        Self::reviewer("low", "high", "allow", rationale.into())
    }

    /// Answers as the automatic reviewer that denies the action.
    pub fn reviewer_denies(rationale: impl Into<String>) -> Self {
        Self::reviewer("high", "low", "deny", rationale.into())
    }

    fn reviewer(risk: &str, authorization: &str, outcome: &str, rationale: String) -> Self {
        let verdict = json!({
            "risk_level": risk,
            "user_authorization": authorization,
            "outcome": outcome,
            "rationale": rationale,
        });
        Self::text(verdict.to_string())
    }

    /// Sends `item` as a finished output item.
    pub fn item(item: Value) -> Self {
        Self::of(Part::Item(item))
    }

    /// Sends `event` as it is; its `type` names the server-sent event.
    pub fn event(event: Value) -> Self {
        Self::of(Part::Event(event))
    }

    /// Waits at `gate` before whatever is joined after it.
    pub fn hold(gate: &Gate) -> Self {
        Self::of(Part::Hold(gate.clone()))
    }

    /// Waits before whatever is joined after it.
    pub fn pause(length: Duration) -> Self {
        Self::of(Part::Pause(length))
    }

    /// Fails with a `response.failed` event.
    pub fn failed(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::ending(Ending::Event(json!({
            "type": "response.failed",
            "response": {
                "status": "failed",
                "error": {"code": code.into(), "message": message.into()},
            },
        })))
    }

    /// Ends with a `response.incomplete` event, for `max_output_tokens` for example.
    pub fn incomplete(reason: impl Into<String>) -> Self {
        Self::ending(Ending::Event(json!({
            "type": "response.incomplete",
            "response": {
                "status": "incomplete",
                "incomplete_details": {"reason": reason.into()},
            },
        })))
    }

    /// Ends the stream in good order, but without a completion.
    pub fn ended_early() -> Self {
        Self::ending(Ending::EndedEarly)
    }

    /// Breaks the connection in mid-stream.
    pub fn broken_connection() -> Self {
        Self::ending(Ending::Broken)
    }

    /// Answers with an HTTP status and no stream; a JSON string is sent as plain text.
    pub fn http_error(status: u16, body: Value) -> Self {
        Self::ending(Ending::Http {
            status,
            body: match body {
                Value::String(text) => text,
                other => other.to_string(),
            },
        })
    }

    /// Appends `next` to this response; its usage and ending win over these.
    pub fn and(mut self, next: Self) -> Self {
        self.parts.extend(next.parts);
        self.ending = next.ending;
        self.headers.extend(next.headers);
        if next.usage != Some(Usage::default()) {
            self.usage = next.usage;
        }
        self.delta_delay = self.delta_delay.max(next.delta_delay);
        self
    }

    /// Reports these token counts; the default is 10 in, 5 out.
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// Reports no token counts.
    pub fn without_usage(mut self) -> Self {
        self.usage = None;
        self
    }

    /// Sets the id of the last item (of a tool call, its call id).
    pub fn id(mut self, id: impl Into<String>) -> Self {
        if let Some(part) = self.parts.last_mut() {
            part.set_id(id.into());
        }
        self
    }

    /// Sets the phase of the last message: `commentary` or `final_answer`.
    pub fn phase(self, phase: impl Into<String>) -> Self {
        let phase = phase.into();
        self.change_message(|message| message.phase = Some(phase))
    }

    /// Streams only the first `sent` deltas of the last message, as providers do that stream
    /// nothing (`0`) or not everything; the message is whole when it is complete.
    pub fn streams(self, sent: usize) -> Self {
        self.change_message(|message| message.streamed = Some(sent))
    }

    /// Leaves the last message open: its deltas come, its completion does not.
    pub fn unfinished(self) -> Self {
        self.change_message(|message| message.unfinished = true)
    }

    /// Adds raw reasoning text to the last reasoning item.
    pub fn raw_reasoning(mut self, text: impl Into<String>) -> Self {
        if let Some(Part::Reasoning(reasoning)) = self.parts.last_mut() {
            reasoning.raw.push(text.into());
        }
        self
    }

    /// Asks for the last command to run outside the sandbox, for this reason.
    pub fn escalated(self, justification: impl Into<String>) -> Self {
        self.argument("sandbox_permissions", json!("require_escalated"))
            .argument("justification", json!(justification.into()))
    }

    /// Sets one more argument of the last tool call.
    pub fn argument(self, name: impl Into<String>, value: Value) -> Self {
        let name = name.into();
        self.change_call(|call| {
            if let Value::Object(arguments) = &mut call.arguments {
                arguments.insert(name, value);
            }
        })
    }

    /// Sets the namespace of the last tool call, `mcp__<server>` for example.
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        let namespace = namespace.into();
        self.change_call(|call| call.namespace = Some(namespace))
    }

    /// Adds a header to the HTTP response.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Waits at `gate` before the first event of this answer.
    pub fn gate(mut self, gate: &Gate) -> Self {
        self.parts.insert(0, Part::Hold(gate.clone()));
        self
    }

    /// Waits at `gate` after `sent` deltas of the last message.
    pub fn gate_after_delta(self, sent: usize, gate: &Gate) -> Self {
        let gate = gate.clone();
        self.change_message(|message| message.gates.push((sent, gate)))
    }

    /// Waits at `gate` before the answer ends.
    pub fn gate_at_end(mut self, gate: &Gate) -> Self {
        self.parts.push(Part::Hold(gate.clone()));
        self
    }

    /// Waits this long before each delta but the first.
    pub fn delta_delay(mut self, delay: Duration) -> Self {
        self.delta_delay = delay;
        self
    }

    fn of(part: Part) -> Self {
        let mut answer = Self::empty();
        answer.parts.push(part);
        answer
    }

    fn ending(ending: Ending) -> Self {
        let mut answer = Self::empty();
        answer.ending = ending;
        answer
    }

    fn change_message(mut self, change: impl FnOnce(&mut Message)) -> Self {
        let last = self.parts.iter_mut().rev();
        if let Some(message) = last.into_iter().find_map(|part| match part {
            Part::Message(message) => Some(message),
            _ => None,
        }) {
            change(message);
        }
        self
    }

    fn change_call(mut self, change: impl FnOnce(&mut Call)) -> Self {
        if let Some(Part::Call(call)) = self.parts.last_mut() {
            change(call);
        }
        self
    }
}
