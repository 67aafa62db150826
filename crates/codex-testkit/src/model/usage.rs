//! The token counts that a scripted answer reports.

use serde_json::{Value, json};

/// Counts the tokens of one answer, as the Responses API reports them.
///
/// ```
/// use codex_testkit::{Answer, Usage};
///
/// let usage = Usage::new(100, 50).cached(40).reasoning(20);
/// let answer = Answer::text("done").usage(usage);
/// # let _ = answer;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Usage {
    input: u64,
    cached: u64,
    output: u64,
    reasoning: u64,
    total: u64,
}

impl Usage {
    /// Counts `input` and `output` tokens; the total is their sum.
    pub const fn new(input: u64, output: u64) -> Self {
        Self {
            input,
            cached: 0,
            output,
            reasoning: 0,
            total: input + output,
        }
    }

    /// Sets how many input tokens came from the cache.
    pub const fn cached(mut self, tokens: u64) -> Self {
        self.cached = tokens;
        self
    }

    /// Sets how many output tokens were reasoning.
    pub const fn reasoning(mut self, tokens: u64) -> Self {
        self.reasoning = tokens;
        self
    }

    /// Sets a total that differs from the sum.
    pub const fn total(mut self, tokens: u64) -> Self {
        self.total = tokens;
        self
    }

    pub(crate) fn to_json(self) -> Value {
        json!({
            "input_tokens": self.input,
            "input_tokens_details": {"cached_tokens": self.cached},
            "output_tokens": self.output,
            "output_tokens_details": {"reasoning_tokens": self.reasoning},
            "total_tokens": self.total,
        })
    }
}

impl Default for Usage {
    /// 10 tokens in, 5 out.
    fn default() -> Self {
        Self::new(10, 5)
    }
}
