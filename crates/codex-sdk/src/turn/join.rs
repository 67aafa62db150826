//! Joining turns that run, or have run.

use codex_types::{TurnId, TurnStatus};

use super::TurnHandle;
use super::inquiry::Inquiry;
use crate::thread::Thread;

impl Thread {
    /// Joins the turn that runs on this thread, as far as this client knows: by the events of the thread, and
    /// by what the runtime answered when it was resumed.
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// if let Some(turn) = thread.running() {
    ///     turn.interrupt().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Drop
    ///
    /// Dropping the handle leaves the turn alone.
    pub fn running(&self) -> Option<TurnHandle> {
        let connection = self.codex().connection();
        let turn = connection.running(self.id()).or_else(|| {
            let mut turns = self.info().thread.turns.iter().rev();
            let running = turns.find(|turn| turn.status == TurnStatus::InProgress)?;
            (!connection.is_over(&running.id)).then(|| running.id.clone())
        })?;
        Some(self.join_turn(turn))
    }

    /// Joins a turn of this thread that any client has started: its events from now on.
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// let turn = thread.turn("Refactor the parser.").await?;
    /// let id = turn.id().to_owned();
    /// turn.detach();
    /// // Later, and perhaps after its end:
    /// println!("{}", thread.join_turn(id).run().await?.text());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A turn that is over ends at once with what the runtime has stored of it
    /// (`thread/turns/list`): its completed items, then its completion; of its tokens nothing is
    /// stored. Where nothing is stored, as for a thread that is ephemeral or never had a turn, the
    /// handle ends with [`Error::TurnOver`](crate::Error::TurnOver). Nothing is asked before the handle is
    /// first read, and nothing at all about a turn that this client knows to run.
    ///
    /// # Drop
    ///
    /// Dropping the handle leaves the turn alone.
    pub fn join_turn(&self, turn_id: impl Into<TurnId>) -> TurnHandle {
        let turn_id = turn_id.into();
        let codex = self.codex().clone();
        let (events, runs) = codex.connection().join(self.id(), &turn_id);
        let inquiry = (!runs).then(|| Inquiry::new(codex.clone(), self.id(), &turn_id));
        TurnHandle {
            inquiry,
            ..TurnHandle::new(codex, events)
        }
    }
}

impl TurnHandle {
    /// Makes the handlers of this client answer for the turn, which another client of a remote runtime has started:
    /// they are asked what the runtime asks from here on, and what it has asked before and nobody has answered.
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// let turn = thread.join_turn("turn-1").approve();
    /// println!("{}", turn.run().await?.text());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// All clients that have the thread get its questions, and the first answer counts.
    #[cfg(feature = "remote")]
    #[cfg_attr(docsrs, doc(cfg(feature = "remote")))]
    pub fn approve(self) -> Self {
        let connection = self.control.codex().connection();
        connection.approve(self.id());
        self
    }
}
