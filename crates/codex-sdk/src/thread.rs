//! Threads: conversations that the runtime keeps.

use std::fmt;
use std::sync::Arc;

use codex_types::{
    SortDirection, ThreadCompactStartParams, ThreadId, ThreadInjectItemsParams, ThreadReadParams,
    ThreadReadResponse, ThreadSetNameParams, ThreadTurnsListParams, TurnItemsView, TurnStartParams,
};
use serde_json::json;
use tokio::sync::OnceCell;

mod applied;
mod archive;
mod bundle;
mod fork;
#[cfg(feature = "remote")]
mod held;
mod info;
mod list;
pub(crate) mod options;
mod resume;
mod start;
#[cfg(feature = "remote")]
mod take_over;
mod tools;

pub use bundle::ThreadBundle;
pub use fork::ThreadFork;
pub use info::ThreadInfo;
pub use list::ThreadList;
pub use resume::ThreadResume;
pub use start::ThreadStart;

use crate::client::Codex;
use crate::error::Result;
use crate::pages::Turns;
use applied::{Asked, Outstanding, Overrides};

/// A conversation that the runtime keeps: turns are started on it, one after another.
///
/// It is made by [`Codex::thread_start`] and its like. Clones are the same thread. It keeps the
/// client alive; dropping it leaves the thread where it is, and
/// [`Codex::thread_resume`] finds it again.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// let thread = codex.thread_start().await?;
/// println!("{}", thread.run("Describe this project.").await?.text());
/// println!("{}", thread.run("And in one word?").await?.text());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Thread {
    codex: Codex,
    shared: Arc<Shared>,
}

struct Shared {
    info: ThreadInfo,
    outstanding: Outstanding,
    instructions: Option<Instructions>,
    /// Keeps the thread among those that are resumed after a lost connection.
    #[cfg(feature = "remote")]
    held: Option<crate::connection::HeldThread>,
}

/// Developer instructions for a thread whose history has others, or none; the runtime itself
/// applies them when it sums the history up.
struct Instructions {
    text: String,
    /// Set once they are in the history.
    sent: OnceCell<()>,
}

