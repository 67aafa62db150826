//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use openai_codex::{ApprovalMode, Sandbox};

/// A chat with Codex in the terminal.
#[derive(Clone, Debug, Parser)]
#[command(name = "codex-chat", version)]
pub(crate) struct Args {
    /// The folder that the agent works in [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,

    /// The model [default: that of your configuration]
    #[arg(long)]
    pub(crate) model: Option<String>,

    /// What the agent may do without asking: read-only, workspace-write or danger-full-access [default: that of your
    /// configuration]
    #[arg(long, value_name = "MODE")]
    pub(crate) sandbox: Option<Sandbox>,

    /// Who decides about what the sandbox does not allow
    #[arg(long, value_enum, default_value_t = Approve::User)]
    pub(crate) approve: Approve,

    /// Interrupt the agent once it has used more tokens, in all turns together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) budget_tokens: Option<u64>,

    /// Go on with the thread of this folder that was used last
    #[arg(long)]
    pub(crate) resume_latest: bool,

    /// The Codex executable [default: CODEX_BIN, the pinned one, or one on PATH]
    #[arg(long, value_name = "FILE")]
    pub(crate) codex_bin: Option<PathBuf>,

    /// Talk to a scripted model on this machine: no account, no network
    #[arg(long, conflicts_with = "cwd")]
    pub(crate) demo: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Approve {
    /// You, at the prompt
    User,
    /// A reviewer model
    Auto,
    /// Nobody: it is all declined
    Deny,
}

impl Approve {
    /// Says it for the status line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::User => "asks you",
            Self::Auto => "asks a reviewer",
            Self::Deny => "asks nobody",
        }
    }
}

impl From<Approve> for ApprovalMode {
    fn from(argument: Approve) -> Self {
        match argument {
            Approve::User => Self::UserReview,
            Approve::Auto => Self::AutoReview,
            Approve::Deny => Self::DenyAll,
        }
    }
}
