//! The lines that are sent.

use std::borrow::Cow;

use codex_types::raw;
use serde::Serialize;

/// A request without its id, which differs from attempt to attempt.
#[derive(Debug)]
pub(crate) struct Request {
    method: Cow<'static, str>,
    /// The line, with room for the id in front.
    line: Vec<u8>,
    /// What is done about it if its connection is lost.
    pub(crate) again: Again,
}

/// What is done about a request whose connection is lost before its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Again {
    /// It fails: whether the runtime has done it is not known.
    #[default]
    Never,
    /// It is sent again.
    Always,
    /// It is sent again unless this message is in the history of this thread.
    Unless { thread: Box<str>, message: Box<str> },
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
    pub(crate) fn new(
        method: Cow<'static, str>,
        params: &impl Serialize,
    ) -> Result<Self, serde_json::Error> {
        const METHOD: &[u8] = b",\"method\":";
        const PARAMS: &[u8] = b",\"params\":";
        /// Room for a request without much text, so that writing it does not move it.
        const USUAL: usize = 256;

        let mut line = Vec::with_capacity(USUAL);
        line.resize(ROOM, 0);
        line.extend_from_slice(METHOD);
        serde_json::to_writer(&mut line, &*method)?;
        let method_end = line.len();
        line.extend_from_slice(PARAMS);
        serde_json::to_writer(&mut line, params)?;
        if &line[method_end + PARAMS.len()..] == b"null" {
            line.truncate(method_end);
        }
        line.extend_from_slice(b"}\n");
        Ok(Self {
            method,
            line,
            again: Again::default(),
        })
    }

    /// Returns the name of its method.
    pub(crate) fn method(&self) -> &Cow<'static, str> {
        &self.method
    }

    /// Returns how many bytes it has on the wire, about.
    pub(crate) fn len(&self) -> usize {
        self.line.len()
    }

    /// Returns the text of one of its params.
    pub(crate) fn param(&self, name: &str) -> Option<Box<str>> {
        // The first member follows the id, and a comma.
        let members = self.line.get(ROOM + 1..)?;
        let text = format!("{{{}", std::str::from_utf8(members).ok()?);
        let param = raw::member(raw::member(&text, "params")?, name)?;
        Some(raw::string(param)?.into())
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

    #[test]
    fn messages_are_written_as_lines() {
        fn request(method: &'static str, params: &impl Serialize) -> Vec<u8> {
            Request::new(method.into(), params)
                .unwrap()
                .line(1)
                .to_vec()
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
        let params = serde_json::json!({"a": {"b": "x"}, "b": "y\n", "c": 5});
        let request = Request::new("a".into(), &params).unwrap();
        assert_eq!(request.param("b").as_deref(), Some("y\n"));
        assert_eq!((request.param("c"), request.param("d")), (None, None));
        let mut request = Request::new("a".into(), &()).unwrap();
        assert_eq!(request.param("a"), None);
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
