//! Turns: what the agent does about one input, as a stream of events.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use codex_types::{ThreadId, TurnId};
use futures_core::Stream;

mod collect;
mod control;
mod history;
mod inquiry;
mod join;
mod once;
mod output;
mod silent_join;
mod start;
#[cfg(test)]
mod tests;
mod text;
#[cfg(feature = "schemars")]
mod typed;

pub use control::TurnControl;
pub use once::{IfInterrupted, Once, OnceStart};
pub use start::TurnStart;
pub use text::{TextDelta, TextDeltas};
#[cfg(feature = "schemars")]
pub use typed::{Typed, TypedResult};

use crate::client::Codex;
use crate::connection::{Cut, Exceeded, TurnEvents};
use crate::error::{BudgetExceeded, Error, Result, TurnFailure};
use crate::event::Notification;
use crate::input::{Input, RunInput};
use crate::names::TURN_COMPLETED;
use crate::result::TurnResult;
use crate::router::{Kind, Routed};
use crate::thread::Thread;
use collect::Collector;
use inquiry::{Inquiry, Standing};

/// A turn that runs, as a stream of its events.
///
/// The events come in wire order, from the start of the turn to its `turn/completed`, which is
/// the last one. If the connection ends first, the last one is an [`Error::Closed`]. What cannot
/// be decoded comes as [`Notification::Unknown`].
///
/// The runtime sends no delta for the first piece of a command's output: the item, when it is
/// completed, has all of it (`aggregated_output`). The `diff` of a file that was added or deleted is
/// the file's content.
///
/// Reading late loses nothing: what is not read is kept, and deltas of one item are joined when
/// there are many.
///
/// ```no_run
/// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
/// use openai_codex::Notification;
///
/// let mut turn = thread.turn("Fix the failing test.").await?;
/// while let Some(event) = turn.next().await {
///     if let Notification::ItemAgentMessageDelta(delta) = event? {
///         print!("{}", delta.delta);
///     }
/// }
/// let result = turn.run().await?;
/// println!("{} items", result.items.len());
/// # Ok(())
/// # }
/// ```
///
/// # Drop
///
/// Dropping the handle of a turn that has not completed asks the runtime to interrupt it, unless
/// another handle reads it or this one joined it; nothing blocks. [`TurnHandle::detach`] lets it
/// go on. A command that runs then goes on as [`TurnControl::interrupt`] says.
#[must_use = "a turn whose handle is dropped is interrupted"]
pub struct TurnHandle {
    control: TurnControl,
    events: TurnEvents,
    collector: Collector,
    /// Set while it is not known whether the turn, which this handle joined, is over.
    inquiry: Option<Inquiry>,
    /// Set once the turn has ended without its completion.
    lost: Option<Box<TurnFailure>>,
    /// What the turn has used too much of, if it has a budget.
    exceeded: Option<Exceeded>,
    span: tracing::Span,
}

impl TurnHandle {
    fn new(codex: Codex, events: TurnEvents) -> Self {
        let (thread, turn) = (events.thread_id(), events.turn_id());
        let used = codex.connection().turn_usage(thread, turn, events.joined());
        Self {
            span: tracing::debug_span!("turn", thread, turn, joined = events.joined()),
            control: TurnControl::new(codex, thread, turn),
            collector: Collector::new(used),
            events,
            inquiry: None,
            lost: None,
            exceeded: None,
        }
    }

    /// Returns the id of the turn.
    pub fn id(&self) -> &TurnId {
        self.control.id()
    }

    /// Returns the id of the turn's thread.
    pub fn thread_id(&self) -> &ThreadId {
        self.control.thread_id()
    }

    /// Tells whether the turn was running before this handle, which then has the events from
    /// there on only.
    pub fn is_joined(&self) -> bool {
        self.events.joined()
    }

