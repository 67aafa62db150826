//! The input of a turn: text, images, and results of external tools.

use codex_types::{
    FunctionCallOutputBody, FunctionCallOutputContentItem, TurnToolOutput, UserInput,
};

use crate::error::{Error, Result};

/// What a user says: one or more items.
///
/// ```
/// use openai_codex::{Input, InputItem};
///
/// let text: Input = "Describe this project.".into();
/// let more: Input = [InputItem::text("What is this?"), InputItem::local_image("a.png")].into();
/// # let _ = (text, more);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    items: Vec<UserInput>,
}

impl Input {
    /// Returns the items.
    pub fn items(&self) -> &[UserInput] {
        &self.items
    }

    /// Takes the items apart for sending.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if there are none.
    pub(crate) fn into_items(self) -> Result<Vec<UserInput>> {
        if self.items.is_empty() {
            return Err(Error::InvalidInput(
                "the input has no items: give a text, or at least one item".into(),
            ));
        }
        Ok(self.items)
    }
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        UserInput::text(text).into()
    }
}

impl From<&String> for Input {
    fn from(text: &String) -> Self {
        UserInput::text(text).into()
    }
}

impl From<String> for Input {
    fn from(text: String) -> Self {
        UserInput::text(text).into()
    }
}

impl From<UserInput> for Input {
    fn from(item: UserInput) -> Self {
        Self { items: vec![item] }
    }
}

impl From<Vec<UserInput>> for Input {
    fn from(items: Vec<UserInput>) -> Self {
        Self { items }
    }
}

impl<const N: usize> From<[UserInput; N]> for Input {
    fn from(items: [UserInput; N]) -> Self {
        Self {
            items: items.into(),
        }
    }
}

/// A message from a tool outside of the conversation; the model does not take it for the user's.
///
/// ```
/// use openai_codex::ExternalMessage;
///
/// let message = ExternalMessage::new("notifications", "The build is green.").namespace("ci");
/// # let _ = message;
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalMessage {
    output: TurnToolOutput,
}

/// The content of an [`ExternalMessage`]: text, or content items.
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalContent(FunctionCallOutputBody);

impl From<&str> for ExternalContent {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<&String> for ExternalContent {
    fn from(text: &String) -> Self {
        text.clone().into()
    }
}

impl From<String> for ExternalContent {
    fn from(text: String) -> Self {
        Self(FunctionCallOutputBody::Text(text))
    }
}

impl From<Vec<FunctionCallOutputContentItem>> for ExternalContent {
    fn from(items: Vec<FunctionCallOutputContentItem>) -> Self {
        Self(FunctionCallOutputBody::ContentItems(items))
    }
}

impl<const N: usize> From<[FunctionCallOutputContentItem; N]> for ExternalContent {
    fn from(items: [FunctionCallOutputContentItem; N]) -> Self {
        Vec::from(items).into()
    }
}

impl From<FunctionCallOutputBody> for ExternalContent {
    fn from(body: FunctionCallOutputBody) -> Self {
        Self(body)
    }
}

impl ExternalMessage {
    /// Makes a message of this tool, with text or content items.
    pub fn new(tool_name: impl Into<String>, content: impl Into<ExternalContent>) -> Self {
        Self {
            output: TurnToolOutput::new(tool_name, content.into().0),
        }
    }

    /// Sets the namespace of the tool.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.output = self.output.namespace(namespace);
        self
    }

    /// Takes the message apart for sending.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the tool has no name.
    pub(crate) fn into_output(self) -> Result<TurnToolOutput> {
        if self.output.name.trim().is_empty() {
            return Err(Error::InvalidInput(
                "an external message needs the name of its tool".into(),
            ));
        }
        Ok(self.output)
    }
}

/// What a turn starts from: an [`Input`] of the user, or an [`ExternalMessage`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RunInput {
    /// What the user says.
    User(Input),
    /// What a tool outside of the conversation says.
    External(ExternalMessage),
}

impl From<Input> for RunInput {
    fn from(input: Input) -> Self {
        Self::User(input)
    }
}

impl From<ExternalMessage> for RunInput {
    fn from(message: ExternalMessage) -> Self {
        Self::External(message)
    }
}

macro_rules! run_input_from {
    ($($from:ty),*) => {
        $(impl From<$from> for RunInput {
            fn from(input: $from) -> Self {
                Self::User(input.into())
            }
        })*
    };
}

run_input_from!(&str, &String, String, UserInput, Vec<UserInput>);

impl<const N: usize> From<[UserInput; N]> for RunInput {
    fn from(items: [UserInput; N]) -> Self {
        Self::User(items.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_input_is_refused() {
        let input = Input::from(Vec::new());
        assert!(matches!(input.into_items(), Err(Error::InvalidInput(_))));
        assert_eq!(
            Input::from("a").into_items().unwrap(),
            [UserInput::text("a")]
        );
    }

    #[test]
    fn an_external_message_needs_a_tool() {
        let message = ExternalMessage::new(" \t", "x");
        assert!(matches!(message.into_output(), Err(Error::InvalidInput(_))));
        let output = ExternalMessage::new("n", "x").into_output().unwrap();
        let json = serde_json::to_value(output).unwrap();
        assert_eq!(json, serde_json::json!({"name": "n", "output": "x"}));
    }
}
