//! Steering and interrupting a turn.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use codex_types::{ThreadId, TurnId, TurnInterruptParams, TurnSteerParams};
use tokio::time::{sleep, timeout};

use crate::client::Codex;
use crate::error::{Result, RpcErrorKind};
use crate::input::Input;
use crate::router::Phase;

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
    thread_id: ThreadId,
    turn_id: TurnId,
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
    pub fn id(&self) -> &TurnId {
        &self.turn_id
    }

    /// Returns the id of the turn's thread.
    pub fn thread_id(&self) -> &ThreadId {
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
        self.codex.check_open()?;
        let items = input.into().into_items()?;
        self.codex
            .turn_running(&self.thread_id, &self.turn_id)
            .await;
        let mut params = TurnSteerParams::new(self.turn_id.as_str(), items, &self.thread_id);
        self.codex.name_message(&mut params.client_user_message_id);
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

impl Codex {
    /// Interrupts a turn. One that is accepted and not yet running is interrupted once it runs;
    /// one that has completed counts as interrupted.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up, unless the request was sent.
    pub(crate) async fn interrupt_turn(&self, thread_id: &str, turn_id: &str) -> Result<()> {
        /// How long the runtime may take from the start of a turn to where it can be
        /// interrupted.
        const SETTLE: Duration = Duration::from_millis(50);
        const ATTEMPTS: u32 = 20;

        let mut attempt = 0;
        loop {
            self.turn_running(thread_id, turn_id).await;
            let known = self.phase(thread_id, turn_id).await != Phase::Unknown;
            let mut asking = pin!(self.request(TurnInterruptParams::new(
                ThreadId::from(thread_id),
                TurnId::from(turn_id)
            )));
            // The answer, or the end of the turn, after which no answer is needed.
            let answer = poll_fn(|cx| match asking.as_mut().poll(cx) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending if known => {
                    let over = self.connection().poll_over(thread_id, turn_id, cx);
                    over.map(|()| None)
                }
                Poll::Pending => Poll::Pending,
            });
            let Some(Err(refused)) = answer.await else {
                return Ok(());
            };
            // A turn that the runtime does not know any more is over, and one that it does not
            // know yet is known here.
            match refused.rpc().map(|error| error.kind()) {
                Some(RpcErrorKind::NoActiveTurn | RpcErrorKind::TurnMismatch) => {}
                _ => return Err(refused),
            }
            attempt += 1;
            if self.phase(thread_id, turn_id).await == Phase::Unknown {
                return Ok(());
            }
            if attempt == ATTEMPTS {
                return Err(refused);
            }
            sleep(SETTLE).await;
        }
    }

    /// Waits while a turn is accepted and does not run yet, no longer than for an answer: a
    /// runtime that never says that the turn runs is asked anyway.
    pub(crate) async fn turn_running(&self, thread_id: &str, turn_id: &str) {
        let running = poll_fn(
            |cx| match self.connection().poll_phase(thread_id, turn_id, cx) {
                Phase::Accepted => Poll::Pending,
                Phase::Running | Phase::Interrupted | Phase::Unknown => Poll::Ready(()),
            },
        );
        match self.connection().request_timeout() {
            Some(limit) => drop(timeout(limit, running).await),
            None => running.await,
        }
    }

    pub(super) async fn phase(&self, thread_id: &str, turn_id: &str) -> Phase {
        poll_fn(|cx| Poll::Ready(self.connection().poll_phase(thread_id, turn_id, cx))).await
    }
}
