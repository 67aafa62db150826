//! Starting, joining, interrupting turns and logins: what `thread`, `turn` and `login` build on.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use codex_types::{
    LoginAccountParams, LoginAccountResponse, TurnInterruptParams, TurnStartParams,
    TurnStartResponse,
};
use tokio::time::{sleep, timeout};

#[cfg(test)]
mod tests;

use super::{Codex, encode};
use crate::connection::{LoginEvents, Opened, TurnEvents};
use crate::error::{Result, RpcErrorKind};
use crate::router::{Joining, OnAnswer, Phase};

impl Codex {
    /// Starts a turn, or joins the one that runs on the thread.
    ///
    /// Starts of one thread take turns, and wait for a compaction that this client has asked for;
    /// a start that waits has sent nothing. The queue of the turn opens as the request is sent, so
    /// that nothing is lost however early it comes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before the request is sent sends nothing. After that the turn that it
    /// may have started is interrupted as soon as it runs, unless somebody else reads it. The
    /// same goes for a start that times out.
    pub(crate) async fn start_turn(
        &self,
        params: &TurnStartParams,
        joining: Joining,
    ) -> Result<TurnEvents> {
        let on_answer = OnAnswer::OpenTurn {
            thread_id: params.thread_id.as_str().into(),
            joining,
        };
        let request = encode(params)?;
        let response = self.connection().request(request, on_answer).await?;
        match response.opened {
            Opened::Turn(events) => Ok(events),
            _ => Err(match response.decode::<TurnStartResponse>() {
                Err(error) => error,
                Ok(_) => response.unexpected("it names no turn"),
            }),
        }
    }

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
            let mut asking = pin!(self.request(TurnInterruptParams::new(thread_id, turn_id)));
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

    /// Starts a login; the second part waits for its completion, for the logins that have one.
    pub(crate) async fn start_login(
        &self,
        params: &LoginAccountParams,
    ) -> Result<(LoginAccountResponse, Option<LoginEvents>)> {
        let request = encode(params)?;
        let response = self
            .connection()
            .request(request, OnAnswer::OpenLogin)
            .await?;
        let result = response.decode()?;
        Ok(match response.opened {
            Opened::Login(events) => (result, Some(events)),
            _ => (result, None),
        })
    }

    /// Waits while a turn is accepted and does not run yet, no longer than for an answer: a
    /// runtime that never says that the turn runs is asked anyway.
    pub(crate) async fn turn_running(&self, thread_id: &str, turn_id: &str) {
        let running = poll_fn(
            |cx| match self.connection().poll_phase(thread_id, turn_id, cx) {
                Phase::Accepted => Poll::Pending,
                Phase::Running | Phase::Unknown => Poll::Ready(()),
            },
        );
        match self.connection().request_timeout() {
            Some(limit) => drop(timeout(limit, running).await),
            None => running.await,
        }
    }

    async fn phase(&self, thread_id: &str, turn_id: &str) -> Phase {
        poll_fn(|cx| Poll::Ready(self.connection().poll_phase(thread_id, turn_id, cx))).await
    }
}
