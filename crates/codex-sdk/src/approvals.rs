//! Approvals taken one by one: the pull form of `CodexConfig::on_approval`.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::sync::mpsc;

use crate::client::Codex;
use crate::connection::Question;
use crate::error::Result;
use crate::question::{Approval, Decision};

/// The questions of the runtime that wait for a decision, made by [`Codex::approvals`].
///
/// It ends when the client does. Dropping it declines what waits, and what comes later.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// use openai_codex::approval::Decision;
///
/// let mut approvals = codex.approvals()?;
/// while let Some(pending) = approvals.next().await {
///     println!("{:?}", pending.approval().subject);
///     pending.answer(Decision::Decline).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "what waits for a decision is declined when this is dropped"]
pub struct Approvals {
    questions: mpsc::UnboundedReceiver<Question>,
}

/// A question that waits for its answer.
///
/// It can be kept anywhere, for a person who answers later; dropping it declines. It ends by itself when it is
/// answered elsewhere or its turn is over; [`Pending::resolved`] tells when.
#[must_use = "a question that is dropped is declined"]
pub struct Pending(Question);

impl Codex {
    /// Takes the questions of the runtime that no handler decides: commands, changes of files, and
    /// permissions of threads with [`ApprovalMode::UserReview`](crate::ApprovalMode::UserReview).
    ///
    /// Questions and the stream of their turn are separate channels, without an order between them: a question may
    /// come before the `item/started` of its command is read, or after events that follow it. An
    /// [`Approval`](crate::approval::Approval) has all that is needed to decide it, and names its item for what is shown
    /// beside the stream.
    ///
    /// There is one consumer; when it is dropped, another can be made.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if
    /// [`on_approval`](crate::CodexConfig::on_approval) decides them, or there is a consumer already;
    /// [`Error::Closed`](crate::Error::Closed).
    pub fn approvals(&self) -> Result<Approvals> {
        let questions = self.connection().questions()?;
        Ok(Approvals { questions })
    }
}

impl Approvals {
    /// Waits for the next question; `None` when the client has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Pending> {
        self.questions.recv().await.map(Pending)
    }
}

impl Stream for Approvals {
    type Item = Pending;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Pending>> {
        self.questions.poll_recv(cx).map(|next| next.map(Pending))
    }
}

impl Pending {
    /// Returns the question.
    pub fn approval(&self) -> &Approval {
        &self.0.approval
    }

    /// Answers the question.
    ///
    /// # Errors
    ///
    /// [`Error::QuestionOver`](crate::Error::QuestionOver) if it was answered elsewhere or its turn is
    /// over; [`Error::Closed`](crate::Error::Closed).
    pub async fn answer(self, decision: Decision) -> Result<()> {
        self.0.answer(decision)
    }

    /// Waits until no answer is wanted any more: it was answered elsewhere, its turn is over, or the
    /// connection has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn resolved(&self) {
        self.0.resolved().await;
    }
}

impl fmt::Debug for Approvals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Approvals").finish_non_exhaustive()
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pending").field(&self.0.approval).finish()
    }
}
