//! One pass first, and a second, tolerant one only for what did not fit.
//!
//! A union whose variant does not fit must keep its raw JSON, but text that was read cannot be read
//! again. Plain serde calls therefore buffer every union. [`from_str`] reads in one pass without
//! buffers, and only when that fails again with the text of each union at hand: what cannot be
//! read then costs the union that holds it, and not the whole message.

use std::cell::Cell;

use serde::de::DeserializeOwned;
use serde_json::Deserializer;
use serde_json::de::StrRead;

use super::raw;

thread_local! {
    static MODE: Cell<Mode> = const { Cell::new(Mode::Buffered) };
}

/// How unions are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Into a value first: the input may be of any format.
    Buffered,
    /// Straight from the input; the whole fails where a union does not fit.
    OnePass,
    /// As JSON text first.
    Text,
}

/// Returns how unions are to be read.
pub(super) fn mode() -> Mode {
    MODE.get()
}

/// Resets the mode when dropped.
struct Reset(Mode);

impl Drop for Reset {
    fn drop(&mut self) {
        MODE.set(self.0);
    }
}

/// Reads a whole JSON text in a mode.
///
/// A text in [`Mode::Text`] is read up to a bound of nesting that is this crate's own.
pub(super) fn read_in<T>(
    mode: Mode,
    text: &str,
    read: impl FnOnce(&mut Deserializer<StrRead<'_>>) -> serde_json::Result<T>,
) -> serde_json::Result<T> {
    let _reset = Reset(MODE.replace(mode));
    let mut input = match mode {
        Mode::Text => raw::reader(text),
        Mode::Buffered | Mode::OnePass => Deserializer::from_str(text),
    };
    let value = read(&mut input)?;
    input.end()?;
    Ok(value)
}

/// Decodes JSON text into a protocol type, in one pass where it fits the schema.
///
/// It gives what [`serde_json::from_str`] gives, faster, and reads more: values of up to 256 levels,
/// and a union that holds what no value can (half of a surrogate pair, a number out of range) is
/// [`Unrecognized`](crate::Unrecognized) with its text.
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
    read_in(Mode::OnePass, text, read).or_else(|_| read_in(Mode::Text, text, read))
}
