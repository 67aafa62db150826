//! The blocking versions of streams.

use std::sync::Arc;

use codex_types::{Model, Thread, Turn};

use super::driver::Driver;
use crate::error::Result;
use crate::turn::TextDelta;
use crate::{pages, turn};

macro_rules! iterators {
    ($($(#[$doc:meta])* $name:ident of $item:ident from $stream:path;)*) => {
        $($(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            inner: $stream,
            driver: Arc<Driver>,
        }

        impl $name {
            pub(super) fn new(inner: $stream, driver: &Arc<Driver>) -> Self {
                let driver = Arc::clone(driver);
                Self { inner, driver }
            }
        }

        impl Iterator for $name {
            type Item = Result<$item>;

            fn next(&mut self) -> Option<Self::Item> {
                self.driver.next(&mut self.inner)
            }
        })*
    };
}

iterators! {
    /// The models of every page, made by [`ModelList::iter`](crate::request::ModelList::iter).
    ///
    /// The blocking version of [`Models`](crate::request::Models).
    #[must_use = "iterators do nothing unless they are read"]
    Models of Model from pages::Models;
    /// The stored threads of every page, made by
    /// [`ThreadList::iter`](crate::request::ThreadList::iter).
    ///
    /// The blocking version of [`Threads`](crate::request::Threads).
    #[must_use = "iterators do nothing unless they are read"]
    Threads of Thread from pages::Threads;
    /// The turns of a thread, made by [`Thread::turns`](super::Thread::turns).
    ///
    /// The blocking version of [`Turns`](crate::request::Turns).
    #[must_use = "iterators do nothing unless they are read"]
    Turns of Turn from pages::Turns;
    /// The text of the agent's messages as it is written, made by
    /// [`TurnHandle::text_deltas`](super::TurnHandle::text_deltas).
    ///
    /// Dropping it drops the handle of the turn.
    #[must_use = "a turn whose handle is dropped is interrupted"]
    TextDeltas of TextDelta from turn::TextDeltas;
}
