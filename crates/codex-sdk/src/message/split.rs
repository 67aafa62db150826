//! Cuts lines that look usual, so that most of what a runtime sends is read once instead of twice.

/// Splits a line that looks like a notification into method and params, without reading it.
///
/// It cuts `{"method":"…","params":` off the front and `}`, or `,"emittedAtMs":…}`, off the end.
/// If what is left is one JSON value, then the line is that notification, for there is no other
/// way to read it; the decoder of the params finds that out anyway. If it is not, the line has
/// to be read by [`Incoming::parse`](super::Incoming::parse).
pub(crate) fn split_notification(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix(r#"{"method":""#)?;
    let end = memchr::memchr2(b'"', b'\\', rest.as_bytes())?;
    let (method, rest) = rest.split_at(end);
    let rest = rest.strip_prefix(r#"","params":"#)?.strip_suffix('}')?;
    let count = rest.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (before, number) = rest.split_at(rest.len() - count);
    // A number of JSON does not begin with a zero, unless it is zero.
    let is_number = number == "0" || !(number.is_empty() || number.starts_with('0'));
    let params = match before.strip_suffix(r#","emittedAtMs":"#) {
        Some(params) if is_number => params,
        _ => rest,
    };
    Some((method, params))
}

/// Cuts the id and the result out of a line that looks like an answer, without reading it.
///
/// It cuts `{"id":…,"result":` off the front and `}` off the end. If what is left is one object,
/// by its braces, then the line is that answer or no JSON, which the decoder of the result finds
/// out. Any other line has to be read by [`Incoming::parse`](super::Incoming::parse).
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::NO_PARAMS;
    use crate::message::tests::shape;

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
}
