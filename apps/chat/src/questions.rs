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

/// The answers that a question has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answers {
    session: bool,
    always: bool,
}

impl Answers {
    pub(crate) fn of(approval: &Approval) -> Self {
        let Subject::Command(command) = &approval.subject else {
            // A rule is stored for commands only.
            return Self {
                session: true,
                always: false,
            };
        };
        let raw = command.raw();
        let is_humans = raw.kind == CommandExecutionApprovalKind::HumanCommand;
        let rules = raw.proposed_network_policy_amendments.as_ref();
        let always = raw.proposed_execpolicy_amendment.is_some()
            || rules.is_some_and(|rules| !rules.is_empty());
        // Where the runtime lists what it takes, anything else would be declined.
        let offered = raw.unknown_fields.get("availableDecisions");
        let offered = offered.and_then(|offered| offered.as_array());
        let takes_session = offered.is_none_or(|offered| {
            let is = |name: &str| offered.iter().any(|decision| decision == name);
            is("acceptForSession") || offered.iter().any(serde_json::Value::is_object)
        });
        Self {
            session: takes_session && !is_humans,
            always: always && !is_humans,
        }
    }

    /// Lists the keys, with what they say.
    pub(crate) fn keys(self) -> Vec<(char, &'static str)> {
        let all = [
            ('y', "once"),
            ('s', "this session"),
            ('a', "always"),
            ('n', "no"),
            ('x', "no, and stop"),
        ];
        let keys = all.into_iter();
        keys.filter(|(key, _)| self.decision(*key).is_some())
            .collect()
    }

    /// Returns what a key answers; nothing if it is no answer to this question.
    pub(crate) fn decision(self, key: char) -> Option<Decision> {
        match key {
            'y' => Some(Decision::Accept),
            's' if self.session => Some(Decision::AcceptForSession),
            'a' if self.always => Some(Decision::AcceptAndRemember),
            'n' => Some(Decision::Decline),
            'x' => Some(Decision::Cancel),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_keys_of_the_question_answer_it() {
        let both = Answers {
            session: true,
            always: true,
        };
        let decisions: Vec<_> = "ysanx".chars().map(|key| both.decision(key)).collect();
        let expected = [
            Decision::Accept,
            Decision::AcceptForSession,
            Decision::AcceptAndRemember,
            Decision::Decline,
            Decision::Cancel,
        ];
        assert_eq!(decisions, expected.map(Some));
        let plain = Answers {
            session: false,
            always: false,
        };
        let keys: Vec<_> = plain.keys().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ['y', 'n', 'x']);
        for key in ['Y', ' ', '\n', 's', 'a'] {
            assert_eq!(plain.decision(key), None, "{key:?}");
        }
    }
}
