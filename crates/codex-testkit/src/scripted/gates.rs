//! The stage of a script that is played over a pipe.

use std::collections::HashMap;

use super::player::{Act, Stage};
use crate::error::TestkitError;
use crate::gate::Gate;

/// The gates at which scripts hold, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Gates(HashMap<String, Gate>);

impl Gates {
    /// Returns the gate of this name, new if it must.
    pub(super) fn gate(&mut self, name: String) -> Gate {
        self.0.entry(name).or_default().clone()
    }
}

impl Stage for Gates {
    async fn hold(&self, gate: &str) -> Result<(), TestkitError> {
        match self.0.get(gate) {
            Some(gate) => gate.pass().await,
            None => Err(TestkitError::malformed(format!(
                "the script holds at the gate {gate:?}, which the test did not ask for before it was played, \
                 so that nobody can open it"
            ))),
        }
    }

    /// Over a pipe a script waits as long as it says.
    async fn cut_short(&self) {
        std::future::pending().await
    }

    fn act(&self, act: Act<'_>) -> Result<(), TestkitError> {
        match act {
            Act::CloseOutput | Act::Exit(_) => Ok(()),
            act => Err(TestkitError::malformed(format!(
                "only an executable can play {act:?}"
            ))),
        }
    }
}
