//! Messages of unknown methods, and messages that did not decode.

use std::borrow::Cow;

use serde_json::Value;

use crate::codec::{DecodeError, raw};

/// A notification of a method that these types do not know, or whose params did not fit.
#[derive(Debug, Clone)]
pub struct UnknownNotification {
    /// The method's name.
    pub method: String,
    /// The raw params; null where there were none, and a string with their JSON text where no
    /// value can hold them (half of a surrogate pair, a number out of range, more than 256 levels).
    pub params: Value,
    /// Why a known method's params did not fit; `None` for an unknown method.
    pub error: Option<DecodeError>,
}

/// A request of a method that these types do not know, or whose params did not fit.
#[derive(Debug, Clone)]
pub struct UnknownRequest {
    /// The method's name.
    pub method: String,
    /// The raw params; null where there were none, and a string with their JSON text where no
    /// value can hold them (half of a surrogate pair, a number out of range, more than 256 levels).
    pub params: Value,
    /// Why a known method's params did not fit; `None` for an unknown method.
    pub error: Option<DecodeError>,
}

macro_rules! unknown_message {
    ($ty:ident) => {
        impl $ty {
            pub(crate) fn new(method: &str, params: &str, error: Option<DecodeError>) -> Self {
                Self {
                    method: method.to_owned(),
                    params: raw::value(params),
                    error,
                }
            }

            /// The thread that the raw params name: `threadId`, or `thread.id`.
            pub fn thread_id(&self) -> Option<&str> {
                let params = Raw::of(&self.params);
                params
                    .text("threadId")
                    .or_else(|| params.member("thread")?.text("id"))
            }

            /// The turn that the raw params name: `turnId`, or `turn.id`.
            pub fn turn_id(&self) -> Option<&str> {
                let params = Raw::of(&self.params);
                params
                    .text("turnId")
                    .or_else(|| params.member("turn")?.text("id"))
            }

            /// The JSON text of what the raw params have under this name.
            pub fn member(&self, name: &str) -> Option<Cow<'_, str>> {
                Some(match Raw::of(&self.params).member(name)? {
                    Raw::Value(value) => Cow::Owned(value.to_string()),
                    Raw::Text(text) => Cow::Borrowed(text),
                })
            }

            /// The string that the raw params have under this name.
            pub fn text(&self, name: &str) -> Option<&str> {
                Raw::of(&self.params).text(name)
            }
        }

        /// Equal where method and params are; the reason is only for readers.
        impl PartialEq for $ty {
            fn eq(&self, other: &Self) -> bool {
                self.method == other.method && self.params == other.params
            }
        }
    };
}

unknown_message!(UnknownNotification);
unknown_message!(UnknownRequest);

/// Raw params: a value, or the text of what no value can hold.
#[derive(Clone, Copy)]
enum Raw<'a> {
    Value(&'a Value),
    Text(&'a str),
}

impl<'a> Raw<'a> {
    fn of(params: &'a Value) -> Self {
        match params {
            Value::String(text) => Self::Text(text),
            value => Self::Value(value),
        }
    }

    fn member(self, name: &str) -> Option<Self> {
        match self {
            Self::Value(value) => value.get(name).map(Self::Value),
            Self::Text(text) => raw::member(text, name).map(Self::Text),
        }
    }

    fn text(self, name: &str) -> Option<&'a str> {
        match self.member(name)? {
            Self::Value(value) => value.as_str(),
            Self::Text(text) => raw::plain_string(text),
        }
    }
}
