//! Questions of the runtime that a person decides: commands, changes of files, permissions.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use codex_types::{
    AdditionalPermissionProfile, CommandExecutionApprovalKind,
    CommandExecutionRequestApprovalParams, FileChangeRequestApprovalParams, FileUpdateChange,
    ItemId, NetworkPolicyAmendment, PermissionsRequestApprovalParams, ServerRequest, ThreadId,
    TurnId,
};

mod answer;
mod argv;

pub(crate) use answer::Answer;
use argv::{Words, argv};

/// A question of the runtime: may the agent do this?
///
/// It comes to the handler of [`CodexConfig::on_approval`](crate::CodexConfig::on_approval) or to
/// [`Codex::approvals`](crate::Codex::approvals), for threads with
/// [`ApprovalMode::UserReview`](crate::ApprovalMode::UserReview).
///
/// ```
/// use openai_codex::approval::{Approval, Decision, Subject};
///
/// fn decide(ask: &Approval) -> Decision {
///     match &ask.subject {
///         Subject::Command(command) if command.argv() == Some(&["cargo", "test"][..]) => {
///             Decision::Accept
///         }
///         _ => Decision::Decline,
///     }
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Approval {
    /// Names the question among those of this client, to keep it in a map.
    pub key: String,
    /// The thread.
    pub thread_id: ThreadId,
    /// The turn.
    pub turn_id: TurnId,
    /// The item that waits for the answer.
    pub item_id: ItemId,
    /// The action that is asked about.
    pub subject: Subject,
    /// The agent's reason.
    pub reason: Option<String>,
}

/// The action that is asked about.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Subject {
    /// A command.
    Command(Command),
    /// A change of files.
    FileChange(FileChange),
    /// More permissions for the rest of the turn.
    Permissions(Permissions),
}

/// A rule that [`Decision::AcceptAndRemember`] stores, for this thread and all later ones.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ProposedRule<'a> {
    /// Commands whose first words are these run without a question.
    Command(&'a [String]),
    /// Commands reach this host without a question.
    Network(&'a NetworkPolicyAmendment),
}

/// What the rule allows: `commands that begin with: cargo test`, `access to the host crates.example`.
impl fmt::Display for ProposedRule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(words) => write!(f, "commands that begin with: {}", words.join(" ")),
            Self::Network(rule) => write!(f, "access to the host {}", rule.host),
        }
    }
}

/// A command that the agent wants to run, `item/commandExecution/requestApproval`.
#[derive(Clone)]
pub struct Command {
    params: Arc<CommandExecutionRequestApprovalParams>,
    words: Option<Arc<Words>>,
    permissions: Option<Arc<AdditionalPermissionProfile>>,
}

/// A change of files that the agent wants to make, `item/fileChange/requestApproval`.
#[derive(Clone, Debug)]
pub struct FileChange {
    params: Arc<FileChangeRequestApprovalParams>,
    changes: Arc<[FileUpdateChange]>,
}

/// Permissions that the agent wants to have, `item/permissions/requestApproval`.
#[derive(Clone, Debug)]
pub struct Permissions {
    params: Arc<PermissionsRequestApprovalParams>,
}

/// The answer to a question.
///
/// One that the runtime does not offer for the question declines; [`Approval::offers`] tells which those are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decision {
    /// Yes, this once; permissions are granted for the turn.
    Accept,
    /// Yes, and what is like it for as long as the thread is loaded.
    AcceptForSession,
    /// Yes, and the rule that the runtime proposed ([`Command::proposed_rule`]) is stored; where it proposed none,
    /// as [`Accept`](Self::Accept).
    AcceptAndRemember,
    /// No; the turn goes on.
    Decline,
    /// No, and the turn is interrupted.
    Cancel,
}

impl Command {
    /// Returns the command line, with the shell that runs it; empty where the runtime sent none.
    pub fn line(&self) -> &str {
        self.params.command.as_deref().unwrap_or_default()
    }

    /// Returns the words of the command behind the shell's `-c` or `-lc`, split as the shell does.
    ///
    /// `None` for anything but one simple command: with an operator, a substitution, a variable, a
    /// pattern, a redirection, an escape, a comment or a newline. Only such a list may be compared with
    /// what is allowed, and the folder with it, for what a command does depends on that. It is `None` too for a
    /// shell outside of the system's folders, which the agent may have made itself, and where the question is about more than running the command:
    /// about access to the network, more permissions, or input to a command that runs.
    pub fn argv(&self) -> Option<&[&str]> {
        self.words.as_ref().map(|words| words.as_slice())
    }

    /// Returns the folder that the command runs in, if the runtime said so.
    pub fn cwd(&self) -> Option<&Path> {
        self.params.cwd.as_ref().map(|cwd| Path::new(&cwd.0))
    }

