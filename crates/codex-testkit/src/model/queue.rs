//! The queue of answers: rules first, then the queue, then the default.

use std::collections::VecDeque;
use std::fmt;

use super::answer::Answer;
use super::request::Request;

type Predicate = Box<dyn Fn(&Request) -> bool + Send>;

/// The answers that wait to be asked for.
#[derive(Debug, Default)]
pub(super) struct Answers {
    rules: Vec<Rule>,
    queue: VecDeque<Answer>,
    default: Option<Answer>,
}

struct Rule {
    matches: Predicate,
    queue: VecDeque<Answer>,
    always: Option<Answer>,
}

impl Answers {
    pub(super) fn push(&mut self, answer: Answer) {
        self.queue.push_back(answer);
    }

    pub(super) fn set_default(&mut self, answer: Answer) {
        self.default = Some(answer);
    }

    /// Adds a rule and returns its number.
    pub(super) fn add_rule(&mut self, matches: Predicate) -> usize {
        self.rules.push(Rule {
            matches,
            queue: VecDeque::new(),
            always: None,
        });
        self.rules.len() - 1
    }

    pub(super) fn push_to(&mut self, rule: usize, answer: Answer) {
        self.rules[rule].queue.push_back(answer);
    }

    pub(super) fn set_always(&mut self, rule: usize, answer: Answer) {
        self.rules[rule].always = Some(answer);
    }

    /// Takes the answer for `request`: a rule without answers left is passed over.
    pub(super) fn take(&mut self, request: &Request) -> Option<Answer> {
        for rule in &mut self.rules {
            if (rule.queue.is_empty() && rule.always.is_none()) || !(rule.matches)(request) {
                continue;
            }
            return rule.queue.pop_front().or_else(|| rule.always.clone());
        }
        self.queue.pop_front().or_else(|| self.default.clone())
    }

    /// Counts the answers that nothing has asked for.
    pub(super) fn left(&self) -> usize {
        self.queue.len()
            + self
                .rules
                .iter()
                .map(|rule| rule.queue.len())
                .sum::<usize>()
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("queue", &self.queue)
            .field("always", &self.always)
            .finish_non_exhaustive()
    }
}
