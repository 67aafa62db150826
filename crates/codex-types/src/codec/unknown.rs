//! The parts of messages that these types do not know, kept for writing them again.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::raw;

/// One bit a field. In an object: its presence on the wire was not the usual one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Marks(u64);

impl Marks {
    pub(crate) fn set(&mut self, index: usize) {
        self.0 |= 1 << index;
    }

    pub(crate) fn has(self, index: usize) -> bool {
        self.0 & (1 << index) != 0
    }
}

/// The fields of an object that its type does not know, kept as they came.
///
/// A newer runtime adds fields; they are here, and are written again where the object is.
///
/// ```
/// let turn = r#"{"turnId":"t","threadId":"t","itemId":"i","delta":"x","novel":1}"#;
/// let delta: codex_types::AgentMessageDeltaNotification = codex_types::from_str(turn)?;
/// assert_eq!(delta.unknown_fields.get("novel"), Some(&serde_json::json!(1)));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct UnknownFields {
    pub(crate) fields: Option<Box<Map<String, Value>>>,
    pub(crate) marks: Marks,
}

impl UnknownFields {
    /// The value of an unknown field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.as_ref()?.get(name)
    }

    /// The unknown fields, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        let fields = self.fields.iter().flat_map(|fields| fields.iter());
        fields.map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.fields.as_ref().is_none_or(|fields| fields.is_empty())
    }

    pub(crate) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.iter()
            .try_for_each(|(name, value)| map.serialize_entry(name, value))
    }
}

impl fmt::Debug for UnknownFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only: an unknown value may be a secret.
        f.debug_set()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

impl PartialEq for UnknownFields {
    fn eq(&self, other: &Self) -> bool {
        // Their order is that of the wire where serde_json keeps it.
        self.iter().count() == other.iter().count()
            && self
                .iter()
                .all(|(name, value)| other.get(name) == Some(value))
    }
}

/// Why JSON did not fit the type that was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError(String);

impl DecodeError {
    pub(crate) fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DecodeError {}

/// A value of a union that fits none of the variants these types know, as raw JSON.
///
/// It is written again as it came.
#[derive(Clone)]
#[non_exhaustive]
pub struct Unrecognized {
    /// The raw JSON; a string with its text where no value can hold it (half of a surrogate pair, a
    /// number out of range, more than 256 levels).
    pub value: Value,
    /// Why a known variant did not fit; `None` where the variant itself is unknown.
    pub error: Option<DecodeError>,
}

impl Unrecognized {
    /// Keeps a value that no known variant describes.
    pub fn new(value: Value) -> Self {
        Self { value, error: None }
    }

    /// The string that the raw JSON has under this name, also where no value can hold the rest.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match &self.value {
            Value::String(text) => raw::plain_string(raw::member(text, name)?),
            value => value.get(name)?.as_str(),
        }
    }

    /// The whole number that the raw JSON has under this name, also where no value can hold the
    /// rest.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        match &self.value {
            Value::String(text) => raw::member(text, name)?.parse().ok(),
            value => value.get(name)?.as_i64(),
        }
    }

    pub(crate) fn unfit(value: Value, reason: impl fmt::Display) -> Self {
        let error = Some(DecodeError::new(reason));
        Self { value, error }
    }
}

impl fmt::Debug for Unrecognized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unrecognized")
            .field("value", &self.value)
            .field("error", &self.error)
            .finish()
    }
}

impl PartialEq for Unrecognized {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Serialize for Unrecognized {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}
