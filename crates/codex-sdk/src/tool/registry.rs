//! The tools of a client's threads.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use codex_types::{DynamicToolCallParams, ServerNotification, ThreadId};
use serde_json::{Value, json};

use super::output::response;
use super::{Tool, ToolCall};
use crate::error::{Error, Result};
use crate::handler::Handler;

/// The names of the runtime's own tools, which it calls in place of a client's tool of that name.
const SHADOWED: [&str; 13] = [
    "apply_patch",
    "create_goal",
    "exec_command",
    "get_goal",
    "list_mcp_resource_templates",
    "list_mcp_resources",
    "multi_agent_v1",
    "read_mcp_resource",
    "request_user_input",
    "update_goal",
    "view_image",
    "web_search",
    "write_stdin",
];

/// The beginning of the names that the runtime keeps for the tools of servers.
const RESERVED: &str = "mcp__";

/// The longest name, in bytes.
const LONGEST_NAME: usize = 128;

/// The tools of a thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct ToolSet {
    tools: Vec<Tool>,
}

impl ToolSet {
    pub(crate) fn extend(&mut self, tools: impl IntoIterator<Item = Tool>) {
        self.tools.extend(tools);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }

    /// Checks what the runtime would refuse or misread.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a client without the experimental API, a name that is refused, shadowed or there
    /// twice, and arguments that are no struct.
    pub(crate) fn check(&self, is_experimental: bool) -> Result<()> {
        let Some(first) = self.tools.first() else {
            return Ok(());
        };
        if !is_experimental {
            return Err(Error::InvalidInput(format!(
                "the tool {:?} needs the runtime's experimental API: start the client with \
                 `CodexConfig::new().experimental_api(true)`",
                first.name()
            )));
        }
        let mut names = HashSet::new();
        for tool in &self.tools {
            let name = tool.name();
            let problem = if let Err(refusal) = &tool.inner.arguments {
                Some(format!("has arguments that cannot be: {refusal}"))
            } else {
                problem(name).or_else(|| (!names.insert(name)).then(|| "is there twice".into()))
            };
            if let Some(problem) = problem {
                return Err(Error::InvalidInput(format!("the tool {name:?} {problem}")));
            }
        }
        Ok(())
    }

    /// Returns what the runtime stores of the tools, and the field of `thread/start` that says it.
    pub(crate) fn specifications(&self) -> (&'static str, Vec<Value>) {
        let tools = self.tools.iter().filter_map(|tool| {
            let arguments = tool.inner.arguments.as_ref().ok()?;
            Some(json!({
                "type": "function",
                "name": tool.name(),
                "description": tool.description(),
                "inputSchema": arguments.schema,
            }))
        });
        ("dynamicTools", tools.collect())
    }
}

/// What is wrong with a name.
fn problem(name: &str) -> Option<String> {
    let is_known = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_known) {
        let form = "has a name that the runtime refuses: use letters, digits, `_` and `-`";
        return Some(format!("{form}, at most {LONGEST_NAME}"));
    }
    if name.starts_with(RESERVED) {
        let why = "has a name that the runtime keeps for the tools of servers";
        return Some(format!("{why}: let it not begin with {RESERVED:?}"));
    }
    SHADOWED.contains(&name).then(|| {
        "has the name of a tool of the runtime's own, which would be called in its place: use another"
            .into()
    })
}

/// The tools by thread.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    threads: Mutex<HashMap<ThreadId, ToolSet>>,
}

impl Registry {
    /// Sets the tools of a thread, and returns those that it had.
    pub(crate) fn bring(&self, thread_id: &ThreadId, tools: ToolSet) -> Option<ToolSet> {
        self.lock().insert(thread_id.clone(), tools)
    }

    /// Puts back the tools that a thread had.
    pub(crate) fn put_back(&self, thread_id: &ThreadId, before: Option<ToolSet>) {
        match before {
            Some(tools) => drop(self.lock().insert(thread_id.clone(), tools)),
            None => drop(self.lock().remove(thread_id)),
        }
    }

    /// Forgets the tools of a thread that has ended.
    pub(crate) fn observe(&self, event: &ServerNotification) {
        let ended = match event {
            ServerNotification::ThreadArchived(ended) => &ended.thread_id,
            ServerNotification::ThreadClosed(ended) => &ended.thread_id,
            ServerNotification::ThreadDeleted(ended) => &ended.thread_id,
            _ => return,
        };
        self.lock().remove(ended);
    }

    /// Makes the handler of a call, if one of the thread's tools is for it.
    pub(crate) fn handler(&self, params: &str) -> Option<Handler> {
        let params: DynamicToolCallParams = codex_types::from_str(params).ok()?;
        if params.namespace.is_some() {
            return None;
        }
        let threads = self.lock();
        let mut tools = threads.get(&params.thread_id)?.tools.iter();
        let tool = tools.find(|tool| tool.name() == params.tool)?.clone();
        Some(Handler::new(move |params: DynamicToolCallParams| {
            let tool = tool.clone();
            async move {
                let (call, _running) = ToolCall::new(&params);
                Ok(response(tool.run(params.arguments, call).await))
            }
        }))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ThreadId, ToolSet>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
