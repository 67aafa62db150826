//! The record of one HTTP request that the runtime made.

use serde_json::Value;

/// Records one request that reached the model server.
///
/// The helpers read the body of a Responses request; on any other request they
/// find nothing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// The HTTP method.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The query, without its question mark; empty if there is none.
    pub query: String,
    /// The headers in the order they came, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
    /// The body read as JSON; `Null` if it is none.
    pub body_json: Value,
}

/// Records the output of a tool that the runtime sent to the model.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FunctionCallOutput {
    /// Which call it answers.
    pub call_id: Option<String>,
    /// The tool, where the item names it.
    pub name: Option<String>,
    /// The tool's namespace, where the item names it.
    pub namespace: Option<String>,
    /// The output as it was sent: a string or content items.
    pub output: Value,
}

impl FunctionCallOutput {
    /// Reads the output as text; content items are joined by line breaks.
    pub fn text(&self) -> String {
        match &self.output {
            Value::String(text) => text.clone(),
            Value::Array(items) => {
                let texts: Vec<&str> = items
                    .iter()
                    .filter_map(|item| item["text"].as_str())
                    .collect();
                texts.join("\n")
            }
            other => other.to_string(),
        }
    }
}

impl Request {
    /// Finds a header by its name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Says whether it asks the model for a response.
    pub fn is_response(&self) -> bool {
        self.method == "POST" && self.path == "/v1/responses"
    }

    /// Says whether the automatic approval reviewer makes it.
    pub fn is_reviewer(&self) -> bool {
        self.header("x-openai-subagent") == Some("guardian")
    }

    /// Returns the model asked for.
    pub fn model(&self) -> Option<&str> {
        self.body_json["model"].as_str()
    }

    /// Returns the base instructions.
    pub fn instructions(&self) -> Option<&str> {
        self.body_json["instructions"].as_str()
    }

    /// Returns the reasoning effort asked for.
    pub fn effort(&self) -> Option<&str> {
        self.body_json["reasoning"]["effort"].as_str()
    }

    /// Returns the JSON schema that the answer must fit, if one was given.
    pub fn output_schema(&self) -> Option<&Value> {
        let schema = &self.body_json["text"]["format"]["schema"];
        (!schema.is_null()).then_some(schema)
    }

    /// Returns the input items, oldest first.
    pub fn input(&self) -> &[Value] {
        self.body_json["input"]
            .as_array()
            .map_or(&[], Vec::as_slice)
    }

    /// Returns the texts of the user's messages, oldest first.
    ///
    /// The runtime sends context as user messages too; the words of the user
    /// come last.
    pub fn user_texts(&self) -> Vec<&str> {
        self.texts("user")
    }

    /// Returns the last text of the user's messages.
    pub fn last_user_text(&self) -> Option<&str> {
        self.user_texts().pop()
    }

    /// Returns the texts of the developer messages, oldest first.
    pub fn developer_texts(&self) -> Vec<&str> {
        self.texts("developer")
    }

    /// Returns the texts of the assistant's messages, oldest first.
    pub fn assistant_texts(&self) -> Vec<&str> {
        self.texts("assistant")
    }

    /// Returns the URLs of the images in messages, data URLs among them.
    pub fn image_urls(&self) -> Vec<&str> {
        self.input()
            .iter()
            .filter_map(|item| item["content"].as_array())
            .flatten()
            .filter(|part| part["type"] == "input_image")
            .filter_map(|part| part["image_url"].as_str())
            .collect()
    }

    /// Returns the tools offered to the model, as they were sent.
    pub fn tools(&self) -> &[Value] {
        self.body_json["tools"]
            .as_array()
            .map_or(&[], Vec::as_slice)
    }

    /// Returns the names of the tools; of hosted tools without a name, their type.
    pub fn tool_names(&self) -> Vec<&str> {
        self.tools()
            .iter()
            .filter_map(|tool| tool["name"].as_str().or_else(|| tool["type"].as_str()))
            .collect()
    }

    /// Returns the outputs of tools that the model is told, oldest first.
    pub fn function_call_outputs(&self) -> Vec<FunctionCallOutput> {
        let owned = |value: &Value| value.as_str().map(str::to_owned);
        self.input()
            .iter()
            .filter(|item| item["type"] == "function_call_output")
            .map(|item| FunctionCallOutput {
                call_id: owned(&item["call_id"]),
                name: owned(&item["name"]),
                namespace: owned(&item["namespace"]),
                output: item["output"].clone(),
            })
            .collect()
    }

    /// Describes the request in one line, for failure texts.
    pub fn summary(&self) -> String {
        let mut text = format!("{} {}", self.method, self.path);
        if self.is_response() {
            if self.is_reviewer() {
                text.push_str(", of the reviewer");
            }
            if let Some(last) = self.last_user_text() {
                let short: String = last.chars().take(80).collect();
                text.push_str(&format!(", last user text {short:?}"));
            }
            let outputs = self.function_call_outputs();
            if let Some(output) = outputs.last() {
                let short: String = output.text().chars().take(80).collect();
                text.push_str(&format!(", last tool output {short:?}"));
            }
        }
        text
    }

    fn texts(&self, role: &str) -> Vec<&str> {
        self.input()
            .iter()
            .filter(|item| item["role"] == role)
            .filter_map(|item| item["content"].as_array())
            .flatten()
            .filter_map(|part| part["text"].as_str())
            .collect()
    }
}
