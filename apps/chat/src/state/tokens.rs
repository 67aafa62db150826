//! The count of tokens, and the budget.

use openai_codex::types::{ThreadTokenUsage, TokenUsageBreakdown};

/// What was used so far, and what may be used.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    /// Of the thread, as the runtime said last.
    pub(crate) thread: Option<ThreadTokenUsage>,
    /// Of the turn that runs, else of the last one.
    pub(crate) turn: i64,
    /// Of all turns that ended, of this run of the program.
    spent: i64,
    /// The thread's total when the turn began.
    base: Option<i64>,
    is_turn: bool,
    budget: Option<u64>,
}

impl Tokens {
    pub(crate) fn new(budget: Option<u64>) -> Self {
        Self {
            budget,
            ..Self::default()
        }
    }

    /// Forgets the thread; what was spent stays.
    pub(crate) fn thread_changed(&mut self) {
        self.thread = None;
        self.turn = 0;
        self.base = None;
    }

    pub(crate) fn turn_began(&mut self) {
        self.base = self.thread_total();
        self.turn = 0;
        self.is_turn = true;
    }

    /// Takes in the totals of the thread.
    pub(crate) fn update(&mut self, usage: &ThreadTokenUsage) {
        let total = usage.total.total_tokens;
        if self.is_turn {
            let base = self.base.unwrap_or(total - usage.last.total_tokens);
            self.base = Some(base);
            self.turn = (total - base).max(0);
        }
        self.thread = Some(usage.clone());
    }

    /// Ends the turn; `used` is its exact count, where it is known.
    pub(crate) fn turn_ended(&mut self, used: Option<i64>) {
        if std::mem::take(&mut self.is_turn) {
            self.turn = used.unwrap_or(self.turn);
            self.spent += self.turn;
        }
    }

    /// Returns what this run of the program has used.
    pub(crate) fn used(&self) -> i64 {
        self.spent + if self.is_turn { self.turn } else { 0 }
    }

    pub(crate) fn budget(&self) -> Option<u64> {
        self.budget
    }

    /// Returns what may still be used, if there is a budget.
    pub(crate) fn left(&self) -> Option<u64> {
        let used = u64::try_from(self.used()).unwrap_or(0);
        self.budget.map(|budget| budget.saturating_sub(used))
    }

    pub(crate) fn thread_total(&self) -> Option<i64> {
        self.thread.as_ref().map(|usage| usage.total.total_tokens)
    }

    /// Writes the counts as a Markdown list.
    pub(crate) fn report(&self) -> String {
        let mut lines = vec![
            "**Tokens**".to_owned(),
            String::new(),
            format!("- turn: {}", grouped(self.turn)),
        ];
        match &self.thread {
            Some(usage) => lines.push(format!("- thread: {}", breakdown(&usage.total))),
            None => lines.push("- thread: none yet".to_owned()),
        }
        let window = self.thread.as_ref().and_then(|usage| {
            let window = usage.model_context_window.filter(|window| *window > 0)?;
            Some((usage.last.total_tokens, window))
        });
        if let Some((last, window)) = window {
            let percent = last.saturating_mul(100) / window;
            let (last, window) = (grouped(last), grouped(window));
            lines.push(format!("- context: {last} of {window} ({percent} %)"));
        }
        if let Some(budget) = self.budget {
            let (used, budget) = (
                grouped(self.used()),
                grouped(budget.try_into().unwrap_or(i64::MAX)),
            );
            lines.push(format!("- budget: {used} of {budget}"));
        }
        lines.join("\n")
    }
}

fn breakdown(usage: &TokenUsageBreakdown) -> String {
    format!(
        "{} ({} in, of these {} cached; {} out, of these {} reasoning)",
        grouped(usage.total_tokens),
        grouped(usage.input_tokens),
        grouped(usage.cached_input_tokens),
        grouped(usage.output_tokens),
        grouped(usage.reasoning_output_tokens),
    )
}

/// Writes a number in groups of three digits.
pub(crate) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::new();
    if number < 0 {
        out.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(-100), "-100");
    }

    #[test]
    fn what_ended_turns_used_counts_against_the_budget() {
        let mut tokens = Tokens::new(Some(100));
        tokens.turn_began();
        tokens.turn_ended(Some(60));
        assert_eq!((tokens.used(), tokens.left()), (60, Some(40)));
        tokens.thread_changed();
        tokens.turn_began();
        tokens.turn_ended(Some(70));
        assert_eq!((tokens.used(), tokens.left()), (130, Some(0)));
    }
}