    /// Waits for the next event; `None` after the last one.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`], once, if the connection ends before the turn does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Notification>> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Streams the text of the agent's messages as it is written.
    ///
    /// What the deltas of a message add up to is its text, also where the provider of the model
    /// sends no deltas or not all of them: the rest comes when the message is complete. Text that
    /// comes once more, after a connection to the model that broke and was made again, is left out;
    /// [`TextDelta::restarted`] says where it comes differently. A message that had begun before
    /// this handle joined, or that [`TurnHandle::next`] has returned parts of, comes whole when it is
    /// complete.
    ///
    /// A failed turn ends the stream with [`Error::TurnFailed`]. The result too is had by reading
    /// the events with [`TurnHandle::next`] and then calling [`TurnHandle::run`].
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// use futures_util::TryStreamExt;
    /// use openai_codex::types::MessagePhase;
    ///
    /// let mut text = thread.turn("Describe this project.").await?.text_deltas();
    /// while let Some(delta) = text.try_next().await? {
    ///     // The answer alone, without commentary on the way to it.
    ///     if delta.phase != Some(MessagePhase::Commentary) {
    ///         print!("{delta}");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn text_deltas(self) -> TextDeltas {
        TextDeltas::new(self)
    }

    /// Returns what steers and interrupts the turn while another task reads it.
    pub fn control(&self) -> TurnControl {
        self.control.clone()
    }

    /// Adds to what the agent was asked, while it works, `turn/steer`.
    ///
    /// # Errors
    ///
    /// As [`TurnControl::steer`].
    pub async fn steer(&self, input: impl Into<Input>) -> Result<()> {
        self.control.steer(input).await
    }

    /// Interrupts the turn, `turn/interrupt`.
    ///
    /// # Errors
    ///
    /// As [`TurnControl::interrupt`].
    pub async fn interrupt(&self) -> Result<()> {
        self.control.interrupt().await
    }

    /// Reads the turn to its end, and returns its result.
    ///
    /// The result is that of the whole turn, also after [`TurnHandle::next`]. Only items that `next`
    /// has returned are left out if they come to more than 4 MiB, for they are copies, and a
    /// stream of a long turn must not fill the memory with what its consumer has already. A
    /// handle that joined the turn knows what came since then.
    ///
    /// # Errors
    ///
    /// [`Error::TurnFailed`] if the turn failed; [`Error::BudgetExceeded`] if it used more than its budget;
    /// [`Error::Closed`] if the connection ended first; [`Error::Decode`] if the completion cannot be
    /// understood. An interrupted turn is no error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the handle.
    pub async fn run(mut self) -> Result<TurnResult> {
        while let Some(event) = poll_fn(|cx| self.poll_uncollected(cx)).await {
            self.collector.absorb(event?);
        }
        self.result()
    }

    /// Lets the turn go on without this handle.
    pub fn detach(self) {
        self.events.detach();
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Notification>>> {
        let event = self.poll_uncollected(cx);
        if let Poll::Ready(Some(Ok(event))) = &event {
            self.collector.observe(event);
        }
        event
    }

    fn poll_uncollected(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Notification>>> {
        let span = self.span.clone();
        let _entered = span.enter();
        let standing = match &mut self.inquiry {
            Some(inquiry) => inquiry.poll(cx),
            None => return self.poll_events(cx),
        };
        match standing {
            Poll::Pending => {}
            Poll::Ready(Ok(Standing::Runs)) => self.inquiry = None,
            Poll::Ready(Ok(Standing::Over)) => {
                // What the runtime sent before it answered comes first.
                if let Poll::Ready(event) = self.poll_events(cx) {
                    return Poll::Ready(event);
                }
                let past = self.inquiry.as_mut().and_then(Inquiry::next_past);
                if past.is_none() {
                    self.end_inquiry();
                }
                return Poll::Ready(past.map(Ok));
            }
            Poll::Ready(Err(error)) => {
                self.end_inquiry();
                return Poll::Ready(Some(Err(error)));
            }
        }
        self.poll_events(cx)
    }

    fn end_inquiry(&mut self) {
        self.inquiry = None;
        self.events.end();
    }

    fn poll_events(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Notification>>> {
        Poll::Ready(match ready!(self.events.poll_next(cx)) {
            Some(Ok(event)) => {
                if event.kind() == Kind::TurnCompleted {
                    self.inquiry = None;
                } else if let Some(inquiry) = &mut self.inquiry {
                    inquiry.observe(&event);
                }
                Some(Ok(event))
            }
            Some(Err(Cut::Closed(reason))) => Some(Err(Error::Closed(reason))),
            Some(Err(Cut::Lost(lost))) => {
                self.collector.lose(self.control.id(), lost);
                Some(Err(match self.result() {
                    Err(Error::TurnFailed(failure)) => {
                        self.lost = Some(failure.clone());
                        Error::TurnFailed(failure)
                    }
                    Err(error) => error,
                    Ok(_) => unfinished(),
                }))
            }
            None => None,
        })
    }

    /// Returns the result of the turn, once its events have been read.
    fn result(&mut self) -> Result<TurnResult> {
        if let Some(failure) = &self.lost {
            return Err(Error::TurnFailed(failure.clone()));
        }
        let outcome = std::mem::take(&mut self.collector).finish();
        let outcome = outcome.unwrap_or_else(|| {
            let connection = self.control.codex().connection();
            Err(connection.closed().map_or_else(unfinished, Error::Closed))
        });
        let outcome = outcome.and_then(|result| self.within_budget(result));
        let _entered = self.span.enter();
        match &outcome {
            Ok(result) => tracing::debug!(status = %result.status, "the turn has ended"),
            Err(error) => tracing::debug!(%error, "the turn has ended"),
        }
        outcome
    }
}

impl TurnHandle {
    /// Passes the result of a turn on, unless the turn has used more than its budget.
    fn within_budget(&self, result: TurnResult) -> Result<TurnResult> {
        match self.exceeded.as_ref().and_then(|exceeded| exceeded.get()) {
            Some(excess) => Err(Error::BudgetExceeded(Box::new(BudgetExceeded {
                limit: excess.limit,
                used: excess.used,
                result,
            }))),
            None => Ok(result),
        }
    }
}

/// The error of a turn whose end was told before.
fn unfinished() -> Error {
    Error::UnexpectedResponse {
        method: TURN_COMPLETED.into(),
        reason: "the turn ended without it".into(),
        raw: None,
    }
}

impl Stream for TurnHandle {
    type Item = Result<Notification>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_event(cx)
    }
}

impl fmt::Debug for TurnHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnHandle")
            .field("id", &self.id())
            .field("thread_id", &self.thread_id())
            .finish_non_exhaustive()
    }
}

impl Thread {
    /// Prepares a turn, `turn/start`: `.await` starts it, [`TurnStart::run`] runs it to its end.
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// use openai_codex::Sandbox;
    ///
    /// let turn = thread
    ///     .turn("Fix the failing test.")
    ///     .sandbox(Sandbox::WorkspaceWrite)
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// On a thread with a running turn the input joins that turn; the options hold from the next turn
    /// on.
    pub fn turn(&self, input: impl Into<RunInput>) -> TurnStart {
        TurnStart::new(self.clone(), input.into())
    }

    /// Runs a turn to its end.
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// let result = thread.run("Describe this project.").await?;
    /// println!("{}", result.text());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// On a thread with a running turn it joins that turn, as [`Thread::turn`] does: both results are
    /// then those of the one turn.
    ///
    /// # Errors
    ///
    /// As [`TurnStart::run`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future interrupts the turn.
    pub async fn run(&self, input: impl Into<RunInput>) -> Result<TurnResult> {
        self.turn(input).run().await
    }
}
