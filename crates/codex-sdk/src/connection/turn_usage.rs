//! The tokens of one turn, from the totals of its thread.

use codex_types::{ThreadItem, ThreadTokenUsage, TokenUsageBreakdown};

use super::Connection;
use super::usage::UsedBefore;

/// Adds up by how much the totals of a thread grow during a turn.
#[derive(Debug, Default)]
pub(crate) struct TurnUsage {
    /// The last total before the turn, or before the last update.
    before: UsedBefore,
    /// Whether earlier updates of the turn may be missing.
    joined: bool,
    /// Whether the thread is being compacted: the runtime then repeats the last total first.
    compacting: bool,
    used: Option<TokenUsageBreakdown>,
}

impl TurnUsage {
    pub(super) fn new(before: UsedBefore, joined: bool) -> Self {
        Self {
            before,
            joined,
            ..Self::default()
        }
    }

    /// Notes an item that has started.
    pub(crate) fn started(&mut self, item: &ThreadItem) {
        self.compacting = matches!(item, ThreadItem::ContextCompaction(_));
    }

    /// Notes new totals.
    pub(crate) fn update(&mut self, usage: &ThreadTokenUsage) {
        let grown = match &self.before {
            UsedBefore::Total(before) => minus(&usage.total, before),
            UsedBefore::Nothing => Some(usage.total.clone()),
            UsedBefore::Unknown if self.joined => return,
            // Without anything to compare with, the first total is taken to count the first
            // request of the turn, unless it visibly repeats an earlier one.
            UsedBefore::Unknown if self.compacting || is_estimate(&usage.last) => None,
            UsedBefore::Unknown => Some(usage.last.clone()),
        };
        self.before = UsedBefore::Total(usage.total.clone());
        let used = self.used.take().unwrap_or_else(|| zero(&usage.total));
        self.used = Some(match grown {
            Some(grown) => plus(used, &grown),
            None => used,
        });
    }

    /// Returns what the turn has used; `None` where that is unknown.
    pub(crate) fn used(&self) -> Option<&TokenUsageBreakdown> {
        self.used.as_ref()
    }

    /// As [`TurnUsage::used`], at the end.
    pub(crate) fn finish(self) -> Option<TokenUsageBreakdown> {
        self.used
    }
}

impl Connection {
    /// Begins to count what a turn uses that is running or about to.
    pub(crate) fn turn_usage(&self, thread_id: &str, turn_id: &str, joined: bool) -> TurnUsage {
        let routing = self.shared.routing();
        TurnUsage::new(routing.totals.before(thread_id, turn_id), joined)
    }
}

/// Whether the runtime has set this count itself, as it does when a context window overflows and
/// after it has compacted a thread: no request uses tokens and none of any kind.
fn is_estimate(count: &TokenUsageBreakdown) -> bool {
    count.total_tokens > 0 && count.input_tokens == 0 && count.output_tokens == 0
}

/// Returns by how much a total has grown; `None` if the runtime has set it anew: it sets it to the
/// size of the context window, with none of any kind, when that overflows.
fn minus(total: &TokenUsageBreakdown, before: &TokenUsageBreakdown) -> Option<TokenUsageBreakdown> {
    let mut grown = total.clone();
    let mut shrunk = false;
    for (count, earlier) in counts(&mut grown).into_iter().zip(values(before)) {
        *count = count.saturating_sub(earlier);
        shrunk |= *count < 0;
    }
    (!shrunk && !is_estimate(&grown)).then_some(grown)
}

/// Adds up two counts.
pub(crate) fn plus(
    mut sum: TokenUsageBreakdown,
    more: &TokenUsageBreakdown,
) -> TokenUsageBreakdown {
    for (count, more) in counts(&mut sum).into_iter().zip(values(more)) {
        *count = count.saturating_add(more);
    }
    sum
}

/// Makes a count of nothing; the type is the runtime's to make.
fn zero(like: &TokenUsageBreakdown) -> TokenUsageBreakdown {
    let mut zero = like.clone();
    counts(&mut zero).into_iter().for_each(|count| *count = 0);
    zero
}

