//! The blocking version of a turn.

use std::sync::Arc;

use codex_types::{ThreadId, TurnId};

use super::driver::Driver;
use super::iterators::TextDeltas;
use crate::error::Result;
use crate::event::Notification;
use crate::input::Input;
use crate::result::TurnResult;
use crate::turn;

/// A turn that runs, as an iterator over its events. The blocking version of
/// [`TurnHandle`](crate::TurnHandle).
///
/// Dropping the handle of a turn that has not completed asks the runtime to interrupt it, unless
/// this one joined it; nothing blocks. [`TurnHandle::detach`] lets it go on.
///
/// ```no_run
/// # fn example(thread: openai_codex::blocking::Thread) -> openai_codex::Result<()> {
/// use openai_codex::Notification;
///
/// for event in thread.turn("Fix the failing test.").send()? {
///     if let Notification::ItemAgentMessageDelta(delta) = event? {
///         print!("{}", delta.delta);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a turn whose handle is dropped is interrupted"]
pub struct TurnHandle {
    inner: turn::TurnHandle,
    driver: Arc<Driver>,
}

impl TurnHandle {
    pub(super) fn new(inner: turn::TurnHandle, driver: &Arc<Driver>) -> Self {
        let driver = Arc::clone(driver);
        Self { inner, driver }
    }

    /// Returns the id of the turn.
    pub fn id(&self) -> &TurnId {
        self.inner.id()
    }

    /// Returns the id of the turn's thread.
    pub fn thread_id(&self) -> &ThreadId {
        self.inner.thread_id()
    }

    /// Tells whether the turn was running before this handle, which then has the events from
    /// there on only.
    pub fn is_joined(&self) -> bool {
        self.inner.is_joined()
    }

    /// Goes through the text of the agent's messages as it is written.
    ///
    /// A failed turn ends it with [`Error::TurnFailed`](crate::Error::TurnFailed). For what the
    /// deltas add up to see [`crate::TurnHandle::text_deltas`].
    pub fn text_deltas(self) -> TextDeltas {
        TextDeltas::new(self.inner.text_deltas(), &self.driver)
    }

    /// Returns what steers and interrupts the turn while another thread reads it.
    pub fn control(&self) -> TurnControl {
        TurnControl {
            inner: self.inner.control(),
            driver: Arc::clone(&self.driver),
        }
    }

    /// Adds to what the agent was asked, while it works, `turn/steer`.
    ///
    /// # Errors
    ///
    /// As [`TurnControl::steer`](crate::TurnControl::steer).
    pub fn steer(&self, input: impl Into<Input>) -> Result<()> {
        self.driver.block_on(self.inner.steer(input))
    }

    /// Interrupts the turn, `turn/interrupt`.
    ///
    /// # Errors
    ///
    /// As [`TurnControl::interrupt`](crate::TurnControl::interrupt).
    pub fn interrupt(&self) -> Result<()> {
        self.driver.block_on(self.inner.interrupt())
    }

    /// Reads the turn to its end and returns its result, with the events that were read
    /// before.
    ///
    /// # Errors
    ///
    /// As [`TurnHandle::run`](crate::TurnHandle::run).
    pub fn run(self) -> Result<TurnResult> {
        self.driver.block_on(self.inner.run())
    }

    /// Makes the handlers of this client answer for the turn, which another client has started.
    ///
    /// As [`TurnHandle::approve`](crate::TurnHandle::approve).
    #[cfg(feature = "remote")]
    #[cfg_attr(docsrs, doc(cfg(feature = "remote")))]
    pub fn approve(self) -> Self {
        Self {
            inner: self.inner.approve(),
            ..self
        }
    }

    /// Lets the turn go on without this handle.
    pub fn detach(self) {
        self.inner.detach();
    }
}

impl Iterator for TurnHandle {
    type Item = Result<Notification>;

    fn next(&mut self) -> Option<Self::Item> {
        self.driver.next(&mut self.inner)
    }
}

/// Steers and interrupts a turn; clones can be sent anywhere. The blocking version of
/// [`TurnControl`](crate::TurnControl).
#[derive(Clone, Debug)]
pub struct TurnControl {
    inner: turn::TurnControl,
    driver: Arc<Driver>,
}

impl TurnControl {
    /// Returns the id of the turn.
    pub fn id(&self) -> &TurnId {
        self.inner.id()
    }

    /// Returns the id of the turn's thread.
    pub fn thread_id(&self) -> &ThreadId {
        self.inner.thread_id()
    }

    /// Adds to what the agent was asked, while it works, `turn/steer`.
    ///
    /// # Errors
    ///
    /// As [`TurnControl::steer`](crate::TurnControl::steer).
    pub fn steer(&self, input: impl Into<Input>) -> Result<()> {
        self.driver.block_on(self.inner.steer(input))
    }

    /// Interrupts the turn, `turn/interrupt`.
    ///
    /// # Errors
    ///
    /// As [`TurnControl::interrupt`](crate::TurnControl::interrupt).
    pub fn interrupt(&self) -> Result<()> {
        self.driver.block_on(self.inner.interrupt())
    }
}
