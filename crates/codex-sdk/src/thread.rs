//! Threads: conversations that the runtime keeps.

use std::fmt;
use std::sync::Arc;

use codex_types::{
    SortDirection, ThreadCompactStartParams, ThreadInjectItemsParams, ThreadReadParams,
    ThreadReadResponse, ThreadResumeParams, ThreadSetNameParams, ThreadTurnsListParams, Turn,
    TurnItemsView, TurnStartParams,
};
use futures_core::Stream;
use serde_json::json;
use tokio::sync::OnceCell;

mod info;
mod lifecycle;
mod options;

pub use info::ThreadInfo;

use crate::builder::Pages;
use options::{Outstanding, Overrides};

use crate::client::Codex;
use crate::connection::TurnEvents;
use crate::error::Result;
use crate::router::Joining;

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
    /// Set for a thread that was only unarchived: the runtime does not have it in memory, and it
    /// is resumed before it is needed there, once.
    resumed: Option<OnceCell<ThreadInfo>>,
    outstanding: Outstanding,
    instructions: Option<Instructions>,
}

/// Developer instructions for a thread whose history has others, or none; the runtime itself
/// applies them when it sums the history up.
struct Instructions {
    text: String,
    /// Set once they are in the history.
    sent: OnceCell<()>,
}

impl Thread {
    /// Makes a thread that the runtime has in memory, with the options that it has not applied.
    fn loaded(
        codex: Codex,
        info: ThreadInfo,
        overrides: Overrides,
        instructions: Option<String>,
    ) -> Self {
        let shared = Arc::new(Shared {
            info,
            resumed: None,
            outstanding: Outstanding::new(overrides),
            instructions: instructions.map(|text| Instructions {
                text,
                sent: OnceCell::new(),
            }),
        });
        Self { codex, shared }
    }

    /// Makes a thread that the runtime has only stored.
    fn unloaded(codex: Codex, info: ThreadInfo) -> Self {
        let shared = Arc::new(Shared {
            info,
            resumed: Some(OnceCell::new()),
            outstanding: Outstanding::default(),
            instructions: None,
        });
        Self { codex, shared }
    }

    /// Resumes the thread, unless the runtime has it in memory.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves it to the next one.
    pub(crate) async fn load(&self) -> Result<()> {
        if let Some(resumed) = &self.shared.resumed {
            let resume = || async {
                let params = ThreadResumeParams::new(self.id());
                self.codex.resume(params).await.map(ThreadInfo::from)
            };
            resumed.get_or_try_init(resume).await?;
        }
        Ok(())
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

    /// Starts a turn, with the options that were asked for when the thread was resumed and are
    /// not applied yet.
    pub(crate) async fn start(&self, mut params: TurnStartParams) -> Result<TurnEvents> {
        self.load().await?;
        self.instruct().await?;
        let outstanding = self.shared.outstanding.fill(&mut params);
        // A turn that runs has its options already.
        let joining = if outstanding {
            Joining::Refused
        } else {
            Joining::Allowed
        };
        let events = self.codex.start_turn(&params, joining).await?;
        if outstanding && !events.joined() {
            self.shared.outstanding.applied();
        }
        Ok(events)
    }

    /// Returns the id of the thread.
    pub fn id(&self) -> &str {
        &self.shared.info.thread.id
    }

    /// Returns what the runtime answered when the thread was started, resumed or forked, with the
    /// options that will hold from the next turn on in the place of those that it did not apply.
    pub fn info(&self) -> &ThreadInfo {
        let resumed = self.shared.resumed.as_ref().and_then(OnceCell::get);
        resumed.unwrap_or(&self.shared.info)
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
    /// use futures_util::TryStreamExt;
    ///
    /// let mut turns = thread.turns();
    /// while let Some(turn) = turns.try_next().await? {
    ///     println!("{} has {} items", turn.id, turn.items.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn turns(&self) -> impl Stream<Item = Result<Turn>> + Send + Unpin + use<> {
        let params = ThreadTurnsListParams::new(self.id())
            .items_view(TurnItemsView::Full)
            .sort_direction(SortDirection::Asc);
        Pages::new(self.codex.clone(), params)
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
        self.load().await?;
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
