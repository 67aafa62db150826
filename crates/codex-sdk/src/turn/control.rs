//! Steering and interrupting a turn.

use std::fmt;
use std::sync::Arc;

use codex_types::TurnSteerParams;

use crate::client::Codex;
use crate::error::Result;
use crate::input::Input;

/// Steers and interrupts a turn; clones can be sent anywhere.
///
/// Dropping it does nothing to the turn.
///
/// ```no_run
/// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
/// let turn = thread.turn("Refactor the parser.").await?;
/// let control = turn.control();
/// tokio::spawn(async move {
///     tokio::time::sleep(std::time::Duration::from_secs(60)).await;
///     control.interrupt().await
/// });
/// println!("{}", turn.run().await?.status);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TurnControl {
    codex: Codex,
    thread_id: Arc<str>,
    turn_id: Arc<str>,
}

impl TurnControl {
    pub(super) fn new(codex: Codex, thread_id: &str, turn_id: &str) -> Self {
        Self {
            codex,
            thread_id: thread_id.into(),
            turn_id: turn_id.into(),
        }
    }

    /// Returns the id of the turn.
    pub fn id(&self) -> &str {
        &self.turn_id
    }

    /// Returns the id of the turn's thread.
    pub fn thread_id(&self) -> &str {
        &self.thread_id
    }

    /// Adds to what the agent was asked, while it works, `turn/steer`.
    ///
    /// A turn that was accepted and does not run yet is steered once it runs.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for an input without items;
    /// [`Error::Rpc`](crate::Error::Rpc) with
    /// [`RpcErrorKind::NoActiveTurn`](crate::RpcErrorKind::NoActiveTurn) if the turn has ended, or
    /// [`RpcErrorKind::TurnMismatch`](crate::RpcErrorKind::TurnMismatch) if another one runs by
    /// now; whatever [`Codex::request`] fails with.
    pub async fn steer(&self, input: impl Into<Input>) -> Result<()> {
        let items = input.into().into_items()?;
        self.codex
            .turn_running(&self.thread_id, &self.turn_id)
            .await;
        let params = TurnSteerParams::new(&*self.turn_id, items, &*self.thread_id);
        self.codex.request(params).await?;
        Ok(())
    }

    /// Interrupts the turn, `turn/interrupt`.
    ///
    /// A turn that was accepted and does not run yet is interrupted once it runs. One that has
    /// ended is a success. A command that runs is not stopped: it goes on until it ends by itself or
    /// the client is closed.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`].
    pub async fn interrupt(&self) -> Result<()> {
        self.codex
            .interrupt_turn(&self.thread_id, &self.turn_id)
            .await
    }

    pub(super) fn codex(&self) -> &Codex {
        &self.codex
    }
}

impl fmt::Debug for TurnControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnControl")
            .field("id", &self.turn_id)
            .field("thread_id", &self.thread_id)
            .finish_non_exhaustive()
    }
}
