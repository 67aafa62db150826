//! Final responses that are not the JSON that was asked for.

use std::fmt;

/// Why the final response of a turn is not the JSON that was asked for.
///
/// Its text quotes the beginning of what the model said; [`OutputError::text`] is all of it.
#[non_exhaustive]
pub enum OutputError {
    /// The turn has no final response.
    #[non_exhaustive]
    Missing {
        /// The last message that is no final response, commentary for example; empty if there is
        /// none.
        text: String,
    },
    /// The final response is not JSON, or JSON of another shape.
    #[non_exhaustive]
    Malformed {
        /// The final response.
        text: String,
        /// Where in it: `findings[0].line`, or `.` for all of it.
        path: String,
        /// Why it does not fit.
        source: serde_json::Error,
    },
}

impl OutputError {
    /// Returns what the model said, whole; empty if it said nothing.
    pub fn text(&self) -> &str {
        match self {
            Self::Missing { text } | Self::Malformed { text, .. } => text,
        }
    }
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { text } if text.trim().is_empty() => {
                f.write_str("the turn has no final response")
            }
            Self::Missing { text } => write!(
                f,
                "the turn has no final response; the last message is: {}",
                Excerpt(text)
            ),
            Self::Malformed { text, path, source } => {
                f.write_str("the final response is not the JSON that was asked for (")?;
                if path != "." {
                    write!(f, "{path}: ")?;
                }
                write!(f, "{source}): {}", Excerpt(text))
            }
        }
    }
}

/// The form for logs: sizes and reasons, not what the model said.
impl fmt::Debug for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = format_args!("<{} bytes>", self.text().len());
        match self {
            Self::Missing { .. } => f.debug_struct("Missing").field("text", &bytes).finish(),
            Self::Malformed { source, .. } => f
                .debug_struct("Malformed")
                .field("text", &bytes)
                .field("line", &source.line())
                .field("column", &source.column())
                .finish(),
        }
    }
}

impl std::error::Error for OutputError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Missing { .. } => None,
            Self::Malformed { source, .. } => Some(source),
        }
    }
}

/// The beginning of a text, on one line.
struct Excerpt<'a>(&'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        const LONGEST: usize = 200;
        let text = self.0.trim();
        for c in text.chars().take(LONGEST) {
            // Line breaks would tear a log line, other controls could steer a terminal.
            f.write_char(if c.is_control() { ' ' } else { c })?;
        }
        match text.chars().nth(LONGEST) {
            Some(_) => f.write_char('…'),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn malformed(text: &str) -> OutputError {
        OutputError::Malformed {
            text: text.into(),
            path: ".".into(),
            source: serde_json::from_str::<bool>(text).unwrap_err(),
        }
    }

    #[test]
    fn the_text_quotes_what_the_model_said_and_why_it_does_not_fit() {
        let error = malformed("I cannot\ndo that.\u{1b}[31m");
        assert_eq!(
            error.to_string(),
            "the final response is not the JSON that was asked for (expected value at line 1 \
             column 1): I cannot do that. [31m"
        );
        assert_eq!(error.text(), "I cannot\ndo that.\u{1b}[31m");
        let text = "Still looking.".to_owned();
        let missing = OutputError::Missing { text };
        assert_eq!(
            missing.to_string(),
            "the turn has no final response; the last message is: Still looking."
        );
        let text = String::new();
        let missing = OutputError::Missing { text };
        assert_eq!(missing.to_string(), "the turn has no final response");
    }

    #[test]
    fn the_quote_is_bounded_and_the_accessor_has_all() {
        let text = "é".repeat(5000);
        let error = malformed(&text);
        assert!(error.to_string().chars().count() < 350);
        assert!(error.to_string().ends_with("é…"));
        assert_eq!(error.text(), text);
        assert!(!format!("{error:?}").contains('é'));
    }
}
