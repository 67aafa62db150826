//! The envelope of the protocol: one JSON object a line, in four shapes.
//!
//! Params and results stay text here: whoever knows their type decodes them, once and straight
//! from the line.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::RpcError;

/// A line from the runtime.
#[derive(Debug)]
pub(crate) enum Incoming<'a> {
    /// It tells something.
    Notification {
        method: Cow<'a, str>,
        params: &'a str,
    },
    /// It asks something.
    Request {
        /// The id as it stands in the line: it is echoed unchanged.
        id: &'a str,
        method: Cow<'a, str>,
        params: &'a str,
    },
    /// It answers.
    Answer { id: i64, answer: Answer<'a> },
    /// It is none of the protocol's messages; the text says why.
    Unusable(&'static str),
}

/// How the runtime answers.
#[derive(Debug)]
pub(crate) enum Answer<'a> {
    Result(&'a str),
    Error(RpcError),
    /// Neither result nor error, or an error of another shape.
    Malformed(&'static str),
}

/// The members of a message that matter; others are skipped.
#[derive(Default)]
struct Envelope<'a> {
    id: Option<&'a RawValue>,
    method: Option<Cow<'a, str>>,
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
                while let Some(Text(name)) = map.next_key()? {
                    match &*name {
                        "id" => envelope.id = map.next_value()?,
                        "method" => {
                            envelope.method = map.next_value::<Option<Text>>()?.map(|t| t.0)
                        }
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

/// A string that is borrowed from the line unless it has escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;

        impl<'de> Visitor<'de> for Borrow {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Borrow)
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
        match (envelope.method, envelope.id) {
            (Some(method), Some(id)) => Self::Request {
                id: id.get(),
                method,
                params,
            },
            (Some(method), None) => Self::Notification { method, params },
            (None, Some(id)) => match id.get().parse() {
                Ok(id) => Self::Answer {
                    id,
                    answer: Answer::of(envelope.result, envelope.error),
                },
                Err(_) => Self::Unusable("an answer to nobody"),
            },
            (None, None) => Self::Unusable("neither method nor id"),
        }
    }
}

impl<'a> Answer<'a> {
    fn of(result: Option<&'a RawValue>, error: Option<&'a RawValue>) -> Self {
        match (result, error) {
            (_, Some(error)) => match serde_json::from_str(error.get()) {
                Ok(error) => Self::Error(error),
                Err(_) if error.get() == "null" && result.is_some() => Self::of(result, None),
                Err(_) => Self::Malformed("malformed JSON-RPC error response"),
            },
            (Some(result), None) => Self::Result(result.get()),
            (None, None) => Self::Malformed("a response without result or error"),
        }
    }
}

/// Splits a line that looks like a notification into method and params, without reading it.
///
/// It cuts `{"method":"…","params":` off the front and `}`, or `,"emittedAtMs":…}`, off the end.
/// If what is left is one JSON value, then the line is that notification, for there is no other
/// way to read it; the decoder of the params finds that out anyway. If it is not, the line has
/// to be read by [`Incoming::parse`]. So most of what a runtime sends is read once instead of
/// twice.
pub(crate) fn split_notification(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix(r#"{"method":""#)?;
    let (method, rest) = rest.split_at(memchr::memchr(b'"', rest.as_bytes())?);
    if method.contains('\\') {
        return None;
    }
    let rest = rest.strip_prefix(r#"","params":"#)?.strip_suffix('}')?;
    let digits = rest.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = &rest[digits.len()..];
    // A number of JSON does not begin with a zero, unless it is zero.
    let is_number = number == "0" || !(number.is_empty() || number.starts_with('0'));
    let params = match digits.strip_suffix(r#","emittedAtMs":"#) {
        Some(params) if is_number => params,
        _ => rest,
    };
    Some((method, params))
}

/// Cuts the id and the result out of a line that looks like an answer, without reading it.
///
/// It cuts `{"id":…,"result":` off the front and `}` off the end. If what is left is one object,
/// by its braces, then the line is that answer or no JSON, which the decoder of the result finds
/// out. Any other line has to be read by [`Incoming::parse`].
pub(crate) fn split_answer(line: &str) -> Option<(i64, &str)> {
    /// The most digits that cannot be too large.
    const DIGITS: usize = 18;

    let rest = line.strip_prefix(r#"{"id":"#)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (id, rest) = rest.split_at(digits);
    let is_number = id == "0" || ((1..=DIGITS).contains(&digits) && !id.starts_with('0'));
    let result = rest.strip_prefix(r#","result":"#)?.strip_suffix('}')?;
    if !is_number || !is_one_object(result) {
        return None;
    }
    Some((id.parse().ok()?, result))
}

/// Tells whether a text that is JSON is one object: whether its first brace is closed by its last.
fn is_one_object(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'{') {
        return false;
    }
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at + 1 == bytes.len(),
            b'}' => depth -= 1,
            b'"' => match string_end(bytes, at + 1) {
                Some(end) => at = end,
                None => return false,
            },
            _ => {}
        }
        at += 1;
    }
    false
}

/// Finds the quote that ends a string of which `from` is the first byte.
fn string_end(bytes: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        from = at + 2;
    }
}

/// A request without its id, which differs from attempt to attempt.
#[derive(Debug)]
pub(crate) struct Request {
    /// The line, with room for the id in front.
    line: Vec<u8>,
}

/// How a request begins.
const HEAD: &[u8] = b"{\"id\":";
/// Room for [`HEAD`] and the longest id.
const ROOM: usize = HEAD.len() + 20;

impl Request {
    /// Encodes a request. Params that are null, those of a method without any, are left out.
    ///
    /// # Errors
    ///
    /// What the params' own serialization reports; a map with keys that are not strings, for
    /// example.
    pub(crate) fn new(method: &str, params: &impl Serialize) -> Result<Self, serde_json::Error> {
        const METHOD: &[u8] = b",\"method\":";
        const PARAMS: &[u8] = b",\"params\":";
        /// Room for a request without much text, so that writing it does not move it.
        const USUAL: usize = 256;

        let mut line = Vec::with_capacity(USUAL);
        line.resize(ROOM, 0);
        line.extend_from_slice(METHOD);
        serde_json::to_writer(&mut line, method)?;
        let method_end = line.len();
        line.extend_from_slice(PARAMS);
        serde_json::to_writer(&mut line, params)?;
        if &line[method_end + PARAMS.len()..] == b"null" {
            line.truncate(method_end);
        }
        line.extend_from_slice(b"}\n");
        Ok(Self { line })
    }

    /// Returns the line with this id, which is not negative.
    pub(crate) fn line(&mut self, id: i64) -> &[u8] {
        let mut rest = id.unsigned_abs();
        let mut start = ROOM;
        loop {
            start -= 1;
            self.line[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        start -= HEAD.len();
        self.line[start..start + HEAD.len()].copy_from_slice(HEAD);
        &self.line[start..]
    }
}

/// Writes a notification without params as a line.
pub(crate) fn notification_line(method: &str) -> Vec<u8> {
    format!("{{\"method\":{}}}\n", serde_json::Value::from(method)).into_bytes()
}

/// Writes the answer to a request of the runtime as a line.
pub(crate) fn result_line(id: &str, result: &str) -> Vec<u8> {
    format!("{{\"id\":{id},\"result\":{result}}}\n").into_bytes()
}

/// Writes an error as the answer to a request of the runtime as a line.
pub(crate) fn error_line(id: &str, code: i64, message: &str) -> Vec<u8> {
    let message = serde_json::Value::from(message);
    format!("{{\"id\":{id},\"error\":{{\"code\":{code},\"message\":{message}}}}}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(line: &str) -> String {
        match Incoming::parse(line) {
            Incoming::Notification { method, params } => format!("notification {method} {params}"),
            Incoming::Request { id, method, params } => format!("request {id} {method} {params}"),
            Incoming::Answer { id, answer } => match answer {
                Answer::Result(result) => format!("result {id} {result}"),
                Answer::Error(error) => format!("error {id} {error}"),
                Answer::Malformed(why) => format!("malformed {id} {why}"),
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
                "unusable: an answer to nobody",
            ),
            (
                r#"{"id":null,"result":{}}"#,
                "unusable: neither method nor id",
            ),
            (r#"{"id":1.5,"result":{}}"#, "unusable: an answer to nobody"),
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

    #[test]
    fn a_split_notification_is_what_the_parser_reads() {
        let table = [
            (
                r#"{"method":"a/b","params":{"x":"}"},"emittedAtMs":5}"#,
                Some(("a/b", r#"{"x":"}"}"#)),
            ),
            (r#"{"method":"a","params":{}}"#, Some(("a", "{}"))),
            (r#"{"method":"a","params":12}"#, Some(("a", "12"))),
            (r#"{"method":"a\u002fb","params":{}}"#, None),
            (r#"{"method":"a"}"#, None),
            (r#"{"id":1,"result":{}}"#, None),
        ];
        for (line, expected) in table {
            assert_eq!(split_notification(line), expected, "{line}");
        }
    }

    #[test]
    fn a_split_that_is_no_notification_has_params_that_are_no_json() {
        for line in [
            r#"{"method":"a","params":{},"id":5}"#,
            r#"{"method":"a","params":{},"id":5,"emittedAtMs":5}"#,
            r#"{"method":"a","params":{},"emittedAtMs":}"#,
        ] {
            let (_, params) = split_notification(line).unwrap();
            assert!(
                serde_json::from_str::<serde_json::Value>(params).is_err(),
                "{line}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn what_a_split_finds_the_parser_finds_too(
            method in "[a-z/\\\\\"]{0,6}",
            params in "(\\{\\}|\\{\"a\":\\[1,\"\\}\"\\]\\}|5|null|\\{|\"x\")",
            rest in "(,\"emittedAtMs\":[0-9]{0,3}|,\"id\":[0-9]|,\"params\":\\{\\}|,)?",
            end in "\\}{0,2}",
        ) {
            let line = format!("{{\"method\":\"{method}\",\"params\":{params}{rest}{end}");
            if let Some((method, params)) = split_notification(&line)
                && serde_json::from_str::<serde::de::IgnoredAny>(params).is_ok()
            {
                let params = if params == "null" { NO_PARAMS } else { params };
                proptest::prop_assert_eq!(shape(&line), format!("notification {method} {params}"));
            }
        }
    }

    #[test]
    fn a_split_answer_is_what_the_parser_reads() {
        let table = [
            (r#"{"id":7,"result":{}}"#, Some((7, "{}"))),
            (
                r#"{"id":0,"result":{"a":"}\"{"}}"#,
                Some((0, r#"{"a":"}\"{"}"#)),
            ),
            (
                r#"{"id":7,"result":{"a":[{}]}}"#,
                Some((7, r#"{"a":[{}]}"#)),
            ),
            // These are read with care.
            (r#"{"id":7,"result":{},"b":{}}"#, None),
            (r#"{"id":7,"result":{},"error":null}"#, None),
            (r#"{"id":7,"result":null}"#, None),
            (r#"{"id":07,"result":{}}"#, None),
            (r#"{"id":"7","result":{}}"#, None),
            (r#"{"id":1234567890123456789,"result":{}}"#, None),
            (r#"{"id":7,"result":{"#, None),
            (r#"{"id":7,"result":{"a}}"#, None),
            (r#"{"id":7,"result":{"a\"#, None),
            (r#"{"id":7,"method":"a"}"#, None),
        ];
        for (line, expected) in table {
            assert_eq!(split_answer(line), expected, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_a_split_answer_has_the_parser_finds_too(
            id in "[0-9]{0,20}",
            parts in proptest::collection::vec(
                "(\\{|\\}|\"|\\\\|:|,|a|\"a\":|\\[|\\]|\"error\":|\"id\":|1|\\{\\}|,\"b\":\\{\\})", 0..8),
        ) {
            let line = format!("{{\"id\":{id},\"result\":{{{}}}}}", parts.concat());
            if let Some((id, result)) = split_answer(&line)
                && serde_json::from_str::<serde::de::IgnoredAny>(result).is_ok()
            {
                proptest::prop_assert_eq!(shape(&line), format!("result {id} {result}"));
            }
        }
    }

    #[test]
    fn messages_are_written_as_lines() {
        fn request(method: &str, params: &impl Serialize) -> Vec<u8> {
            Request::new(method, params).unwrap().line(1).to_vec()
        }
        let text = |line: Vec<u8>| String::from_utf8(line).unwrap();
        assert_eq!(
            text(request("a/b", &serde_json::json!({}))),
            "{\"id\":1,\"method\":\"a/b\",\"params\":{}}\n"
        );
        assert_eq!(text(request("a", &())), "{\"id\":1,\"method\":\"a\"}\n");
        assert_eq!(
            text(request("a", &serde_json::json!({"params": null}))),
            "{\"id\":1,\"method\":\"a\",\"params\":{\"params\":null}}\n"
        );
        let mut request = Request::new("a", &()).unwrap();
        for id in [0, 10, i64::MAX, 7] {
            let line = String::from_utf8_lossy(request.line(id)).into_owned();
            assert_eq!(line, format!("{{\"id\":{id},\"method\":\"a\"}}\n"));
        }
        assert_eq!(text(notification_line("a")), "{\"method\":\"a\"}\n");
        assert_eq!(
            text(result_line("\"x\"", "{}")),
            "{\"id\":\"x\",\"result\":{}}\n"
        );
        assert_eq!(
            text(error_line("3", -32601, "no \"x\"")),
            "{\"id\":3,\"error\":{\"code\":-32601,\"message\":\"no \\\"x\\\"\"}}\n"
        );
    }
}
