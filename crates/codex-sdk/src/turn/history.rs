//! The history of threads on runtimes that do not list turns.

use codex_types::{ThreadReadParams, Turn};

use crate::client::Codex;
use crate::error::{Error, Result};

/// Reads all turns of a thread at once, the newest first, `thread/read`; none where none are stored.
///
/// # Errors
///
/// As [`Codex::request`].
pub(super) async fn of_old_runtime(codex: &Codex, thread_id: &str) -> Result<Vec<Turn>> {
    let params = ThreadReadParams::new(thread_id).include_turns(true);
    match codex.request(params).await {
        Ok(read) => {
            let mut turns = read.thread.turns;
            turns.reverse();
            Ok(turns)
        }
        // It has had no turn yet, or stores none.
        Err(Error::Rpc { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
