//! The envelope of the protocol: one JSON object a line, in four shapes.
//!
//! Params and results stay text here: they are decoded where their type is known, once and
//! straight from the line.

use std::borrow::Cow;
use std::fmt;

use codex_types::raw;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

mod outgoing;
mod split;

pub(crate) use outgoing::{Again, Request, error_line, notification_line, result_line};
pub(crate) use split::{split_answer, split_notification};

use crate::error::RpcError;

/// A line from the runtime.
#[derive(Debug)]
pub(crate) enum Incoming<'a> {
    /// A notification.
    Notification {
        method: Cow<'a, str>,
        params: &'a str,
    },
    /// A request of the runtime.
    Request {
        /// The id as it stands in the line: it is echoed unchanged.
        id: &'a str,
        method: Cow<'a, str>,
        params: &'a str,
    },
    /// The response to a request of this client: its result as JSON text.
    Answer {
        id: i64,
        answer: Result<&'a str, Refusal>,
    },
    /// None of the protocol's messages; the text says why.
    Unusable(&'static str),
}

/// A response without a result.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The runtime's error.
    Rpc(RpcError),
    /// Neither a result nor an error, or an error of another shape; the text says which.
    Malformed(&'static str),
}

/// The members of a message that matter; others are skipped.
#[derive(Default)]
struct Envelope<'a> {
    id: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    params: Option<&'a RawValue>,
    result: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Envelope<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Envelope<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a message")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
                let mut envelope = Envelope::default();
                // Also a name that no string can hold is one.
                while let Some(name) = map.next_key::<&RawValue>()? {
                    match &*raw::string(name.get()).unwrap_or_default() {
                        "id" => envelope.id = map.next_value()?,
                        "method" => envelope.method = map.next_value()?,
                        "params" => envelope.params = map.next_value()?,
                        // An explicit null is not absence.
                        "result" => envelope.result = Some(map.next_value()?),
                        "error" => envelope.error = Some(map.next_value()?),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(envelope)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// What stands for params that are absent or null.
const NO_PARAMS: &str = "{}";

impl<'a> Incoming<'a> {
    /// Reads a line.
    pub(crate) fn parse(line: &'a str) -> Self {
        let envelope: Envelope<'a> = match serde_json::from_str(line) {
            Ok(envelope) => envelope,
            Err(error) if error.is_data() => return Self::Unusable("not a message"),
            Err(_) => return Self::Unusable("not JSON"),
        };
        let params = envelope.params.map_or(NO_PARAMS, RawValue::get);
        let method = match envelope.method.map(|method| raw::string(method.get())) {
            Some(None) => return Self::Unusable("its method is not a string"),
            Some(method) => method,
            None => None,
        };
        match (method, envelope.id) {
            (Some(method), Some(id)) => Self::Request {
                id: id.get(),
                method,
                params,
            },
            (Some(method), None) => Self::Notification { method, params },
            (None, Some(id)) => match id.get().parse() {
                Ok(id) => Self::Answer {
                    id,
                    answer: answer(envelope.result, envelope.error),
                },
                Err(_) => Self::Unusable("an answer to no request"),
            },
            (None, None) => Self::Unusable("neither method nor id"),
        }
    }
}

/// Reads a response from its members.
fn answer<'a>(
    result: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
) -> Result<&'a str, Refusal> {
    match (result, error) {
        (_, Some(error)) => match RpcError::read(error.get()) {
            Some(error) => Err(Refusal::Rpc(error)),
            None if error.get() == "null" && result.is_some() => answer(result, None),
            None => Err(Refusal::Malformed("malformed JSON-RPC error response")),
        },
        (Some(result), None) => Ok(result.get()),
        (None, None) => Err(Refusal::Malformed("a response without result or error")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(super) fn shape(line: &str) -> String {
        match Incoming::parse(line) {
            Incoming::Notification { method, params } => format!("notification {method} {params}"),
            Incoming::Request { id, method, params } => format!("request {id} {method} {params}"),
            Incoming::Answer { id, answer } => match answer {
                Ok(result) => format!("result {id} {result}"),
                Err(Refusal::Rpc(error)) => format!("error {id} {error}"),
                Err(Refusal::Malformed(why)) => format!("malformed {id} {why}"),
            },
            Incoming::Unusable(why) => format!("unusable: {why}"),
        }
    }

    #[test]
    fn a_line_is_classified_by_method_and_id() {
        let table = [
            (
                r#"{"method":"a","params":{"x":1},"emittedAtMs":5}"#,
                r#"notification a {"x":1}"#,
            ),
            (
                r#"{"params":{},"method":"a\u002fb"}"#,
                "notification a/b {}",
            ),
            (r#"{"method":"a"}"#, "notification a {}"),
            (r#"{"method":"a","params":null}"#, "notification a {}"),
            (r#"{"method":"a","id":0,"params":{}}"#, "request 0 a {}"),
            (r#"{"method":"a","id":"x\"y"}"#, r#"request "x\"y" a {}"#),
            (r#"{"id":7,"result":{"a":[]}}"#, r#"result 7 {"a":[]}"#),
            (r#"{"id":7,"result":null}"#, "result 7 null"),
            (r#"{"id":7,"result":{},"error":null}"#, "result 7 {}"),
            (
                r#"{"error":{"code":-32600,"message":"m"},"id":7}"#,
                "error 7 m (code -32600)",
            ),
            (
                r#"{"id":7,"error":"x"}"#,
                "malformed 7 malformed JSON-RPC error response",
            ),
            (
                r#"{"id":7}"#,
                "malformed 7 a response without result or error",
            ),
            (
                r#"{"id":"nope","result":{}}"#,
                "unusable: an answer to no request",
            ),
            (
                r#"{"id":null,"result":{}}"#,
                "unusable: neither method nor id",
            ),
            (
                r#"{"id":1.5,"result":{}}"#,
                "unusable: an answer to no request",
            ),
            (
                r#"{"method":5,"id":1}"#,
                "unusable: its method is not a string",
            ),
            (
                r#"{"\ud800":1e999,"method":"a","params":{"b":"\ud800"}}"#,
                r#"notification a {"b":"\ud800"}"#,
            ),
            (
                r#"{"id":7,"error":{"code":1,"message":"m","data":"\ud800","novel":1e999}}"#,
                "error 7 m (code 1)",
            ),
            ("{}", "unusable: neither method nor id"),
            ("[1]", "unusable: not a message"),
            ("5", "unusable: not a message"),
            ("null", "unusable: not a message"),
            ("hello", "unusable: not JSON"),
            (r#"{"method":"a""#, "unusable: not JSON"),
        ];
        for (line, expected) in table {
            assert_eq!(shape(line), expected, "{line}");
        }
    }
}
