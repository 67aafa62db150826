//! The questions of the agent: how they are asked, and what each key answers.

use openai_codex::approval::{Approval, Decision, Subject};
use openai_codex::types::CommandExecutionApprovalKind;

/// Asks.
pub(crate) fn question(approval: &Approval) -> &'static str {
    match &approval.subject {
        Subject::Command(command) => match command.raw().kind {
            CommandExecutionApprovalKind::WriteStdin => "Give input to a command that runs?",
            _ if command.raw().network_approval_context.is_some() => "Reach this host?",
            _ => "Run this command?",
        },
        Subject::FileChange(_) => "Make this change?",
        Subject::Permissions(_) => "Grant these permissions?",
        _ => "Allow this?",
    }
}

/// Each key, what it says, and what it answers.
const KEYS: [(char, &str, Decision); 5] = [
    ('y', "once", Decision::Accept),
    ('s', "this session", Decision::AcceptForSession),
    ('a', "always", Decision::AcceptAndRemember),
    ('n', "no", Decision::Decline),
    ('x', "no, and stop", Decision::Cancel),
];

/// The answers that a question has.
#[derive(Clone, Debug)]
pub(crate) struct Answers(Vec<(char, &'static str, Decision)>);

impl Answers {
    pub(crate) fn of(approval: &Approval) -> Self {
        Self::with(|decision| match (decision, &approval.subject) {
            // Where no rule is stored it would say the same as "once".
            (Decision::AcceptAndRemember, Subject::Command(command)) => {
                command.proposed_rule().is_some()
            }
            (Decision::AcceptAndRemember, _) => false,
            _ => approval.offers(decision),
        })
    }

    fn with(is_offered: impl Fn(Decision) -> bool) -> Self {
        let keys = KEYS.into_iter();
        Self(keys.filter(|key| is_offered(key.2)).collect())
    }

    /// Lists the keys, with what they say.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (char, &'static str)> {
        self.0.iter().map(|(key, word, _)| (*key, *word))
    }

    /// Returns what a key answers; nothing if it is no answer to this question.
    pub(crate) fn decision(&self, key: char) -> Option<Decision> {
        let mut keys = self.0.iter();
        keys.find(|(of, ..)| *of == key)
            .map(|(.., decision)| *decision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_keys_of_the_question_answer_it() {
        let all = Answers::with(|_| true);
        let decisions: Vec<_> = "ysanx".chars().map(|key| all.decision(key)).collect();
        let expected = [
            Decision::Accept,
            Decision::AcceptForSession,
            Decision::AcceptAndRemember,
            Decision::Decline,
            Decision::Cancel,
        ];
        assert_eq!(decisions, expected.map(Some));
        let more = [Decision::AcceptForSession, Decision::AcceptAndRemember];
        let plain = Answers::with(|decision| !more.contains(&decision));
        let keys: Vec<_> = plain.keys().map(|(key, _)| key).collect();
        assert_eq!(keys, ['y', 'n', 'x']);
        for key in ['Y', ' ', '\n', 's', 'a'] {
            assert_eq!(plain.decision(key), None, "{key:?}");
        }
    }
}