impl Thread {
    /// Makes the handle of a thread that [`Codex::request`] has started, resumed or forked, with
    /// options that no builder offers.
    ///
    /// What was asked for is not compared with the answer, as awaiting the builders does; see
    /// [`ThreadResume`].
    ///
    /// ```no_run
    /// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
    /// use openai_codex::{Thread, types};
    ///
    /// // The handlers of the client are asked about every command that is not known to be harmless.
    /// let params = types::ThreadStartParams::default()
    ///     .approval_policy(types::AskForApproval::Untrusted)
    ///     .approvals_reviewer(types::ApprovalsReviewer::User);
    /// let thread = Thread::attach(&codex, codex.request(params).await?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn attach(codex: &Codex, answer: impl Into<ThreadInfo>) -> Self {
        Self::new(codex.clone(), answer.into(), Overrides::default(), None)
    }

    /// Makes the handle of a thread from the answer to what was asked.
    fn answered(codex: Codex, asked: Asked, answer: impl Into<ThreadInfo>) -> Result<Self> {
        let mut info = answer.into();
        #[cfg(feature = "remote")]
        let config = asked.config();
        let (overrides, instructions) = asked.compare(&mut info)?;
        let thread = Self::new(codex, info, overrides, instructions);
        #[cfg(feature = "remote")]
        thread.keep_config(config);
        Ok(thread)
    }

    /// Makes a thread that the runtime has in memory, with the options that it has not applied.
    fn new(
        codex: Codex,
        info: ThreadInfo,
        overrides: Overrides,
        instructions: Option<String>,
    ) -> Self {
        let shared = Arc::new(Shared {
            #[cfg(feature = "remote")]
            held: codex
                .connection()
                .hold(&info.thread.id, held::settings(&info)),
            info,
            outstanding: Outstanding::new(overrides),
            instructions: instructions.map(|text| Instructions {
                text,
                sent: OnceCell::new(),
            }),
        });
        Self { codex, shared }
    }

    /// Adds the developer instructions of a resume or a fork to the history, once.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before the answer leaves it to the next one.
    async fn instruct(&self) -> Result<()> {
        if let Some(instructions) = &self.shared.instructions {
            let inject = || async {
                let message = json!({
                    "type": "message", "role": "developer",
                    "content": [{"type": "input_text", "text": instructions.text}],
                });
                let params = ThreadInjectItemsParams::new([message], self.id());
                self.codex.request(params).await.map(|_| ())
            };
            instructions.sent.get_or_try_init(inject).await?;
        }
        Ok(())
    }

    /// Adds to a turn the options that were asked for when the thread was resumed and are not
    /// applied yet; tells whether there are any.
    ///
    /// # Errors
    ///
    /// Those of the request that adds the developer instructions to the history.
    pub(crate) async fn prepare(&self, params: &mut TurnStartParams) -> Result<bool> {
        self.instruct().await?;
        let outstanding = self.shared.outstanding.fill(params);
        #[cfg(feature = "remote")]
        let outstanding = outstanding
            | self
                .shared
                .held
                .as_ref()
                .is_some_and(|held| held.restore(params));
        Ok(outstanding)
    }

    /// Forgets the options that [`Thread::prepare`] adds: a turn has applied these.
    pub(crate) fn options_applied(&self, _params: &TurnStartParams) {
        self.shared.outstanding.applied();
        #[cfg(feature = "remote")]
        if let Some(held) = &self.shared.held {
            held.settled(_params);
        }
    }

    /// Returns the id of the thread.
    pub fn id(&self) -> &ThreadId {
        &self.shared.info.thread.id
    }

    /// Returns what the runtime answered when the thread was started, resumed or forked, with the
    /// options that will hold from the next turn on in the place of those that it did not apply.
    pub fn info(&self) -> &ThreadInfo {
        &self.shared.info
    }

    /// Reads the thread without its turns, `thread/read`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`].
    pub async fn read(&self) -> Result<ThreadReadResponse> {
        let params = ThreadReadParams::new(self.id()).include_turns(false);
        self.codex.request(params).await
    }

    /// Reads the thread with all of its turns and their items, `thread/read`.
    ///
    /// The runtime refuses it for a thread that has not had a turn yet.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`].
    pub async fn read_with_turns(&self) -> Result<ThreadReadResponse> {
        let params = ThreadReadParams::new(self.id()).include_turns(true);
        self.codex.request(params).await
    }

    /// Streams the turns of the thread, oldest first and with their items, `thread/turns/list`.
    ///
    /// A page is asked for when the turns of the one before have been read. An error ends the
    /// stream. A thread that has not had a turn yet has none; one that is ephemeral stores none,
    /// and the runtime refuses to list them.
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// let mut turns = thread.turns();
    /// while let Some(turn) = turns.next().await {
    ///     let turn = turn?;
    ///     println!("{} has {} items", turn.id, turn.items.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn turns(&self) -> Turns {
        let params = ThreadTurnsListParams::new(self.id())
            .items_view(TurnItemsView::Full)
            .sort_direction(SortDirection::Asc);
        Turns::new(self.codex.clone(), params)
    }

    /// Names the thread, `thread/name/set`.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`].
    pub async fn set_name(&self, name: impl Into<String>) -> Result<()> {
        let params = ThreadSetNameParams::new(name, self.id());
        self.codex.request(params).await?;
        Ok(())
    }

    /// Begins to sum up the history, to make room in the model's context, `thread/compact/start`.
    ///
    /// It returns when the runtime has begun; the work runs as a turn, whose events are among
    /// [`Codex::notifications`].
    ///
    /// # Errors
    ///
    /// As [`Codex::request`].
    pub async fn compact(&self) -> Result<()> {
        let params = ThreadCompactStartParams::new(self.id());
        self.codex.request(params).await?;
        Ok(())
    }

    /// Returns the client that the thread is of.
    pub(crate) fn codex(&self) -> &Codex {
        &self.codex
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}
