//! What a tool answers.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use codex_types::{
    DynamicToolCallOutputContentItem, DynamicToolCallResponse,
    InputImageDynamicToolCallOutputContentItem, InputTextDynamicToolCallOutputContentItem,
};
use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Result};

/// What a tool tells the model: texts and images, in order.
///
/// ```
/// use openai_codex::tool::ToolOutput;
///
/// let output = ToolOutput::text("The chart:").and(ToolOutput::image("image/png", &[0x89, 0x50]));
/// ```
///
/// Texts and JSON values become one by `into()`, so that a closure may return them as they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolOutput {
    parts: Vec<DynamicToolCallOutputContentItem>,
}

impl ToolOutput {
    /// Makes a text.
    pub fn text(text: impl Into<String>) -> Self {
        let text = InputTextDynamicToolCallOutputContentItem::new(text);
        DynamicToolCallOutputContentItem::InputText(text).into()
    }

    /// Makes the JSON text of a value.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a value that has no JSON, a map with keys that are no texts for example.
    pub fn json(value: &impl Serialize) -> Result<Self> {
        let text = serde_json::to_string(value);
        let text = text.map_err(|error| {
            Error::InvalidInput(format!(
                "the output of the tool cannot be written as JSON: {error}"
            ))
        });
        text.map(Self::text)
    }

    /// Makes an image of its bytes, with their media type: `image/png`.
    pub fn image(media_type: &str, bytes: &[u8]) -> Self {
        let url = format!("data:{media_type};base64,{}", STANDARD.encode(bytes));
        let image = InputImageDynamicToolCallOutputContentItem::new(url);
        DynamicToolCallOutputContentItem::InputImage(image).into()
    }

    /// Adds what comes after it.
    pub fn and(mut self, more: impl Into<Self>) -> Self {
        self.parts.extend(more.into().parts);
        self
    }
}

impl From<DynamicToolCallOutputContentItem> for ToolOutput {
    fn from(part: DynamicToolCallOutputContentItem) -> Self {
        Self { parts: vec![part] }
    }
}

impl From<String> for ToolOutput {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&str> for ToolOutput {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<Value> for ToolOutput {
    fn from(value: Value) -> Self {
        Self::text(value.to_string())
    }
}

/// Nothing to tell: the model is told that it is done.
impl From<()> for ToolOutput {
    fn from((): ()) -> Self {
        Self::text("done")
    }
}

impl<T: Into<Self>> FromIterator<T> for ToolOutput {
    fn from_iter<I: IntoIterator<Item = T>>(parts: I) -> Self {
        let outputs = parts.into_iter().flat_map(|part| part.into().parts);
        Self {
            parts: outputs.collect(),
        }
    }
}

/// Why a call failed, as the model is told. The turn goes on.
///
/// Any error becomes one by `?`, with its text; that of an error that holds secrets must not get here.
pub struct ToolError(String);

impl ToolError {
    /// Fails with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// It is no error itself, so that every error can become one.
impl<E: std::error::Error> From<E> for ToolError {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ToolError").field(&self.0).finish()
    }
}

/// The answer to the runtime.
pub(super) fn response(
    outcome: std::result::Result<ToolOutput, ToolError>,
) -> DynamicToolCallResponse {
    let (output, success) = match outcome {
        Ok(output) => (output, true),
        Err(error) => (ToolOutput::text(error.0), false),
    };
    DynamicToolCallResponse::new(output.parts, success)
}
