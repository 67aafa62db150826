//! What a tool knows of a call beside its arguments.

use std::fmt;

use codex_types::{DynamicToolCallParams, ThreadId, TurnId};
use tokio::sync::watch;

/// A call of a tool: where it comes from, and when it ends. Clones are the same call.
#[derive(Clone)]
pub struct ToolCall {
    thread_id: ThreadId,
    turn_id: TurnId,
    call_id: String,
    ended: watch::Receiver<()>,
}

impl ToolCall {
    /// Makes a call that ends when the sender is dropped.
    pub(super) fn new(params: &DynamicToolCallParams) -> (Self, watch::Sender<()>) {
        let (running, ended) = watch::channel(());
        let call = Self {
            thread_id: params.thread_id.clone(),
            turn_id: params.turn_id.clone(),
            call_id: params.call_id.clone(),
            ended,
        };
        (call, running)
    }

    /// Returns the id of the thread.
    pub fn thread_id(&self) -> &ThreadId {
        &self.thread_id
    }

    /// Returns the id of the turn.
    pub fn turn_id(&self) -> &TurnId {
        &self.turn_id
    }

    /// Returns the id of the call, which is that of its item; the model makes it, so it is unique in a thread only
    /// if the model makes it so.
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// Waits until no answer is wanted any more: the turn is over or interrupted, the connection has ended, or the
    /// closure has answered.
    ///
    /// The closure is dropped then anyway; this is for what it has started elsewhere.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn cancelled(&self) {
        // Nothing is ever sent; the end of the sender is the news.
        let _ = self.ended.clone().changed().await;
    }
}

impl fmt::Debug for ToolCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolCall")
            .field("thread_id", &self.thread_id)
            .field("turn_id", &self.turn_id)
            .field("call_id", &self.call_id)
            .finish_non_exhaustive()
    }
}
