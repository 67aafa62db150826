//! Questions of the agent, with all that a person must see to decide.

use openai_codex::approval::{Approval, Command, Decision, Subject};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Change, Outcome};

/// A question of the agent: may it do this?
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Ask {
    /// Names the question in the API.
    pub(crate) key: String,
    /// The item that waits for the answer.
    pub(crate) item_id: String,
    /// The agent's reason.
    pub(crate) reason: Option<String>,
    /// The action that is asked about.
    pub(crate) action: Action,
    /// The answers that can be given.
    pub(crate) choices: Vec<Choice>,
}

/// The action that is asked about; `kind` names it in JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Action {
    /// A command, or something about one.
    Command {
        /// The command line, with the shell that runs it.
        line: String,
        /// The folder that it runs in.
        cwd: Option<String>,
        /// What is asked about the command: `command` is running it.
        about: String,
        /// The host that it wants to reach, where that is the question.
        host: Option<String>,
        /// More permissions that it would run with.
        permissions: Option<Value>,
        /// What the rule allows that `remember` stores.
        rule: Option<String>,
    },
    /// A change of files.
    FileChange {
        /// The change of each file.
        changes: Vec<Change>,
        /// The folder that the agent may then write to for the rest of the session.
        grant_root: Option<String>,
    },
    /// Permissions for the rest of the turn.
    Permissions {
        /// The permissions.
        permissions: Value,
    },
    /// Something that this server does not know, and so cannot be accepted.
    Unknown,
}

/// An answer that can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Choice {
    /// Yes, this once.
    Accept,
    /// Yes, for the session.
    Session,
    /// Yes, and the proposed rule is stored.
    Remember,
    /// No; the turn goes on.
    Decline,
    /// No, and the turn is interrupted.
    Cancel,
}

impl Choice {
    /// Returns the decision of the SDK.
    pub(crate) fn decision(self) -> Decision {
        match self {
            Self::Accept => Decision::Accept,
            Self::Session => Decision::AcceptForSession,
            Self::Remember => Decision::AcceptAndRemember,
            Self::Decline => Decision::Decline,
            Self::Cancel => Decision::Cancel,
        }
    }

    /// Returns the outcome of a question that was answered with it.
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Self::Accept => Outcome::Accept,
            Self::Session => Outcome::Session,
            Self::Remember => Outcome::Remember,
            Self::Decline => Outcome::Decline,
            Self::Cancel => Outcome::Cancel,
        }
    }
}

impl Ask {
    /// Reads a question.
    pub(crate) fn of(approval: &Approval) -> Self {
        let action = Action::of(&approval.subject);
        Self {
            key: approval.key.clone(),
            item_id: approval.item_id.to_string(),
            reason: approval.reason.clone(),
            choices: choices(approval, &action),
            action,
        }
    }
}

impl Action {
    fn of(subject: &Subject) -> Self {
        match subject {
            Subject::Command(command) => Self::of_command(command),
            Subject::FileChange(change) => Self::FileChange {
                changes: change.changes().iter().map(Change::of).collect(),
                grant_root: change.raw().grant_root.clone(),
            },
            Subject::Permissions(permissions) => Self::Permissions {
                permissions: serde_json::to_value(&permissions.raw().permissions)
                    .unwrap_or_default(),
            },
            _ => Self::Unknown,
        }
    }

    fn of_command(command: &Command) -> Self {
        let params = command.raw();
        let network = params.network_approval_context.as_ref();
        let permissions = command.additional_permissions();
        Self::Command {
            line: command.line().to_owned(),
            cwd: command.cwd().map(|cwd| cwd.display().to_string()),
            about: params.kind.to_string(),
            host: network.map(|network| network.host.clone()),
            permissions: permissions.map(|more| serde_json::to_value(more).unwrap_or_default()),
            rule: command.proposed_rule().map(|rule| rule.to_string()),
        }
    }
}

fn choices(approval: &Approval, action: &Action) -> Vec<Choice> {
    let mut choices = vec![
        Choice::Accept,
        Choice::Session,
        Choice::Remember,
        Choice::Decline,
        Choice::Cancel,
    ];
    choices.retain(|choice| match (choice, action) {
        // What is not shown is not accepted.
        (Choice::Accept | Choice::Session | Choice::Remember, Action::Unknown) => false,
        (Choice::Remember, Action::Command { rule, .. }) => rule.is_some(),
        (Choice::Remember, _) => false,
        _ => approval.offers(choice.decision()),
    });
    choices
}