    /// Returns the rule that [`Decision::AcceptAndRemember`] stores; `None` where it stores none: the runtime
    /// proposes none, or does not offer to store it ([`Approval::offers`]).
    ///
    /// Show it to whoever decides: it can allow much more than this command.
    ///
    /// ```
    /// use openai_codex::approval::Command;
    ///
    /// fn label(command: &Command) -> Option<String> {
    ///     Some(format!("always allow {}", command.proposed_rule()?))
    /// }
    /// ```
    pub fn proposed_rule(&self) -> Option<ProposedRule<'_>> {
        answer::offered_rule(&self.params)
    }

    /// Returns the permissions beyond the sandbox that the command is to run with, if the agent asks for any:
    /// files and folders, and the network. Accepting the command grants them.
    ///
    /// The runtime tells them only to a client with
    /// [`CodexConfig::experimental_api`](crate::CodexConfig::experimental_api). Set that where the runtime's
    /// configuration has `features.exec_permission_approvals`, which lets agents ask for them: without it such a
    /// question looks like one about the command alone, here and in [`Command::argv`].
    pub fn additional_permissions(&self) -> Option<&AdditionalPermissionProfile> {
        self.permissions.as_deref()
    }

    /// Returns the params of the request.
    pub fn raw(&self) -> &CommandExecutionRequestApprovalParams {
        &self.params
    }
}

impl FileChange {
    /// Returns the change of each file, as the runtime announced it before it asked.
    pub fn changes(&self) -> &[FileUpdateChange] {
        &self.changes
    }

    /// Returns the params of the request.
    pub fn raw(&self) -> &FileChangeRequestApprovalParams {
        &self.params
    }
}

impl Permissions {
    /// Returns the params of the request.
    pub fn raw(&self) -> &PermissionsRequestApprovalParams {
        &self.params
    }
}

impl Approval {
    /// Reads the question of a request; `None` if it is none that can be decided: another method,
    /// params that do not fit, or a change of files that was not announced.
    pub(crate) fn read(
        id: &str,
        method: &str,
        params: &str,
        changes: Option<Arc<[FileUpdateChange]>>,
    ) -> Option<Self> {
        let (thread_id, turn_id, item_id, reason, subject) =
            match ServerRequest::decode(method, params) {
                ServerRequest::ItemCommandExecutionRequestApproval(params) => (
                    params.thread_id.clone(),
                    params.turn_id.clone(),
                    params.item_id.clone(),
                    params.reason.clone(),
                    Subject::Command(Command::new(*params)?),
                ),
                ServerRequest::ItemFileChangeRequestApproval(params) => (
                    params.thread_id.clone(),
                    params.turn_id.clone(),
                    params.item_id.clone(),
                    params.reason.clone(),
                    Subject::FileChange(FileChange {
                        params: Arc::new(*params),
                        changes: changes?,
                    }),
                ),
                ServerRequest::ItemPermissionsRequestApproval(params) => (
                    params.thread_id.clone(),
                    params.turn_id.clone(),
                    params.item_id.clone(),
                    params.reason.clone(),
                    Subject::Permissions(Permissions {
                        params: Arc::new(*params),
                    }),
                ),
                _ => return None,
            };
        Some(Self {
            key: format!("{turn_id}:{}", id.trim_matches('"')),
            thread_id,
            turn_id,
            item_id,
            subject,
            reason,
        })
    }
}

impl Command {
    /// Makes the subject of a question; `None` if it asks for permissions that cannot be read.
    fn new(params: CommandExecutionRequestApprovalParams) -> Option<Self> {
        let permissions = permissions(&params)?;
        let words = match &params.command {
            Some(line) if permissions.is_none() && is_about_running(&params) => {
                argv(line).map(Arc::new)
            }
            _ => None,
        };
        Some(Self {
            params: Arc::new(params),
            words,
            permissions: permissions.map(Arc::new),
        })
    }
}

/// Tells whether a question is about running its command and nothing more but permissions.
fn is_about_running(params: &CommandExecutionRequestApprovalParams) -> bool {
    params.kind == CommandExecutionApprovalKind::Command
        && params.network_approval_context.is_none()
}

/// Returns the permissions that a command asks for; the outer `None` for what cannot be read.
#[cfg(feature = "experimental")]
#[expect(clippy::unnecessary_wraps, reason = "they have been read")]
fn permissions(
    params: &CommandExecutionRequestApprovalParams,
) -> Option<Option<AdditionalPermissionProfile>> {
    Some(params.additional_permissions.clone())
}

/// Returns the permissions that a command asks for; the outer `None` for what cannot be read.
///
/// The field is experimental, and so among those that these types do not know.
#[cfg(not(feature = "experimental"))]
fn permissions(
    params: &CommandExecutionRequestApprovalParams,
) -> Option<Option<AdditionalPermissionProfile>> {
    match params.unknown_fields.get("additionalPermissions") {
        None => Some(None),
        Some(asked) => serde_json::from_value(asked.clone()).ok(),
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("line", &self.line())
            .field("argv", &self.argv())
            .field("cwd", &self.cwd())
            .field("additional_permissions", &self.permissions)
            .finish_non_exhaustive()
    }
}
