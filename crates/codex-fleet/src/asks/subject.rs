//! What a question asks about, as a person anywhere can be shown it.

use std::path::Path;

use openai_codex::approval::Subject;
use openai_codex::types::{FileUpdateChange, PermissionsRequestApprovalParams};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::names::hex;

/// The action that is asked about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AskSubject {
    /// A command.
    Command {
        /// The command line, with the shell that runs it.
        line: String,
        /// Its words, where it is one simple command;
        /// see [`Command::argv`](openai_codex::approval::Command::argv).
        argv: Option<Vec<String>>,
        /// The folder that it runs in, relative to the job's workspace where it is within.
        cwd: Option<String>,
    },
    /// A change of files.
    FileChange {
        /// The changes, with paths relative to the job's workspace where they are within.
        changes: Vec<FileUpdateChange>,
    },
    /// More permissions for the rest of the turn.
    Permissions {
        /// What the runtime asks.
        params: Box<PermissionsRequestApprovalParams>,
    },
}

impl AskSubject {
    pub(super) fn of(subject: &Subject, workspace: &Path) -> Self {
        match subject {
            Subject::Command(command) => Self::Command {
                line: command.line().to_owned(),
                argv: command
                    .argv()
                    .map(|argv| argv.iter().map(|&word| word.to_owned()).collect()),
                cwd: command.cwd().map(|cwd| within(cwd, workspace)),
            },
            Subject::FileChange(change) => Self::FileChange {
                changes: change
                    .changes()
                    .iter()
                    .cloned()
                    .map(|mut change| {
                        change.path = within(Path::new(&change.path), workspace);
                        change
                    })
                    .collect(),
            },
            Subject::Permissions(permissions) => Self::Permissions {
                params: Box::new(permissions.raw().clone()),
            },
            // One that this version cannot show is never asked: see `can_be_shown`.
            _ => Self::Command {
                line: String::new(),
                argv: None,
                cwd: None,
            },
        }
    }

    /// Tells whether a person can be shown all of a question.
    pub(crate) fn can_be_shown(subject: &Subject) -> bool {
        matches!(
            subject,
            Subject::Command(_) | Subject::FileChange(_) | Subject::Permissions(_)
        )
    }

    /// Returns a name for what is asked, which is the same in every attempt.
    pub(crate) fn digest(&self) -> Result<String> {
        let text = match self {
            // Ids and times of the attempt stand in what the runtime asks.
            Self::Permissions { params } => serde_json::to_string(&params.permissions),
            other => serde_json::to_string(other),
        };
        let text = text.map_err(|error| {
            Error::InvalidInput(format!("the question cannot be written as JSON: {error}"))
        })?;
        Ok(hex(&Sha256::digest(text)[..12]))
    }
}

fn within(path: &Path, workspace: &Path) -> String {
    match path.strip_prefix(workspace) {
        Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
        Ok(below) => below.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_has_the_same_name_in_every_checkout() {
        let ask = |folder: &str| {
            let cwd = within(Path::new(&format!("{folder}/src")), Path::new(folder));
            AskSubject::Command {
                line: "cargo test".into(),
                argv: None,
                cwd: Some(cwd),
            }
        };
        assert_eq!(
            ask("/a/job-1").digest().unwrap(),
            ask("/b/job-2").digest().unwrap()
        );
        let other = AskSubject::Command {
            line: "cargo test --release".into(),
            argv: None,
            cwd: Some("src".into()),
        };
        assert_ne!(other.digest().unwrap(), ask("/a").digest().unwrap());
        assert_eq!(within(Path::new("/a"), Path::new("/a")), ".");
        assert_eq!(within(Path::new("/etc"), Path::new("/a")), "/etc");
    }
}
