//! A turn that happens once, however often it is asked for.

use std::future::IntoFuture;

use codex_types::{
    SortDirection, ThreadItem, ThreadTurnsListParams, Turn, TurnItemsView, TurnStatus,
};

use super::{TurnHandle, TurnStart, history};
use crate::error::{Error, Result};
use crate::input::Input;
use crate::pages::{Pending, Turns};
use crate::result::TurnResult;
use crate::thread::Thread;

/// How many turns of the history are asked for at a time.
const PAGE: u32 = 20;
/// What the agent is told after an interruption.
const GO_ON: &str = "You were interrupted. Go on with the task from where you were, and do not repeat what is done.";

/// What became of a turn that happens once, [`Thread::once`].
#[derive(Clone, Debug, PartialEq)]
pub enum Once {
    /// It was run now, or what an interruption had left of it.
    Ran(TurnResult),
    /// It was running, and is complete now. Its usage is counted from there.
    Joined(TurnResult),
    /// It was complete. Of its usage nothing is stored.
    AlreadyDone(TurnResult),
    /// It was interrupted, or failed, and is left so: [`IfInterrupted::Report`]. This is what there is of it.
    Interrupted(TurnResult),
}

impl Once {
    /// Returns the result, whichever it is.
    pub fn into_result(self) -> TurnResult {
        match self {
            Self::Ran(result)
            | Self::Joined(result)
            | Self::AlreadyDone(result)
            | Self::Interrupted(result) => result,
        }
    }
}

/// What is done about a turn that was interrupted, or that failed, before it was complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IfInterrupted {
    /// One more turn on the same thread tells the agent to go on.
    #[default]
    Continue,
    /// One more turn says the input again.
    Rerun,
    /// Nothing: [`Once::Interrupted`] has what there is.
    Report,
}

/// Runs a turn unless it was run; made by [`Thread::once`].
///
/// ```no_run
/// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
/// use openai_codex::Once;
/// use openai_codex::request::IfInterrupted;
///
/// let step = thread
///     .once("task-81/step-2", "Fix the failing test.")
///     .if_interrupted(IfInterrupted::Rerun)
///     .turn(|turn| turn.model("gpt-5"));
/// match step.await? {
///     Once::Ran(result) | Once::Joined(result) | Once::AlreadyDone(result) => {
///         println!("{}", result.text());
///     }
///     Once::Interrupted(partial) => println!("{} items", partial.items.len()),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a turn is run when this is awaited or sent"]
pub struct OnceStart<T = Thread> {
    pub(crate) start: TurnStart<T>,
    key: String,
    if_interrupted: IfInterrupted,
}

impl<T> OnceStart<T> {
    pub(crate) fn new(start: TurnStart<T>, key: String) -> Self {
        Self {
            start,
            key,
            if_interrupted: IfInterrupted::default(),
        }
    }

    /// Sets what is done if the turn was interrupted, or failed, before it was complete.
    pub fn if_interrupted(mut self, rule: IfInterrupted) -> Self {
        self.if_interrupted = rule;
        self
    }

    /// Sets options of the turn, where it is started; its `clientUserMessageId` is the key.
    pub fn turn(mut self, change: impl FnOnce(TurnStart<T>) -> TurnStart<T>) -> Self {
        self.start = change(self.start);
        self
    }

    /// Makes it one of another kind of thread.
    #[cfg(feature = "blocking")]
    pub(crate) fn on<U>(self, thread: impl FnOnce(T) -> U) -> OnceStart<U> {
        OnceStart {
            start: self.start.on(thread),
            key: self.key,
            if_interrupted: self.if_interrupted,
        }
    }
}

impl OnceStart {
    /// Starts the turn unless it was started, and returns its handle: to read its events, or to interrupt it.
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// let mut turn = thread.once("task-81/step-2", "Fix the failing test.").start().await?;
    /// while let Some(event) = turn.next().await {
    ///     println!("{}", event?.method());
    /// }
    /// let result = turn.run().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The handle of a turn that was found has [joined](TurnHandle::is_joined) it: dropping it interrupts nothing, and
    /// of a turn that is over it has the result and no events.
    ///
    /// # Errors
    ///
    /// As [`Thread::once`], but for the turn's own.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future interrupts the turn that it has started.
    pub async fn start(self) -> Result<TurnHandle> {
        Ok(match self.find_or_start().await? {
            Step::Ran(turn)
            | Step::Joined(turn)
            | Step::AlreadyDone(turn)
            | Step::Interrupted(turn) => turn,
        })
    }

