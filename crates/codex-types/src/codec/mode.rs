//! One pass first, and a second, tolerant one only for what did not fit.
//!
//! A union whose variant does not fit must keep its raw JSON, but text that was read cannot be read
//! again. Plain serde calls therefore buffer every union. [`from_str`] reads in one pass without
//! buffers, and only when that fails again with them.

use std::cell::Cell;

use serde::de::DeserializeOwned;
use serde_json::Deserializer;
use serde_json::de::StrRead;

thread_local! {
    static ONE_PASS: Cell<bool> = const { Cell::new(false) };
}

/// Whether unions may read straight from the input and fail.
pub(super) fn one_pass() -> bool {
    ONE_PASS.get()
}

/// Sets the mode until dropped.
pub(super) struct Mode(bool);

impl Mode {
    /// Enters the mode in which unions fail instead of buffering, or leaves it for input that is in
    /// memory already.
    pub(super) fn enter(one_pass: bool) -> Self {
        Self(ONE_PASS.replace(one_pass))
    }
}

impl Drop for Mode {
    fn drop(&mut self) {
        ONE_PASS.set(self.0);
    }
}

/// Decodes JSON text into a protocol type, in one pass where it fits the schema.
///
/// It gives what [`serde_json::from_str`] gives, and faster.
///
/// ```
/// let status: codex_types::ThreadStatus = codex_types::from_str(r#"{"type":"idle"}"#)?;
/// assert!(matches!(status, codex_types::ThreadStatus::Idle(_)));
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
///
/// The text is not JSON, or does not fit the type.
pub fn from_str<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    read_str(text, |input| T::deserialize(input))
}

/// Reads one value from a JSON text.
pub(crate) type Read<T> = fn(&mut Deserializer<StrRead<'_>>) -> serde_json::Result<T>;

/// Reads JSON text as [`from_str`] does.
///
/// What has many types to read gives one type for them all, and this is compiled once.
pub(crate) fn read_str<T>(text: &str, read: Read<T>) -> serde_json::Result<T> {
    let pass = |one_pass| {
        let _mode = Mode::enter(one_pass);
        let mut input = Deserializer::from_str(text);
        let value = read(&mut input)?;
        input.end()?;
        Ok(value)
    };
    pass(true).or_else(|_: serde_json::Error| pass(false))
}
