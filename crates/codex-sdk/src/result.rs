//! The result of a turn.

use codex_types::{ThreadItem, ThreadTokenUsage, TokenUsageBreakdown, TurnError, TurnStatus};

/// The result of a turn: its status, its items and what it cost.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TurnResult {
    /// The id of the turn.
    pub id: String,
    /// How the turn ended.
    pub status: TurnStatus,
    /// Why it failed, if it did.
    pub error: Option<TurnError>,
    /// When it started, in seconds since the Unix epoch.
    pub started_at: Option<i64>,
    /// When it ended, in seconds since the Unix epoch.
    pub completed_at: Option<i64>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// The last agent message of phase `final_answer`, else the last one without a phase.
    pub final_response: Option<String>,
    /// Its completed items, in order. What an interruption or a failure cut off never completes, and
    /// is only among the events. A command that outlives the turn completes after it, and is then
    /// told by [`Codex::notifications`](crate::Codex::notifications).
    /// [`TurnHandle::run`](crate::TurnHandle::run) says which are left out after a long stream.
    pub items: Vec<ThreadItem>,
    /// The tokens that the thread had used when it ended, as the runtime said last: a turn that
    /// reached no model has those of the one before, and none if it was the first.
    /// [`TurnResult::turn_usage`] has those of the turn.
    pub usage: Option<ThreadTokenUsage>,
    /// The tokens of the turn alone.
    pub(crate) used: Option<TokenUsageBreakdown>,
}

impl TurnResult {
    /// Returns the final response, or nothing where there is none.
    pub fn text(&self) -> &str {
        self.final_response.as_deref().unwrap_or_default()
    }

    /// Returns the tokens that this turn has used, with all its requests to the model.
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// let result = thread.run("Describe this project.").await?;
    /// if let Some(used) = result.turn_usage() {
    ///     println!("{} tokens in, {} out", used.input_tokens, used.output_tokens);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The runtime tells totals of the thread after each request; this is how much they have
    /// grown. It is zero for a turn that used none, and `None` where the runtime told no totals,
    /// or where what the thread had used before is unknown: for a turn that was joined and whose
    /// beginning this client has not seen.
    pub fn turn_usage(&self) -> Option<TokenUsageBreakdown> {
        self.used.clone()
    }
}