    async fn find_or_start(self) -> Result<Step> {
        let thread = self.start.thread.clone();
        thread.codex().check_open()?;
        if self.key.is_empty() {
            return Err(Error::InvalidInput(
                "the key of a turn is empty: give one that names the step".into(),
            ));
        }
        // Two of the same key would otherwise both find nothing.
        let _guard = thread.codex().connection().once_guard(thread.id()).await;
        let Some(Found { attempt, turn }) = find(&thread, &self.key).await? else {
            return Ok(Step::Ran(self.start.client_message_id(self.key).await?));
        };
        let stored = thread.join_turn(turn.id.clone());
        match turn.status {
            TurnStatus::Completed => return Ok(Step::AlreadyDone(stored)),
            TurnStatus::InProgress => return Ok(Step::Joined(stored)),
            _ => {}
        }
        let mut start = self.start;
        match self.if_interrupted {
            IfInterrupted::Rerun => {}
            IfInterrupted::Continue => start.say(GO_ON.into()),
            IfInterrupted::Report => return Ok(Step::Interrupted(stored)),
        }
        let key = format!("{}#{}", self.key, attempt + 1);
        Ok(Step::Ran(start.client_message_id(key).await?))
    }
}

impl IntoFuture for OnceStart {
    type Output = Result<Once>;
    type IntoFuture = Pending<Once>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            Ok(match self.find_or_start().await? {
                Step::Ran(turn) => Once::Ran(turn.run().await?),
                Step::Joined(turn) => Once::Joined(turn.run().await?),
                Step::AlreadyDone(turn) => Once::AlreadyDone(turn.run().await?),
                Step::Interrupted(turn) => Once::Interrupted(match turn.run().await {
                    Ok(result) => result,
                    Err(Error::TurnFailed(failure)) => failure.result,
                    Err(error) => return Err(error),
                }),
            })
        })
    }
}

/// The handle of a turn that happens once, by what was found.
enum Step {
    Ran(TurnHandle),
    Joined(TurnHandle),
    AlreadyDone(TurnHandle),
    Interrupted(TurnHandle),
}

/// The last turn of a key.
struct Found {
    /// Counted from one.
    attempt: u32,
    turn: Turn,
}

/// Looks in the history for the last turn of a key.
///
/// # Errors
///
/// Those of reading it: what cannot be read may hold the turn.
async fn find(thread: &Thread, key: &str) -> Result<Option<Found>> {
    let params = ThreadTurnsListParams::new(thread.id())
        .items_view(TurnItemsView::Full)
        .sort_direction(SortDirection::Desc)
        .limit(PAGE);
    let mut turns = Turns::new(thread.codex().clone(), params);
    while let Some(turn) = turns.next().await {
        let turn = match turn {
            Ok(turn) => turn,
            // A runtime that lists no turns reads all of them.
            Err(Error::UnsupportedRuntime { .. }) => {
                let read = history::of_old_runtime(thread.codex(), thread.id()).await?;
                return Ok(read.into_iter().find_map(|turn| found(turn, key)));
            }
            Err(error) => return Err(error),
        };
        if let Some(found) = found(turn, key) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn found(turn: Turn, key: &str) -> Option<Found> {
    let attempts = turn.items.iter().filter_map(|item| match item {
        ThreadItem::UserMessage(said) => attempt_of(said.client_id.as_deref()?, key),
        _ => None,
    });
    let attempt = attempts.max()?;
    Some(Found { attempt, turn })
}

/// Returns the number of the attempt that a message begins, if it is one of the key.
fn attempt_of(message: &str, key: &str) -> Option<u32> {
    match message.strip_prefix(key)? {
        "" => Some(1),
        rest => rest.strip_prefix('#')?.parse().ok(),
    }
}

impl Thread {
    /// Runs a turn unless it was run: the result is the same however often it is asked for, also by another process
    /// after a crash.
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// let step = thread.once("task-81/step-2", "Fix the failing test.").await?;
    /// println!("{}", step.into_result().text());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The key goes with the message (`clientUserMessageId`) and is looked for in the history first
    /// (`thread/turns/list`), which costs a page of turns for every twenty of the thread. A turn that is found is read,
    /// joined, or, after an interruption or a failure, taken up as [`OnceStart::if_interrupted`] says: its key is then
    /// followed by `#2`, `#3` and so on. The input counts only where the key is new.
    ///
    /// It needs a thread that is stored, and one client that asks for the key: the runtime lets one process write a
    /// thread, and the calls of this client wait for each other. Two clients of one remote runtime do not.
    ///
    /// # Errors
    ///
    /// Awaiting it fails with [`Error::InvalidInput`] for an empty key; with what reading the history fails with,
    /// before anything is sent; else as [`TurnStart::run`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future interrupts the turn that it has started, and leaves one that it has joined.
    pub fn once(&self, key: impl Into<String>, input: impl Into<Input>) -> OnceStart {
        let input: Input = input.into();
        OnceStart::new(self.turn(input), key.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_numbered_after_their_key() {
        assert_eq!(attempt_of("task-1", "task-1"), Some(1));
        assert_eq!(attempt_of("task-1#2", "task-1"), Some(2));
        assert_eq!(attempt_of("task-12", "task-1"), None);
        assert_eq!(attempt_of("task-1#x", "task-1"), None);
        assert_eq!(attempt_of("task", "task-1"), None);
    }
}