fn counts(usage: &mut TokenUsageBreakdown) -> [&mut i64; 6] {
    [
        &mut usage.cache_write_input_tokens,
        &mut usage.cached_input_tokens,
        &mut usage.input_tokens,
        &mut usage.output_tokens,
        &mut usage.reasoning_output_tokens,
        &mut usage.total_tokens,
    ]
}

fn values(usage: &TokenUsageBreakdown) -> [i64; 6] {
    let mut copy = usage.clone();
    counts(&mut copy).map(|count| *count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Tokens in and out.
    type Count = (i64, i64);

    fn count((input, output): Count) -> Value {
        json!({
            "cachedInputTokens": 0, "inputTokens": input, "outputTokens": output,
            "reasoningOutputTokens": 0, "totalTokens": input + output,
        })
    }

    fn decoded<T: serde::de::DeserializeOwned>(value: &Value) -> T {
        codex_types::from_str(&value.to_string()).unwrap()
    }

    fn used(before: UsedBefore, joined: bool, updates: &[(Count, Count)]) -> Option<Count> {
        let mut turn = TurnUsage::new(before, joined);
        for (total, last) in updates {
            turn.update(&decoded(
                &json!({"total": count(*total), "last": count(*last)}),
            ));
        }
        let used = turn.finish()?;
        assert_eq!(used.total_tokens, used.input_tokens + used.output_tokens);
        Some((used.input_tokens, used.output_tokens))
    }

    fn total(tokens: Count) -> UsedBefore {
        UsedBefore::Total(decoded(&count(tokens)))
    }

    #[test]
    fn a_turn_has_used_by_how_much_the_totals_have_grown() {
        let two = [((30, 3), (20, 2)), ((70, 7), (40, 4))];
        assert_eq!(used(total((10, 1)), false, &two), Some((60, 6)));
        assert_eq!(used(UsedBefore::Nothing, false, &two), Some((70, 7)));
        // A joined handle that has missed the first update.
        assert_eq!(used(total((10, 1)), true, &two[1..]), Some((60, 6)));
        // Nothing is known of the time before: the first request is the first of the turn.
        assert_eq!(used(UsedBefore::Unknown, false, &two), Some((60, 6)));
        assert_eq!(used(UsedBefore::Unknown, true, &two), None);
        assert_eq!(used(total((10, 1)), false, &[]), None);
    }

    #[test]
    fn a_total_that_comes_again_is_counted_once() {
        let repeated = [((10, 1), (10, 1)), ((30, 3), (20, 2)), ((30, 3), (20, 2))];
        assert_eq!(used(total((10, 1)), false, &repeated), Some((20, 2)));
        assert_eq!(used(total((10, 1)), false, &repeated[..1]), Some((0, 0)));
    }

    #[test]
    fn what_the_runtime_sets_itself_is_not_counted() {
        let window = |tokens: i64| {
            let mut total = count((0, 0));
            total["totalTokens"] = json!(tokens);
            total
        };
        let mut turn = TurnUsage::new(total((10, 1)), false);
        for (total, last) in [
            (count((30, 3)), count((20, 2))),
            // The context window overflows.
            (window(258_400), window(258_367)),
            // The thread is compacted, and its size estimated.
            (window(258_400), window(258_367)),
            (
                json!({"cachedInputTokens": 0, "inputTokens": 40, "outputTokens": 4,
                    "reasoningOutputTokens": 0, "totalTokens": 258_444}),
                count((40, 4)),
            ),
        ] {
            turn.update(&decoded(&json!({"total": total, "last": last})));
        }
        let used = turn.finish().unwrap();
        assert_eq!((used.input_tokens, used.output_tokens), (60, 6));
        assert_eq!(used.total_tokens, 66);
    }

    #[test]
    fn the_total_that_comes_before_a_compaction_is_an_earlier_one() {
        let mut turn = TurnUsage::new(UsedBefore::Unknown, false);
        turn.started(&decoded(&json!({"type": "contextCompaction", "id": "c"})));
        for (total, last) in [((10, 1), (10, 1)), ((30, 3), (20, 2))] {
            let update = json!({"total": count(total), "last": count(last)});
            turn.update(&decoded(&update));
        }
        assert_eq!(turn.finish().unwrap().input_tokens, 20);
    }
}
