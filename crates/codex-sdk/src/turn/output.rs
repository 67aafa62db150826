//! The final response of a turn as JSON.

use codex_types::ThreadItem;
use serde::de::DeserializeOwned;

use crate::error::{Error, OutputError, Result};
use crate::result::TurnResult;

impl TurnResult {
    /// Decodes the final response as JSON, for a turn with an output schema.
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// let schema = serde_json::json!({"type": "object", "properties": {"files": {"type": "integer"}}});
    /// let turn = thread.turn("Count the files, as JSON.").output_schema(schema);
    /// let answer: serde_json::Value = turn.run().await?.parse()?;
    /// println!("{}", answer["files"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Output`] with what the model said, if there is no final response, or if it is not
    /// JSON of this shape.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        self.decode().map_err(Error::Output)
    }

    /// As [`parse`](Self::parse).
    pub(super) fn decode<T: DeserializeOwned>(&self) -> std::result::Result<T, OutputError> {
        let Some(text) = &self.final_response else {
            let said = self.items.iter().rev().find_map(|item| match item {
                ThreadItem::AgentMessage(message) => Some(message.text.clone()),
                _ => None,
            });
            let text = said.unwrap_or_default();
            return Err(OutputError::Missing { text });
        };
        let malformed = |path: String, source| OutputError::Malformed {
            text: text.clone(),
            path,
            source,
        };
        let mut reader = serde_json::Deserializer::from_str(text);
        let value = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| malformed(error.path().to_string(), error.into_inner()))?;
        match reader.end() {
            Ok(()) => Ok(value),
            Err(source) => Err(malformed(".".to_owned(), source)),
        }
    }
}
