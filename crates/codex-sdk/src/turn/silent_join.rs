//! Starts on runtimes that do not tell that a start has joined the turn that runs.

use std::future::poll_fn;

use codex_runtime::Version;
use codex_types::{TurnId, TurnStartParams, TurnSteerParams};

use crate::client::Codex;
use crate::connection::TurnEvents;
use crate::error::{Error, Result, RpcErrorKind};
use crate::router::{Joining, Phase};

impl Codex {
    /// Tells whether the runtime answers a start that joins a turn with the id of a turn that never runs.
    pub(super) fn joins_silently(&self) -> bool {
        /// The first runtime that answers with the id of the turn that is joined.
        const TELLS: Version = Version::new(0, 151, 0);
        let version = self.server_info().version();
        version.is_none_or(|version| version < TELLS)
    }

    /// Starts a turn, or steers the one that runs on the thread, so that it is known which of both was done.
    ///
    /// # Errors
    ///
    /// [`Error::ThreadBusy`] where a turn runs that cannot take the options of this start.
    ///
    /// # Cancel safety
    ///
    /// As [`Codex::start_turn`]; a turn that is steered goes on.
    pub(super) async fn start_or_steer(&self, params: &TurnStartParams) -> Result<TurnEvents> {
        loop {
            let started = self.start_turn(params, Joining::Refused).await;
            let Err(Error::ThreadBusy { turn_id }) = started else {
                return started;
            };
            if let Some(events) = self.steer_running(params, &turn_id).await? {
                return Ok(events);
            }
            poll_fn(|cx| self.connection().poll_over(&params.thread_id, &turn_id, cx)).await;
        }
    }

    /// Steers a turn with the input of a start; `None` if the turn has ended, or does so without taking input.
    async fn steer_running(
        &self,
        params: &TurnStartParams,
        turn_id: &TurnId,
    ) -> Result<Option<TurnEvents>> {
        let steer = steering(params, turn_id).ok_or_else(|| Error::ThreadBusy {
            turn_id: turn_id.clone(),
        })?;
        let (events, _) = self.connection().join(&params.thread_id, turn_id);
        self.turn_running(&params.thread_id, turn_id).await;
        if self.phase(&params.thread_id, turn_id).await == Phase::Interrupted {
            return Ok(None);
        }
        match self.request(steer).await {
            Ok(_) => Ok(Some(events)),
            Err(refused) => match refused.rpc().map(|error| error.kind()) {
                Some(RpcErrorKind::NoActiveTurn | RpcErrorKind::TurnMismatch) => Ok(None),
                _ => Err(refused),
            },
        }
    }
}

/// Returns the request that steers a turn with all that a start asks for, if there is one.
fn steering(params: &TurnStartParams, turn_id: &TurnId) -> Option<TurnSteerParams> {
    let steer = TurnSteerParams {
        client_user_message_id: params.client_user_message_id.clone(),
        ..TurnSteerParams::new(turn_id.as_str(), params.input.clone(), &params.thread_id)
    };
    let carried = TurnStartParams {
        client_user_message_id: steer.client_user_message_id.clone(),
        ..TurnStartParams::new(steer.input.clone(), &steer.thread_id)
    };
    (carried == *params).then_some(steer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use codex_types::UserInput;

    #[test]
    fn a_start_with_options_cannot_be_a_steer() {
        let turn_id = TurnId::from("turn");
        let mut params = TurnStartParams::new([UserInput::text("go")], "thread");
        params.client_user_message_id = Some("message".into());
        let steer = steering(&params, &turn_id).unwrap();
        assert_eq!(steer.expected_turn_id, "turn");
        assert_eq!(steer.input, params.input);
        assert_eq!(steer.client_user_message_id, params.client_user_message_id);
        params.model = Some("gpt-5".into());
        assert_eq!(steering(&params, &turn_id), None);
    }
}
